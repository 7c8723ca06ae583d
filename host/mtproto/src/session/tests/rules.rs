//! Each test breaks one rule from the other side. Nothing that comes from a network may do more than
//! be refused.

use bytes::BytesMut;
use proptest::prelude::*;

use super::{
    super::wire::{
        ALL_INFO, BAD_MSG, BAD_SALT, CONTAINER, DESTROY_KEY_OK, DESTROY_SESSION_OK, DETAILED_INFO,
        FUTURE_SALTS, GET_FUTURE_SALTS, GZIP_PACKED, HTTP_WAIT, MSGS_ACK, NEW_DETAILED_INFO,
        NEW_SESSION, PING, PING_DELAY, PONG, RESEND_ANS_REQ, RESEND_REQ, RPC_ERROR, RPC_RESULT,
        STATE_INFO, STATE_REQ,
    },
    ClientEvent, Pair, SALT, SESSION, ServerEvent, body,
};
use crate::{Header, Sender, Violation, gzip, msg_id, open, seal, wire::Writer};

/// Where client and server have both been silent for a while.
fn base(pair: &Pair) -> i64 {
    msg_id::at(pair.now.unix) + 4_000_000
}

fn container(messages: &[(i64, i32, &[u8])]) -> Vec<u8> {
    let count = u32::try_from(messages.len()).unwrap();
    messages
        .iter()
        .fold(
            Writer::boxed(CONTAINER, 64).id(count),
            |writer, (id, seq_no, body)| {
                let length = i32::try_from(body.len()).unwrap();
                writer.long(*id).int(*seq_no).int(length).raw(body)
            },
        )
        .finish()
}

fn gzipped(data: &[u8]) -> Vec<u8> {
    Writer::boxed(GZIP_PACKED, 64)
        .bytes(&gzip::deflate(data))
        .finish()
}

/// Breaks when a client takes a message whose id cannot be the server's, or is not of this time.
#[test]
fn a_client_checks_ids() {
    let mut pair = Pair::begun();
    let now = base(&pair) | 1;
    let second = 1 << 32;
    for (id, expected) in [
        (now - 1, Err(Violation::MsgIdParity)),
        (now + 1, Err(Violation::MsgIdParity)),
        (-3, Err(Violation::MsgIdParity)),
        (now - 298 * second, Ok(())),
        (now + 28 * second, Ok(())),
        (now, Ok(())),
        (now + 2, Ok(())),
    ] {
        assert_eq!(pair.forge_to_client(id, 1, &body("x")), expected, "{id}");
    }
    assert_eq!(pair.client_events().len(), 4);
    for (id, expected) in [
        (now - 302 * second, Violation::MsgIdOld),
        (now + 32 * second, Violation::MsgIdAhead),
    ] {
        let mut pair = Pair::begun();
        let violation = pair.forge_to_client(id, 1, &body("x"));
        assert_eq!(violation, Err(expected), "{id}");
    }
    assert_eq!(
        pair.forge_to_client(now + 8, -1, &body("x")),
        Err(Violation::SeqNo)
    );
}

/// Breaks when a bad clock hides the very message that would repair it.
#[test]
fn complaints_are_read_whatever_the_clock_says() {
    let mut pair = Pair::begun();
    pair.client.call(body("x"), pair.now);
    let about = Pair::open_at_server(&pair.poll_client().unwrap())
        .header
        .msg_id;
    let complaint = Writer::boxed(BAD_MSG, 20)
        .long(about)
        .int(0)
        .int(16)
        .finish();
    let far = (base(&pair) | 1) + (7200 << 32);
    pair.forge_to_client(far, 0, &complaint).unwrap();
    assert_eq!(
        pair.client_events(),
        [ClientEvent::TimeCorrected { offset: 7200 }]
    );
}

