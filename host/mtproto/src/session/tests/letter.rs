//! The rules of Telegram's pages that are about one service message or one number, each broken or
//! used from the other side.

use bytes::Bytes;

use super::{
    super::{
        FutureSalt,
        wire::{
            ALL_INFO, BAD_SALT, CONTAINER, DESTROY_KEY_FAIL, DESTROY_KEY_NONE, DESTROY_SESSION,
            DESTROY_SESSION_OK, DROP_ANSWER, GET_FUTURE_SALTS, MSGS_ACK, NEW_SESSION, PONG,
            RESEND_ANS_REQ, RESEND_REQ, RPC_RESULT, STATE_INFO, STATE_REQ,
        },
    },
    ClientEvent, Pair, SALT, SESSION, ServerEvent, answer, body,
};
use crate::{
    Violation, msg_id,
    wire::{Reader, Writer},
};

impl Pair {
    /// Message id, constructor and whole body of everything that the client wants to send.
    fn client_says(&mut self) -> Vec<(i64, u32, Bytes)> {
        std::iter::from_fn(|| self.poll_client())
            .flat_map(|packet| messages(&packet, Self::open_at_server))
            .collect()
    }

    fn server_says(&mut self) -> Vec<(i64, u32, Bytes)> {
        std::iter::from_fn(|| self.poll_server())
            .flat_map(|packet| messages(&packet, Self::open_at_client))
            .collect()
    }

    /// The server's word on messages that the client asked about.
    fn tell_states(&mut self, request: i64, states: &[u8]) -> Result<(), Violation> {
        let id = self.server_id();
        let info = Writer::boxed(STATE_INFO, 20).long(request).bytes(states);
        self.forge_to_client(id, 0, &info.finish())
    }

    /// The message of the answer that the server gives.
    fn answer_id(&mut self) -> i64 {
        let said = self.server_says();
        said.iter().find(|(_, id, _)| *id == RPC_RESULT).unwrap().0
    }

    /// A client's message of its own time; content-related unless it acknowledges itself.
    fn client_forges(&mut self, seq_no: i32, body: &[u8]) -> i64 {
        self.later(0.001);
        let id = msg_id::at(self.now.unix);
        self.forge_to_server(id, seq_no, body).unwrap();
        id
    }
}

fn messages(packet: &[u8], open: fn(&[u8]) -> crate::Opened) -> Vec<(i64, u32, Bytes)> {
    let opened = open(packet);
    let constructor = |body: &[u8]| Reader::new(body).id().unwrap();
    if constructor(&opened.body) != CONTAINER {
        let id = constructor(&opened.body);
        return vec![(opened.header.msg_id, id, opened.body)];
    }
    let inside = super::super::wire::read_container(&opened.body).unwrap();
    inside
        .into_iter()
        .map(|message| (message.msg_id, constructor(&message.body), message.body))
        .collect()
}

fn ids(id: u32, ids: &[i64]) -> Vec<u8> {
    Writer::boxed(id, 20).longs(ids).finish()
}

/// Breaks when one reason makes a client send a call more than once again, or none at all.
#[test]
fn a_cause_is_good_for_one_resend() {
    for code in [16, 17, 18, 19, 32, 33, 34, 35, 48, 64] {
        let mut pair = Pair::begun();
        let call = pair.call("once more");
        let mut sent = 0;
        while pair.client.in_flight() > 0 {
            let packet = pair.poll_client().unwrap();
            let opened = Pair::open_at_server(&packet);
            let said = messages(&packet, Pair::open_at_server);
            sent += said
                .iter()
                .filter(|(_, _, said)| *said == body("once more"))
                .count();
            assert!(sent < 9, "{code}");
            let about = opened.header.msg_id;
            if code == 48 {
                let id = pair.server_id();
                let refusal = Writer::boxed(BAD_SALT, 28)
                    .long(about)
                    .int(1)
                    .int(48)
                    .long(5);
                pair.forge_to_client(id, 0, &refusal.finish()).unwrap();
            } else {
                pair.bad_msg(about, code);
            }
        }
        assert_eq!(sent, 2, "{code}");
        let refused = ClientEvent::Refused { call, code };
        assert!(pair.client_events().contains(&refused), "{code}");
    }
}

/// Breaks when a call that is refused for several reasons, one after the other, is given up.
#[test]
fn every_cause_has_its_resend() {
    let mut pair = Pair::begun();
    let call = pair.call("a");
    for code in [16, 32, 33] {
        let about = pair.lose();
        pair.bad_msg(about, code);
    }
    for salt in [5, 6] {
        let about = pair.lose();
        let id = pair.server_id();
        let refusal = Writer::boxed(BAD_SALT, 28)
            .long(about)
            .int(1)
            .int(48)
            .long(salt);
        pair.forge_to_client(id, 0, &refusal.finish()).unwrap();
    }
    pair.client_events();
    // The server knows neither salt: that is one more.
    pair.settle();
    assert_eq!(pair.echo(), 1);
    pair.settle();
    assert!(pair.client_events().contains(&answer(call, body("a"))));
}

