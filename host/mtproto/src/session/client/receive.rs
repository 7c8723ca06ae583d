//! What a client does with what a server says.

use bytes::{Bytes, BytesMut};

use super::{CallId, ClientEvent, ClientSession, MAX_SALTS, MAX_TRIES, Queued, What};
use crate::{
    Now, Opened, Sender, Violation, envelope,
    session::{
        FutureSalt, RpcError,
        window::Seen,
        wire::{
            ALL_INFO, ANSWER_DROPPED, ANSWER_DROPPED_RUNNING, ANSWER_UNKNOWN, BAD_MSG, BAD_SALT,
            CONTAINER, DESTROY_KEY_FAIL, DESTROY_KEY_NONE, DESTROY_KEY_OK, DESTROY_SESSION_NONE,
            DESTROY_SESSION_OK, DETAILED_INFO, FUTURE_SALTS, GZIP_PACKED, MSGS_ACK, Message,
            NEW_DETAILED_INFO, NEW_SESSION, PONG, RESEND_REQ, RPC_ERROR, RPC_RESULT, STATE_INFO,
            STATE_REQ, constructor, inflate, read_container, read_ids, slice_rest,
        },
    },
    wire::{Reader, Writer},
};

/// What all compressed bodies of one packet may inflate to together. The largest honest answers are
/// some MiB.
const INFLATED: usize = 16 << 20;

/// What surrounds a body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Packet,
    Container,
}

impl ClientSession {
    /// Takes a packet off a frame. What it meant comes out of [`next_event`](Self::next_event).
    pub fn receive(&mut self, packet: BytesMut, now: Now) -> Result<(), Violation> {
        let Opened { header, body } = envelope::open(&self.auth_key, Sender::Server, packet)?;
        if header.session_id != self.session_id || self.renew {
            return if self.former == Some(header.session_id) {
                Ok(())
            } else {
                Err(Violation::ForeignSession)
            };
        }
        self.former = None;
        let (id, _) = constructor(&body)?;
        if header.msg_id & 1 == 0 || header.msg_id < 0 {
            return Err(Violation::MsgIdParity);
        }
        let repeated = self.window.look(header.msg_id) != Seen::New;
        // These two repair a wrong clock or salt, so they count whatever the clock says.
        if !matches!(id, BAD_MSG | BAD_SALT) && self.clock.check(header.msg_id, repeated, now)? {
            self.time_corrected(now);
        }
        let message = Message {
            msg_id: header.msg_id,
            seq_no: header.seq_no,
            body,
        };
        let mut budget = INFLATED;
        self.message(message, Within::Packet, &mut budget, now)
    }

    fn message(
        &mut self,
        message: Message,
        within: Within,
        budget: &mut usize,
        now: Now,
    ) -> Result<(), Violation> {
        let Message {
            msg_id,
            seq_no,
            body,
        } = message;
        if msg_id & 1 == 0 || msg_id < 0 {
            return Err(Violation::MsgIdParity);
        }
        if seq_no < 0 {
            return Err(Violation::SeqNo);
        }
        let seen = self.window.look(msg_id);
        if seen == Seen::Forgotten {
            return Err(Violation::MsgIdForgotten);
        }
        self.window.remember(msg_id, seq_no);
        if seq_no & 1 == 1 {
            self.acknowledge(msg_id, now);
        }
        if seen == Seen::Again {
            return Ok(());
        }
        self.body(msg_id, body, within, budget, now)
    }

    fn acknowledge(&mut self, msg_id: i64, now: Now) {
        self.acks.push(msg_id);
        self.acks_since.get_or_insert(now.mono);
    }

