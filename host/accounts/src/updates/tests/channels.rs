//! Channels: each has its own sequence and its own difference.

use super::*;

fn answer(ids: &[i32], pts: i32, last: bool) -> Value {
    let messages: Vec<Value> = ids
        .iter()
        .map(|id| channel_message(9, *id, 0)["message"].clone())
        .collect();
    json!({"_": "updates.channelDifference", "final": last, "pts": pts, "timeout": 1,
        "new_messages": messages, "other_updates": [], "chats": [], "users": []})
}

fn too_long(channel: i64, pts: Option<i32>) -> Value {
    json!({"_": "updateShort", "date": 5, "update":
        {"_": "updateChannelTooLong", "channel_id": channel.to_string(), "pts": pts}})
}

fn channel_fetch(channel: i64, pts: i32) -> Fetch {
    Fetch::Channel { channel, pts }
}

/// Settled at 10, with channel 9 at 101.
fn following() -> Gaps {
    let mut gaps = settled(10);
    gaps.updates(T0, container(&[channel_message(9, 1, 101)], 0));
    assert_eq!(ids(&mut gaps), [1]);
    gaps
}

#[test]
fn a_gap_in_a_channel_is_filled_by_its_own_difference_and_holds_up_nothing_else() {
    let mut gaps = following();
    gaps.updates(T0, container(&[channel_message(9, 3, 103)], 0));
    gaps.updates(T0, container(&[message(50, 11)], 0));
    assert_eq!(ids(&mut gaps), [50], "the common sequence goes on");
    gaps.tick(ms(499));
    assert_eq!(gaps.next_fetch(ms(499)), None);
    gaps.tick(ms(500));
    let fetch = gaps.next_fetch(ms(500)).unwrap();
    assert_eq!(fetch, channel_fetch(9, 101));
    gaps.updates(ms(505), container(&[channel_message(9, 4, 104)], 0));
    assert_eq!(ids(&mut gaps), Vec::<i64>::new(), "held back");
    gaps.fetched(ms(510), &fetch, Ok(answer(&[2, 3], 103, true)));
    assert_eq!(ids(&mut gaps), [2, 3, 4]);
}

#[test]
fn a_channels_difference_goes_on_until_it_is_final_and_is_not_repeated_then() {
    let mut gaps = following();
    gaps.updates(T0, too_long(9, None));
    let first = gaps.next_fetch(T0).unwrap();
    gaps.fetched(T0, &first, Ok(answer(&[2], 102, false)));
    let second = gaps.next_fetch(T0).unwrap();
    assert_eq!(second, channel_fetch(9, 102));
    gaps.fetched(T0, &second, Ok(answer(&[3], 103, true)));
    assert_eq!(ids(&mut gaps), [2, 3]);
    // Only channels that somebody looks at are polled at the time-out, and nobody looks here.
    let later = T0 + Duration::from_mins(5);
    gaps.tick(later);
    assert_eq!(gaps.next_fetch(later), None);
}

#[test]
fn too_long_is_fetched_unless_all_of_it_is_there() {
    let mut gaps = following();
    gaps.updates(T0, too_long(9, Some(101)));
    assert_eq!(gaps.next_fetch(T0), None);
    gaps.updates(T0, too_long(9, Some(300)));
    assert_eq!(
        gaps.next_fetch(T0),
        Some(channel_fetch(9, 101)),
        "from where we are"
    );
}

#[test]
fn a_channel_never_heard_of_is_followed_from_the_number_that_is_named() {
    let mut gaps = settled(10);
    gaps.updates(T0, too_long(7, Some(55)));
    let fetch = gaps.next_fetch(T0).unwrap();
    assert_eq!(fetch, channel_fetch(7, 55));
    let batch = gaps.take_batch().unwrap();
    assert_eq!(batch.step.channels, [(7, Some(55))]);
    let gap = Gap {
        reason: "channel_not_followed",
        channel: Some(7),
        from: None,
        to: Some(55),
    };
    assert_eq!(batch.outputs, [Output::Gap(gap)]);
}

