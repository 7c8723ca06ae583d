//! What happens when something went wrong: each test breaks one thing and expects it repaired.

use bytes::Bytes;

use super::{
    super::{
        CallId,
        wire::{
            ANSWER_DROPPED, ANSWER_DROPPED_RUNNING, ANSWER_UNKNOWN, BAD_MSG, BAD_SALT,
            DETAILED_INFO, DROP_ANSWER, NEW_DETAILED_INFO, NEW_SESSION, RESEND_REQ, RPC_RESULT,
            STATE_REQ,
        },
    },
    ClientEvent, Pair, SALT, SESSION, ServerEvent, ServerSession, answer, body, key,
};
use crate::{msg_id, wire::Writer};

impl Pair {
    pub(super) fn call(&mut self, text: &str) -> CallId {
        self.client.call(body(text), self.now)
    }

    /// A message id that the server could use now.
    pub(super) fn server_id(&mut self) -> i64 {
        self.later(0.001);
        let id = msg_id::at(self.now.unix) | 1;
        self.later(0.001);
        id
    }

    pub(super) fn bad_msg(&mut self, about: i64, code: i32) {
        let id = self.server_id();
        let body = Writer::boxed(BAD_MSG, 20)
            .long(about)
            .int(0)
            .int(code)
            .finish();
        self.forge_to_client(id, 0, &body).unwrap();
    }

    /// The id of the packet that the client would send now, which gets lost.
    pub(super) fn lose(&mut self) -> i64 {
        let packet = self.poll_client().unwrap();
        Self::open_at_server(&packet).header.msg_id
    }

    /// Everything is answered, and only what is expected comes out.
    pub(super) fn expect_answers(&mut self, calls: &[(CallId, &str)]) {
        self.settle();
        assert_eq!(self.echo(), calls.len());
        self.settle();
        let answers: Vec<_> = calls
            .iter()
            .map(|(call, text)| answer(*call, body(text)))
            .collect();
        assert_eq!(self.client_events(), answers);
        assert_eq!(self.client.in_flight(), 0);
    }
}

/// Breaks when a refused salt is not taken over, or not everything in the packet is sent again.
#[test]
fn a_refused_salt() {
    let mut pair = Pair::begun();
    pair.salts.replace(pair.now, &pair.dice);
    let calls = [(pair.call("a"), "a"), (pair.call("b"), "b")];
    pair.client.ping(pair.now, None);
    let packet = pair.poll_client().unwrap();
    pair.server_gets(&packet).unwrap();
    assert!(matches!(
        pair.server_events()[..],
        [ServerEvent::Refused { code: 48, .. }]
    ));
    let refusal = pair.poll_server().unwrap();
    pair.client_gets(&refusal).unwrap();
    let salt = pair.client.salt();
    assert_ne!(salt, SALT);
    assert_eq!(pair.client_events(), [ClientEvent::SaltChanged { salt }]);
    assert!(!pair.client.was_sent(calls[0].0), "certainly not executed");
    pair.settle();
    assert!(matches!(
        pair.client_events()[..],
        [ClientEvent::Pong { .. }]
    ));
    pair.expect_answers(&calls);
}

/// Breaks when a salt is taken from a message that answers nothing of ours.
#[test]
fn a_salt_about_nothing() {
    let mut pair = Pair::begun();
    let id = pair.server_id();
    let refusal = Writer::boxed(BAD_SALT, 28)
        .long(4)
        .int(0)
        .int(48)
        .long(5)
        .finish();
    pair.forge_to_client(id, 0, &refusal).unwrap();
    assert_eq!(pair.client.salt(), SALT);
    assert_eq!(pair.client_events(), []);
}

/// Breaks when a slow clock is not corrected by what the server says about it.
#[test]
fn a_clock_an_hour_behind() {
    let mut pair = Pair::skewed(-3600);
    let call = pair.call("a");
    pair.settle();
    let events = pair.client_events();
    assert_eq!(events[0], ClientEvent::TimeCorrected { offset: 3600 });
    assert!(!events.contains(&ClientEvent::SessionReset));
    assert_eq!(pair.client.time_offset(pair.client_now()), 3600);
    pair.expect_answers(&[(call, "a")]);
}

/// Breaks when a fast clock is not corrected, or the session keeps ids that are too high.
#[test]
fn a_clock_an_hour_ahead() {
    let mut pair = Pair::skewed(3600);
    let call = pair.call("a");
    pair.settle();
    let events = pair.client_events();
    assert_eq!(events[0], ClientEvent::TimeCorrected { offset: -3600 });
    assert!(events.contains(&ClientEvent::SessionReset));
    assert_ne!(pair.client.session_id(), SESSION);
    pair.expect_answers(&[(call, "a")]);
}