    fn body(
        &mut self,
        msg_id: i64,
        mut body: Bytes,
        within: Within,
        budget: &mut usize,
        now: Now,
    ) -> Result<(), Violation> {
        let (mut id, reader) = constructor(&body)?;
        if id == GZIP_PACKED {
            body = inflate(reader, budget)?;
            (id, _) = constructor(&body)?;
            if id == GZIP_PACKED {
                return Err(Violation::Gzip);
            }
        }
        let (_, mut reader) = constructor(&body)?;
        match id {
            CONTAINER if within == Within::Container => Err(Violation::Container),
            CONTAINER => read_container(&body)?
                .into_iter()
                .try_for_each(|message| self.message(message, Within::Container, budget, now)),
            RPC_RESULT => {
                let request = reader.long()?;
                self.rpc_result(request, slice_rest(&body, &reader), budget)
            }
            BAD_MSG | BAD_SALT => self.bad_message(id, msg_id, &mut reader, now),
            NEW_SESSION => self.new_session(&mut reader),
            PONG => self.pong(&mut reader, now),
            MSGS_ACK => {
                for acked in read_ids(&mut reader)? {
                    self.acked(acked);
                }
                Ok(())
            }
            STATE_INFO => {
                let request = reader.long()?;
                let states = reader.bytes()?;
                let (ids, ask) = match self.sent.look(request) {
                    Some(What::StateReq(ids)) => (ids.clone(), true),
                    // Instead of answers that are not there, or beside others that are.
                    Some(What::ResendAnswers(ids)) => (ids.clone(), false),
                    _ => return Ok(()),
                };
                self.states(&ids, states, ask)?;
                self.sent.take(request);
                Ok(())
            }
            ALL_INFO => {
                let ids = read_ids(&mut reader)?;
                for (id, state) in ids.iter().zip(reader.bytes()?) {
                    if state & 7 == 4 {
                        self.acked(*id);
                    }
                }
                Ok(())
            }
            DETAILED_INFO => {
                let request = reader.long()?;
                self.acked(request);
                self.announced_answer(reader.long()?, now);
                Ok(())
            }
            NEW_DETAILED_INFO => {
                self.announced_answer(reader.long()?, now);
                Ok(())
            }
            STATE_REQ => {
                self.tell_states(msg_id, &read_ids(&mut reader)?);
                Ok(())
            }
            RESEND_REQ => {
                self.resend(msg_id, &read_ids(&mut reader)?);
                Ok(())
            }
            FUTURE_SALTS => self.future_salts(&mut reader),
            DESTROY_SESSION_OK | DESTROY_SESSION_NONE => {
                self.session_destroyed(reader.long()?, id == DESTROY_SESSION_OK);
                Ok(())
            }
            DESTROY_KEY_OK | DESTROY_KEY_NONE | DESTROY_KEY_FAIL => {
                self.key_destroyed(id);
                Ok(())
            }
            _ => {
                self.events.push_back(ClientEvent::Update(body));
                Ok(())
            }
        }
    }

    fn rpc_result(
        &mut self,
        request: i64,
        result: Bytes,
        budget: &mut usize,
    ) -> Result<(), Violation> {
        // Looked at before anything is inflated for a call that nobody waits for.
        let call = match self.sent.look(request) {
            None => return Ok(()),
            Some(What::Call(call)) => Some(*call),
            Some(_) => None,
        };
        let Some(call) = call else {
            // Some servers wrap the answers to service messages too.
            let (id, mut reader) = constructor(&result)?;
            match id {
                DESTROY_KEY_OK | DESTROY_KEY_NONE | DESTROY_KEY_FAIL => self.key_destroyed(id),
                DESTROY_SESSION_OK | DESTROY_SESSION_NONE => {
                    self.session_destroyed(reader.long()?, id == DESTROY_SESSION_OK);
                }
                ANSWER_UNKNOWN | ANSWER_DROPPED_RUNNING | ANSWER_DROPPED => {
                    self.sent.take(request);
                }
                _ => {}
            }
            return Ok(());
        };
        let result = match unpack(result, budget) {
            Ok(result) => result,
            Err(violation) => {
                // Repeated, it would be the same answer: nothing better will come.
                self.unsure(call);
                return Err(violation);
            }
        };
        self.sent.take(request);
        self.refusals = 0;
        if let Some(made) = self.calls.remove(&call) {
            self.announced |= made.sent.is_some_and(|sent| sent.announced);
            self.events.push_back(ClientEvent::Answer { call, result });
        }
        Ok(())
    }