/// Breaks when a message older than everything remembered is taken, or only dropped: it might be a
/// repeated one.
#[test]
fn a_client_cannot_judge_what_it_forgot() {
    let mut pair = Pair::begun();
    let first = base(&pair) | 1;
    for n in 0..1100 {
        pair.forge_to_client(first + n * 4, 1, &body("x")).unwrap();
    }
    assert_eq!(pair.client_events().len(), 1100);
    let outcome = pair.forge_to_client(first - 4, 1, &body("x"));
    assert_eq!(outcome, Err(Violation::MsgIdForgotten));
    assert!(Violation::MsgIdForgotten.needs_new_session());
    assert_eq!(
        pair.forge_to_client(first + 1099 * 4, 1, &body("x")),
        Ok(())
    );
    assert_eq!(pair.client_events(), []);
}

/// Breaks when packets for other keys or sessions, or plain ones, are taken.
#[test]
fn foreign_packets() {
    let mut pair = Pair::begun();
    let mut header = Header {
        salt: SALT,
        session_id: SESSION + 1,
        msg_id: base(&pair) | 1,
        seq_no: 1,
    };
    let seal_with =
        |key: &crate::AuthKey, header| seal(key, Sender::Server, header, &body("x"), &pair.dice);
    let foreign_session = seal_with(&super::key(), header);
    header.session_id = SESSION;
    let foreign_key = seal_with(&crate::AuthKey::from_bytes([1; 256]), header);
    assert_eq!(
        pair.client_gets(&foreign_session),
        Err(Violation::ForeignSession)
    );
    assert_eq!(pair.client_gets(&foreign_key), Err(Violation::ForeignKey));
    assert_eq!(
        pair.client_gets(&crate::plain::seal(1, &[0; 100])),
        Err(Violation::ForeignKey)
    );
    assert_eq!(pair.client_gets(b""), Err(Violation::TooShort));
    // The link may stay: the session is as it was.
    let call = pair.client.call(body("x"), pair.now);
    pair.settle();
    pair.echo();
    pair.settle();
    assert_eq!(pair.client_events(), [super::answer(call, body("x"))]);
}

/// Breaks when a malformed or excessive service message does anything in a client.
#[test]
fn a_client_refuses_malformed_bodies() {
    let news = body("x");
    let bomb = gzipped(&vec![0; 17 << 20]);
    let half = gzipped(&vec![0; 9 << 20]);
    let long = |n: i64| (n, 1, &news[..]);
    let many: Vec<_> = (0..1025).map(|n| long(n * 4 + 1)).collect();
    let cases: Vec<(Vec<u8>, Violation)> = vec![
        (vec![], Violation::Malformed),
        (vec![1, 2, 3, 4][..0].to_vec(), Violation::Malformed),
        (container(&many), Violation::Container),
        (
            container(&[(1, 0, &container(&[long(1)]))]),
            Violation::Container,
        ),
        (
            [container(&[long(1)]), vec![0; 4]].concat(),
            Violation::Container,
        ),
        (container(&[long(1)])[..28].to_vec(), Violation::Container),
        (
            [container(&[(1, 1, &[1, 2, 3])]), vec![0]].concat(),
            Violation::Container,
        ),
        (
            Writer::boxed(CONTAINER, 8).id(u32::MAX).finish(),
            Violation::Container,
        ),
        (container(&[(2, 1, &news)]), Violation::MsgIdParity),
        (bomb.clone(), Violation::GzipBomb),
        (
            container(&[(1, 0, &half), (5, 0, &half)]),
            Violation::GzipBomb,
        ),
        (gzipped(&gzipped(&news)), Violation::Gzip),
        (
            Writer::boxed(GZIP_PACKED, 12).bytes(b"no gzip").finish(),
            Violation::Gzip,
        ),
        (
            Writer::boxed(MSGS_ACK, 12).longs(&vec![1; 8193]).finish(),
            Violation::TooManyIds,
        ),
        (
            Writer::boxed(STATE_REQ, 12).longs(&vec![1; 8193]).finish(),
            Violation::TooManyIds,
        ),
        (
            Writer::boxed(MSGS_ACK, 12).id(0x1cb5_c415).int(5).finish(),
            Violation::Malformed,
        ),
        (
            Writer::boxed(FUTURE_SALTS, 12)
                .long(1)
                .int(1)
                .int(65)
                .finish(),
            Violation::TooManyIds,
        ),
        (
            Writer::boxed(NEW_SESSION, 12).long(1).finish(),
            Violation::Malformed,
        ),
        (
            Writer::boxed(BAD_SALT, 12).long(1).int(1).int(48).finish(),
            Violation::Malformed,
        ),
    ];
    for (number, (body, expected)) in cases.into_iter().enumerate() {
        let mut pair = Pair::begun();
        let id = base(&pair) | 1;
        let outcome = pair.forge_to_client(id, 0, &body);
        assert_eq!(outcome, Err(expected), "case {number}");
        // Of two bodies that are too long together, the first is not.
        let allowed = usize::from(body == container(&[(1, 0, &half), (5, 0, &half)]));
        assert_eq!(pair.client_events().len(), allowed, "case {number}");
    }
}

