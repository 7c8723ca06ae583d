mod event;
mod receive;
mod sent;

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use sluice_domain::Random;

use self::sent::{Causes, Sent, What};
use super::{
    FutureSalt,
    clock::ServerClock,
    window::Window,
    wire::{Load, MAX_IDS, Outgoing},
};
use crate::{AuthKey, Now, Sender, msg_id::MsgIds};

pub use event::{CallId, ClientEvent};

/// An acknowledgement waits so long for a packet to travel with. The server repeats what is not
/// acknowledged within about a minute.
const ACK_DELAY: Duration = Duration::from_secs(10);
/// So many waiting acknowledgements go out at once, as Telegram's page on them has it.
const ACK_COUNT: usize = 16;
/// How often one call is sent, if the server keeps refusing its message for ever new reasons; and how
/// many refusals in a row a service message outlives.
const MAX_TRIES: u8 = 8;
/// The most salts that Telegram gives out at once.
const MAX_SALTS: usize = 64;
/// As many are asked for.
const ASKED_SALTS: i32 = 64;
/// A server that gave none, or too few, is not asked again for so long.
const ASK_AGAIN: Duration = Duration::from_mins(10);

struct Call {
    body: Bytes,
    tries: u8,
    causes: Causes,
    sent: Option<SentCall>,
}

/// A call's last message.
struct SentCall {
    msg_id: i64,
    seq_no: i32,
    /// The id of its packet: its own, or the container's.
    packet: i64,
    /// The connection that it was sent over.
    connection: u32,
    /// With the preamble in front.
    announced: bool,
    /// The server has said that it came.
    acked: bool,
}

enum Queued {
    Call(CallId),
    /// The same message once more, because the server asks for it.
    Again(CallId),
    /// A service message, and why it was sent before.
    Service(What, Causes),
}

/// The client's side of a session. Its id survives reconnects.
///
/// Of the server's sequence numbers only the sign and the lowest bit mean something to a client:
/// their order follows the server's threads.
pub struct ClientSession {
    auth_key: AuthKey,
    session_id: i64,
    /// The session was given up, and the next packet begins another.
    renew: bool,
    /// The session that was given up on this connection: until the server has answered in the new
    /// one, what it had under way for this one is no breach of any rule, and of no use.
    former: Option<i64>,
    salt: i64,
    salts: VecDeque<FutureSalt>,
    /// When they were asked for.
    salts_asked: Option<Duration>,
    clock: ServerClock,
    ids: MsgIds,
    content: i32,
    window: Window,
    connection: u32,
    preamble: Bytes,
    announced: bool,
    last_call: u64,
    last_ping: i64,
    /// How often in a row the server has refused something, and answered nothing.
    refusals: u8,
    calls: HashMap<CallId, Call>,
    sent: Sent,
    queue: VecDeque<Queued>,
    acks: Vec<i64>,
    acks_since: Option<Duration>,
    events: VecDeque<ClientEvent>,
}

impl ClientSession {
    /// A new session. `time_offset` is the server's clock minus ours, in seconds, as far as known.
    pub fn new(auth_key: AuthKey, salt: i64, session_id: i64, time_offset: i32, now: Now) -> Self {
        Self {
            auth_key,
            session_id,
            renew: false,
            former: None,
            salt,
            salts: VecDeque::new(),
            salts_asked: None,
            clock: ServerClock::new(time_offset, now),
            ids: MsgIds::default(),
            content: 0,
            window: Window::default(),
            connection: 0,
            preamble: Bytes::new(),
            announced: false,
            last_call: 0,
            last_ping: 0,
            refusals: 0,
            calls: HashMap::new(),
            sent: Sent::default(),
            queue: VecDeque::new(),
            acks: Vec::new(),
            acks_since: None,
            events: VecDeque::new(),
        }
    }

    /// Bytes to put before the body of every call until one that carried them is answered in this
    /// session: `invokeWithLayer` and `initConnection`, which are exactly such a prefix.
    pub fn set_preamble(&mut self, preamble: Bytes) {
        self.preamble = preamble;
        self.announced = false;
    }