/// Breaks when a clock that is a little wrong, which the server tolerates, makes the client refuse
/// the server's messages.
#[test]
fn a_clock_a_little_off() {
    for skew in [-100, 25] {
        let mut pair = Pair::skewed(skew);
        let call = pair.call("a");
        pair.settle();
        let offset = i32::try_from(-skew).unwrap();
        assert_eq!(
            pair.client_events()[0],
            ClientEvent::TimeCorrected { offset }
        );
        pair.expect_answers(&[(call, "a")]);
    }
}

/// Breaks when a jump of the wall clock disturbs a session.
#[test]
fn the_wall_clock_jumps() {
    let mut pair = Pair::begun();
    pair.skew = 86_400;
    let call = pair.call("a");
    pair.expect_answers(&[(call, "a")]);
}

/// Breaks when a session that the server does not agree with goes on, when a call that was refused
/// is lost, or when one that may have been executed is sent again.
#[test]
fn a_spoiled_session_is_given_up() {
    for code in [17, 18, 19, 32, 33, 34, 35, 64, 99] {
        let mut pair = Pair::begun();
        let unknown = pair.call("sent before");
        pair.settle();
        let refused = pair.call("refused");
        let about = pair.lose();
        let queued = pair.call("queued");
        pair.bad_msg(about, code);
        assert_eq!(
            pair.client_events(),
            [
                ClientEvent::Unsure { call: unknown },
                ClientEvent::SessionReset
            ],
            "{code}"
        );
        let news = Writer::boxed(9, 4).finish();
        let id = pair.server_id();
        pair.forge_to_client(id, 1, &news).unwrap();
        assert_eq!(pair.client_events(), [], "the old session is over");
        pair.settle();
        assert_ne!(pair.client.session_id(), SESSION);
        assert!(matches!(
            pair.client_events()[..],
            [ClientEvent::NewSession { .. }]
        ));
        let events = pair.server_events();
        assert!(events.contains(&ServerEvent::DestroySession {
            session_id: SESSION
        }));
        for event in events {
            if let ServerEvent::Call { msg_id, body } = event {
                pair.server.answer(msg_id, Ok(body), pair.now);
            }
        }
        pair.settle();
        let mut answers = pair.client_events();
        answers.sort_by_key(|event| *event == answer(refused, body("refused")));
        assert_eq!(
            answers,
            [
                answer(queued, body("queued")),
                answer(refused, body("refused"))
            ]
        );
    }
}

/// Breaks when the caller's own reset does not keep what was not sent.
#[test]
fn a_session_given_up_by_the_link() {
    let mut pair = Pair::begun();
    let sent = pair.call("sent");
    pair.settle();
    let queued = pair.call("queued");
    pair.client.reset_session(4711);
    assert_eq!(
        pair.client_events(),
        [
            ClientEvent::Unsure { call: sent },
            ClientEvent::SessionReset
        ]
    );
    pair.settle();
    assert_eq!(pair.client.session_id(), 4711);
    pair.client_events();
    pair.expect_answers(&[(queued, "queued")]);
}

/// Breaks when a call that the server cannot tell about is sent again or waited for.
#[test]
fn too_old_to_tell() {
    let mut pair = Pair::begun();
    let call = pair.call("a");
    let about = pair.lose();
    pair.bad_msg(about, 20);
    assert_eq!(pair.client_events(), [ClientEvent::Unsure { call }]);
    assert_eq!(pair.client.session_id(), SESSION);
    assert_eq!(pair.client.in_flight(), 0);
    pair.bad_msg(about, 32);
    assert_eq!(pair.client_events(), [], "about nothing any more");
}

/// Breaks when a server that always refuses keeps a client busy for ever.
#[test]
fn endless_refusals_end() {
    let mut pair = Pair::begun();
    let call = pair.call("a");
    let mut rounds = 0;
    while pair.client.in_flight() > 0 {
        let about = pair.lose();
        pair.bad_msg(about, 16);
        rounds += 1;
        assert!(rounds < 20);
    }
    assert!(
        pair.client_events()
            .contains(&ClientEvent::Refused { call, code: 16 })
    );
}

