use sluice_domain::{
    AccountKind, AccountState, AuthorizationId, AuthorizationRole, DcKey, Environment, EventFilter,
    EventLog as _, PeerKind, PeerRecord, RotationRecord, RotationStatus, Secret, SessionStore as _,
    StoreError, UpdateState, UpdateStep,
};

use super::{START, account, event, name, open};

fn key(dc: i32, fill: u8, authorized: bool) -> DcKey {
    DcKey {
        dc,
        key: Secret::new(vec![fill; 256]),
        salt: -5,
        time_offset: 3,
        authorized,
        session: None,
    }
}

#[test]
fn an_account_comes_back_after_a_restart_as_it_was_saved() {
    let dir = tempfile::tempdir().unwrap();
    {
        let store = open(dir.path());
        store.insert_account(&account("a")).unwrap();
        let mut bot = account("b");
        bot.kind = AccountKind::Bot;
        store.insert_account(&bot).unwrap();
        bot.api = None;
        bot.environment = Some(Environment::Custom);
        bot.state = AccountState::Parked;
        bot.state_reason = Some("PEER_FLOOD".to_owned());
        bot.user_id = Some(i64::MAX);
        bot.bot_token = Some(Secret::new("1:token".to_owned()));
        bot.proxy = Some(Secret::new("socks5://a:word@b".to_owned()));
        store.save_account(&bot, &[event(Some("b"), "x")]).unwrap();
    }
    let store = open(dir.path());
    let accounts = store.accounts().unwrap();
    let [a, b] = &accounts[..] else {
        panic!("{} accounts", accounts.len())
    };
    let (id, hash) = a.api.as_ref().unwrap();
    assert_eq!((*id, hash.expose().as_str()), (17, "hash-of-17"));
    assert_eq!((b.kind, b.state), (AccountKind::Bot, AccountState::Parked));
    assert_eq!(b.state_reason.as_deref(), Some("PEER_FLOOD"));
    assert_eq!(b.environment, Some(Environment::Custom));
    assert_eq!((b.user_id, b.created_at), (Some(i64::MAX), START));
    assert_eq!(b.bot_token.as_ref().unwrap().expose(), "1:token");
    assert_eq!(b.proxy.as_ref().unwrap().expose(), "socks5://a:word@b");
    assert!(b.api.is_none());
    assert_eq!(b.device, a.device);
    // The event was logged with it.
    assert_eq!(store.bounds().unwrap().0.0, 1);
}

#[test]
fn no_secret_stands_readable_in_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut bot = account("b");
    bot.bot_token = Some(Secret::new("1:planted-token".to_owned()));
    bot.proxy = Some(Secret::new("socks5://a:planted-word@b".to_owned()));
    bot.api = Some((1, Secret::new("planted-hash".to_owned())));
    store.insert_account(&bot).unwrap();
    let id = store
        .create_authorization(&bot.name, AuthorizationRole::Current, 2, START)
        .unwrap()
        .id;
    let mut planted = key(2, 0, true);
    planted.key = Secret::new(b"planted-key ".repeat(22)[..256].to_vec());
    store.save_key(id, &planted).unwrap();
    for file in std::fs::read_dir(dir.path()).unwrap() {
        let file = file.unwrap().path();
        let bytes = std::fs::read(&file).unwrap();
        let found = bytes.windows(7).any(|window| window == b"planted");
        assert!(!found, "{}", file.display());
    }
}

#[test]
fn names_are_unique_until_deleted_and_a_purge_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let a = account("a");
    store.insert_account(&a).unwrap();
    assert!(matches!(
        store.insert_account(&a),
        Err(StoreError::Exists(_))
    ));
    let old = store
        .create_authorization(&a.name, AuthorizationRole::Current, 2, START)
        .unwrap();
    store.save_key(old.id, &key(2, 7, true)).unwrap();

    store.delete_account(&a.name, false, START).unwrap();
    assert!(store.accounts().unwrap().is_empty());
    assert!(matches!(
        store.save_account(&a, &[]),
        Err(StoreError::Missing(_))
    ));
    // The sealed key is still there.
    assert_eq!(store.keys(old.id).unwrap().len(), 1);

    store.insert_account(&a).unwrap();
    assert!(store.authorizations(&a.name).unwrap().is_empty());
    store.append(&[event(Some("a"), "private")]).unwrap();
    store.delete_account(&a.name, true, START).unwrap();
    assert!(matches!(store.keys(old.id), Err(StoreError::Missing(_))));
    let filter = EventFilter::default();
    let (events, _) = store.read(sluice_domain::Cursor(0), &filter, 10).unwrap();
    assert!(events.is_empty());
    assert!(matches!(
        store.delete_account(&a.name, true, START),
        Err(StoreError::Missing(_))
    ));
}

#[test]
fn an_authorized_key_is_never_replaced_by_another() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let a = account("a");
    store.insert_account(&a).unwrap();
    let id = store
        .create_authorization(&a.name, AuthorizationRole::Current, 2, START)
        .unwrap()
        .id;
    // Before sign-in a key may be remade.
    store.save_key(id, &key(2, 1, false)).unwrap();
    store.save_key(id, &key(2, 2, false)).unwrap();
    // Then it is marked, and its salt renewed.
    let mut signed_in = key(2, 2, true);
    store.save_key(id, &signed_in).unwrap();
    signed_in.salt = 99;
    store.save_key(id, &signed_in).unwrap();
    for authorized in [true, false] {
        assert!(matches!(
            store.save_key(id, &key(2, 3, authorized)),
            Err(StoreError::Exists(_))
        ));
    }
    assert!(matches!(
        store.remove_key(id, 2),
        Err(StoreError::Exists(_))
    ));
    store.save_key(id, &key(4, 4, true)).unwrap();
    store.remove_key(id, 4).unwrap();
    let keys = store.keys(id).unwrap();
    assert_eq!(keys.len(), 1);
    assert_eq!((keys[0].dc, keys[0].salt), (2, 99));
    assert_eq!(keys[0].key.expose(), &vec![2; 256]);
}

