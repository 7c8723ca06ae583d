//! What a server does with what a client says.

use std::collections::BTreeSet;

use bytes::Bytes;
use sluice_domain::Random;

use super::{Progress, Queued, ServerEvent, ServerSession};
use crate::{
    Header, Now, Opened, Violation, msg_id,
    session::{
        ServerSalts,
        window::Seen,
        wire::{
            ALL_INFO, ANSWER_DROPPED, ANSWER_DROPPED_RUNNING, ANSWER_UNKNOWN, BAD_MSG, BAD_SALT,
            CONTAINER, DESTROY_KEY, DESTROY_SESSION, DROP_ANSWER, FUTURE_SALTS, GET_FUTURE_SALTS,
            GZIP_PACKED, HTTP_WAIT, MSGS_ACK, Message, NEW_SESSION, PING, PING_DELAY, PONG,
            RESEND_ANS_REQ, RESEND_REQ, RPC_RESULT, STATE_INFO, STATE_REQ, constructor, inflate,
            read_container, read_ids,
        },
    },
    wire::Writer,
};

/// What all compressed bodies of one packet may inflate to together: a call carries at most a file
/// part of 512 KiB.
const INFLATED: usize = 4 << 20;
/// Messages of a client may be so many seconds old.
const MAX_AGE: i64 = 300;
/// Messages of a client may be so many seconds ahead.
const MAX_AHEAD: i64 = 30;

/// Where a message was found.
#[derive(Clone, Copy)]
enum Within {
    Packet,
    /// In the container of this id.
    Container(i64),
}

/// Salts and time of one packet.
struct Context<'a> {
    salts: &'a mut ServerSalts,
    now: Now,
    rng: &'a dyn Random,
    /// What compressed bodies may still inflate to.
    budget: usize,
}

impl ServerSession {
    /// Takes a packet that [`crate::open`] has decrypted and that carries this session's id. What is
    /// wrong with a message by the protocol's rules is told to the client; a [`Violation`] is beyond
    /// them, and a data center closes the connection.
    pub fn receive(
        &mut self,
        packet: Opened,
        salts: &mut ServerSalts,
        now: Now,
        rng: &dyn Random,
    ) -> Result<(), Violation> {
        let Opened { header, body } = packet;
        if header.session_id != self.session_id {
            return Err(Violation::ForeignSession);
        }
        let mut context = Context {
            salts,
            now,
            rng,
            budget: INFLATED,
        };
        let message = Message {
            msg_id: header.msg_id,
            seq_no: header.seq_no,
            body,
        };
        if !context.salts.accepts(header.salt, now, rng) {
            let salt = context.salts.current(now, rng);
            self.refuse(&message, 48, Some(salt));
            return Ok(());
        }
        let time = i64::try_from(now.unix.as_secs()).unwrap_or(i64::MAX);
        let age = time.saturating_sub(msg_id::seconds(message.msg_id));
        if !(-MAX_AHEAD..=MAX_AGE).contains(&age) {
            self.refuse(&message, if age > 0 { 16 } else { 17 }, None);
            return Ok(());
        }
        self.message(message, Within::Packet, &mut context)
    }

    /// Refuses a packet of this session instead of receiving it, by `bad_msg_notification` with
    /// this code, or by `bad_server_salt` with a salt. For test servers.
    pub fn reject(&mut self, header: &Header, code: i32, salt: Option<i64>) {
        let message = Message {
            msg_id: header.msg_id,
            seq_no: header.seq_no,
            body: Bytes::new(),
        };
        self.refuse(&message, code, salt);
    }

    fn refuse(&mut self, message: &Message, code: i32, salt: Option<i64>) {
        let Message { msg_id, seq_no, .. } = *message;
        let id = if salt.is_some() { BAD_SALT } else { BAD_MSG };
        let body = Writer::boxed(id, 28).long(msg_id).int(seq_no).int(code);
        let body = salt.into_iter().fold(body, Writer::long);
        self.reply(body, false, None);
        self.events.push_back(ServerEvent::Refused { msg_id, code });
    }

    fn message(
        &mut self,
        message: Message,
        within: Within,
        context: &mut Context<'_>,
    ) -> Result<(), Violation> {
        let (id, _) = constructor(&message.body)?;
        let seen = self.window.look(message.msg_id);
        if let Some(code) = self.broken_rule(&message, id, seen, within) {
            self.refuse(&message, code, None);
            return Ok(());
        }
        let Message {
            msg_id,
            seq_no,
            body,
        } = message;
        if id == CONTAINER {
            return self.container(msg_id, seq_no, &body, seen, context);
        }
        if seen == Seen::Again {
            self.repeated(msg_id, seq_no, context.now);
            return Ok(());
        }
        self.begin(msg_id, context);
        self.remember(msg_id, seq_no);
        if seq_no & 1 == 1 {
            self.acknowledge(msg_id, context.now);
        }
        self.body(msg_id, body, context)
    }

