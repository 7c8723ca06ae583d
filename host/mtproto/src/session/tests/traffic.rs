//! What two honest ends say to each other.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};

use super::{
    super::wire::CONTAINER, ClientEvent, ClientSession, Pair, RpcError, SALT, ServerEvent,
    ServerSalts, ServerSession, answer, body,
};
use crate::{
    Sender,
    exchange::{ClientExchange, ClientStep, ServerExchange, ServerStep, factorize},
    open, rsa,
    testing::{Dice, at},
    transport::{Frame, Framing, Kind},
};

/// One end of a stream to the other: frames a packet, and unframes it on the other side.
fn carry(from: &mut Framing, to: &mut Framing, packet: &[u8]) -> BytesMut {
    let mut stream = BytesMut::new();
    from.encode(packet, &mut stream);
    match to.decode(&mut stream).unwrap().unwrap() {
        Frame::Packet(packet) => packet,
        other => panic!("not a packet: {other:?}"),
    }
}

/// Breaks when a whole connection does not work in some transport: exchange, first call, answer,
/// update.
#[test]
fn a_whole_connection_over_every_transport() {
    for kind in [Kind::Abridged, Kind::Intermediate, Kind::Full] {
        let dice = Dice::new(3);
        let now = at(0.0);
        let mut here = Framing::client(kind);
        let keys = [rsa::tests::private().public().clone()];
        let (mut exchange, first) = ClientExchange::start(&keys, 2, now, &dice);
        let mut stream = BytesMut::new();
        here.encode(&first, &mut stream);
        let mut there = Framing::detect(&mut stream).unwrap().unwrap();
        assert_eq!(there.kind(), kind);
        let Some(Frame::Packet(mut packet)) = there.decode(&mut stream).unwrap() else {
            panic!("no packet");
        };

        let mut acceptor = ServerExchange::new(Arc::from([rsa::tests::private()]));
        let mut made = None;
        let result = loop {
            let back = match acceptor.receive(&packet, now, &dice).unwrap() {
                ServerStep::Send(back) => back,
                ServerStep::Done {
                    send,
                    auth_key,
                    salt,
                    ..
                } => {
                    made = Some((auth_key, salt));
                    send
                }
            };
            let back = carry(&mut there, &mut here, &back);
            let out = match exchange.receive(&back, now, &dice).unwrap() {
                ClientStep::Send(out) => out,
                ClientStep::Factor { pq } => {
                    let (p, q) = factorize(pq).unwrap();
                    exchange.factored(p, q, now, &dice).unwrap()
                }
                ClientStep::Done(result) => break result,
            };
            packet = carry(&mut here, &mut there, &out);
        };
        let (auth_key, salt) = made.unwrap();

        let mut client =
            ClientSession::new(result.auth_key, result.salt, 5, result.time_offset, now);
        client.add_salts(&[super::LATER]);
        let mut salts = ServerSalts::new(salt, now);
        let mut server = ServerSession::new(auth_key.clone(), 5, now, &dice);
        let call = client.call(body("hello"), now);
        let out = client.poll_packet(now, &dice).unwrap();
        let arrived = carry(&mut here, &mut there, &out);
        assert_eq!(crate::packet_key_id(&arrived), Some(auth_key.id()));
        let opened = open(&auth_key, Sender::Client, arrived).unwrap();
        assert_eq!(opened.header.session_id, 5);
        server.receive(opened, &mut salts, now, &dice).unwrap();
        assert!(matches!(
            server.next_event(),
            Some(ServerEvent::NewSession { .. })
        ));
        let Some(ServerEvent::Call { msg_id, body: got }) = server.next_event() else {
            panic!("no call");
        };
        assert_eq!(got, body("hello"));
        server.answer(msg_id, Ok(body("hello yourself")), now);
        server.push(body("news"), now);
        let back = server.poll_packet(&mut salts, now, &dice).unwrap();
        assert_eq!(server.poll_packet(&mut salts, now, &dice), None);
        let back = carry(&mut there, &mut here, &back);
        client.receive(back, now).unwrap();
        let events: Vec<_> = std::iter::from_fn(|| client.next_event()).collect();
        assert_eq!(
            events,
            [
                ClientEvent::NewSession {
                    first_msg_id: msg_id
                },
                answer(call, body("hello yourself")),
                ClientEvent::Update(body("news")),
            ]
        );
        assert_eq!(client.in_flight(), 0);
    }
}