#[test]
fn a_difference_too_long_is_a_gap_with_its_numbers() {
    let mut gaps = following();
    gaps.updates(T0, too_long(9, None));
    let fetch = gaps.next_fetch(T0).unwrap();
    let answer = json!({"_": "updates.channelDifferenceTooLong", "final": true,
        "dialog": {"_": "dialog", "pts": 900}, "messages": [channel_message(9, 77, 0)["message"]],
        "chats": [], "users": []});
    gaps.fetched(T0, &fetch, Ok(answer));
    let gap = Gap {
        reason: "channel_difference_too_long",
        channel: Some(9),
        from: Some(101),
        to: Some(900),
    };
    assert_eq!(gaps.take_batch().unwrap().outputs, [Output::Gap(gap)]);
    gaps.updates(T0, container(&[channel_message(9, 78, 901)], 0));
    assert_eq!(ids(&mut gaps), [78]);
}

#[test]
fn a_channel_that_was_left_is_dropped_and_begins_anew_with_its_next_update() {
    let mut gaps = following();
    gaps.updates(T0, too_long(9, None));
    let fetch = gaps.next_fetch(T0).unwrap();
    gaps.fetched(T0, &fetch, failure("CHANNEL_PRIVATE"));
    let batch = gaps.take_batch().unwrap();
    assert_eq!(batch.step.channels, [(9, None)]);
    assert_eq!(batch.outputs.len(), 1);
    assert_eq!(gaps.next_fetch(T0), None);
    gaps.updates(T0, container(&[channel_message(9, 5, 205)], 0));
    assert_eq!(ids(&mut gaps), [5]);
}

#[test]
fn a_server_that_lags_is_asked_again_and_live_updates_go_on_meanwhile() {
    let mut gaps = following();
    gaps.updates(T0, too_long(9, None));
    let fetch = gaps.next_fetch(T0).unwrap();
    gaps.fetched(T0, &fetch, failure("PERSISTENT_TIMESTAMP_OUTDATED"));
    assert_eq!(gaps.next_fetch(ms(999)), None);
    gaps.updates(ms(999), container(&[channel_message(9, 2, 102)], 0));
    assert_eq!(ids(&mut gaps), [2], "what is next needs no difference");
    assert_eq!(gaps.next_fetch(ms(1_000)), Some(channel_fetch(9, 102)));
}

#[test]
fn a_state_that_telegram_refuses_is_a_gap() {
    for name in ["PERSISTENT_TIMESTAMP_EMPTY", "PERSISTENT_TIMESTAMP_INVALID"] {
        let mut gaps = following();
        gaps.updates(T0, too_long(9, None));
        let fetch = gaps.next_fetch(T0).unwrap();
        gaps.fetched(T0, &fetch, failure(name));
        let found = gaps_of(&mut gaps);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].reason, found[0].from),
            ("state_refused", Some(101))
        );
    }
}

#[test]
fn a_wait_for_one_channel_is_a_wait_for_all() {
    let mut gaps = following();
    gaps.updates(T0, container(&[channel_message(8, 1, 11)], 0));
    gaps.updates(T0, too_long(9, None));
    let fetch = gaps.next_fetch(T0).unwrap();
    let wait = FetchFailure {
        name: "FLOOD_WAIT_30".into(),
        wait: Some(30),
    };
    gaps.fetched(T0, &fetch, Err(wait));
    gaps.updates(T0, too_long(8, None));
    gaps.hurry(ms(1_000));
    assert_eq!(gaps.next_fetch(ms(29_999)), None);
    assert_eq!(gaps.deadline(), ms(30_000));
    assert!(gaps.next_fetch(ms(30_000)).is_some());
    assert!(gaps.next_fetch(ms(30_000)).is_some());
}

