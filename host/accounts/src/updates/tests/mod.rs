use core::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};
use sluice_domain::UpdateState;

use super::*;

mod channels;
mod differential;
mod recovery;

const T0: Duration = Duration::from_secs(1_000);

fn ms(millis: u64) -> Duration {
    T0 + Duration::from_millis(millis)
}

fn message(id: i32, pts: i32) -> Value {
    json!({"_": "updateNewMessage", "pts": pts, "pts_count": 1,
        "message": {"_": "message", "id": id, "peer_id": {"_": "peerUser", "user_id": "5"}}})
}

fn channel_message(channel: i64, id: i32, pts: i32) -> Value {
    let peer = json!({"_": "peerChannel", "channel_id": channel.to_string()});
    json!({"_": "updateNewChannelMessage", "pts": pts, "pts_count": 1,
        "message": {"_": "message", "id": id, "peer_id": peer}})
}

fn container(updates: &[Value], seq: i32) -> Value {
    json!({"_": "updates", "updates": updates, "users": [], "chats": [], "date": 1, "seq": seq})
}

fn state(pts: i32, seq: i32) -> UpdateState {
    UpdateState {
        pts,
        seq,
        date: 1,
        ..UpdateState::default()
    }
}

fn tl_state(pts: i32, seq: i32) -> Value {
    json!({"_": "updates.state", "pts": pts, "qts": 0, "date": 2, "seq": seq, "unread_count": 0})
}

/// Gap logic that is settled at a pts: the difference after the start was empty.
fn settled(pts: i32) -> Gaps {
    let mut gaps = Gaps::new(Some(&state(pts, 1)), 7, T0);
    let fetch = gaps.next_fetch(T0).unwrap();
    let empty = json!({"_": "updates.differenceEmpty", "date": 1, "seq": 1});
    gaps.fetched(T0, &fetch, Ok(empty));
    gaps.take_batch();
    gaps
}

fn ids(gaps: &mut Gaps) -> Vec<i64> {
    let outputs = gaps.take_batch().map(|batch| batch.outputs);
    outputs.unwrap_or_default().iter().map(id_of).collect()
}

fn gaps_of(gaps: &mut Gaps) -> Vec<Gap> {
    let outputs = gaps.take_batch().map(|batch| batch.outputs);
    let gap = |output| match output {
        Output::Gap(gap) => Some(gap),
        Output::Update { .. } => None,
    };
    outputs
        .unwrap_or_default()
        .into_iter()
        .filter_map(gap)
        .collect()
}

fn failure(name: &str) -> Result<Value, FetchFailure> {
    Err(FetchFailure {
        name: name.into(),
        wait: None,
    })
}

fn empty() -> Value {
    json!({"_": "updates.differenceEmpty", "date": 1, "seq": 1})
}

fn id_of(output: &Output) -> i64 {
    match output {
        Output::Update { update, .. } => update["message"]["id"].as_i64().unwrap_or(-1),
        Output::Gap(_) => -2,
    }
}

#[test]
fn in_order_and_doubled_updates_come_once() {
    let mut gaps = settled(10);
    gaps.updates(T0, container(&[message(1, 11), message(2, 12)], 0));
    gaps.updates(T0, container(&[message(2, 12), message(3, 13)], 0));
    assert_eq!(ids(&mut gaps), [1, 2, 3]);
    assert_eq!(gaps.pts(), Some(13));
    assert_eq!(gaps.next_fetch(T0), None);
}

#[test]
fn a_reordered_update_within_half_a_second_needs_no_difference() {
    let mut gaps = settled(10);
    gaps.updates(ms(0), container(&[message(2, 12)], 0));
    assert_eq!(ids(&mut gaps), Vec::<i64>::new());
    gaps.tick(ms(499));
    assert_eq!(gaps.next_fetch(ms(499)), None);
    gaps.updates(ms(499), container(&[message(1, 11)], 0));
    assert_eq!(ids(&mut gaps), [1, 2]);
    gaps.tick(ms(600));
    assert_eq!(gaps.next_fetch(ms(600)), None);
}