/// Breaks when a message acknowledges more than 8,192 others, or some are never acknowledged.
#[test]
fn acknowledgements_have_a_limit() {
    let mut pair = Pair::begun();
    let first = pair.server_id();
    for n in 0..9000 {
        pair.forge_to_client(first + n * 4, 1, &body("x")).unwrap();
    }
    let mut acked = 0;
    for (_, id, said) in pair.client_says() {
        if id == MSGS_ACK {
            let mut reader = Reader::new(&said);
            reader.expect(MSGS_ACK).unwrap();
            acked += reader.longs(8192).unwrap().len();
        }
    }
    assert_eq!(acked, 9000);
}

/// Breaks when an id list beyond 8,192 is worked on by either role.
#[test]
fn id_lists_have_a_limit() {
    for id in [MSGS_ACK, STATE_REQ, RESEND_REQ, ALL_INFO, RESEND_ANS_REQ] {
        let list = ids(id, &vec![1; 8193]);
        let mut pair = Pair::begun();
        let at = pair.server_id();
        if id != RESEND_ANS_REQ {
            let outcome = pair.forge_to_client(at, 0, &list);
            assert_eq!(outcome, Err(Violation::TooManyIds), "{id:#x}");
        }
        if id != ALL_INFO {
            let outcome = pair.forge_to_server(at & !3, 100, &list);
            assert_eq!(outcome, Err(Violation::TooManyIds), "{id:#x}");
        }
    }
}

/// Breaks when states that do not fit the question are taken for an answer, or hide the right one.
#[test]
fn states_have_to_fit_the_question() {
    let mut pair = Pair::begun();
    let call = pair.call("a");
    pair.lose();
    pair.client.reconnected(pair.now);
    let asked = pair.client_says();
    let (request, id, _) = asked[0];
    assert_eq!(id, STATE_REQ);
    for states in [&[][..], &[2, 2], &[5], &[0], &[7]] {
        let outcome = pair.tell_states(request, states);
        assert_eq!(outcome, Err(Violation::Malformed), "{states:?}");
    }
    pair.tell_states(request + 4, &[1]).unwrap();
    assert_eq!(pair.client_events(), []);
    pair.tell_states(request, &[2]).unwrap();
    assert_eq!(pair.client_events(), []);
    pair.expect_answers(&[(call, "a")]);
}

/// Breaks when the states of messages are understood wrongly.
#[test]
fn what_each_state_means() {
    for (state, again, unsure, asks) in [
        (1, false, true, false),
        (2, true, false, false),
        (3, true, false, false),
        (4, false, false, false),
        (4 | 32, false, false, false),
        (4 | 8 | 64, false, false, true),
    ] {
        let mut pair = Pair::begun();
        let call = pair.call("a");
        let sent = pair.lose();
        pair.client.reconnected(pair.now);
        let (request, ..) = pair.client_says()[0];
        pair.tell_states(request, &[state]).unwrap();
        let events = pair.client_events();
        assert_eq!(events == [ClientEvent::Unsure { call }], unsure, "{state}");
        let said = pair.client_says();
        assert_eq!(
            said.iter().any(|(_, _, said)| *said == body("a")),
            again,
            "{state}"
        );
        let wish = Bytes::from(ids(RESEND_ANS_REQ, &[sent]));
        assert_eq!(
            said.iter().any(|(_, _, said)| *said == wish),
            asks,
            "{state}"
        );
        if let Some((request, ..)) = said.iter().find(|(_, _, said)| *said == wish) {
            // The answer is gone meanwhile, and must not be asked for without end.
            pair.tell_states(*request, &[state]).unwrap();
            assert_eq!(pair.client_says(), []);
        }
    }
}

/// Breaks when a call that the server has told to have come is sent again after it lost the session.
#[test]
fn volunteered_states_count() {
    let mut pair = Pair::begun();
    let call = pair.call("a");
    let sent = pair.lose();
    let id = pair.server_id();
    let all = Writer::boxed(ALL_INFO, 40).longs(&[sent, 4]).bytes(&[4, 4]);
    pair.forge_to_client(id, 0, &all.finish()).unwrap();
    let created = Writer::boxed(NEW_SESSION, 28)
        .long(sent + 4)
        .long(1)
        .long(SALT);
    pair.forge_to_client(id + 4, 1, &created.finish()).unwrap();
    assert!(pair.client_events().contains(&ClientEvent::Unsure { call }));
}