#[test]
fn a_channel_that_cannot_be_addressed_is_introduced_by_a_difference_or_given_up() {
    let mut gaps = following();
    gaps.updates(T0, too_long(9, None));
    let mut now = T0;
    for _ in 0..2 {
        let fetch = gaps.next_fetch(now).unwrap();
        assert_eq!(fetch, channel_fetch(9, 101));
        gaps.fetched(now, &fetch, failure("PEER_UNKNOWN"));
        let difference = gaps.next_fetch(now).unwrap();
        assert!(matches!(difference, Fetch::Difference { .. }));
        gaps.fetched(now, &difference, Ok(empty()));
        now += Duration::from_secs(2);
    }
    let fetch = gaps.next_fetch(now).unwrap();
    gaps.fetched(now, &fetch, failure("PEER_UNKNOWN"));
    assert_eq!(gaps_of(&mut gaps)[0].reason, "channel_unknown");
    assert_eq!(gaps.next_fetch(now + Duration::from_mins(1)), None);
}

/// After a restart nothing but the difference tells what was missed, of each channel; four at once.
#[test]
fn after_a_restart_every_channel_is_asked_a_few_at_a_time() {
    let mut stored = state(10, 1);
    stored.channels = (1..=10).map(|id| (id, 100)).collect();
    let mut gaps = Gaps::new(Some(&stored), 7, T0);
    let common = gaps.next_fetch(T0).unwrap();
    assert!(matches!(common, Fetch::Difference { pts: 10, .. }));
    assert_eq!(gaps.next_fetch(T0), None, "the account's own comes first");
    gaps.fetched(T0, &common, Ok(empty()));
    let mut asked = Vec::new();
    let mut running: Vec<Fetch> = core::iter::from_fn(|| gaps.next_fetch(T0)).collect();
    while let Some(fetch) = running.pop() {
        assert!(running.len() < 4);
        let Fetch::Channel { channel, pts } = fetch else {
            panic!("a channel: {fetch:?}");
        };
        assert_eq!(pts, 100);
        asked.push(channel);
        gaps.fetched(T0, &fetch, Ok(answer(&[], 100, true)));
        running.extend(core::iter::from_fn(|| gaps.next_fetch(T0)));
    }
    asked.sort_unstable();
    assert_eq!(asked, (1..=10).collect::<Vec<i64>>());
}

#[test]
fn a_common_difference_names_channels_and_brings_their_updates() {
    let mut gaps = following();
    gaps.want_difference(T0);
    let fetch = gaps.next_fetch(T0).unwrap();
    let difference = json!({"_": "updates.difference", "new_messages": [],
        "new_encrypted_messages": [], "chats": [], "users": [], "state": tl_state(10, 1),
        "other_updates": [channel_message(9, 1, 101), channel_message(9, 2, 102),
            {"_": "updateChannelTooLong", "channel_id": "9", "pts": 110}]});
    gaps.fetched(T0, &fetch, Ok(difference));
    assert_eq!(ids(&mut gaps), [2], "the first was taken before");
    assert_eq!(gaps.next_fetch(T0), Some(channel_fetch(9, 102)));
}

/// `updateNewChannelMessage` of a `messageEmpty` without a chat moves no sequence: not the common
/// one either.
#[test]
fn a_channels_message_without_its_channel_moves_nothing() {
    let mut gaps = settled(10);
    let update = json!({"_": "updateNewChannelMessage", "pts": 900, "pts_count": 1,
        "message": {"_": "messageEmpty", "id": 4}});
    gaps.updates(T0, container(&[update], 0));
    assert_eq!(ids(&mut gaps), [4]);
    assert_eq!(gaps.pts(), Some(10));
    gaps.tick(ms(600));
    assert_eq!(gaps.next_fetch(ms(600)), None);
}

#[test]
fn a_commit_names_only_channels_that_moved() {
    let mut gaps = following();
    gaps.updates(T0, container(&[channel_message(8, 1, 11)], 0));
    assert_eq!(gaps.take_batch().unwrap().step.channels, [(8, Some(11))]);
    gaps.updates(T0, container(&[message(1, 11)], 0));
    assert_eq!(gaps.take_batch().unwrap().step.channels, []);
    assert!(gaps.take_batch().is_none());
}