    /// Puts the preamble before calls again, when the server says that the connection is not
    /// initialised.
    pub const fn repeat_preamble(&mut self) {
        self.announced = false;
    }

    /// Queues a call.
    pub fn call(&mut self, body: Bytes, _now: Now) -> CallId {
        self.last_call += 1;
        let call = CallId(self.last_call);
        let made = Call {
            body,
            tries: 0,
            causes: Causes::default(),
            sent: None,
        };
        self.calls.insert(call, made);
        self.queue.push_back(Queued::Call(call));
        call
    }

    /// Drops a call. If it was sent, it may still be executed: the server is asked to keep its answer
    /// for itself, which is ignored otherwise.
    pub fn forget(&mut self, call: CallId) {
        if let Some(Call {
            sent: Some(sent), ..
        }) = self.calls.remove(&call)
        {
            self.sent.take(sent.msg_id);
            self.queue_service(What::DropAnswer(sent.msg_id));
        }
    }

    fn queue_service(&mut self, what: What) {
        self.queue
            .push_back(Queued::Service(what, Causes::default()));
    }

    /// Queues a ping; with a delay, the server closes the connection if no other comes within so
    /// many seconds.
    pub fn ping(&mut self, now: Now, disconnect_delay: Option<i32>) {
        self.last_ping += 1;
        self.queue_service(What::Ping {
            ping_id: self.last_ping,
            disconnect_delay,
            at: now.mono,
        });
    }

    /// Asks for salts when none is left for later: a message with one that has expired would be
    /// refused.
    fn provide_salts(&mut self, now: Now) {
        let asked = self
            .salts_asked
            .is_some_and(|at| now.mono < at.saturating_add(ASK_AGAIN));
        if self.salts.is_empty() && !asked {
            self.salts_asked = Some(now.mono);
            self.queue_service(What::Salts(ASKED_SALTS));
        }
    }

    /// Gives the session salts that are known from elsewhere.
    pub fn add_salts(&mut self, salts: &[FutureSalt]) {
        self.salts.extend(salts.iter().take(MAX_SALTS));
        self.salts
            .make_contiguous()
            .sort_unstable_by_key(|salt| salt.valid_since);
        // Of too many, the nearest are of use.
        self.salts.truncate(2 * MAX_SALTS);
    }

    /// Queues the destruction of another session of the same key.
    pub fn destroy_session(&mut self, session_id: i64) {
        self.queue_service(What::DestroySession(session_id));
    }

    /// Queues the destruction of the auth key.
    pub fn destroy_auth_key(&mut self) {
        self.queue_service(What::DestroyKey);
    }

    /// The next packet, ready for a frame; everything that is queued goes into as few as possible.
    /// Call until `None` after anything was queued, after [`receive`](Self::receive) and at
    /// [`deadline`](Self::deadline).
    pub fn poll_packet(&mut self, now: Now, rng: &dyn Random) -> Option<Vec<u8>> {
        if std::mem::take(&mut self.renew) {
            self.session_id = rng.u64().cast_signed();
        }
        let acks_due = self.acks.len() >= ACK_COUNT
            || self.deadline().is_some_and(|deadline| deadline <= now.mono);
        if self.queue.is_empty() && !acks_due {
            return None;
        }
        self.adopt_salt(now);
        self.provide_salts(now);
        let time = self.clock.time(now);
        let mut load = Load::default();
        let mut packed = Vec::new();
        if !self.acks.is_empty() {
            let rest = self.acks.split_off(self.acks.len().min(MAX_IDS));
            let ids = std::mem::replace(&mut self.acks, rest);
            self.acks_since = self.acks_since.filter(|_| !self.acks.is_empty());
            let acks = (What::Acks(ids), Causes::default());
            self.pack_service(acks, time, &mut load, &mut packed);
        }
        while let Some(next) = self.queue.pop_front() {
            let fits = match &next {
                Queued::Call(call) | Queued::Again(call) => match self.calls.get(call) {
                    Some(made) => load.has_room(self.preamble_for(*call).len() + made.body.len()),
                    None => continue,
                },
                Queued::Service(what, _) => load.has_room(what.length()),
            };
            if !fits {
                self.queue.push_front(next);
                break;
            }
            match next {
                Queued::Call(call) => self.pack_call(call, time, &mut load, &mut packed),
                Queued::Again(call) => self.pack_again(call, &mut load),
                Queued::Service(what, causes) => {
                    self.pack_service((what, causes), time, &mut load, &mut packed);
                }
            }
        }
        self.seal(&load, &packed, time, rng)
    }