/// Breaks when a pong for another ping counts.
#[test]
fn pongs_have_to_fit_the_ping() {
    let mut pair = Pair::begun();
    pair.client.ping(pair.now, None);
    let ping = pair.lose();
    for (about, ping_id, fits) in [(ping, 99, false), (ping + 4, 2, false), (ping, 2, true)] {
        let id = pair.server_id();
        let pong = Writer::boxed(PONG, 20).long(about).long(ping_id).finish();
        pair.forge_to_client(id, 0, &pong).unwrap();
        assert_eq!(pair.client_events().len(), usize::from(fits));
    }
}

/// Breaks when the answers to destructions are not understood, in either form, or one that nobody
/// asked for is.
#[test]
fn answers_to_destructions() {
    let mut pair = Pair::begun();
    let stray = Writer::boxed(DESTROY_SESSION_OK, 12).long(9).finish();
    let id = pair.server_id();
    pair.forge_to_client(id, 1, &stray).unwrap();
    assert_eq!(pair.client_events(), []);
    pair.client.destroy_session(9);
    let said = pair.client_says();
    let (asked, ..) = *said
        .iter()
        .find(|(_, id, _)| *id == DESTROY_SESSION)
        .unwrap();
    let wrapped = Writer::boxed(RPC_RESULT, 24)
        .long(asked)
        .raw(&stray)
        .finish();
    let id = pair.server_id();
    pair.forge_to_client(id, 1, &wrapped).unwrap();
    let destroyed = ClientEvent::SessionDestroyed {
        session_id: 9,
        existed: true,
    };
    assert_eq!(pair.client_events(), [destroyed]);
    for (answer, gone) in [(DESTROY_KEY_NONE, true), (DESTROY_KEY_FAIL, false)] {
        pair.client.destroy_auth_key();
        pair.lose();
        let id = pair.server_id();
        let answer = Writer::boxed(answer, 4).finish();
        pair.forge_to_client(id, 1, &answer).unwrap();
        assert_eq!(
            pair.client_events(),
            [ClientEvent::AuthKeyDestroyed { gone }]
        );
    }
}

/// Breaks when a server sends the answer to a call that its client has forgotten, or is not told.
#[test]
fn a_forgotten_call_needs_no_answer() {
    let mut pair = Pair::begun();
    let call = pair.call("a");
    pair.settle();
    let (request, _) = pair.server_calls()[0];
    pair.client.forget(call);
    let said = pair.client_says();
    let wish = Writer::boxed(DROP_ANSWER, 12).long(request).finish();
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].2, wish);
    pair.client_forges(101, &wish);
    let dropped = ServerEvent::DropAnswer { msg_id: request };
    assert_eq!(pair.server_events(), [dropped]);
    pair.server.answer(request, Ok(body("late")), pair.now);
    let told = pair.server_says();
    assert!(
        told.iter()
            .all(|(_, _, told)| !told.ends_with(&body("late")))
    );

    let never = pair.call("never sent");
    pair.client.forget(never);
    assert_eq!(pair.client_says(), [], "nothing to drop");
}

/// Breaks when a repeated message in one container is delivered twice.
#[test]
fn a_container_may_not_repeat_itself() {
    let mut pair = Pair::begun();
    let id = pair.server_id();
    let news = body("x");
    let length = i32::try_from(news.len()).unwrap();
    let inside = Writer::boxed(CONTAINER, 64).int(2);
    let inside = (0..2).fold(inside, |writer, _| {
        writer.long(id).int(1).int(length).raw(&news)
    });
    pair.forge_to_client(id + 4, 0, &inside.finish()).unwrap();
    assert_eq!(pair.client_events(), [ClientEvent::Update(news)]);
}

/// Breaks when what the server had under way for a session that was given up costs the connection,
/// or is taken for news; and when such packets are still tolerated once the new one is answered.
#[test]
fn the_former_session_fades_out() {
    let mut pair = Pair::begun();
    pair.call("a");
    let about = pair.lose();
    pair.server.push(body("under way"), pair.now);
    let under_way = pair.poll_server().unwrap();
    pair.bad_msg(about, 32);
    pair.client_events();
    assert_eq!(pair.client_gets(&under_way), Ok(()));
    assert!(pair.poll_client().is_some());
    assert_ne!(pair.client.session_id(), SESSION);
    assert_eq!(pair.client_gets(&under_way), Ok(()));
    assert_eq!(pair.client_events(), []);
    pair.client.ping(pair.now, None);
    pair.settle();
    let outcome = pair.client_gets(&under_way);
    assert_eq!(
        outcome,
        Err(Violation::ForeignSession),
        "the new one stands"
    );
}

