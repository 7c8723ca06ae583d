//! When differences are asked for, what they do, and what is believed of them.

use super::*;

fn difference(ids: &[i32], pts: i32) -> Value {
    let messages: Vec<Value> = ids
        .iter()
        .map(|id| message(*id, 0)["message"].clone())
        .collect();
    json!({"_": "updates.difference", "new_messages": messages, "new_encrypted_messages": [],
        "other_updates": [], "chats": [], "users": [], "state": tl_state(pts, 1)})
}

/// A hole that the difference leaves open may be a server that lags: it is asked again, each time
/// later. In the end Telegram is believed, and says so.
#[test]
fn a_hole_that_is_never_filled_is_asked_for_a_few_times_and_then_is_a_gap() {
    let mut gaps = settled(10);
    gaps.updates(ms(0), container(&[message(3, 13)], 0));
    let mut now = ms(500);
    let mut pauses = Vec::new();
    let mut found = Vec::new();
    for _ in 0..10 {
        gaps.tick(now);
        let Some(fetch) = gaps.next_fetch(now) else {
            break;
        };
        gaps.fetched(now, &fetch, Ok(empty()));
        found.extend(
            gaps.take_batch()
                .map(|batch| batch.outputs)
                .unwrap_or_default(),
        );
        let next = gaps.deadline();
        pauses.push(next.checked_sub(now).unwrap().as_millis());
        now = next.min(now + Duration::from_mins(1));
    }
    assert_eq!(pauses[..3], [1_000, 2_000, 4_000]);
    assert_eq!(pauses.len(), 4, "the fourth difference is the last");
    let gap = Gap {
        reason: "not_in_difference",
        channel: None,
        from: Some(10),
        to: Some(12),
    };
    assert_eq!(found[0], Output::Gap(gap));
    assert_eq!(id_of(&found[1]), 3);
    assert_eq!(gaps.pts(), Some(13));
}

#[test]
fn a_server_that_lags_fills_the_hole_at_the_second_question() {
    let mut gaps = settled(10);
    gaps.updates(ms(0), container(&[message(3, 13)], 0));
    gaps.tick(ms(500));
    let fetch = gaps.next_fetch(ms(500)).unwrap();
    gaps.fetched(ms(500), &fetch, Ok(difference(&[1], 11)));
    assert_eq!(ids(&mut gaps), [1]);
    gaps.tick(ms(1_500));
    let fetch = gaps.next_fetch(ms(1_500)).unwrap();
    gaps.fetched(ms(1_500), &fetch, Ok(difference(&[2, 3], 13)));
    assert_eq!(ids(&mut gaps), [2, 3]);
}

/// What was taken does not come back from a server that lags.
#[test]
fn a_difference_does_not_lead_back() {
    let mut gaps = settled(10);
    gaps.want_difference(T0);
    let fetch = gaps.next_fetch(T0).unwrap();
    gaps.fetched(T0, &fetch, Ok(difference(&[], 8)));
    gaps.updates(T0, container(&[message(9, 9), message(11, 11)], 0));
    assert_eq!(ids(&mut gaps), [11]);
}

#[test]
fn a_refused_state_begins_anew_with_telegrams_and_says_what_lies_between() {
    for name in ["PERSISTENT_TIMESTAMP_INVALID", "PERSISTENT_TIMESTAMP_EMPTY"] {
        let mut gaps = Gaps::new(Some(&state(10, 1)), 7, T0);
        let fetch = gaps.next_fetch(T0).unwrap();
        gaps.fetched(T0, &fetch, failure(name));
        let fetch = gaps.next_fetch(T0).unwrap();
        assert_eq!(fetch, Fetch::State);
        gaps.fetched(T0, &fetch, Ok(tl_state(40, 1)));
        let gap = Gap {
            reason: "state_refused",
            channel: None,
            from: Some(10),
            to: Some(40),
        };
        assert_eq!(gaps_of(&mut gaps), [gap]);
        gaps.updates(T0, container(&[message(5, 41)], 0));
        assert_eq!(ids(&mut gaps), [5]);
    }
}

#[test]
fn a_sequence_that_telegram_begins_anew_is_followed_from_there() {
    let mut gaps = settled(1_000);
    gaps.updates(T0, container(&[json!({"_": "updatePtsChanged"})], 0));
    let fetch = gaps.next_fetch(T0).unwrap();
    assert_eq!(fetch, Fetch::State);
    gaps.fetched(T0, &fetch, Ok(tl_state(5, 1)));
    assert_eq!(gaps_of(&mut gaps)[0].reason, "pts_changed");
    gaps.updates(T0, container(&[message(1, 6)], 0));
    assert_eq!(ids(&mut gaps), [1], "a smaller number than before");
}

