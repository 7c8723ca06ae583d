use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use proptest::prelude::*;
use sluice_domain::{Secret, StoreError};

use super::{SystemRandom, vault};
use crate::Vault;
use crate::vault::Place;

const HERE: Place<'static> = Place {
    account: "a",
    item: "auth key 1/2",
};

proptest! {
    #[test]
    fn what_was_sealed_opens_there_and_nowhere_else(secret in prop::collection::vec(any::<u8>(), 0..300)) {
        let vault = vault(1);
        let sealed = vault.seal(HERE, &secret).unwrap();
        let opened = vault.open(HERE, &sealed).unwrap();
        prop_assert_eq!(opened.expose(), &secret);
        for place in [
            Place { account: "b", ..HERE },
            Place { item: "auth key 1/3", ..HERE },
            // The same letters, cut elsewhere.
            Place { account: "aa", item: "uth key 1/2" },
        ] {
            prop_assert!(vault.open(place, &sealed).is_err());
        }
        prop_assert!(super::vault(2).open(HERE, &sealed).is_err());
    }

    #[test]
    fn truncated_flipped_or_swapped_bytes_are_refused(
        secret in prop::collection::vec(any::<u8>(), 1..300),
        at in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
        bit in 0..8_u32,
    ) {
        let vault = vault(1);
        let sealed = vault.seal(HERE, &secret).unwrap();
        let at = at.index(sealed.len());
        prop_assert!(vault.open(HERE, &sealed[..at]).is_err());
        prop_assert!(vault.open(HERE, &sealed[at + 1..]).is_err());

        let mut flipped = sealed.clone();
        flipped[at] ^= 1 << bit;
        prop_assert!(vault.open(HERE, &flipped).is_err());

        let mut swapped = sealed.clone();
        swapped.swap(at, other.index(sealed.len()));
        prop_assert_eq!(vault.open(HERE, &swapped).is_ok(), swapped == sealed);

        let mut longer = sealed;
        longer.push(0);
        prop_assert!(vault.open(HERE, &longer).is_err());
    }

    #[test]
    fn garbage_never_opens(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(vault(1).open(HERE, &bytes).is_err());
    }

    #[test]
    fn garbage_is_no_master_key(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let made = Vault::from_key(&Secret::new(bytes.clone()), Arc::new(SystemRandom));
        prop_assert_eq!(made.is_ok(), bytes.len() == 32);
    }
}

#[test]
fn a_master_key_may_be_bytes_base64_or_hex() {
    let sealed = vault(0x5a).seal(HERE, b"secret").unwrap();
    let hex = "5a".repeat(32);
    let base64 = "Wlpa".repeat(10) + "Wlo=\n";
    for text in [hex.as_bytes(), base64.as_bytes(), &[0x5a; 32]] {
        let vault = Vault::from_key(&Secret::new(text.to_vec()), Arc::new(SystemRandom)).unwrap();
        assert_eq!(vault.open(HERE, &sealed).unwrap().expose(), b"secret");
    }
}

#[test]
fn a_key_file_is_made_once_for_its_owner_only() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("master.key");
    let random = Arc::new(SystemRandom);
    assert!(matches!(
        Vault::from_file(&file, false, random.clone()).map(|_| ()),
        Err(StoreError::Unavailable(_))
    ));
    let sealed = Vault::from_file(&file, true, random.clone())
        .unwrap()
        .seal(HERE, b"secret")
        .unwrap();
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = Vault::from_file(&file, true, random).unwrap();
    assert_eq!(again.open(HERE, &sealed).unwrap().expose(), b"secret");
}
