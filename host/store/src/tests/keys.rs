use std::sync::Arc;
use std::time::Duration;

use sluice_domain::{Clock as _, StoreError};

use super::{StoppedClock, SystemRandom, name, vault};
use crate::{ApiKeys, KeyRefused, NewApiKey, Store};

fn keys(dir: &std::path::Path, clock: &Arc<StoppedClock>) -> ApiKeys {
    let store = Store::open(dir, vault(1), Arc::clone(clock) as _).unwrap();
    ApiKeys::open(store, Arc::clone(clock) as _, Arc::new(SystemRandom)).unwrap()
}

#[test]
fn a_token_opens_what_its_key_allows_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let clock = StoppedClock::new();
    let (made, token) = keys(dir.path(), &clock)
        .create(NewApiKey {
            name: "bot of the shop".to_owned(),
            scopes: vec!["call".to_owned()],
            accounts: vec![name("a")],
            methods: vec!["messages.*".to_owned()],
            expires_at: None,
        })
        .unwrap();
    let shape: Vec<_> = token.expose().split('_').collect();
    assert_eq!((shape.len(), shape[0], shape[1]), (3, "slc", &*made.id));
    assert_eq!(shape[2].len(), 43);
    assert!(token.expose().len() > 50);

    let keys = keys(dir.path(), &clock);
    assert_eq!(*keys.authenticate(token.expose()).unwrap(), made);
    assert_eq!(keys.list().len(), 1);
}

#[test]
fn anything_but_the_token_is_unknown() {
    let dir = tempfile::tempdir().unwrap();
    let keys = keys(dir.path(), &StoppedClock::new());
    let (key, token) = keys.create(NewApiKey::default()).unwrap();
    let (_, other) = keys.create(NewApiKey::default()).unwrap();
    let token = token.expose();
    let foreign = format!(
        "slc_{}_{}",
        key.id,
        other.expose().split('_').nth(2).unwrap()
    );
    let unknown = format!("slc_zzzzzzzz_{}", token.split('_').nth(2).unwrap());
    let mut flipped = token.clone();
    let last = if flipped.pop() == Some('0') { '1' } else { '0' };
    flipped.push(last);
    for wrong in [
        "",
        "slc_",
        "slc__",
        &key.id,
        &token[..token.len() - 1],
        &format!("{token}0"),
        &format!(" {token}"),
        &token.to_lowercase(),
        &foreign,
        &unknown,
        &flipped,
    ] {
        assert_eq!(
            keys.authenticate(wrong).map(|_| ()),
            Err(KeyRefused::Unknown),
            "{wrong:?}"
        );
    }
}

#[test]
fn revocation_and_expiry_take_effect_at_once_and_last() {
    let dir = tempfile::tempdir().unwrap();
    let clock = StoppedClock::new();
    let end = clock.now().plus(1000);
    let first = keys(dir.path(), &clock);
    let (revoked, revoked_token) = first.create(NewApiKey::default()).unwrap();
    let (short, short_token) = first
        .create(NewApiKey {
            expires_at: Some(end),
            ..NewApiKey::default()
        })
        .unwrap();
    assert_eq!(first.still_good(&revoked.id), Ok(()));
    first.revoke(&revoked.id).unwrap();
    first.revoke(&revoked.id).unwrap();
    assert!(matches!(
        first.revoke("nosuchid"),
        Err(StoreError::Missing(_))
    ));
    assert_eq!(first.still_good(&short.id), Ok(()));
    clock.advance(Duration::from_secs(1));
    let second = keys(dir.path(), &clock);
    for keys in [first, second] {
        assert_eq!(keys.still_good(&revoked.id), Err(KeyRefused::Revoked));
        assert_eq!(keys.still_good(&short.id), Err(KeyRefused::Expired));
        let refused = |token| keys.authenticate(token).map(|_| ()).unwrap_err();
        assert_eq!(refused(revoked_token.expose()), KeyRefused::Revoked);
        assert_eq!(refused(short_token.expose()), KeyRefused::Expired);
    }
}