#[test]
fn a_promotion_makes_one_current_and_repeats_harmlessly() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let a = account("a");
    store.insert_account(&a).unwrap();
    let make = |role| store.create_authorization(&a.name, role, 2, START);
    let first = make(AuthorizationRole::Current).unwrap().id;
    assert!(matches!(
        make(AuthorizationRole::Current),
        Err(StoreError::Exists(_))
    ));
    let next = make(AuthorizationRole::Next).unwrap().id;
    store.set_home_dc(next, 4).unwrap();
    for _ in 0..2 {
        store.promote_authorization(next).unwrap();
        let now = store.authorizations(&a.name).unwrap();
        let roles: Vec<_> = now.iter().map(|a| (a.id, a.role, a.home_dc)).collect();
        assert_eq!(
            roles,
            [
                (first, AuthorizationRole::Old, 2),
                (next, AuthorizationRole::Current, 4)
            ]
        );
    }
    store.remove_authorization(first).unwrap();
    assert_eq!(store.authorizations(&a.name).unwrap().len(), 1);
    assert!(matches!(
        store.promote_authorization(AuthorizationId(999)),
        Err(StoreError::Missing(_))
    ));
    assert_eq!(
        store.authorizations(&a.name).unwrap()[0].role,
        AuthorizationRole::Current
    );
}

#[test]
fn update_state_is_what_was_committed_last() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.insert_account(&account("a")).unwrap();
    let a = name("a");
    assert_eq!(store.update_state(&a).unwrap(), None);
    let mut state = UpdateState {
        pts: 5,
        qts: 1,
        date: 9,
        seq: 2,
        channels: vec![(10, 1), (20, 2)],
    };
    store.begin_updates(&a, &state).unwrap();
    assert_eq!(store.update_state(&a).unwrap(), Some(state.clone()));
    let step = UpdateStep {
        pts: 6,
        qts: 1,
        date: 10,
        seq: 2,
        channels: vec![(10, None), (30, Some(4))],
    };
    let cursor = store
        .commit_updates(&a, &step, &[event(Some("a"), "1"), event(Some("a"), "2")])
        .unwrap();
    assert_eq!(cursor.0, 2);
    (state.pts, state.date) = (6, 10);
    // What the step does not name stays.
    state.channels = vec![(20, 2), (30, 4)];
    assert_eq!(store.update_state(&a).unwrap(), Some(state.clone()));
    state.channels = vec![(40, 1)];
    store.begin_updates(&a, &state).unwrap();
    assert_eq!(store.update_state(&a).unwrap(), Some(state));
}

#[test]
fn peers_are_found_by_what_they_go_by_now() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.insert_account(&account("a")).unwrap();
    let a = name("a");
    let peer = |id, access_hash, username: Option<&str>| PeerRecord {
        kind: PeerKind::User,
        id,
        access_hash,
        username: username.map(str::to_owned),
        phone: Some(format!("99966{id}")),
    };
    store
        .save_peers(&a, &[peer(1, 11, Some("one")), peer(2, 22, None)])
        .unwrap();
    // A reduced peer takes nothing away.
    let mut reduced = peer(1, 0, None);
    reduced.phone = None;
    store.save_peers(&a, &[reduced]).unwrap();
    assert_eq!(
        store.peer(&a, PeerKind::User, 1).unwrap(),
        Some(peer(1, 11, Some("one")))
    );
    // The name moves on.
    store.save_peers(&a, &[peer(2, 23, Some("one"))]).unwrap();
    assert_eq!(
        store.peer_by_username(&a, "one").unwrap(),
        Some(peer(2, 23, Some("one")))
    );
    assert_eq!(store.peer_by_phone(&a, "999661").unwrap().unwrap().id, 1);
    assert_eq!(store.peer(&a, PeerKind::Channel, 1).unwrap(), None);
    assert_eq!(store.peer_by_username(&name("b"), "one").unwrap(), None);
}

#[test]
fn rotations_are_listed_newest_first() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.insert_account(&account("a")).unwrap();
    let mut first = RotationRecord {
        id: "one".to_owned(),
        account: name("a"),
        status: RotationStatus::Started,
        steps: vec![("check".to_owned(), START)],
        error: None,
    };
    store.save_rotation(&first).unwrap();
    let second = RotationRecord {
        id: "two".to_owned(),
        ..first.clone()
    };
    store.save_rotation(&second).unwrap();
    first.status = RotationStatus::Failed;
    first.error = Some("PASSWORD_HASH_INVALID".to_owned());
    first.steps.push(("failed".to_owned(), START.plus(1)));
    store.save_rotation(&first).unwrap();
    assert_eq!(
        store.rotations(&name("a")).unwrap(),
        [second, first.clone()]
    );
    assert_eq!(store.rotation("one").unwrap(), Some(first));
    assert_eq!(store.rotation("three").unwrap(), None);
}