    /// The code of the rule that a message breaks, if any.
    fn broken_rule(&self, message: &Message, id: u32, seen: Seen, within: Within) -> Option<i32> {
        let Message { msg_id, seq_no, .. } = *message;
        if msg_id & 3 != 0 {
            return Some(18);
        }
        if let Within::Container(container) = within
            && (id == CONTAINER || msg_id >= container)
        {
            return Some(64);
        }
        match seen {
            Seen::Forgotten => return Some(20),
            Seen::Again => return None,
            Seen::New => {}
        }
        let related = seq_no & 1 == 1;
        let service = is_service(id);
        // Acknowledgements too should be even, but mtcute numbers its own as content-related, and
        // Telegram takes them.
        if related && matches!(id, CONTAINER | HTTP_WAIT) {
            return Some(34);
        }
        if !related && !service {
            return Some(35);
        }
        // Sorted by id, numbers grow; only content-related messages count.
        let clashes =
            |lower: i32, higher: i32| lower > higher || (lower == higher && lower & 1 == 1);
        let (before, after) = self.window.neighbours(msg_id);
        if seq_no < 0 || before.is_some_and(|before| clashes(before, seq_no)) {
            return Some(32);
        }
        if after.is_some_and(|after| clashes(seq_no, after)) {
            return Some(33);
        }
        None
    }

    fn container(
        &mut self,
        msg_id: i64,
        seq_no: i32,
        body: &Bytes,
        seen: Seen,
        context: &mut Context<'_>,
    ) -> Result<(), Violation> {
        let messages = read_container(body)?;
        let new = |message: &Message| self.window.look(message.msg_id) == Seen::New;
        if seen == Seen::Again && messages.iter().any(new) {
            // Not the same container once more, but another one of its id.
            let container = Message {
                msg_id,
                seq_no,
                body: Bytes::new(),
            };
            self.refuse(&container, 19, None);
            return Ok(());
        }
        if let (Seen::New, Some(first)) =
            (seen, messages.iter().map(|message| message.msg_id).min())
        {
            self.begin(first, context);
        }
        for message in messages {
            self.message(message, Within::Container(msg_id), context)?;
        }
        self.remember(msg_id, seq_no);
        Ok(())
    }

    /// Begins the session by its first message.
    fn begin(&mut self, first_msg_id: i64, context: &mut Context<'_>) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        let salt = context.salts.current(context.now, context.rng);
        let body = Writer::boxed(NEW_SESSION, 28)
            .long(first_msg_id)
            .long(self.unique_id)
            .long(salt);
        self.reply(body, true, None);
        self.events
            .push_back(ServerEvent::NewSession { first_msg_id });
    }

    fn remember(&mut self, msg_id: i64, seq_no: i32) {
        if let Some(forgotten) = self.window.remember(msg_id, seq_no)
            && !matches!(
                self.calls.get(&forgotten),
                Some(Progress::Running | Progress::Dropped)
            )
        {
            self.calls.remove(&forgotten);
        }
    }

    fn acknowledge(&mut self, msg_id: i64, now: Now) {
        if self.acks.is_empty() {
            self.acks_since = Some(now.mono);
        }
        self.acks.push(msg_id);
    }

    /// A message came once more: its answer is repeated if there is one, and never made anew.
    fn repeated(&mut self, msg_id: i64, seq_no: i32, now: Now) {
        if let Some(Progress::Answered(answer)) = self.calls.get(&msg_id) {
            self.queue.push_back(Queued::Again(*answer));
        } else if seq_no & 1 == 1 {
            self.acknowledge(msg_id, now);
        }
    }

    fn body(
        &mut self,
        msg_id: i64,
        mut body: Bytes,
        context: &mut Context<'_>,
    ) -> Result<(), Violation> {
        let (mut id, reader) = constructor(&body)?;
        if id == GZIP_PACKED {
            body = inflate(reader, &mut context.budget)?;
            (id, _) = constructor(&body)?;
            if matches!(id, GZIP_PACKED | CONTAINER) {
                return Err(Violation::Gzip);
            }
        }
        let (_, mut reader) = constructor(&body)?;
        match id {
            MSGS_ACK => self.acked(&read_ids(&mut reader)?),
            PING | PING_DELAY => {
                let ping_id = reader.long()?;
                let delay = (id == PING_DELAY).then(|| reader.int()).transpose()?;
                self.reply(
                    Writer::boxed(PONG, 20).long(msg_id).long(ping_id),
                    false,
                    None,
                );
                self.events.push_back(ServerEvent::Ping {
                    disconnect_delay: delay,
                });
            }
            GET_FUTURE_SALTS => self.future_salts(msg_id, reader.int()?, context),
            STATE_REQ => self.tell_states(msg_id, &read_ids(&mut reader)?),
            RESEND_REQ => {
                let ids = read_ids(&mut reader)?;
                let held = |id: &i64| self.unacked.contains_key(id).then_some(*id);
                self.resend(msg_id, &ids, &ids.iter().map(held).collect());
            }
            RESEND_ANS_REQ => {
                let ids = read_ids(&mut reader)?;
                let answer = |id: &i64| match self.calls.get(id) {
                    Some(Progress::Answered(answer)) => Some(*answer),
                    _ => None,
                };
                self.resend(msg_id, &ids, &ids.iter().map(answer).collect());
            }
            DROP_ANSWER => self.drop_answer(msg_id, reader.long()?),
            DESTROY_SESSION => {
                let session_id = reader.long()?;
                if session_id == self.session_id {
                    // One does not saw off the branch one sits on.
                    self.session_destroyed(session_id, false, context.now);
                } else {
                    self.events
                        .push_back(ServerEvent::DestroySession { session_id });
                }
            }
            DESTROY_KEY => self.events.push_back(ServerEvent::DestroyAuthKey),
            // For HTTP only, or answers to questions that this side does not ask.
            HTTP_WAIT | STATE_INFO | ALL_INFO => {}
            _ => {
                self.calls.insert(msg_id, Progress::Running);
                self.events.push_back(ServerEvent::Call { msg_id, body });
            }
        }
        Ok(())
    }