/// Breaks when queued calls do not share packets, or containers grow beyond what servers take.
#[test]
fn what_is_queued_shares_packets() {
    let mut pair = Pair::begun();
    let calls: Vec<_> = (0..100)
        .map(|n| pair.client.call(body(&n.to_string()), pair.now))
        .collect();
    let packet = pair.poll_client().unwrap();
    assert_eq!(pair.poll_client(), None, "one packet is enough");
    let opened = Pair::open_at_server(&packet);
    assert_eq!(opened.body[..4], CONTAINER.to_le_bytes());
    pair.server_gets(&packet).unwrap();
    assert_eq!(pair.echo(), 100);
    pair.settle();
    let answered: Vec<_> = pair
        .client_events()
        .into_iter()
        .map(|event| match event {
            ClientEvent::Answer {
                call,
                result: Ok(_),
            } => call,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(answered, calls);

    for _ in 0..3000 {
        pair.client.call(body("x"), pair.now);
    }
    let big = Bytes::from(vec![1; 600_000]);
    pair.client.call(big, pair.now);
    pair.client.call(body("after"), pair.now);
    let mut sizes = Vec::new();
    while let Some(packet) = pair.poll_client() {
        sizes.push(packet.len());
        pair.server_gets(&packet).unwrap();
    }
    let long = sizes.iter().filter(|size| **size > (1 << 15) + 128);
    assert_eq!(long.count(), 1, "only the big call, alone: {sizes:?}");
    assert_eq!(pair.echo(), 3002);
}

/// Breaks when compressed answers, errors or the order of answers get lost.
#[test]
fn answers_of_every_kind() {
    let mut pair = Pair::begun();
    pair.server.compress_above(Some(100));
    let long = body(&"much of the same ".repeat(1000));
    let calls: Vec<_> = (0..3)
        .map(|_| pair.client.call(body("?"), pair.now))
        .collect();
    pair.settle();
    let requests = pair.server_calls();
    let error = RpcError {
        code: 420,
        message: "FLOOD_WAIT_3".into(),
    };
    pair.server
        .answer(requests[2].0, Err(error.clone()), pair.now);
    pair.server
        .answer(requests[0].0, Ok(long.clone()), pair.now);
    pair.server
        .answer(requests[1].0, Ok(body("short")), pair.now);
    let packet = pair.poll_server().unwrap();
    assert!(packet.len() < 1000, "the long answer is compressed");
    pair.client_gets(&packet).unwrap();
    assert_eq!(
        pair.client_events(),
        [
            ClientEvent::Answer {
                call: calls[2],
                result: Err(error)
            },
            answer(calls[0], long),
            answer(calls[1], body("short")),
        ]
    );
}

/// Breaks when message ids, their lower bits or sequence numbers are not as the protocol wants
/// them.
#[test]
fn ids_and_numbers() {
    let mut pair = Pair::salted();
    let mut last = 0;
    for seq_no in [1, 3, 5] {
        pair.client.call(body("x"), pair.now);
        let packet = pair.poll_client().unwrap();
        let header = Pair::open_at_server(&packet).header;
        assert_eq!((header.seq_no, header.msg_id & 3), (seq_no, 0));
        assert!(header.msg_id > last);
        assert_eq!(header.msg_id >> 32, 1_800_000_000);
        assert_eq!(header.salt, SALT);
        last = header.msg_id;
        pair.server_gets(&packet).unwrap();
    }
    pair.echo();
    let packet = pair.poll_server().unwrap();
    let opened = Pair::open_at_client(&packet);
    assert_eq!(opened.header.msg_id & 3, 1);
    assert_eq!(
        opened.header.seq_no & 1,
        0,
        "a container is not acknowledged"
    );
    pair.client_gets(&packet).unwrap();
    pair.server.push(body("news"), pair.now);
    let header = Pair::open_at_client(&pair.poll_server().unwrap()).header;
    assert_eq!((header.msg_id & 3, header.seq_no & 1), (3, 1));
}

/// Breaks when answers and updates are not acknowledged in time, alone if need be, or more often
/// than necessary.
#[test]
fn acknowledgements() {
    let mut pair = Pair::begun();
    let call = pair.client.call(body("x"), pair.now);
    pair.settle();
    let request = pair.server_calls()[0].0;
    pair.server.answer(request, Ok(body("y")), pair.now);
    pair.settle();
    assert_eq!(pair.client_events(), [answer(call, body("y"))]);
    assert_eq!(pair.poll_client(), None, "it waits for company");
    let deadline = pair.client.deadline().unwrap();
    assert!(deadline <= pair.now.mono + Duration::from_secs(30));
    pair.now.mono = deadline;
    let packet = pair.poll_client().unwrap();
    assert_eq!(Pair::open_at_server(&packet).header.seq_no & 1, 0);
    pair.server_gets(&packet).unwrap();
    assert_eq!(pair.server_events(), [ServerEvent::Acked(vec![request])]);
    assert_eq!(pair.client.deadline(), None);
    pair.server.reattached(pair.now);
    assert_eq!(pair.poll_server(), None, "nothing is unacknowledged");

    for _ in 0..100 {
        pair.server.push(body("news"), pair.now);
    }
    let packet = pair.poll_server().unwrap();
    pair.client_gets(&packet).unwrap();
    assert!(pair.poll_client().is_some(), "that many do not wait");
}

/// Breaks when a server does not say that a call has come although its answer takes long.
#[test]
fn slow_calls_are_acknowledged() {
    let mut pair = Pair::begun();
    pair.client.call(body("slow"), pair.now);
    pair.settle();
    assert_eq!(pair.poll_server(), None);
    pair.now.mono = pair.server.deadline().unwrap();
    let packet = pair.poll_server().unwrap();
    pair.client_gets(&packet).unwrap();
    assert_eq!(pair.echo(), 1);
    pair.settle();
    assert_eq!(pair.client_events().len(), 1);
}

/// Breaks when pings are not answered, or answered pongs not measured.
#[test]
fn pings() {
    let mut pair = Pair::begun();
    pair.client.ping(pair.now, Some(75));
    let packet = pair.poll_client().unwrap();
    pair.server_gets(&packet).unwrap();
    assert_eq!(
        pair.server_events(),
        [ServerEvent::Ping {
            disconnect_delay: Some(75)
        }]
    );
    let pong = pair.poll_server().unwrap();
    pair.later(0.25);
    pair.client_gets(&pong).unwrap();
    assert_eq!(
        pair.client_events(),
        [ClientEvent::Pong {
            rtt: Duration::from_millis(250)
        }]
    );
}

/// Breaks when a pong that nobody waits for is reported.
#[test]
fn foreign_pongs() {
    let mut pair = Pair::begun();
    let id = crate::msg_id::at(pair.now.unix) | 1;
    let pong = crate::wire::Writer::boxed(super::super::wire::PONG, 20)
        .long(4)
        .long(1)
        .finish();
    pair.forge_to_client(id + 4000, 0, &pong).unwrap();
    assert_eq!(pair.client_events(), []);
}

/// Breaks when known salts are not used from their time on.
#[test]
fn salts_are_renewed_before_they_expire() {
    let mut pair = Pair::begun();
    let salts = pair.salts.future(3, pair.now, &pair.dice);
    assert_eq!(salts[0].salt, SALT);
    pair.later(1801.0);
    pair.client.call(body("x"), pair.now);
    pair.settle();
    assert_eq!(pair.echo(), 1, "no message was refused");
    assert_eq!(pair.client.salt(), salts[1].salt);
    assert_eq!(
        pair.client_events(),
        [ClientEvent::SaltChanged {
            salt: salts[1].salt
        }]
    );
}

/// Breaks when the preamble is missing before the first answer, or stays after it.
#[test]
fn the_preamble_goes_before_calls_until_one_is_answered() {
    let mut pair = Pair::new();
    let preamble = body("layer and device");
    pair.client.set_preamble(preamble.clone());
    let with = |text| Bytes::from([preamble.clone(), body(text)].concat());
    pair.client.call(body("a"), pair.now);
    pair.settle();
    pair.client.call(body("b"), pair.now);
    pair.settle();
    let calls = pair.server_calls();
    assert_eq!(calls[0].1, with("a"));
    assert_eq!(calls[1].1, with("b"));
    pair.server.answer(calls[0].0, Ok(body("ok")), pair.now);
    pair.settle();
    pair.client.call(body("c"), pair.now);
    pair.settle();
    assert_eq!(pair.server_calls()[0].1, body("c"));
    pair.client.repeat_preamble();
    pair.client.call(body("d"), pair.now);
    pair.settle();
    assert_eq!(pair.server_calls()[0].1, with("d"));
}

/// Breaks when the destruction of sessions and keys is not carried out and told.
#[test]
fn destruction() {
    let mut pair = Pair::begun();
    pair.client.destroy_session(99);
    pair.client.destroy_session(98);
    pair.client.destroy_auth_key();
    pair.settle();
    assert_eq!(
        pair.server_events(),
        [
            ServerEvent::DestroySession { session_id: 99 },
            ServerEvent::DestroySession { session_id: 98 },
            ServerEvent::DestroyAuthKey,
        ]
    );
    pair.server.session_destroyed(98, true, pair.now);
    pair.server.session_destroyed(99, false, pair.now);
    pair.server.auth_key_destroyed(Some(true), pair.now);
    pair.settle();
    assert_eq!(
        pair.client_events(),
        [
            ClientEvent::SessionDestroyed {
                session_id: 98,
                existed: true
            },
            ClientEvent::SessionDestroyed {
                session_id: 99,
                existed: false
            },
            ClientEvent::AuthKeyDestroyed { gone: true },
        ]
    );
}

/// Breaks when a forgotten call still reaches anyone.
#[test]
fn forgotten_calls() {
    let mut pair = Pair::begun();
    let queued = pair.client.call(body("never sent"), pair.now);
    pair.client.forget(queued);
    pair.settle();
    assert_eq!(pair.server_calls(), []);
    let sent = pair.client.call(body("sent"), pair.now);
    assert!(!pair.client.was_sent(sent));
    pair.settle();
    assert!(pair.client.was_sent(sent));
    pair.client.forget(sent);
    assert_eq!(pair.client.in_flight(), 0);
    assert_eq!(pair.echo(), 1);
    pair.settle();
    assert_eq!(pair.client_events(), []);
}
