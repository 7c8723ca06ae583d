use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use sluice_domain::{
    Clock as _, Cursor, Event, EventBody, EventFilter, EventLog as _, SessionStore as _,
    StoreError, UpdateStep,
};

use super::{START, StoppedClock, account, event, name, open, vault};
use crate::{Retention, Store};

#[test]
fn every_event_is_read_once_in_order_with_its_cursor_as_id() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    assert_eq!(store.bounds().unwrap(), (Cursor(0), Cursor(1)));
    let events: Vec<_> = (0..10).map(|n| event(Some("a"), &n.to_string())).collect();
    assert_eq!(store.append(&events).unwrap(), Cursor(10));
    let filter = EventFilter::default();
    let (first, at) = store.read(Cursor(0), &filter, 4).unwrap();
    assert_eq!((first.len(), at), (4, Cursor(4)));
    let (rest, at) = store.read(at, &filter, 100).unwrap();
    assert_eq!((rest.len(), at), (6, Cursor(10)));
    assert_eq!(
        rest[0].1,
        r#"{"id":"0000000000000005","type":"gap","reason":"4","account":"a","at":"2023-11-14T22:13:20.000Z"}"#
    );
    assert_eq!(store.read(at, &filter, 100).unwrap(), (vec![], Cursor(10)));
    // A cursor from nowhere is where it is.
    assert_eq!(
        store.read(Cursor(77), &filter, 1).unwrap(),
        (vec![], Cursor(77))
    );
}

#[test]
fn a_filter_lets_types_and_accounts_pass_and_the_gateways_own_events_always() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let flood = Event {
        body: EventBody::Flood {
            method: None,
            name: "FLOOD_WAIT_3".to_owned(),
            until: START,
        },
        account: Some(name("a")),
        at: START,
    };
    store
        .append(&[
            event(Some("a"), "1"),
            event(Some("b"), "2"),
            event(None, "3"),
            flood,
        ])
        .unwrap();
    let cursors = |filter: EventFilter| -> Vec<u64> {
        let (found, searched) = store.read(Cursor(0), &filter, 100).unwrap();
        assert_eq!(searched, Cursor(4));
        found.iter().map(|(cursor, _)| cursor.0).collect()
    };
    assert_eq!(
        cursors(EventFilter {
            types: vec![],
            accounts: vec![name("a")]
        }),
        [1, 3, 4]
    );
    assert_eq!(
        cursors(EventFilter {
            types: vec!["gap".to_owned()],
            accounts: vec![name("b")]
        }),
        [2, 3]
    );
}

#[test]
fn live_state_does_not_get_into_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let status = Event {
        body: EventBody::Status {
            connected: true,
            last_checked: None,
        },
        account: Some(name("a")),
        at: START,
    };
    assert!(matches!(
        store.append(&[event(None, "1"), status]),
        Err(StoreError::Damaged(_))
    ));
    // All or nothing.
    assert_eq!(store.bounds().unwrap().0, Cursor(0));
}

#[test]
fn watchers_hear_of_every_commit_with_events_and_of_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let (heard, hear) = sync_channel(16);
    store.on_append(Box::new(move |cursor| heard.send(cursor).unwrap()));
    store.insert_account(&account("a")).unwrap();
    store
        .commit_updates(&name("a"), &UpdateStep::default(), &[])
        .unwrap();
    store.append(&[event(None, "1"), event(None, "2")]).unwrap();
    store
        .save_account(&account("a"), &[event(Some("a"), "3")])
        .unwrap();
    store
        .commit_updates(&name("a"), &UpdateStep::default(), &[event(Some("a"), "4")])
        .unwrap();
    drop(store);
    assert_eq!(
        hear.iter().collect::<Vec<_>>(),
        [Cursor(2), Cursor(3), Cursor(4)]
    );
}

#[test]
fn the_log_is_kept_within_count_and_age_and_cursors_are_never_used_again() {
    let dir = tempfile::tempdir().unwrap();
    let clock = StoppedClock::new();
    let store = Store::open(dir.path(), vault(1), Arc::clone(&clock) as _).unwrap();
    let ten: Vec<_> = (0..10).map(|n| event(None, &n.to_string())).collect();
    store.append(&ten).unwrap();
    let keep = |max_count, max_age| {
        store
            .set_retention(Retention { max_count, max_age })
            .unwrap();
        store.bounds().unwrap()
    };
    let hour = Duration::from_hours(1);
    assert_eq!(keep(100, hour), (Cursor(10), Cursor(1)));
    assert_eq!(keep(4, hour), (Cursor(10), Cursor(7)));
    let filter = EventFilter::default();
    let (kept, _) = store.read(Cursor(0), &filter, 100).unwrap();
    assert_eq!(kept.first().unwrap().0, Cursor(7));

    clock.advance(hour + Duration::from_secs(1));
    assert_eq!(keep(4, hour), (Cursor(10), Cursor(11)));
    drop(store);
    let store = open(dir.path());
    assert_eq!(store.bounds().unwrap(), (Cursor(10), Cursor(11)));
    assert_eq!(store.append(&ten).unwrap(), Cursor(20));
}

#[test]
fn a_flood_of_events_does_not_outgrow_the_retention() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store
        .set_retention(Retention {
            max_count: 50,
            max_age: Duration::from_hours(1),
        })
        .unwrap();
    for n in 0..500 {
        store.append(&[event(None, &n.to_string())]).unwrap();
    }
    // One more write comes after the upkeep that followed the last append.
    store.check_writable().unwrap();
    let (newest, oldest) = store.bounds().unwrap();
    assert_eq!(newest, Cursor(500));
    assert!(newest.0 - oldest.0 < 60, "{oldest:?}");
}

#[test]
fn more_old_events_than_one_step_removes_go_in_several() {
    let dir = tempfile::tempdir().unwrap();
    let clock = StoppedClock::new();
    let store = Store::open(dir.path(), vault(1), Arc::clone(&clock) as _).unwrap();
    let max_age = Duration::from_hours(1);
    let many: Vec<_> = (0..5000).map(|n| event(None, &n.to_string())).collect();
    store.append(&many).unwrap();
    clock.advance(max_age * 2);
    let mut young = event(None, "young");
    young.at = clock.now();
    store.append(&[young]).unwrap();
    store
        .set_retention(Retention {
            max_count: 1_000_000,
            max_age,
        })
        .unwrap();
    assert_eq!(store.bounds().unwrap(), (Cursor(5001), Cursor(5001)));
    let (kept, _) = store.read(Cursor(0), &EventFilter::default(), 10).unwrap();
    assert_eq!(kept.len(), 1);
}