    fn acked(&mut self, ids: &[i64]) {
        let mut requests = Vec::new();
        for id in ids {
            if let Some(request) = self.unacked.remove(id).and_then(|acked| acked.request) {
                self.settled(request);
                requests.push(request);
            }
        }
        if !requests.is_empty() {
            self.events.push_back(ServerEvent::Acked(requests));
        }
    }

    fn future_salts(&mut self, request: i64, count: i32, context: &mut Context<'_>) {
        let salts = context.salts.future(count, context.now, context.rng);
        let time = i32::try_from(context.now.unix.as_secs()).unwrap_or(i32::MAX);
        let head = Writer::boxed(FUTURE_SALTS, 20 + salts.len() * 16)
            .long(request)
            .int(time)
            .id(u32::try_from(salts.len()).unwrap_or(0));
        let body = salts.iter().fold(head, |writer, salt| {
            writer
                .int(salt.valid_since)
                .int(salt.valid_until)
                .long(salt.salt)
        });
        self.reply(body, false, None);
    }

    /// Sends again, each once, what is there of what the client asks for; if anything is not, the
    /// states of all are told as well.
    fn resend(&mut self, request: i64, ids: &[i64], held: &BTreeSet<Option<i64>>) {
        let there = held.iter().flatten().map(|answer| Queued::Again(*answer));
        self.queue.extend(there);
        if held.contains(&None) {
            self.tell_states(request, ids);
        }
    }

    fn tell_states(&mut self, request: i64, ids: &[i64]) {
        let states: Vec<u8> = ids
            .iter()
            .map(|id| match (self.window.state(*id), self.calls.get(id)) {
                (4, Some(Progress::Running | Progress::Dropped)) => 4 | 32,
                (4, Some(Progress::Answered(_))) => 4 | 64,
                (state, _) => state,
            })
            .collect();
        let body = Writer::boxed(STATE_INFO, 16 + states.len())
            .long(request)
            .bytes(&states);
        self.reply(body, false, None);
    }

    fn drop_answer(&mut self, msg_id: i64, request: i64) {
        let body = Writer::boxed(RPC_RESULT, 28).long(msg_id);
        let body = match self.calls.get(&request).copied() {
            Some(Progress::Running) => {
                self.calls.insert(request, Progress::Dropped);
                self.events
                    .push_back(ServerEvent::DropAnswer { msg_id: request });
                body.id(ANSWER_DROPPED_RUNNING)
            }
            Some(Progress::Answered(answer)) => match self.unacked.remove(&answer) {
                Some(unacked) => {
                    self.settled(request);
                    self.events
                        .push_back(ServerEvent::DropAnswer { msg_id: request });
                    let length = i32::try_from(unacked.body.len()).unwrap_or(i32::MAX);
                    body.id(ANSWER_DROPPED)
                        .long(answer)
                        .int(unacked.seq_no)
                        .int(length)
                }
                None => body.id(ANSWER_UNKNOWN),
            },
            _ => body.id(ANSWER_UNKNOWN),
        };
        self.acks.retain(|acked| *acked != msg_id);
        self.reply(body, true, None);
    }
}

/// Whether a constructor belongs to the protocol itself, whose messages may or may not be
/// content-related. A compressed body may be either.
const fn is_service(id: u32) -> bool {
    matches!(
        id,
        CONTAINER
            | GZIP_PACKED
            | MSGS_ACK
            | PING
            | PING_DELAY
            | GET_FUTURE_SALTS
            | STATE_REQ
            | STATE_INFO
            | ALL_INFO
            | RESEND_REQ
            | RESEND_ANS_REQ
            | DROP_ANSWER
            | DESTROY_SESSION
            | DESTROY_KEY
            | HTTP_WAIT
    )
}