/// Breaks when the fate of calls is not asked for after a reconnect, or acted on wrongly.
#[test]
fn a_reconnect_asks_what_became_of_the_calls() {
    let mut pair = Pair::begun();
    let running = pair.call("running");
    pair.settle();
    let requests = pair.server_calls();
    let answered = pair.call("answered");
    pair.settle();
    pair.echo();
    pair.poll_server().unwrap();
    let lost = pair.call("lost");
    pair.lose();
    // The connection breaks here: one call's answer and another call are gone.
    pair.client.reconnected(pair.now);
    let new = pair.call("new");
    let packet = pair.poll_client().unwrap();
    pair.server_gets(&packet).unwrap();
    assert_eq!(pair.echo(), 1, "the new call needs nobody's permission");
    pair.settle();
    assert_eq!(
        pair.client_events(),
        [answer(new, body("new")), answer(answered, body("answered"))],
        "the lost answer was asked for"
    );
    assert_eq!(
        pair.echo(),
        1,
        "the lost call was sent again, the others not"
    );
    pair.server
        .answer(requests[0].0, Ok(body("running")), pair.now);
    pair.settle();
    assert_eq!(
        pair.client_events(),
        [answer(lost, body("lost")), answer(running, body("running"))]
    );
}

/// Breaks when calls are sent again, or waited for, although the server has lost the session.
#[test]
fn the_server_lost_the_session() {
    let mut pair = Pair::begun();
    let call = pair.call("a");
    pair.settle();
    pair.later(1.0);
    pair.server = ServerSession::new(key(), SESSION, pair.now, &pair.dice);
    pair.client.reconnected(pair.now);
    pair.settle();
    let events = pair.client_events();
    assert!(matches!(events[0], ClientEvent::NewSession { .. }));
    assert_eq!(events[1..], [ClientEvent::Unsure { call }]);
    assert_eq!(pair.server_calls(), []);
}

/// Breaks when a call that the new session does not count as its own is lost.
#[test]
fn older_than_the_new_session() {
    let mut pair = Pair::new();
    let call = pair.call("a");
    let about = pair.lose();
    let id = pair.server_id();
    let created = Writer::boxed(NEW_SESSION, 28)
        .long(about + 4)
        .long(1)
        .long(SALT)
        .finish();
    pair.forge_to_client(id, 1, &created).unwrap();
    assert!(!pair.client.was_sent(call));
    pair.client_events();
    pair.settle();
    pair.client_events();
    pair.expect_answers(&[(call, "a")]);
}

/// Breaks when a repeated call is executed again, or its answer is not repeated.
#[test]
fn a_repeated_call_is_executed_once() {
    let mut pair = Pair::begun();
    let call = pair.call("a");
    let packet = pair.poll_client().unwrap();
    for _ in 0..3 {
        pair.server_gets(&packet).unwrap();
    }
    assert_eq!(pair.echo(), 1);
    let first = pair.poll_server().unwrap();
    pair.server_gets(&packet).unwrap();
    assert_eq!(pair.echo(), 0);
    let second = pair.poll_server().unwrap();
    let answer_id = Pair::open_at_client(&first).header.msg_id.to_le_bytes();
    let repeated = Pair::open_at_client(&second).body;
    assert!(
        repeated.windows(8).any(|window| window == answer_id),
        "the very same answer"
    );
    pair.client_gets(&second).unwrap();
    pair.client_gets(&first).unwrap();
    assert_eq!(pair.client_events(), [answer(call, body("a"))]);
    pair.settle();
    pair.later(20.0);
    pair.settle();
    pair.server_gets(&packet).unwrap();
    assert_eq!(pair.echo(), 0, "acknowledged, and still remembered");
}

/// Breaks when a repeated update is delivered twice, or not acknowledged again.
#[test]
fn a_repeated_update_is_delivered_once() {
    let mut pair = Pair::begun();
    pair.server.push(body("news"), pair.now);
    let packet = pair.poll_server().unwrap();
    pair.client_gets(&packet).unwrap();
    pair.later(20.0);
    pair.settle();
    assert_eq!(pair.client.deadline(), None);
    pair.client_gets(&packet).unwrap();
    assert!(pair.client.deadline().is_some());
    assert_eq!(pair.client_events(), [ClientEvent::Update(body("news"))]);
}

