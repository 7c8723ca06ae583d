mod event;
mod receive;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use sluice_domain::Random;

use super::{
    RpcError, ServerSalts,
    window::{Seen, Window},
    wire::{
        DESTROY_KEY_FAIL, DESTROY_KEY_NONE, DESTROY_KEY_OK, DESTROY_SESSION_NONE,
        DESTROY_SESSION_OK, GZIP_PACKED, Load, MAX_IDS, MSGS_ACK, Outgoing, RPC_ERROR, RPC_RESULT,
        ids_message,
    },
};
use crate::{AuthKey, Now, Sender, gzip, msg_id::MsgIds, wire::Writer};

pub use event::ServerEvent;

/// An acknowledgement waits so long for a packet, mostly the answer, to travel with.
const ACK_DELAY: Duration = Duration::from_secs(1);
/// Messages kept for a client that does not acknowledge them. Beyond, the oldest are given up, as
/// for a client that must fetch the difference.
const UNACKED: usize = 4096;
/// Messages queued while there is no connection.
const QUEUED: usize = 4096;

/// What became of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Running,
    /// Running, but the client does not want the answer.
    Dropped,
    /// Answered by this message, which may still be repeated.
    Answered(i64),
    Acked,
}

/// A message that the client has to acknowledge, kept until it does.
struct Unacked {
    seq_no: i32,
    body: Bytes,
    /// The call that it answers.
    request: Option<i64>,
}

enum Queued {
    /// A message to be numbered when it is packed.
    New {
        body: Bytes,
        /// Said in answer to a message of the client, which shows in the message's id.
        reply: bool,
        /// The client has to acknowledge it.
        content: bool,
        /// The call that it answers.
        request: Option<i64>,
    },
    /// The same message once more.
    Again(i64),
}

/// The server's side of a session: one auth key and one session id, over any number of connections.
pub struct ServerSession {
    auth_key: AuthKey,
    session_id: i64,
    unique_id: i64,
    begun: bool,
    compress_above: Option<usize>,
    ids: MsgIds,
    content: i32,
    window: Window,
    calls: HashMap<i64, Progress>,
    unacked: BTreeMap<i64, Unacked>,
    queue: VecDeque<Queued>,
    acks: Vec<i64>,
    acks_since: Option<Duration>,
    events: VecDeque<ServerEvent>,
}

impl ServerSession {
    /// A session that a client may begin.
    pub fn new(auth_key: AuthKey, session_id: i64, _now: Now, rng: &dyn Random) -> Self {
        Self {
            auth_key,
            session_id,
            unique_id: rng.u64().cast_signed(),
            begun: false,
            compress_above: None,
            ids: MsgIds::default(),
            content: 0,
            window: Window::default(),
            calls: HashMap::new(),
            unacked: BTreeMap::new(),
            queue: VecDeque::new(),
            acks: Vec::new(),
            acks_since: None,
            events: VecDeque::new(),
        }
    }

    /// Compresses answers longer than so many bytes; by default none.
    pub const fn compress_above(&mut self, bytes: Option<usize>) {
        self.compress_above = bytes;
    }

    /// The next event, in order.
    pub fn next_event(&mut self) -> Option<ServerEvent> {
        self.events.pop_front()
    }

    /// Queues the answer to a call. Nothing happens for a call that is answered already, or whose
    /// answer is not wanted.
    pub fn answer(&mut self, msg_id: i64, result: Result<Bytes, RpcError>, _now: Now) {
        match self.calls.get(&msg_id) {
            Some(Progress::Running) => {}
            Some(Progress::Dropped) => return self.settled(msg_id),
            _ => return,
        }
        let writer = |length| Writer::boxed(RPC_RESULT, 12 + length).long(msg_id);
        let body = match result {
            Ok(result)
                if self
                    .compress_above
                    .is_some_and(|above| result.len() > above) =>
            {
                let packed = gzip::deflate(&result);
                writer(8 + packed.len()).id(GZIP_PACKED).bytes(&packed)
            }
            Ok(result) => writer(result.len()).raw(&result),
            Err(RpcError { code, message }) => writer(16 + message.len())
                .id(RPC_ERROR)
                .int(code)
                .bytes(message.as_bytes()),
        };
        // The answer acknowledges the call.
        self.acks.retain(|acked| *acked != msg_id);
        self.reply(body, true, Some(msg_id));
    }

    /// Queues a message of the server's own: an update.
    pub fn push(&mut self, body: Bytes, _now: Now) {
        if self.queue.len() < QUEUED {
            self.queue.push_back(Queued::New {
                body,
                reply: false,
                content: true,
                request: None,
            });
        }
    }

    /// Queues the answer to [`ServerEvent::DestroySession`].
    pub fn session_destroyed(&mut self, session_id: i64, existed: bool, _now: Now) {
        let id = if existed {
            DESTROY_SESSION_OK
        } else {
            DESTROY_SESSION_NONE
        };
        self.reply(Writer::boxed(id, 12).long(session_id), true, None);
    }

