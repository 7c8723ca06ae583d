//! What a session meets that is busy, or lives for long.

use std::time::Duration;

use super::{ClientEvent, Pair, ServerEvent, answer, body};
use crate::{
    Violation,
    session::wire::{BAD_MSG, RESEND_REQ},
    wire::Writer,
};

/// Breaks when a busy session forgets that it waits for a pong: its link would be closed as dead.
#[test]
fn acknowledgements_do_not_displace_a_ping() {
    let mut pair = Pair::begun();
    pair.client.ping(pair.now, None);
    let ping = pair.poll_client().unwrap();
    for _ in 0..100 {
        pair.server.push(body("news"), pair.now);
        pair.settle();
        pair.client.call(body("call"), pair.now);
        pair.settle();
        pair.echo();
        pair.settle();
    }
    pair.client_events();
    pair.server_gets(&ping).unwrap();
    pair.settle();
    assert_eq!(
        pair.client_events(),
        [ClientEvent::Pong {
            rtt: Duration::ZERO
        }]
    );
}

/// Breaks when a machine that was suspended, during which its monotonic clock stood still, never
/// again believes a message of the server.
#[test]
fn a_suspended_machine_finds_the_time_again() {
    let mut pair = Pair::begun();
    pair.later(1000.0);
    pair.settle();
    pair.client_events();
    // Long enough for the client to doubt the server, and not for the server to doubt the client.
    pair.later(100.0);
    pair.asleep = Duration::from_secs(100);
    let call = pair.client.call(body("a"), pair.client_now());
    let packet = pair.poll_client().unwrap();
    pair.server_gets(&packet).unwrap();
    assert_eq!(pair.echo(), 1);
    let packet = pair.poll_server().unwrap();
    assert_eq!(pair.client_gets(&packet), Err(Violation::MsgIdAhead));

    let seen = pair.server_id();
    pair.client.reconnected(pair.client_now());
    pair.server.reattached(pair.now);
    pair.settle();
    let events = pair.client_events();
    assert!(
        matches!(events[0], ClientEvent::TimeCorrected { .. }),
        "{events:?}"
    );
    assert_eq!(events[1..], [answer(call, body("a"))]);
    pair.later(1000.0);
    assert_eq!(
        pair.forge_to_client(seen, 0, &body("late")),
        Err(Violation::MsgIdOld),
        "the clock is believed again"
    );
}

/// Breaks when the clock can be set back by a packet that was recorded before.
#[test]
fn a_repeated_message_does_not_set_the_clock() {
    let mut pair = Pair::begun();
    let old = pair.server_id();
    pair.forge_to_client(old, 0, &body("news")).unwrap();
    pair.later(1000.0);
    for _ in 0..2 {
        let replayed = pair.forge_to_client(old, 0, &body("news"));
        assert_eq!(replayed, Err(Violation::MsgIdOld));
    }
    let new = pair.server_id();
    pair.forge_to_client(new, 0, &body("more")).unwrap();
}

/// Breaks when a server that refuses every message keeps the client sending its pings for ever.
#[test]
fn service_messages_are_not_repeated_without_end() {
    for code in [16, 32] {
        let mut pair = Pair::begun();
        pair.client.ping(pair.now, None);
        let mut rounds = 0;
        while let Some(packet) = pair.poll_client() {
            let about = Pair::open_at_server(&packet).header.msg_id;
            let id = pair.server_id();
            let refusal = Writer::boxed(BAD_MSG, 20).long(about).int(1).int(code);
            pair.forge_to_client(id, 0, &refusal.finish()).unwrap();
            rounds += 1;
            assert!(rounds < 20, "{code}");
        }
        // What comes later has its own tries.
        pair.client.ping(pair.now, None);
        pair.settle();
        assert!(
            pair.client_events()
                .iter()
                .any(|event| matches!(event, ClientEvent::Pong { .. }))
        );
    }
}

/// Breaks when a client whose salts the server has replaced does without the new ones: a message
/// would be refused every half hour.
#[test]
fn salts_that_do_not_hold_are_asked_for_again() {
    let mut pair = Pair::begun();
    pair.salts.replace(pair.now, &pair.dice);
    pair.client.ping(pair.now, None);
    pair.settle();
    let refused = |events: Vec<ServerEvent>| {
        events
            .iter()
            .any(|e| matches!(e, ServerEvent::Refused { .. }))
    };
    assert!(refused(pair.server_events()));
    // Longer than all the salts last that are given out at once.
    for _ in 0..100 {
        pair.later(1500.0);
        pair.client.ping(pair.now, None);
        pair.settle();
        assert!(!refused(pair.server_events()));
    }
}

/// Breaks when a server that asks for one message several times gets as many.
#[test]
fn a_message_is_repeated_once_for_one_request() {
    let mut pair = Pair::begun();
    pair.client.call(body("a"), pair.now);
    let packet = pair.poll_client().unwrap();
    let sent = Pair::open_at_server(&packet).header.msg_id;
    let id = pair.server_id();
    let request = Writer::boxed(RESEND_REQ, 64).longs(&[sent; 100]).finish();
    pair.forge_to_client(id, 0, &request).unwrap();
    let repeated = pair.poll_client().unwrap();
    assert!(repeated.len() < 2 * packet.len(), "{}", repeated.len());
    assert_eq!(pair.poll_client(), None);
}