#[test]
fn a_gap_is_filled_by_the_difference_after_half_a_second_with_live_updates_held_back() {
    let mut gaps = settled(10);
    gaps.updates(ms(0), container(&[message(3, 13)], 0));
    assert_eq!(gaps.deadline(), ms(500));
    gaps.tick(ms(500));
    let fetch = gaps.next_fetch(ms(500)).unwrap();
    let expected = Fetch::Difference {
        pts: 10,
        date: 1,
        qts: 0,
    };
    assert_eq!(fetch, expected);
    assert_eq!(gaps.next_fetch(ms(500)), None, "one at a time");
    gaps.updates(ms(510), container(&[message(4, 14)], 0));
    assert_eq!(ids(&mut gaps), Vec::<i64>::new());
    let difference = json!({"_": "updates.difference",
        "new_messages": [message(1, 0)["message"], message(2, 0)["message"], message(3, 0)["message"]],
        "new_encrypted_messages": [], "other_updates": [], "chats": [], "users": [],
        "state": tl_state(13, 1)});
    gaps.fetched(ms(520), &fetch, Ok(difference));
    assert_eq!(ids(&mut gaps), [1, 2, 3, 4]);
    assert_eq!(gaps.pts(), Some(14));
}

#[test]
fn slices_go_on_until_the_last() {
    let mut gaps = Gaps::new(Some(&state(10, 1)), 7, T0);
    let first = gaps.next_fetch(T0).unwrap();
    let slice = json!({"_": "updates.differenceSlice", "new_messages": [message(1, 0)["message"]],
        "new_encrypted_messages": [], "other_updates": [], "chats": [], "users": [],
        "intermediate_state": tl_state(11, 1)});
    gaps.fetched(T0, &first, Ok(slice));
    let second = gaps.next_fetch(T0).unwrap();
    assert!(matches!(second, Fetch::Difference { pts: 11, .. }));
    let last = json!({"_": "updates.difference", "new_messages": [message(2, 0)["message"]],
        "new_encrypted_messages": [], "other_updates": [], "chats": [], "users": [],
        "state": tl_state(12, 1)});
    gaps.fetched(T0, &second, Ok(last));
    assert_eq!(ids(&mut gaps), [1, 2]);
    assert_eq!(gaps.next_fetch(T0), None);
}

#[test]
fn a_difference_too_long_is_a_gap_and_goes_on_from_the_named_pts() {
    let mut gaps = Gaps::new(Some(&state(10, 1)), 7, T0);
    let fetch = gaps.next_fetch(T0).unwrap();
    let answer = json!({"_": "updates.differenceTooLong", "pts": 500});
    gaps.fetched(T0, &fetch, Ok(answer));
    let gap = Gap {
        reason: "difference_too_long",
        channel: None,
        from: Some(10),
        to: Some(500),
    };
    assert_eq!(gaps_of(&mut gaps), [gap]);
    let again = gaps.next_fetch(T0).unwrap();
    assert!(matches!(again, Fetch::Difference { pts: 500, .. }));
}

#[test]
fn a_failed_difference_is_asked_again_and_later_each_time() {
    let mut gaps = Gaps::new(Some(&state(10, 1)), 7, T0);
    let failure = |name: &str, wait| {
        Err(FetchFailure {
            name: name.into(),
            wait,
        })
    };
    let fetch = gaps.next_fetch(T0).unwrap();
    gaps.fetched(T0, &fetch, failure("PERSISTENT_TIMESTAMP_OUTDATED", None));
    assert_eq!(gaps.next_fetch(ms(999)), None);
    let fetch = gaps.next_fetch(ms(1_000)).unwrap();
    gaps.fetched(ms(1_000), &fetch, failure("FLOOD_WAIT_7", Some(7)));
    assert_eq!(gaps.next_fetch(ms(7_999)), None);
    assert!(gaps.next_fetch(ms(8_000)).is_some());
}

#[test]
fn without_a_stored_state_it_begins_with_telegrams_and_replays_what_came_early() {
    let mut gaps = Gaps::new(None, 7, T0);
    gaps.updates(T0, container(&[message(1, 11)], 0));
    gaps.updates(T0, container(&[message(2, 12)], 0));
    assert!(gaps.take_batch().is_none());
    let fetch = gaps.next_fetch(T0).unwrap();
    assert_eq!(fetch, Fetch::State);
    gaps.fetched(T0, &fetch, Ok(tl_state(11, 1)));
    assert_eq!(ids(&mut gaps), [2], "the state includes the first");
}

#[test]
fn silence_new_session_and_too_long_lead_to_a_difference() {
    let mut gaps = settled(10);
    let quarter = T0 + Duration::from_mins(15);
    assert_eq!(gaps.deadline(), quarter);
    gaps.tick(quarter);
    assert!(gaps.next_fetch(quarter).is_some());

    let mut gaps = settled(10);
    gaps.updates(T0, json!({"_": "updatesTooLong"}));
    assert!(gaps.next_fetch(T0).is_some());
    gaps.want_difference(T0);
    let running = Fetch::Difference {
        pts: 10,
        date: 1,
        qts: 0,
    };
    let empty = json!({"_": "updates.differenceEmpty", "date": 1, "seq": 1});
    gaps.fetched(T0, &running, Ok(empty));
    assert!(
        gaps.next_fetch(T0).is_some(),
        "wanted while one was under way"
    );
}

