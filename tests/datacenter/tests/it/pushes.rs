//! Updates that are lost, doubled and overtaken on their way.

use sluice_datacenter::{DataCenter, PushCounts, PushFaults};

use crate::client::{Client, join, start};

const MESSAGES: usize = 200;

/// Two users; the first one listens.
async fn listening() -> (DataCenter, Client, i64, i64) {
    let dc = start().await;
    let mut anna = join(&dc).await;
    let listener = anna.sign_in("9996610001").await;
    let writer = join(&dc).await.sign_in("9996610002").await;
    (dc, anna, listener, writer)
}

/// What the client is sent while the data center faults its updates: the pts, as they come.
async fn pushed(mut faults: PushFaults) -> (Vec<i64>, PushCounts) {
    let (dc, mut anna, listener, writer) = listening().await;
    faults.account = Some(listener);
    dc.fault_pushes(Some(faults));
    for number in 0..MESSAGES {
        dc.send_text(writer, listener, &number.to_string()).unwrap();
    }
    let counts = dc.push_counts();
    dc.fault_pushes(None);
    dc.send_text(writer, listener, "the end").unwrap();
    let mut order = Vec::new();
    loop {
        let update = anna.update().await;
        let (text, pts) = match update.get("updates") {
            Some(list) => (&list[0]["message"]["message"], &list[0]["pts"]),
            None => (&update["message"], &update["pts"]),
        };
        if text == "the end" {
            break;
        }
        order.push(pts.as_i64().unwrap());
    }
    dc.shutdown().await;
    (order, counts)
}

/// Fails if faults do not act, act more often than they count, or differ for the same seed.
#[tokio::test]
async fn updates_are_lost_doubled_and_overtaken_as_counted_and_the_same_for_a_seed() {
    let faults = PushFaults {
        drop: 0.1,
        double: 0.1,
        reorder: 0.1,
        seed: 7,
        ..PushFaults::default()
    };
    let (order, counts) = pushed(faults.clone()).await;
    assert_eq!(counts.seen, MESSAGES as u64);
    assert!(counts.dropped > 5 && counts.doubled > 5 && counts.reordered > 5);
    let sent = MESSAGES as u64 - counts.dropped + counts.doubled;
    assert_eq!(order.len() as u64, sent);
    assert!(order.windows(2).any(|pair| pair[0] > pair[1]));
    assert!(order.windows(2).any(|pair| pair[0] == pair[1]));
    assert_eq!(pushed(faults).await, (order, counts));
}

/// Fails if faults for one account touch another.
#[tokio::test]
async fn faults_of_one_account_leave_the_others_alone() {
    let (dc, mut anna, listener, writer) = listening().await;
    dc.fault_pushes(Some(PushFaults {
        account: Some(1),
        drop: 1.0,
        ..PushFaults::default()
    }));
    dc.send_text(writer, listener, "hello").unwrap();
    anna.update().await;
    assert_eq!(dc.push_counts(), PushCounts::default());
    dc.shutdown().await;
}

/// Fails if a client from before is not told that its state is too old.
#[tokio::test]
async fn forgotten_events_are_a_difference_that_is_too_long() {
    let (dc, mut anna, listener, writer) = listening().await;
    let state = anna.ok("updates.getState", serde_json::json!({})).await;
    dc.send_text(writer, listener, "hello").unwrap();
    dc.forget_events(listener).unwrap();
    let ask = serde_json::json!({"pts": state["pts"], "date": 0, "qts": 0});
    let answer = anna.ok("updates.getDifference", ask).await;
    assert_eq!(answer["_"], "updates.differenceTooLong");
    dc.shutdown().await;
}