    fn bad_message(
        &mut self,
        id: u32,
        msg_id: i64,
        reader: &mut Reader<'_>,
        now: Now,
    ) -> Result<(), Violation> {
        let bad_msg_id = reader.long()?;
        let _seq_no = reader.int()?;
        let code = reader.int()?;
        let salt = (id == BAD_SALT).then(|| reader.long()).transpose()?;
        let refused = self.sent.take_all(bad_msg_id);
        // About nothing that waits: said before, or not for us.
        if refused.is_empty() {
            return Ok(());
        }
        self.refusals = self.refusals.saturating_add(1);
        // Another salt than the last one is another cause: it could not be known before.
        let other_salt = salt.is_some_and(|salt| salt != self.salt);
        if let Some(salt) = salt {
            // What the server had promised does not hold any more: it is to promise anew.
            self.salts.clear();
            self.salts_asked = None;
            self.use_salt(salt);
        }
        if code == 20 {
            for (what, _) in refused {
                if let What::Call(call) = what {
                    self.unsure(call);
                }
            }
            return Ok(());
        }
        if matches!(code, 16 | 17) && self.clock.set(msg_id, now) {
            self.time_corrected(now);
        }
        // First back into the queue, so that a new session takes them along.
        for (what, mut causes) in refused {
            if let What::Call(call) = what {
                let made = self.calls.get_mut(&call);
                let again = made.is_some_and(|made| made.causes.add(code) || other_salt);
                self.requeue(call, code, again);
            } else if let What::Acks(ids) = what {
                self.acks.extend(ids);
            } else if self.refusals < MAX_TRIES && (causes.add(code) || other_salt) {
                // Of others, whoever waits for the answer has a deadline.
                self.queue.push_back(Queued::Service(what, causes));
            }
        }
        if !self.acks.is_empty() {
            self.acks_since.get_or_insert(now.mono);
        }
        // Too high ids spoil the session, and all but the other two mean that server and client
        // disagree about it.
        if !matches!(code, 16 | 48) && salt.is_none() {
            self.abandon();
        }
        Ok(())
    }

    fn time_corrected(&mut self, now: Now) {
        let offset = self.clock.offset(now);
        self.events.push_back(ClientEvent::TimeCorrected { offset });
    }

    /// Queues again a call that was certainly not executed, unless it was sent often enough.
    fn requeue(&mut self, call: CallId, code: i32, again: bool) {
        let Some(made) = self.calls.get_mut(&call) else {
            return;
        };
        made.sent = None;
        if again && made.tries < MAX_TRIES {
            self.queue.push_back(Queued::Call(call));
        } else {
            self.calls.remove(&call);
            self.events.push_back(ClientEvent::Refused { call, code });
        }
    }

    /// The server asks for messages of ours. Of those that are not there any more it is told, as if
    /// it had asked for states.
    fn resend(&mut self, request: i64, ids: &[i64]) {
        let mut missing = false;
        for wanted in ids {
            let Some(What::Call(call)) = self.sent.look(*wanted) else {
                missing = true;
                continue;
            };
            let asked = |queued: &Queued| matches!(queued, Queued::Again(again) if again == call);
            if !self.queue.iter().any(asked) {
                self.queue.push_back(Queued::Again(*call));
            }
        }
        if missing {
            self.tell_states(request, ids);
        }
    }

    fn unsure(&mut self, call: CallId) {
        if let Some(made) = self.calls.remove(&call) {
            if let Some(sent) = made.sent {
                self.sent.take(sent.msg_id);
            }
            self.events.push_back(ClientEvent::Unsure { call });
        }
    }

    fn new_session(&mut self, reader: &mut Reader<'_>) -> Result<(), Violation> {
        let first_msg_id = reader.long()?;
        let _unique_id = reader.long()?;
        let salt = reader.long()?;
        self.use_salt(salt);
        self.announced = false;
        self.events
            .push_back(ClientEvent::NewSession { first_msg_id });
        let older: Vec<(CallId, i64, bool)> = self
            .calls
            .iter()
            .filter_map(|(call, made)| made.sent.as_ref().map(|sent| (*call, sent)))
            .filter(|(_, sent)| sent.packet < first_msg_id)
            .map(|(call, sent)| {
                // On this connection the server reads in order, so what it did not count to the
                // session it has not taken. Of an earlier connection nobody knows.
                let lost = !sent.acked && sent.connection == self.connection;
                (call, sent.msg_id, lost)
            })
            .collect();
        for (call, msg_id, lost) in older {
            if lost {
                self.sent.take(msg_id);
                self.requeue(call, 0, true);
            } else {
                self.unsure(call);
            }
        }
        Ok(())
    }

    fn pong(&mut self, reader: &mut Reader<'_>, now: Now) -> Result<(), Violation> {
        let (msg_id, pong_id) = (reader.long()?, reader.long()?);
        if let Some(What::Ping { ping_id, at, .. }) = self.sent.look(msg_id)
            && *ping_id == pong_id
        {
            let rtt = now.mono.saturating_sub(*at);
            self.refusals = 0;
            self.sent.take(msg_id);
            self.events.push_back(ClientEvent::Pong { rtt });
        }
        Ok(())
    }