    fn seal(
        &mut self,
        load: &Load,
        packed: &[i64],
        time: Duration,
        rng: &dyn Random,
    ) -> Option<Vec<u8>> {
        if load.messages.is_empty() {
            return None;
        }
        let (ids, content) = (&mut self.ids, self.content);
        let mut container_id = None;
        let packet = load.seal(
            &self.auth_key,
            Sender::Client,
            (self.salt, self.session_id),
            || {
                (
                    *container_id.insert(ids.next(time, 0)),
                    content.wrapping_mul(2),
                )
            },
            rng,
        );
        if let Some(container) = container_id {
            for msg_id in packed {
                if let Some(What::Call(call)) = self.sent.look(*msg_id)
                    && let Some(sent) = self.calls.get_mut(call).and_then(|made| made.sent.as_mut())
                {
                    sent.packet = container;
                }
            }
            self.sent.add_container(container, packed);
        }
        Some(packet)
    }

    fn preamble_for(&self, call: CallId) -> Bytes {
        let sent = self.calls.get(&call).and_then(|made| made.sent.as_ref());
        if sent.map_or(!self.announced, |sent| sent.announced) {
            self.preamble.clone()
        } else {
            Bytes::new()
        }
    }

    fn pack_call(&mut self, call: CallId, time: Duration, load: &mut Load, packed: &mut Vec<i64>) {
        let prefix = self.preamble_for(call);
        let Some(made) = self.calls.get_mut(&call) else {
            return;
        };
        let msg_id = self.ids.next(time, 0);
        let seq_no = next_seq_no(&mut self.content, true);
        made.tries = made.tries.saturating_add(1);
        made.sent = Some(SentCall {
            msg_id,
            seq_no,
            packet: msg_id,
            connection: self.connection,
            announced: !prefix.is_empty(),
            acked: false,
        });
        load.add(Outgoing {
            msg_id,
            seq_no,
            prefix,
            body: made.body.clone(),
        });
        packed.push(msg_id);
        self.sent.add(msg_id, What::Call(call), Causes::default());
    }

    fn pack_again(&self, call: CallId, load: &mut Load) {
        let Some(made) = self.calls.get(&call) else {
            return;
        };
        if let Some(sent) = &made.sent {
            load.add_again(Outgoing {
                msg_id: sent.msg_id,
                seq_no: sent.seq_no,
                prefix: self.preamble_for(call),
                body: made.body.clone(),
            });
        }
    }

    fn pack_service(
        &mut self,
        (what, causes): (What, Causes),
        time: Duration,
        load: &mut Load,
        packed: &mut Vec<i64>,
    ) {
        let msg_id = self.ids.next(time, 0);
        load.add(Outgoing {
            msg_id,
            seq_no: next_seq_no(&mut self.content, what.is_content()),
            prefix: Bytes::new(),
            body: what.body(),
        });
        packed.push(msg_id);
        self.sent.add(msg_id, what, causes);
    }

    /// Goes over to the newest of the known salts that is valid already.
    fn adopt_salt(&mut self, now: Now) {
        let time = self.clock.seconds(now);
        let mut newest = None;
        while let Some(salt) = self.salts.front()
            && i64::from(salt.valid_since) <= time
        {
            newest = Some(*salt);
            self.salts.pop_front();
        }
        if let Some(salt) = newest.filter(|salt| i64::from(salt.valid_until) > time) {
            self.use_salt(salt.salt);
        }
    }

