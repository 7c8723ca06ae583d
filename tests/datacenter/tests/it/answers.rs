//! Rules about answers, and what clients see of them.

use std::time::Duration;

use serde_json::json;
use sluice_datacenter::{Action, DataCenter, Forgery, JournalFilter, Match, Outcome, Rule};
use sluice_mtproto::{Violation, transport::Kind};
use tokio::time::timeout;

use crate::client::{Client, Failed, join, start};

const ANNA: &str = "9996610001";

fn once(dc: &DataCenter, method: &str, action: Action) {
    let matches = Match {
        method: Some(method.into()),
        times: Some(1),
        ..Match::default()
    };
    dc.add_rule(Rule { matches, action });
}

/// How often messages were sent, as the world sees it.
fn sent(dc: &DataCenter) -> usize {
    let all = dc.journal(&JournalFilter {
        method: Some("messages.sendMessage".into()),
        ..JournalFilter::default()
    });
    all.iter().filter(|entry| entry.executed).count()
}

async fn anna(dc: &DataCenter) -> Client {
    let mut anna = join(dc).await;
    anna.sign_in(ANNA).await;
    anna
}

/// Fails if more or fewer bytes of the answer leave than asked for, or if it is gone afterwards.
#[tokio::test]
async fn an_answer_is_cut_at_any_byte() {
    let dc = start().await;
    let mut anna = anna(&dc).await;
    for (number, at) in [(1, 0), (2, 1), (3, 7), (4, 60)] {
        once(&dc, "messages.sendMessage", Action::CutAnswer(at));
        let answer = anna.note_to_self("once", number).await;
        assert_eq!(answer, Err(Failed::Closed));
        assert_eq!(anna.rest(), at, "bytes of a frame without an end");
        anna = anna.reconnect(dc.dcs()[0].address).await;
        anna.answer().await.expect("the answer from memory");
    }
    assert_eq!(sent(&dc), 4);
    dc.shutdown().await;
}

/// Fails if a half-open connection is closed, answers, or loses what was executed.
#[tokio::test]
async fn a_half_open_connection_says_nothing_more() {
    let dc = start().await;
    let mut anna = anna(&dc).await;
    once(&dc, "messages.sendMessage", Action::HalfOpen);
    let patience = Duration::from_millis(200);
    let waited = timeout(patience, anna.note_to_self("once", 1)).await;
    assert!(waited.is_err(), "{waited:?}");
    let waited = timeout(patience, anna.call("updates.getState", json!({}))).await;
    assert!(waited.is_err(), "{waited:?}");
    let mut anna = anna.reconnect(dc.dcs()[0].address).await;
    anna.answer().await.unwrap();
    anna.answer().await.unwrap();
    assert_eq!(sent(&dc), 1);
    dc.shutdown().await;
}

/// Fails if the second packet is not the first one's message once more.
#[tokio::test]
async fn an_answer_is_repeated_as_the_same_message() {
    let dc = start().await;
    let mut anna = anna(&dc).await;
    once(&dc, "messages.sendMessage", Action::RepeatAnswer);
    anna.note_to_self("once", 1).await.unwrap();
    anna.step().await.unwrap();
    let (first, second) = (anna.opened(1), anna.opened(0));
    assert!(
        second.header.msg_id > first.header.msg_id,
        "a packet of its own"
    );
    let (_, inner) = second.body.split_at(8);
    assert_eq!(inner[..8], first.header.msg_id.to_le_bytes());
    assert!(inner.ends_with(&first.body));
    assert_eq!(anna.session.next_event(), None);
    dc.shutdown().await;
}

/// Fails if the second packet is not the first one, byte for byte, over any transport.
#[tokio::test]
async fn an_answer_is_replayed() {
    let dc = start().await;
    for kind in [Kind::Intermediate, Kind::Full] {
        let mut anna = Client::join(dc.dcs()[0].address, dc.public_key_pem(), kind).await;
        anna.sign_in(ANNA).await;
        once(&dc, "updates.getState", Action::ReplayAnswer);
        anna.ok("updates.getState", json!({})).await;
        anna.step().await.unwrap();
        let [.., first, second] = &anna.packets[..] else {
            panic!("two packets");
        };
        assert_eq!(first, second);
        assert_eq!(anna.session.next_event(), None);
    }
    dc.shutdown().await;
}