/// Breaks when what a client did not acknowledge is not repeated over a new connection.
#[test]
fn unacknowledged_messages_survive_the_connection() {
    let mut pair = Pair::begun();
    pair.server.push(body("one"), pair.now);
    pair.server.push(body("two"), pair.now);
    pair.poll_server().unwrap();
    assert_eq!(pair.poll_server(), None);
    // So much later that the first ids alone would be too old.
    pair.later(900.0);
    pair.server.reattached(pair.now);
    pair.settle();
    assert_eq!(
        pair.client_events(),
        [
            ClientEvent::Update(body("one")),
            ClientEvent::Update(body("two"))
        ]
    );
}

/// Breaks when an answer that the server only announces is not fetched, or fetched although it is
/// there.
#[test]
fn announced_answers() {
    let mut pair = Pair::begun();
    let call = pair.call("a");
    pair.settle();
    pair.echo();
    let packet = pair.poll_server().unwrap();
    let answer_id = Pair::open_at_client(&packet).header.msg_id;
    for announcement in [
        Writer::boxed(DETAILED_INFO, 28)
            .long(8)
            .long(answer_id)
            .int(9)
            .int(0),
        Writer::boxed(NEW_DETAILED_INFO, 20)
            .long(answer_id)
            .int(9)
            .int(0),
    ] {
        let id = pair.server_id();
        pair.forge_to_client(id, 0, &announcement.finish()).unwrap();
        let question = pair.poll_client().unwrap();
        let question = Pair::open_at_server(&question);
        assert_eq!(question.body[..4], RESEND_REQ.to_le_bytes());
    }
    pair.client_gets(&packet).unwrap();
    assert_eq!(pair.client_events(), [answer(call, body("a"))]);
    let id = pair.server_id();
    let again = Writer::boxed(NEW_DETAILED_INFO, 20)
        .long(answer_id)
        .int(9)
        .int(0);
    pair.forge_to_client(id, 0, &again.finish()).unwrap();
    assert_eq!(pair.poll_client(), None, "only acknowledged, later");
}

/// Breaks when the server's questions about messages are not answered.
#[test]
fn questions_of_the_server() {
    let mut pair = Pair::begun();
    let call = pair.call("a");
    let first = pair.poll_client().unwrap();
    let msg_id = Pair::open_at_server(&first).header.msg_id;
    let id = pair.server_id();
    let resend = Writer::boxed(RESEND_REQ, 20).longs(&[msg_id, 4]).finish();
    pair.forge_to_client(id, 1, &resend).unwrap();
    pair.settle();
    pair.client_events();
    pair.expect_answers(&[(call, "a")]);

    let question = pair.server_id();
    let states = Writer::boxed(STATE_REQ, 28)
        .longs(&[id, id + 4000])
        .finish();
    pair.forge_to_client(question, 1, &states).unwrap();
    let info = Pair::open_at_server(&pair.poll_client().unwrap()).body;
    let told = Bytes::from([&[2, 4, 2][..], &[0]].concat());
    assert!(
        info.windows(4).any(|window| window == told),
        "came, did not come: {info:?}"
    );
}

/// Breaks when an answer that is not wanted is sent nevertheless, or a wanted one is not.
#[test]
fn dropped_answers() {
    let mut pair = Pair::begun();
    let drop = |pair: &mut Pair, request: i64, seq_no: i32| {
        pair.later(0.001);
        let id = msg_id::at(pair.now.unix);
        let body = Writer::boxed(DROP_ANSWER, 12).long(request).finish();
        pair.forge_to_server(id, seq_no, &body).unwrap();
        let said = Pair::open_at_client(&pair.poll_server().unwrap()).body;
        let expected = |kind: u32| {
            let head = Writer::boxed(RPC_RESULT, 16).long(id).id(kind).finish();
            said.windows(16).any(|window| window == head)
        };
        [ANSWER_UNKNOWN, ANSWER_DROPPED_RUNNING, ANSWER_DROPPED].map(expected)
    };
    assert_eq!(drop(&mut pair, 4, 1001), [true, false, false]);

    let running = msg_id::at(pair.now.unix) + 4000;
    pair.forge_to_server(running, 1003, &body("a")).unwrap();
    assert_eq!(drop(&mut pair, running, 1005), [false, true, false]);
    pair.server.answer(running, Ok(body("b")), pair.now);
    pair.now.mono += std::time::Duration::from_secs(5);
    pair.poll_server();
    assert_eq!(pair.poll_server(), None, "no answer");

    let done = msg_id::at(pair.now.unix) + 4000;
    pair.forge_to_server(done, 1007, &body("a")).unwrap();
    pair.server.answer(done, Ok(body("b")), pair.now);
    pair.poll_server().unwrap();
    assert_eq!(drop(&mut pair, done, 1009), [false, false, true]);
}
