use std::sync::Arc;

use sluice_domain::{Cursor, EventLog as _, SessionStore as _, StoreError};

use super::{StoppedClock, SystemRandom, account, event, open, vault};
use crate::{DataDir, Store, Vault};

#[test]
fn a_full_disk_refuses_writes_keeps_reads_and_heals_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.insert_account(&account("a")).unwrap();
    let limit = |pages: u32| {
        store
            .write(move |tx| {
                tx.connection
                    .pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
                Ok(())
            })
            .unwrap();
    };
    limit(1); // SQLite makes it the present size.
    let big = event(None, &"x".repeat(100_000));
    let error = store.append(std::slice::from_ref(&big)).unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    assert_eq!(store.accounts().unwrap().len(), 1);
    assert_eq!(store.bounds().unwrap().0, Cursor(0));
    limit(1_000_000);
    assert_eq!(store.append(&[big]).unwrap(), Cursor(1));
    store.check_writable().unwrap();
}

#[test]
fn a_write_that_fails_or_panics_takes_no_other_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    std::thread::scope(|scope| {
        for n in 0..100 {
            let store = &store;
            scope.spawn(move || match n % 4 {
                0 => assert!(matches!(
                    store.write::<()>(|tx| {
                        tx.connection.execute("DELETE FROM accounts", [])?;
                        panic!("on purpose")
                    }),
                    Err(StoreError::Unavailable(_))
                )),
                1 => assert!(matches!(
                    store.save_account(&account("nobody"), &[event(None, "lost")]),
                    Err(StoreError::Missing(_))
                )),
                _ => store.insert_account(&account(&format!("a{n}"))).unwrap(),
            });
        }
    });
    assert_eq!(store.accounts().unwrap().len(), 50);
    assert_eq!(store.bounds().unwrap().0, Cursor(0));
}

#[test]
fn another_master_key_is_refused_before_anything_is_served() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let other = Store::open(dir.path(), vault(2), StoppedClock::new());
    assert!(matches!(other, Err(StoreError::Damaged(_))));
    open(dir.path());
}

#[test]
fn a_lost_master_key_is_not_replaced_by_a_new_one() {
    let parent = tempfile::tempdir().unwrap();
    let dir = DataDir::lock(parent.path()).unwrap();
    let random = Arc::new(SystemRandom);
    let vault = Vault::of(&dir, random.clone()).unwrap();
    drop(Store::open(dir.path(), vault, StoppedClock::new()).unwrap());
    // The same key again.
    let vault = Vault::of(&dir, random.clone()).unwrap();
    drop(Store::open(dir.path(), vault, StoppedClock::new()).unwrap());
    std::fs::remove_file(dir.master_key()).unwrap();
    assert!(matches!(
        Vault::of(&dir, random).map(|_| ()),
        Err(StoreError::Unavailable(_))
    ));
}

#[test]
fn a_file_that_is_no_database_or_a_newer_one_is_named_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("sluice.db");
    std::fs::write(
        &file,
        b"not a database, but long enough to be looked at as one".repeat(99),
    )
    .unwrap();
    let opened = Store::open(dir.path(), vault(1), StoppedClock::new());
    assert!(matches!(opened, Err(StoreError::Damaged(_))));

    std::fs::remove_file(&file).unwrap();
    let newer = rusqlite::Connection::open(&file).unwrap();
    newer.pragma_update(None, "user_version", 999).unwrap();
    drop(newer);
    let opened = Store::open(dir.path(), vault(1), StoppedClock::new());
    assert!(matches!(opened, Err(StoreError::Damaged(_))));
}

#[test]
fn a_read_only_directory_is_unavailable_and_no_panic() {
    let opened = Store::open(
        std::path::Path::new("/proc/no-such-place"),
        vault(1),
        StoppedClock::new(),
    );
    assert!(matches!(opened, Err(StoreError::Unavailable(_))));
}
