use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sluice_domain::{
    AccountName, Clock, Cursor, Event, EventBody, EventFilter, EventLog, Random, Secret, UnixMillis,
};
use sluice_store::{Retention, Store, Vault};
use tempfile::TempDir;
use tokio::time::{Instant, timeout};

use crate::{Hub, Live, Reader, ReaderItem};

struct Ambient;

impl Clock for Ambient {
    fn now(&self) -> UnixMillis {
        UnixMillis(1_700_000_000_000)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

impl Random for Ambient {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }
}

struct Setup {
    store: Arc<Store>,
    live: Live,
    hub: Arc<Hub>,
    _dir: TempDir,
}

fn setup() -> Setup {
    let dir = tempfile::tempdir().unwrap();
    let vault = Vault::from_key(&Secret::new(vec![1; 32]), Arc::new(Ambient)).unwrap();
    let store = Store::open(dir.path(), vault, Arc::new(Ambient)).unwrap();
    let live = Live::new();
    let hub = Hub::new(store.clone(), live.clone(), Arc::new(Ambient)).unwrap();
    Setup {
        store,
        live,
        hub,
        _dir: dir,
    }
}

impl Setup {
    fn append(&self, reasons: std::ops::Range<u32>, account: &str) {
        let events: Vec<_> = reasons
            .map(|n| {
                let body = EventBody::Gap {
                    reason: n.to_string(),
                    channel: None,
                    from_pts: None,
                    to_pts: None,
                };
                event(body, account)
            })
            .collect();
        self.store.append(&events).unwrap();
    }

    fn status(&self, account: &str, connected: bool) {
        let body = EventBody::Status {
            connected,
            last_checked: None,
        };
        self.live.publish(&event(body, account));
    }

    fn keep(&self, max_count: u64) {
        let max_age = Duration::from_hours(1);
        self.store
            .set_retention(Retention { max_count, max_age })
            .unwrap();
    }