#[test]
fn with_too_much_held_back_the_difference_is_asked_at_once_and_memory_is_bounded() {
    let mut gaps = settled(10);
    for number in 0..1_500 {
        gaps.updates(T0, container(&[message(number, 20 + number)], 0));
    }
    assert!(gaps.pts.held() <= 1_000);
    gaps.tick(T0);
    let fetch = gaps.next_fetch(T0).unwrap();
    let all: Vec<i32> = (0..1_509).collect();
    gaps.fetched(T0, &fetch, Ok(difference(&all, 1_519)));
    assert_eq!(ids(&mut gaps).len(), 1_509, "each once");
}

/// Overflowed while the difference was under way: it may not cover what was dropped.
#[test]
fn what_overflows_during_a_difference_is_fetched_by_another() {
    let mut gaps = settled(10);
    gaps.want_difference(T0);
    let fetch = gaps.next_fetch(T0).unwrap();
    for number in 0..1_100 {
        gaps.updates(ms(1), container(&[message(number, 12 + number)], 0));
    }
    gaps.fetched(ms(2), &fetch, Ok(empty()));
    gaps.tick(ms(2));
    assert!(gaps.next_fetch(ms(2)).is_some());
}

#[test]
fn channels_together_hold_a_bounded_number() {
    let mut gaps = settled(10);
    for channel in 1..=30 {
        gaps.updates(T0, container(&[channel_message(channel, 1, 1)], 0));
        for number in 0..600 {
            gaps.updates(T0, container(&[channel_message(channel, 2, 3 + number)], 0));
        }
    }
    let held: usize = gaps
        .channels
        .values()
        .map(|channel| channel.pts.held())
        .sum();
    assert!(held <= 10_000, "{held}");
}

#[test]
fn the_date_moves_only_with_what_was_applied() {
    let dated = |updates: &[Value], date: i32| json!({"_": "updates", "updates": updates, "users": [], "chats": [], "date": date, "seq": 0});
    let mut gaps = settled(10);
    gaps.updates(T0, dated(&[message(1, 11)], 50));
    assert_eq!(gaps.take_batch().unwrap().step.date, 50);
    gaps.updates(T0, dated(&[message(3, 13)], 60));
    gaps.updates(
        T0,
        json!({"_": "updateShort", "update": message(1, 11), "date": 70}),
    );
    gaps.tick(ms(500));
    let fetch = gaps.next_fetch(ms(500)).unwrap();
    assert!(
        matches!(fetch, Fetch::Difference { date: 50, .. }),
        "{fetch:?}"
    );
}

#[test]
fn qts_are_ordered_by_themselves_and_zero_is_no_order() {
    let stopped =
        |id: i32, qts: i32| json!({"_": "updateBotStopped", "qts": qts, "message": {"id": id}});
    let mut stored = state(10, 1);
    stored.qts = 4;
    let mut gaps = Gaps::new(Some(&stored), 7, T0);
    let fetch = gaps.next_fetch(T0).unwrap();
    gaps.fetched(T0, &fetch, Ok(empty()));
    gaps.updates(
        T0,
        container(
            &[stopped(6, 6), stopped(99, 0), stopped(5, 5), stopped(5, 5)],
            0,
        ),
    );
    assert_eq!(ids(&mut gaps), [5, 6, 99]);
    gaps.updates(T0, container(&[stopped(8, 8)], 0));
    gaps.tick(ms(500));
    let fetch = gaps.next_fetch(ms(500)).unwrap();
    assert!(matches!(fetch, Fetch::Difference { qts: 6, .. }));

    // Nobody named one yet.
    let mut gaps = settled(10);
    gaps.updates(T0, container(&[stopped(70, 70)], 0));
    assert_eq!(ids(&mut gaps), [70]);
}