    fn use_salt(&mut self, salt: i64) {
        if self.salt != salt {
            self.salt = salt;
            self.events.push_back(ClientEvent::SaltChanged { salt });
        }
    }

    /// The next event, in order.
    pub fn next_event(&mut self) -> Option<ClientEvent> {
        self.events.pop_front()
    }

    /// When [`poll_packet`](Self::poll_packet) must be called again although nothing was queued, on
    /// the monotonic clock.
    pub fn deadline(&self) -> Option<Duration> {
        self.acks_since.map(|since| since + ACK_DELAY)
    }

    /// The session goes on over a new connection: asks what became of the calls that were sent.
    pub fn reconnected(&mut self, _now: Now) {
        self.connection = self.connection.wrapping_add(1);
        self.former = None;
        let mut sent: Vec<i64> = self
            .calls
            .values()
            .filter_map(|call| call.sent.as_ref().map(|sent| sent.msg_id))
            .collect();
        sent.sort_unstable();
        // First of all: the answer decides what is sent again.
        for ids in sent.chunks(MAX_IDS).rev() {
            let question = What::StateReq(ids.to_vec());
            self.queue
                .push_front(Queued::Service(question, Causes::default()));
        }
    }

    /// Gives the session up for a new id. Calls that were sent are reported as
    /// [`ClientEvent::Unsure`], the others stay queued.
    pub fn reset_session(&mut self, session_id: i64) {
        self.abandon();
        self.session_id = session_id;
        self.renew = false;
    }

    /// Forgets everything that belongs to the session, and has it destroyed. The id is replaced by
    /// the caller or at the next packet.
    fn abandon(&mut self) {
        self.renew = true;
        self.former = Some(self.session_id);
        self.ids = MsgIds::default();
        self.content = 0;
        self.window.clear();
        self.announced = false;
        self.sent = Sent::default();
        self.acks.clear();
        self.acks_since = None;
        self.queue.retain(|queued| match queued {
            Queued::Call(_) => true,
            Queued::Again(_) => false,
            Queued::Service(what, _) => !what.is_of_session(),
        });
        let mut unsure: Vec<CallId> = self
            .calls
            .extract_if(|_, call| call.sent.is_some())
            .map(|(call, _)| call)
            .collect();
        unsure.sort_unstable();
        self.events
            .extend(unsure.into_iter().map(|call| ClientEvent::Unsure { call }));
        // A server that refuses one session after the other is not to be asked for each of them.
        if self.refusals < MAX_TRIES {
            self.destroy_session(self.session_id);
        }
        self.events.push_back(ClientEvent::SessionReset);
    }

    /// Calls that are queued or sent and not answered.
    pub fn in_flight(&self) -> usize {
        self.calls.len()
    }

    /// Whether the call was given out to be sent, and the server has not refused its message:
    /// `false` means that it is certainly not executed. `false` for unknown calls.
    pub fn was_sent(&self, call: CallId) -> bool {
        self.calls
            .get(&call)
            .is_some_and(|made| made.sent.is_some())
    }

    /// The salt in use.
    pub const fn salt(&self) -> i64 {
        self.salt
    }

    /// The session's id.
    pub const fn session_id(&self) -> i64 {
        self.session_id
    }

    /// The key.
    pub const fn auth_key(&self) -> &AuthKey {
        &self.auth_key
    }

    /// Server's clock minus the wall clock, in seconds.
    pub fn time_offset(&self, now: Now) -> i32 {
        self.clock.offset(now)
    }
}

/// Twice the number of content-related messages before this one, plus 1 for such a one.
const fn next_seq_no(content: &mut i32, related: bool) -> i32 {
    let seq_no = content.wrapping_mul(2);
    if related {
        *content = content.wrapping_add(1);
        seq_no | 1
    } else {
        seq_no
    }
}