    fn reader(&self, after: u64) -> Reader {
        self.hub.reader(Some(Cursor(after)), EventFilter::default())
    }
}

fn name(name: &str) -> AccountName {
    name.parse().unwrap()
}

fn event(body: EventBody, account: &str) -> Event {
    Event {
        body,
        account: Some(name(account)),
        at: UnixMillis(1_700_000_000_000),
    }
}

fn logged(item: &ReaderItem) -> (u64, String) {
    let ReaderItem::Logged(cursor, text) = item else {
        panic!("{item:?}")
    };
    let event: Value = serde_json::from_str(text).unwrap();
    assert_eq!(event["id"], cursor.to_string());
    (cursor.0, event["reason"].as_str().unwrap().to_owned())
}

fn connected(item: &ReaderItem) -> (String, bool) {
    let ReaderItem::Live(text) = item else {
        panic!("{item:?}")
    };
    let event: Value = serde_json::from_str(text).unwrap();
    assert!(event.get("id").is_none());
    let account = event["account"].as_str().unwrap().to_owned();
    (account, event["connected"].as_bool().unwrap())
}

/// Fails if a reader loses, doubles or reorders events, also when its futures are dropped half-way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_reader_gets_every_event_once_in_order() {
    const EVENTS: u64 = 1000;
    let setup = Arc::new(setup());
    setup.append(0..1, "a");
    let readers: Vec<_> = [1, 0, 1].map(|after| setup.reader(after)).into();
    let writer = Arc::clone(&setup);
    let writing = tokio::task::spawn_blocking(move || {
        for n in 1..u32::try_from(EVENTS).unwrap() {
            writer.append(n..n + 1, "a");
        }
    });
    for mut reader in readers {
        let mut expected = reader.position().0;
        while expected < EVENTS {
            let hurry = Duration::from_micros(expected % 200);
            let Ok(item) = timeout(hurry, reader.next()).await else {
                continue;
            };
            let (cursor, reason) = logged(&item.unwrap());
            assert_eq!(cursor, expected + 1);
            assert_eq!(reason, expected.to_string());
            expected = cursor;
            assert!(reader.position().0 >= cursor);
        }
    }
    writing.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_a_cursor_a_reader_begins_with_live_state_and_goes_on_from_now() {
    let setup = setup();
    setup.append(0..5, "a");
    setup.status("a", true);
    setup.status("b", false);
    let mut reader = setup.hub.reader(None, EventFilter::default());
    assert_eq!(reader.position(), Cursor(5));
    assert_eq!(
        connected(&reader.next().await.unwrap()),
        ("a".to_owned(), true)
    );
    assert_eq!(
        connected(&reader.next().await.unwrap()),
        ("b".to_owned(), false)
    );
    setup.append(5..6, "a");
    assert_eq!(logged(&reader.next().await.unwrap()), (6, "5".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn live_state_is_told_at_once_then_at_most_once_a_second_and_ends_with_the_last() {
    let setup = setup();
    let mut reader = setup.reader(0);
    let start = Instant::now();
    setup.status("a", false);
    assert!(!connected(&reader.next().await.unwrap()).1);
    assert_eq!(start.elapsed(), Duration::ZERO);
    for n in 0..10 {
        setup.status("a", n % 2 == 0);
    }
    setup.status("a", true);
    assert!(connected(&reader.next().await.unwrap()).1);
    assert!(start.elapsed() >= Duration::from_secs(1));
    // The same again is no change, and a forgotten account has no state.
    setup.status("a", true);
    setup.status("b", true);
    setup.live.forget(&name("b"));
    let silence = timeout(Duration::from_mins(1), reader.next()).await;
    assert!(silence.is_err(), "{silence:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_longer_kept_is_an_explicit_gap() {
    let setup = setup();
    setup.append(0..10, "a");
    setup.keep(4);
    for foreign in [77, u64::MAX] {
        let mut reader = setup.reader(foreign);
        let ReaderItem::Gap(cursor, _) = reader.next().await.unwrap() else {
            panic!("no gap")
        };
        assert_eq!((cursor, reader.position()), (Cursor(10), Cursor(10)));
    }
    let mut filter = EventFilter::default();
    filter.types.push("update".to_owned());
    for (filter, after) in [(EventFilter::default(), 2), (filter, 5)] {
        let mut reader = setup.hub.reader(Some(Cursor(after)), filter);
        let ReaderItem::Gap(cursor, text) = reader.next().await.unwrap() else {
            panic!("no gap")
        };
        let event: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(cursor, Cursor(6));
        assert_eq!(event["id"], "0000000000000006");
        assert_eq!(
            (&event["type"], &event["account"]),
            (&"gap".into(), &Value::Null)
        );
    }
    // One that is at the edge has lost nothing.
    assert_eq!(logged(&setup.reader(6).next().await.unwrap()).0, 7);
    // A reader that stays behind while events go.
    let mut slow = setup.reader(6);
    logged(&slow.next().await.unwrap());
    setup.append(10..200, "a");
    setup.keep(2);
    let mut last = slow.position();
    let gap = loop {
        match slow.next().await.unwrap() {
            ReaderItem::Logged(cursor, _) => last = cursor,
            ReaderItem::Gap(cursor, _) => break cursor,
            ReaderItem::Live(text) => panic!("{text}"),
        }
    };
    assert_eq!((last, gap), (Cursor(10), Cursor(198)));
}

#[tokio::test(start_paused = true)]
async fn a_filtered_reader_moves_on_past_what_it_does_not_want() {
    let setup = setup();
    setup.status("a", true);
    setup.append(0..300, "b");
    setup.append(300..301, "a");
    setup.append(301..400, "b");
    let filter = EventFilter {
        types: vec!["gap".to_owned()],
        accounts: vec![name("a")],
    };
    let mut reader = setup.hub.reader(Some(Cursor(0)), filter);
    assert_eq!(logged(&reader.next().await.unwrap()).0, 301);
    assert_eq!(reader.position(), Cursor(400));
}

#[tokio::test(start_paused = true)]
async fn a_poll_waits_for_the_first_event_and_takes_what_is_there() {
    let setup = setup();
    setup.status("a", true);
    let mut reader = setup.reader(0);
    let start = Instant::now();
    let wait = Duration::from_secs(30);
    assert_eq!(reader.batch(10, wait).await.unwrap(), []);
    assert_eq!(start.elapsed(), wait);
    setup.append(0..200, "a");
    let first = reader.batch(150, wait).await.unwrap();
    let mut poll = setup
        .hub
        .reader(Some(reader.position()), EventFilter::default());
    let rest = poll.batch(150, wait).await.unwrap();
    let cursors: Vec<_> = first.iter().chain(&rest).map(|i| logged(i).0).collect();
    assert_eq!((first.len(), rest.len()), (150, 50));
    assert_eq!(cursors, (1..=200).collect::<Vec<_>>());
    assert_eq!(start.elapsed(), wait);
}