/// Breaks when a malformed answer to a call is taken for an answer, or the call waits for a better
/// one, which will not come.
#[test]
fn a_client_refuses_malformed_answers() {
    let answer = |request: i64, rest: &[u8]| {
        Writer::boxed(RPC_RESULT, 64)
            .long(request)
            .raw(rest)
            .finish()
    };
    let bomb = gzipped(&vec![0; 17 << 20]);
    for (rest, expected) in [
        (vec![], Violation::Malformed),
        (
            Writer::boxed(RPC_ERROR, 8).int(1).finish(),
            Violation::Malformed,
        ),
        (gzipped(&[])[..8].to_vec(), Violation::Malformed),
        (bomb.clone(), Violation::GzipBomb),
    ] {
        let mut pair = Pair::begun();
        let call = pair.client.call(body("x"), pair.now);
        let request = Pair::open_at_server(&pair.poll_client().unwrap())
            .header
            .msg_id;
        let id = base(&pair) | 1;
        let outcome = pair.forge_to_client(id, 1, &answer(request, &rest));
        assert_eq!(outcome, Err(expected));
        assert_eq!(pair.client_events(), [ClientEvent::Unsure { call }]);
        assert_eq!(pair.client.in_flight(), 0);
        // An answer to nothing is nobody's business, a bomb in it neither.
        let late = pair.forge_to_client(id + 8, 1, &answer(request, &bomb));
        assert_eq!((late, pair.client_events()), (Ok(()), vec![]));
    }
}

/// What a server refuses a message with.
fn refused(pair: &mut Pair) -> Option<i32> {
    let codes: Vec<_> = pair
        .server_events()
        .into_iter()
        .filter_map(|event| match event {
            ServerEvent::Refused { code, .. } => Some(code),
            _ => None,
        })
        .collect();
    let complained = pair.poll_server().is_some_and(|packet| {
        let body = Pair::open_at_client(&packet).body;
        let has = |id: u32| body.windows(4).any(|window| window == id.to_le_bytes());
        has(BAD_MSG) || has(BAD_SALT)
    });
    assert_eq!(complained, !codes.is_empty(), "the client is told");
    assert!(codes.len() <= 1);
    codes.first().copied()
}