/// Results of calls are part of the sequences.
#[test]
fn results_of_calls_move_the_sequences() {
    let mut gaps = settled(10);
    let affected = json!({"_": "messages.affectedHistory", "pts": 13, "pts_count": 3, "offset": 0});
    let (pts, count) = affects(&affected).unwrap();
    gaps.affected(T0, None, pts, count);
    gaps.updates(T0, container(&[message(1, 14)], 0));
    assert_eq!(ids(&mut gaps), [1]);
    // Pushed and answered: once.
    let invited = json!({"_": "messages.invitedUsers", "missing_invitees": [],
        "updates": container(&[message(2, 15)], 0)});
    gaps.updates(T0, carried(&invited).unwrap().clone());
    gaps.updates(T0, container(&[message(2, 15)], 0));
    assert_eq!(ids(&mut gaps), [2]);
    gaps.affected(T0, Some(9), 20, 2);
    gaps.updates(T0, container(&[channel_message(9, 3, 21)], 0));
    assert_eq!(ids(&mut gaps), [3]);
    assert_eq!(affects(&json!({"_": "messages.messages"})), None);
    assert_eq!(
        carried(&json!({"_": "messages.messages", "messages": []})),
        None
    );
}

#[test]
fn an_incomplete_update_is_left_to_the_difference_of_its_sequence() {
    let mut gaps = settled(10);
    gaps.incomplete(T0, &message(1, 11));
    assert!(matches!(
        gaps.next_fetch(T0),
        Some(Fetch::Difference { pts: 10, .. })
    ));
    let mut gaps = settled(10);
    gaps.incomplete(T0, &channel_message(9, 1, 101));
    let fetch = gaps.next_fetch(T0).unwrap();
    assert_eq!(
        fetch,
        Fetch::Channel {
            channel: 9,
            pts: 100
        }
    );
}

#[test]
fn who_is_not_introduced_is_a_stranger() {
    use sluice_domain::PeerKind::{Channel, User};
    let short = json!({"_": "updateShortMessage", "user_id": "5", "via_bot_id": "6",
        "fwd_from": {"from_id": {"_": "peerChannel", "channel_id": "7"}}});
    assert_eq!(strangers(&short), [(User, 5), (User, 6), (Channel, 7)]);
    let group = json!({"_": "updateNewMessage", "message": {"peer_id": {"_": "peerChat",
        "chat_id": "3"}, "from_id": {"_": "peerUser", "user_id": "4"}}});
    assert_eq!(strangers(&group), [(User, 4)]);
    assert_eq!(strangers(&channel_message(9, 1, 1)), [(Channel, 9)]);
    assert_eq!(
        strangers(&json!({"_": "updateUserTyping", "user_id": "5"})),
        []
    );
}

#[test]
fn what_has_no_number_is_not_held_up_by_a_gap_or_a_difference() {
    let typing = json!({"_": "updateUserTyping", "message": {"id": 7}});
    let mut gaps = settled(10);
    gaps.updates(T0, container(&[message(3, 13), typing.clone()], 0));
    assert_eq!(ids(&mut gaps), [7]);
    gaps.want_difference(T0);
    assert!(gaps.next_fetch(T0).is_some());
    gaps.updates(T0, json!({"_": "updateShort", "update": typing, "date": 1}));
    assert_eq!(ids(&mut gaps), [7]);
}

#[test]
fn more_than_can_be_kept_before_the_state_is_known_is_left_to_a_difference() {
    let mut gaps = Gaps::new(None, 7, T0);
    let fetch = gaps.next_fetch(T0).unwrap();
    for number in 1..=1_001 {
        gaps.updates(T0, container(&[message(number, number)], 0));
    }
    gaps.fetched(T0, &fetch, Ok(tl_state(1, 1)));
    assert_eq!(ids(&mut gaps).len(), 999);
    assert!(matches!(
        gaps.next_fetch(T0),
        Some(Fetch::Difference { pts: 1_000, .. })
    ));
}

/// A reconnect does not wait for the pause after a failure, but for Telegram's own wait it does.
#[test]
fn a_link_that_stands_again_is_asked_at_once() {
    let mut gaps = Gaps::new(Some(&state(10, 1)), 7, T0);
    for _ in 0..5 {
        gaps.hurry(T0);
        let fetch = gaps.next_fetch(T0).unwrap();
        gaps.fetched(T0, &fetch, failure("CONNECTION_LOST"));
    }
    assert_eq!(gaps.next_fetch(ms(1_000)), None);
    gaps.hurry(ms(1_000));
    let fetch = gaps.next_fetch(ms(1_000)).unwrap();
    let wait = FetchFailure {
        name: "FLOOD_WAIT_9".into(),
        wait: Some(9),
    };
    gaps.fetched(ms(1_000), &fetch, Err(wait));
    gaps.hurry(ms(2_000));
    assert_eq!(gaps.next_fetch(ms(9_999)), None);
}