    fn acked(&mut self, msg_id: i64) {
        if let Some(What::Call(call)) = self.sent.look(msg_id)
            && let Some(sent) = self.calls.get_mut(call).and_then(|made| made.sent.as_mut())
        {
            sent.acked = true;
        }
    }

    /// What the server knows of the messages that we asked about. With `ask`, the answers that it has
    /// ready are asked for.
    fn states(&mut self, ids: &[i64], states: &[u8], ask: bool) -> Result<(), Violation> {
        if ids.len() != states.len() {
            return Err(Violation::Malformed);
        }
        let mut answered = Vec::new();
        for (msg_id, state) in ids.iter().zip(states) {
            let Some(What::Call(call)) = self.sent.look(*msg_id) else {
                continue;
            };
            let call = *call;
            match state & 7 {
                1 => self.unsure(call),
                2 | 3 => {
                    self.sent.take(*msg_id);
                    // However often a connection breaks: nothing was refused.
                    if let Some(made) = self.calls.get_mut(&call) {
                        made.tries = 0;
                    }
                    self.requeue(call, 0, true);
                }
                4 => {
                    self.acked(*msg_id);
                    if ask && state & 64 != 0 {
                        answered.push(*msg_id);
                    }
                }
                _ => return Err(Violation::Malformed),
            }
        }
        if !answered.is_empty() {
            self.queue_service(What::ResendAnswers(answered));
        }
        Ok(())
    }

    /// The server has a long answer ready and asks whether we have it.
    fn announced_answer(&mut self, answer: i64, now: Now) {
        if self.window.look(answer) == Seen::Again {
            self.acknowledge(answer, now);
        } else {
            self.queue_service(What::Resend(vec![answer]));
        }
    }

    /// The server asks what we know of its messages.
    fn tell_states(&mut self, request: i64, ids: &[i64]) {
        let states: Vec<u8> = ids.iter().map(|id| self.window.state(*id)).collect();
        let body = Writer::boxed(STATE_INFO, 16 + states.len())
            .long(request)
            .bytes(&states)
            .finish();
        self.queue_service(What::Info(body.into()));
    }

    fn future_salts(&mut self, reader: &mut Reader<'_>) -> Result<(), Violation> {
        let request = reader.long()?;
        let _now = reader.int()?;
        let count = reader.id()? as usize;
        if count > MAX_SALTS {
            return Err(Violation::TooManyIds);
        }
        let salts = (0..count)
            .map(|_| {
                Ok(FutureSalt {
                    valid_since: reader.int()?,
                    valid_until: reader.int()?,
                    salt: reader.long()?,
                })
            })
            .collect::<Result<Vec<_>, Violation>>()?;
        if let Some(What::Salts(_)) = self.sent.look(request) {
            self.sent.take(request);
            self.salts.clear();
            self.add_salts(&salts);
            self.events.push_back(ClientEvent::Salts(salts));
        }
        Ok(())
    }

    fn session_destroyed(&mut self, session_id: i64, existed: bool) {
        let asked = |what: &What| matches!(what, What::DestroySession(id) if *id == session_id);
        if self.sent.take_service(asked).is_some() {
            self.events.push_back(ClientEvent::SessionDestroyed {
                session_id,
                existed,
            });
        }
    }

    fn key_destroyed(&mut self, id: u32) {
        let asked = |what: &What| matches!(what, What::DestroyKey);
        if self.sent.take_service(asked).is_some() {
            self.events.push_back(ClientEvent::AuthKeyDestroyed {
                gone: id != DESTROY_KEY_FAIL,
            });
        }
    }
}

/// What was answered to a call.
fn unpack(mut result: Bytes, budget: &mut usize) -> Result<Result<Bytes, RpcError>, Violation> {
    let (mut id, mut reader) = constructor(&result)?;
    if id == GZIP_PACKED {
        result = inflate(reader, budget)?;
        (id, reader) = constructor(&result)?;
    }
    Ok(if id == RPC_ERROR {
        Err(RpcError {
            code: reader.int()?,
            message: String::from_utf8_lossy(reader.bytes()?).into_owned(),
        })
    } else {
        Ok(result)
    })
}