/// Breaks when a server takes a message that breaks a rule, or names another rule.
#[test]
fn a_server_names_the_broken_rule() {
    let call = body("x");
    let ack = Writer::boxed(MSGS_ACK, 20).longs(&[1]).finish();
    let wait = Writer::boxed(HTTP_WAIT, 16).int(0).int(0).int(0).finish();
    let second = 1 << 32;
    let mut pair = Pair::begun();
    let start = base(&pair);
    pair.forge_to_server(start, 11, &call).unwrap();
    pair.forge_to_server(start + 400, 15, &call).unwrap();
    assert_eq!(refused(&mut pair), None);
    let inner = |id: i64| container(&[(id, 13, &call)]);
    let nested = container(&[(start + 84, 12, &inner(start + 80))]);
    let cases: [(i64, i32, &[u8], Option<i32>); 22] = [
        (start + 1, 13, &call, Some(18)),
        (start + 2, 13, &call, Some(18)),
        (start + 103, 13, &call, Some(18)),
        (start - 301 * second, 13, &call, Some(16)),
        (start + 31 * second, 13, &call, Some(17)),
        (-4, 13, &call, Some(16)),
        (start + 4, 9, &call, Some(32)),
        (start + 4, 11, &call, Some(32)),
        (start + 4, -1, &call, Some(32)),
        (start + 4, 15, &call, Some(33)),
        (start + 4, 17, &call, Some(33)),
        (start - 4, 11, &call, Some(33)),
        (start + 404, 14, &ack, Some(32)),
        (start + 404, 17, &wait, Some(34)),
        (start + 404, 17, &inner(start + 8), Some(34)),
        (start + 404, 16, &call, Some(35)),
        (start + 88, 12, &nested, Some(64)),
        (start + 92, 12, &inner(start + 92), Some(64)),
        (start + 96, 12, &inner(start + 120), Some(64)),
        (start + 404, 16, &ack, None),
        (start + 408, 17, &ack, None),
        (start + 112, 14, &inner(start + 100), None),
    ];
    for (number, (id, seq_no, body, code)) in cases.into_iter().enumerate() {
        pair.forge_to_server(id, seq_no, body).unwrap();
        assert_eq!(refused(&mut pair), code, "case {number}");
    }
    pair.forge_with_salt(SALT + 1, start + 500, 101, &call)
        .unwrap();
    assert_eq!(refused(&mut pair), Some(48));

    for n in 0..1100 {
        let seq_no = 101 + i32::try_from(n).unwrap() * 2;
        pair.forge_to_server(start + 1000 + n * 4, seq_no, &call)
            .unwrap();
        pair.server_events();
    }
    while pair.poll_server().is_some() {}
    pair.forge_to_server(start + 8, 12, &ack).unwrap();
    assert_eq!(refused(&mut pair), Some(20));
}

/// Breaks when a malformed or excessive message does more than be refused by a server.
#[test]
fn a_server_refuses_malformed_bodies() {
    let cases: Vec<(i32, Vec<u8>, Violation)> = vec![
        (1, vec![], Violation::Malformed),
        (1, gzipped(&vec![0; 5 << 20]), Violation::GzipBomb),
        (1, gzipped(&gzipped(&body("x"))), Violation::Gzip),
        (1, gzipped(&container(&[])), Violation::Gzip),
        (
            0,
            Writer::boxed(CONTAINER, 8).id(9).finish(),
            Violation::Container,
        ),
        (
            0,
            Writer::boxed(MSGS_ACK, 8).longs(&vec![0; 8193]).finish(),
            Violation::TooManyIds,
        ),
        (
            1,
            Writer::boxed(PING, 8).int(1).finish(),
            Violation::Malformed,
        ),
        (
            1,
            Writer::boxed(STATE_REQ, 8).int(1).finish(),
            Violation::Malformed,
        ),
    ];
    for (number, (seq_no, body, expected)) in cases.into_iter().enumerate() {
        let mut pair = Pair::begun();
        let id = base(&pair);
        // Beyond the numbers that the session has used.
        let outcome = pair.forge_to_server(id, 100 + seq_no, &body);
        assert_eq!(outcome, Err(expected), "case {number}");
        assert_eq!(pair.server_calls(), [], "case {number}");
    }
    let mut pair = Pair::begun();
    let header = Header {
        salt: SALT,
        session_id: SESSION + 1,
        msg_id: base(&pair),
        seq_no: 1,
    };
    let packet = seal(
        &super::key(),
        Sender::Client,
        header,
        &body("x"),
        &pair.dice,
    );
    let opened = Pair::open_at_server(&packet);
    let outcome = pair
        .server
        .receive(opened, &mut pair.salts, pair.now, &pair.dice);
    assert_eq!(outcome, Err(Violation::ForeignSession));
}