#[test]
fn seq_orders_what_has_no_pts() {
    let typing = |user: i32| json!({"_": "updateUserTyping", "message": {"id": user}});
    let mut gaps = settled(10);
    gaps.updates(T0, container(&[typing(3)], 3));
    assert_eq!(ids(&mut gaps), Vec::<i64>::new());
    gaps.updates(T0, container(&[typing(2)], 2));
    assert_eq!(ids(&mut gaps), [2, 3]);
    gaps.updates(T0, container(&[typing(2)], 2));
    assert_eq!(ids(&mut gaps), Vec::<i64>::new());
    gaps.updates(T0, container(&[typing(9)], 9));
    gaps.tick(ms(500));
    assert!(gaps.next_fetch(ms(500)).is_some());
}

#[test]
fn short_messages_are_expanded() {
    let mut gaps = settled(10);
    gaps.updates(
        T0,
        json!({"_": "updateShortMessage", "id": 1, "user_id": "5", "message": "hello",
            "pts": 11, "pts_count": 1, "date": 3}),
    );
    let Output::Update { update, .. } = gaps.take_batch().unwrap().outputs.remove(0) else {
        panic!("an update");
    };
    assert_eq!(update["_"], "updateNewMessage");
    assert_eq!(update["message"]["message"], "hello");
    assert_eq!(update["message"]["from_id"]["user_id"], "5");

    let sent = json!({"_": "updateShortSentMessage", "out": true, "id": 2, "pts": 12,
        "pts_count": 1, "date": 4});
    let params = json!({"peer": {"_": "inputPeerSelf"}, "message": "note"});
    gaps.sent(T0, &sent, params.as_object().unwrap());
    let Output::Update { update, .. } = gaps.take_batch().unwrap().outputs.remove(0) else {
        panic!("an update");
    };
    assert_eq!(update["message"]["peer_id"]["user_id"], "7");
    assert_eq!(update["message"]["message"], "note");
}

#[test]
fn only_the_peers_an_update_speaks_of_go_with_it() {
    let mut gaps = settled(10);
    gaps.updates(
        T0,
        json!({"_": "updates", "updates": [message(1, 11)], "chats": [], "date": 1, "seq": 0,
            "users": [{"_": "user", "id": "5"}, {"_": "user", "id": "6"}]}),
    );
    let Output::Update { users, .. } = gaps.take_batch().unwrap().outputs.remove(0) else {
        panic!("an update");
    };
    assert_eq!(users, [json!({"_": "user", "id": "5"})]);
}

proptest! {
    /// However updates are dropped, doubled and reordered: with a server that answers differences
    /// truly, each comes exactly once and in order of pts.
    #[test]
    fn each_exactly_once_in_order(
        order in proptest::collection::vec((1..60_i32, 0..4_u8), 0..200),
    ) {
        let mut gaps = settled(0);
        let mut now = T0;
        let mut seen = Vec::new();
        let mut top = 0;
        for (index, (id, kind)) in order.iter().enumerate() {
            now += Duration::from_millis(u64::from(*kind) * 100);
            top = top.max(*id);
            gaps.updates(now, container(&[message(*id, *id)], 0));
            gaps.tick(now);
            if index % 3 == 0 {
                serve(&mut gaps, now, top);
            }
            seen.extend(ids(&mut gaps));
        }
        now += Duration::from_secs(1);
        gaps.tick(now);
        serve(&mut gaps, now, top);
        seen.extend(ids(&mut gaps));
        let expected: Vec<i64> = (1..=i64::from(top)).collect();
        prop_assert_eq!(seen, expected);
    }
}

/// A server whose newest pts is `top`, in slices of at most five messages.
fn serve(gaps: &mut Gaps, now: Duration, top: i32) {
    while let Some(fetch) = gaps.next_fetch(now) {
        let Fetch::Difference { pts, .. } = fetch else {
            panic!("only the common sequence");
        };
        let end = top.min(pts + 5);
        let messages: Vec<Value> = (pts + 1..=end)
            .map(|id| message(id, 0)["message"].clone())
            .collect();
        let (kind, field) = if end == top {
            ("updates.difference", "state")
        } else {
            ("updates.differenceSlice", "intermediate_state")
        };
        let mut answer = json!({"_": kind, "new_messages": messages, "new_encrypted_messages": [],
            "other_updates": [], "chats": [], "users": []});
        answer[field] = tl_state(end, 1);
        gaps.fetched(now, &fetch, Ok(answer));
    }
}