/// Breaks when a salt is used after its end, or a server that gives none is asked all the time.
#[test]
fn salts_have_an_end() {
    let mut pair = Pair::new();
    let time = i32::try_from(pair.now.unix.as_secs()).unwrap();
    let expired = FutureSalt {
        valid_since: time - 100,
        valid_until: time - 1,
        salt: 5,
    };
    let asks = |pair: &mut Pair| {
        pair.client.ping(pair.now, None);
        let said = pair.client_says();
        said.iter()
            .filter(|(_, id, _)| *id == GET_FUTURE_SALTS)
            .count()
    };
    assert_eq!(asks(&mut pair), 1);
    assert_eq!(asks(&mut pair), 0);
    pair.client.add_salts(&[expired]);
    pair.client.ping(pair.now, None);
    pair.lose();
    assert_eq!(pair.client.salt(), SALT);
    pair.later(601.0);
    assert_eq!(asks(&mut pair), 1);
}

/// Breaks when a server is silent about messages that it does not have any more.
#[test]
fn a_server_tells_what_it_cannot_repeat() {
    let mut pair = Pair::begun();
    let running = pair.client_forges(101, &body("a"));
    let done = pair.client_forges(103, &body("b"));
    pair.server_calls();
    pair.server.answer(done, Ok(body("c")), pair.now);
    let answered = pair.answer_id();
    let info = |request: i64, states: &[u8]| {
        let info = Writer::boxed(STATE_INFO, 20).long(request).bytes(states);
        Bytes::from(info.finish())
    };
    let request = pair.client_forges(105, &ids(RESEND_ANS_REQ, &[running, done, done]));
    let said: Vec<_> = pair
        .server_says()
        .into_iter()
        .map(|(id, _, body)| (id, body))
        .collect();
    let told = info(request, &[4 | 32, 4 | 64, 4 | 64]);
    assert_eq!(said.iter().filter(|(id, _)| *id == answered).count(), 1);
    assert_eq!(said.iter().filter(|(_, body)| *body == told).count(), 1);
    let request = pair.client_forges(107, &ids(RESEND_REQ, &[answered]));
    let said = pair.server_says();
    assert!(said.iter().any(|(id, ..)| *id == answered));
    assert!(said.iter().all(|(_, id, _)| *id != STATE_INFO), "{request}");
    let request = pair.client_forges(109, &ids(RESEND_REQ, &[5]));
    let told = info(request, &[1]);
    assert!(pair.server_says().iter().any(|(_, _, said)| *said == told));
}

/// Breaks when a server tells wrong states.
#[test]
fn a_server_tells_states() {
    let mut pair = Pair::begun();
    let first = pair.client_forges(101, &body("running"));
    let second = pair.client_forges(103, &body("answered"));
    pair.server.answer(second, Ok(body("c")), pair.now);
    let answer = pair.answer_id();
    let third = pair.client_forges(105, &body("acknowledged"));
    pair.server.answer(third, Ok(body("d")), pair.now);
    let acked = pair.answer_id();
    pair.client_forges(106, &ids(MSGS_ACK, &[acked]));
    assert_ne!(answer, acked);
    let list = [4, first, first + 4, second, third, i64::MAX & !3];
    let request = pair.client_forges(107, &ids(STATE_REQ, &list));
    let said = pair.server_says();
    let told = Writer::boxed(STATE_INFO, 20)
        .long(request)
        .bytes(&[1, 4 | 32, 2, 4 | 64, 4, 3])
        .finish();
    assert!(said.iter().any(|(_, _, said)| *said == told), "{said:?}");
}

/// Breaks when another container under a known id is taken for the same one, or the same one for
/// another.
#[test]
fn containers_have_an_id_of_their_own() {
    let mut pair = Pair::begun();
    let id = pair.client_forges(101, &body("a"));
    let container = |messages: &[(i64, i32)]| {
        let news = body("x");
        let length = i32::try_from(news.len()).unwrap();
        let count = i32::try_from(messages.len()).unwrap();
        let head = Writer::boxed(CONTAINER, 64).int(count);
        let write = |writer: Writer, (id, seq_no): &(i64, i32)| {
            writer.long(*id).int(*seq_no).int(length).raw(&news)
        };
        messages.iter().fold(head, write).finish()
    };
    pair.server_events();
    let first = container(&[(id + 8, 103)]);
    for (number, inside, code) in [
        (id + 400, &first, None),
        (id + 400, &first, None),
        (id + 400, &container(&[(id + 12, 105)]), Some(19)),
        (id, &container(&[(id - 8, 99)]), Some(19)),
    ] {
        pair.forge_to_server(number, 104, inside).unwrap();
        let refused = pair
            .server_events()
            .into_iter()
            .find_map(|event| match event {
                ServerEvent::Refused { code, .. } => Some(code),
                _ => None,
            });
        assert_eq!(refused, code);
    }
}