/// Breaks when `http_wait`, which means nothing here, disturbs.
#[test]
fn http_wait_is_ignored() {
    let mut pair = Pair::begun();
    let wait = Writer::boxed(HTTP_WAIT, 16)
        .int(0)
        .int(0)
        .int(25_000)
        .finish();
    let id = base(&pair);
    pair.forge_to_server(id, 100, &wait).unwrap();
    assert_eq!(pair.server_events(), []);
    assert_eq!(pair.poll_server(), None);
}

/// Breaks when compressed calls are not understood.
#[test]
fn compressed_calls() {
    let mut pair = Pair::begun();
    let id = base(&pair);
    pair.forge_to_server(id, 101, &gzipped(&body("x"))).unwrap();
    assert_eq!(pair.server_calls(), [(id, body("x"))]);
}

/// All the constructors that mean something to either role.
const KNOWN: [u32; 26] = [
    ALL_INFO,
    BAD_MSG,
    BAD_SALT,
    CONTAINER,
    DESTROY_KEY_OK,
    DESTROY_SESSION_OK,
    DETAILED_INFO,
    FUTURE_SALTS,
    GET_FUTURE_SALTS,
    GZIP_PACKED,
    HTTP_WAIT,
    MSGS_ACK,
    NEW_DETAILED_INFO,
    NEW_SESSION,
    PING,
    PING_DELAY,
    PONG,
    RESEND_ANS_REQ,
    RESEND_REQ,
    RPC_ERROR,
    RPC_RESULT,
    STATE_INFO,
    STATE_REQ,
    0xe751_2126,
    0x58e4_a740,
    0x1234_5678,
];

/// Bodies that are nearly right: a known constructor, and fields that may or may not fit.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let fields = proptest::collection::vec(
        prop_oneof![
            any::<u32>(),
            0_u32..9,
            proptest::sample::select(vec![0x1cb5_c415, CONTAINER, GZIP_PACKED, RPC_ERROR]),
        ],
        0..24,
    );
    (proptest::sample::select(&KNOWN[..]), fields).prop_map(|(id, fields)| {
        fields
            .into_iter()
            .fold(Writer::boxed(id, 100), Writer::id)
            .finish()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Breaks when any message that decrypts well makes a role panic, or stay busy.
    #[test]
    fn no_message_panics(
        messages in proptest::collection::vec((bodies(), 0_i64..40, any::<i32>()), 1..6),
        in_container in any::<bool>(),
    ) {
        let mut pair = Pair::begun();
        pair.client.call(body("x"), pair.now);
        pair.client.destroy_auth_key();
        pair.settle();
        let start = base(&pair);
        let messages: Vec<_> = messages
            .iter()
            .map(|(body, id, seq_no)| (start + *id, *seq_no, &body[..]))
            .collect();
        let contained = container(&messages);
        let all: Vec<_> = if in_container { vec![(start + 100, 0, &contained[..])] } else { messages };
        for (id, seq_no, body) in &all {
            let _ = pair.forge_to_client(id | 1, *seq_no, body);
            let _ = pair.forge_to_server(id & !3, seq_no.wrapping_abs(), body);
        }
        for _ in 0..20 {
            pair.later(30.0);
            while pair.poll_client().is_some() {}
            while pair.poll_server().is_some() {}
            pair.client_events();
            pair.echo();
        }
        prop_assert_eq!(pair.poll_client(), None);
    }

    /// Breaks when a damaged packet does more than be refused, in either direction.
    #[test]
    fn no_damaged_packet_passes(at in any::<prop::sample::Index>(), change in 1_u8.., cut in any::<bool>()) {
        let mut pair = Pair::begun();
        pair.client.call(body("x"), pair.now);
        let mut up = pair.poll_client().unwrap();
        pair.server.push(body("y"), pair.now);
        let mut down = pair.poll_server().unwrap();
        for packet in [&mut up, &mut down] {
            let place = at.index(packet.len());
            if cut {
                packet.truncate(place);
            } else {
                packet[place] ^= change;
            }
        }
        prop_assert!(pair.client_gets(&down).is_err());
        prop_assert!(open(&super::key(), Sender::Client, BytesMut::from(&up[..])).is_err());
        prop_assert_eq!(pair.client_events(), []);
    }
}