/// Fails if the answers come in the order in which they were made, or if one without a follower
/// never comes.
#[tokio::test]
async fn answers_change_places() {
    let dc = start().await;
    let mut anna = anna(&dc).await;
    once(&dc, "updates.getState", Action::HoldAnswer);
    for method in ["updates.getState", "help.getConfig"] {
        anna.begin(method, json!({}));
        anna.flush().await;
    }
    anna.answer().await.unwrap();
    anna.answer().await.unwrap();
    let (second, first) = (anna.opened(1), anna.opened(0));
    assert!(first.header.msg_id < second.header.msg_id);

    once(&dc, "updates.getState", Action::HoldAnswer);
    anna.ok("updates.getState", json!({})).await;
    dc.shutdown().await;
}

/// Fails if a forged answer breaks another rule than it says, or takes the right one's place.
#[tokio::test]
async fn a_forged_answer_breaks_its_rule_and_the_right_one_follows() {
    let dc = start().await;
    let mut anna = anna(&dc).await;
    let forgeries = [
        (Forgery::ForeignSession, Violation::ForeignSession),
        (Forgery::StaleSession, Violation::ForeignSession),
        (Forgery::EvenMsgId, Violation::MsgIdParity),
        (Forgery::OldMsgId, Violation::MsgIdOld),
        (Forgery::FutureMsgId, Violation::MsgIdAhead),
        (Forgery::SeqNo, Violation::SeqNo),
        (Forgery::LongPadding, Violation::Padding),
        (Forgery::ShortPadding, Violation::Padding),
        (Forgery::Length, Violation::Length),
        (Forgery::OddLength, Violation::Length),
        (Forgery::Truncated, Violation::MsgKey),
        (Forgery::FlippedBit, Violation::MsgKey),
        (Forgery::ForeignKey, Violation::ForeignKey),
    ];
    for (number, (forgery, violation)) in (1..).zip(forgeries) {
        once(&dc, "messages.sendMessage", Action::ForgeAnswer(forgery));
        let answer = anna.note_to_self("once", number).await;
        assert_eq!(answer, Err(Failed::Violation(violation)), "{forgery:?}");
        anna = anna.reconnect(dc.dcs()[0].address).await;
        anna.answer().await.unwrap();
    }
    assert_eq!(sent(&dc), forgeries.len());
    dc.shutdown().await;
}

/// Fails if an answer for a stale session names any other session than the one before.
#[tokio::test]
async fn a_stale_session_is_the_one_before() {
    let dc = start().await;
    let mut anna = anna(&dc).await;
    let before = anna.opened(0).header.session_id;
    let refuse = Action::BadMsg(32);
    once(&dc, "updates.getState", refuse);
    anna.ok("updates.getState", json!({})).await;
    assert_ne!(
        anna.opened(0).header.session_id,
        before,
        "32 ends a session"
    );
    once(
        &dc,
        "updates.getState",
        Action::ForgeAnswer(Forgery::StaleSession),
    );
    anna.call("updates.getState", json!({})).await.unwrap_err();
    assert_eq!(anna.opened(0).header.session_id, before);
    dc.shutdown().await;
}

/// Fails if the bomb is not refused by a client that caps what it inflates, or if the call was
/// executed.
#[tokio::test]
async fn a_bomb_is_sent_instead_of_an_answer() {
    let dc = start().await;
    let mut anna = anna(&dc).await;
    once(&dc, "messages.sendMessage", Action::GzipBomb);
    let answer = anna.note_to_self("once", 1).await;
    assert_eq!(answer, Err(Failed::Violation(Violation::GzipBomb)));
    let length = anna.packets.last().unwrap().len();
    assert!((900_000..1_300_000).contains(&length), "{length}");
    let journal = dc.journal(&JournalFilter::default());
    let last = journal.last().unwrap();
    assert_eq!(last.outcome, Outcome::Error("GZIP_BOMB".into()));
    assert!(!last.executed);
    dc.shutdown().await;
}
