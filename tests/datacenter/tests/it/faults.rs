//! Rules, and what clients see of them.

use std::time::{Duration, Instant};

use serde_json::json;
use sluice_datacenter::{Action, DataCenter, JournalFilter, Match, Outcome, Rule};
use tokio::time::timeout;

use crate::client::{Failed, join, start};

fn once(dc: &DataCenter, action: Action) {
    let matches = Match {
        method: Some("messages.sendMessage".into()),
        times: Some(1),
        ..Match::default()
    };
    dc.add_rule(Rule { matches, action });
}

fn outcomes(dc: &DataCenter) -> Vec<Outcome> {
    let filter = JournalFilter {
        method: Some("messages.sendMessage".into()),
        ..JournalFilter::default()
    };
    dc.journal(&filter).into_iter().map(|e| e.outcome).collect()
}

/// Fails if an error by rule is executed all the same, or acts more often than asked.
#[tokio::test]
async fn an_error_by_rule_is_not_executed() {
    let dc = start().await;
    let mut anna = join(&dc).await;
    anna.sign_in("9996610001").await;
    once(
        &dc,
        Action::RpcError {
            code: 420,
            name: "FLOOD_WAIT_7".into(),
        },
    );
    let refused = Err(Failed::Rpc(420, "FLOOD_WAIT_7".into()));
    assert_eq!(anna.note_to_self("once", 1).await, refused);
    anna.note_to_self("once", 1)
        .await
        .expect("the number was not used up");
    assert_eq!(
        outcomes(&dc),
        [Outcome::Error("FLOOD_WAIT_7".into()), Outcome::Ok]
    );
    dc.shutdown().await;
}

/// Fails if a delayed call holds up others, or comes early.
#[tokio::test]
async fn a_delay_holds_up_only_its_call() {
    let dc = start().await;
    let mut anna = join(&dc).await;
    anna.sign_in("9996610001").await;
    once(&dc, Action::Delay(300));
    let before = Instant::now();
    anna.begin(
        "messages.sendMessage",
        json!({"peer": {"_": "inputPeerSelf"}, "message": "late", "random_id": 1}),
    );
    let other = anna.ok("updates.getState", json!({})).await;
    assert_eq!(other["pts"], 1, "the delayed call is still to come");
    anna.answer().await.unwrap();
    assert!(before.elapsed() >= Duration::from_millis(300));
    dc.shutdown().await;
}

/// Fails if a silenced call is executed, or a mute one is not.
#[tokio::test]
async fn silence_is_not_executed_and_mute_is() {
    let dc = start().await;
    let mut anna = join(&dc).await;
    anna.sign_in("9996610001").await;
    for (action, number) in [(Action::Silence, 1), (Action::Mute, 2)] {
        once(&dc, action);
        let waited = timeout(Duration::from_millis(200), anna.note_to_self("?", number)).await;
        assert!(waited.is_err(), "{waited:?}");
    }
    anna.note_to_self("first try", 1).await.unwrap();
    let again = anna.note_to_self("second try", 2).await;
    assert_eq!(again, Err(Failed::Rpc(500, "RANDOM_ID_DUPLICATE".into())));
    dc.shutdown().await;
}

/// Fails if a lost answer is not kept for the session, or the call is executed twice.
#[tokio::test]
async fn a_lost_answer_is_there_after_the_reconnect() {
    let dc = start().await;
    let mut anna = join(&dc).await;
    anna.sign_in("9996610001").await;
    once(&dc, Action::LoseAnswer);
    assert_eq!(anna.note_to_self("once", 1).await, Err(Failed::Closed));
    let mut anna = anna.reconnect(dc.dcs()[0].address).await;
    anna.answer().await.expect("the answer from memory");
    assert_eq!(outcomes(&dc), [Outcome::Disconnected]);
    let state = anna.ok("updates.getState", json!({})).await;
    assert_eq!(state["pts"], 2);
    dc.shutdown().await;
}

/// Fails if a disconnect by rule executes the call, or leaves the client waiting for its answer.
#[tokio::test]
async fn a_disconnected_call_is_not_executed_and_its_session_is_gone() {
    let dc = start().await;
    let mut anna = join(&dc).await;
    anna.sign_in("9996610001").await;
    once(&dc, Action::Disconnect);
    assert_eq!(anna.note_to_self("once", 1).await, Err(Failed::Closed));
    let mut anna = anna.reconnect(dc.dcs()[0].address).await;
    assert_eq!(anna.answer().await, Err(Failed::Unsure));
    anna.note_to_self("once", 1)
        .await
        .expect("not executed before");
    assert_eq!(outcomes(&dc), [Outcome::Disconnected, Outcome::Ok]);
    dc.shutdown().await;
}