    /// Queues the answer to [`ServerEvent::DestroyAuthKey`]: `Some(true)` destroyed, `Some(false)`
    /// refused, `None` no such key.
    pub fn auth_key_destroyed(&mut self, gone: Option<bool>, _now: Now) {
        let id = match gone {
            Some(true) => DESTROY_KEY_OK,
            Some(false) => DESTROY_KEY_FAIL,
            None => DESTROY_KEY_NONE,
        };
        self.reply(Writer::boxed(id, 4), true, None);
    }

    /// A call is done with: it is remembered only as long as its message is.
    fn settled(&mut self, request: i64) {
        if self.window.look(request) == Seen::Again {
            self.calls.insert(request, Progress::Acked);
        } else {
            self.calls.remove(&request);
        }
    }

    fn reply(&mut self, body: Writer, content: bool, request: Option<i64>) {
        self.queue.push_back(Queued::New {
            body: body.finish().into(),
            reply: true,
            content,
            request,
        });
    }

    /// The session goes on over a new connection: what the client has not acknowledged is queued
    /// again.
    pub fn reattached(&mut self, _now: Now) {
        self.queue
            .retain(|queued| !matches!(queued, Queued::Again(_)));
        for msg_id in self.unacked.keys().rev() {
            self.queue.push_front(Queued::Again(*msg_id));
        }
    }

    /// The next packet, ready for a frame. Call until `None`.
    pub fn poll_packet(
        &mut self,
        salts: &mut ServerSalts,
        now: Now,
        rng: &dyn Random,
    ) -> Option<Vec<u8>> {
        let acks_due = self.deadline().is_some_and(|deadline| deadline <= now.mono);
        if self.queue.is_empty() && !acks_due {
            return None;
        }
        let mut load = Load::default();
        if !self.acks.is_empty() {
            let rest = self.acks.split_off(self.acks.len().min(MAX_IDS));
            let ids = std::mem::replace(&mut self.acks, rest);
            let body = ids_message(MSGS_ACK, &ids);
            self.pack(body, true, false, None, now, &mut load);
        }
        if self.acks.is_empty() {
            self.acks_since = None;
        }
        while let Some(next) = self.queue.pop_front() {
            let length = match &next {
                Queued::New { body, .. } => body.len(),
                Queued::Again(msg_id) => match self.unacked.get(msg_id) {
                    Some(unacked) => unacked.body.len(),
                    None => continue,
                },
            };
            if !load.has_room(length) {
                self.queue.push_front(next);
                break;
            }
            match next {
                Queued::New {
                    body,
                    reply,
                    content,
                    request,
                } => self.pack(body, reply, content, request, now, &mut load),
                Queued::Again(msg_id) => {
                    if let Some(unacked) = self.unacked.get(&msg_id) {
                        load.add_again(Outgoing {
                            msg_id,
                            seq_no: unacked.seq_no,
                            prefix: Bytes::new(),
                            body: unacked.body.clone(),
                        });
                    }
                }
            }
        }
        if load.messages.is_empty() {
            return None;
        }
        let salt = salts.current(now, rng);
        let (ids, content) = (&mut self.ids, self.content);
        Some(load.seal(
            &self.auth_key,
            Sender::Server,
            (salt, self.session_id),
            || (ids.next(now.unix, 1), content.wrapping_mul(2)),
            rng,
        ))
    }

    fn pack(
        &mut self,
        body: Bytes,
        reply: bool,
        content: bool,
        request: Option<i64>,
        now: Now,
        load: &mut Load,
    ) {
        let msg_id = self.ids.next(now.unix, if reply { 1 } else { 3 });
        let mut seq_no = self.content.wrapping_mul(2);
        if content {
            seq_no |= 1;
            self.content = self.content.wrapping_add(1);
            let unacked = Unacked {
                seq_no,
                body: body.clone(),
                request,
            };
            self.unacked.insert(msg_id, unacked);
            if self.unacked.len() > UNACKED
                && let Some((_, given_up)) = self.unacked.pop_first()
                && let Some(request) = given_up.request
            {
                self.settled(request);
            }
        }
        if let Some(progress) = request.and_then(|request| self.calls.get_mut(&request)) {
            *progress = Progress::Answered(msg_id);
        }
        load.add(Outgoing {
            msg_id,
            seq_no,
            prefix: Bytes::new(),
            body,
        });
    }

    /// When [`poll_packet`](Self::poll_packet) must be called again although nothing was queued, on
    /// the monotonic clock.
    pub fn deadline(&self) -> Option<Duration> {
        self.acks_since
            .filter(|_| !self.acks.is_empty())
            .map(|since| since + ACK_DELAY)
    }

    /// The session's id.
    pub const fn session_id(&self) -> i64 {
        self.session_id
    }

    /// The key.
    pub const fn auth_key(&self) -> &AuthKey {
        &self.auth_key
    }
}
