use std::time::Duration;

use bytes::{Bytes, BytesMut};
use sluice_domain::Random;

use super::{FutureSalt, RpcError};
use crate::{AuthKey, Now, Violation};

/// A call of one [`ClientSession`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(u64);

/// What a session tells the link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientEvent {
    /// The answer to a call, inflated if it was compressed.
    Answer {
        /// Which call.
        call: CallId,
        /// The result's bytes, or the error.
        result: Result<Bytes, RpcError>,
    },
    /// The server refused the call's message: it was not executed, and was tried often enough.
    Refused {
        /// Which call.
        call: CallId,
        /// The code of `bad_msg_notification`.
        code: i32,
    },
    /// Nobody can say whether the call was executed. The session has forgotten it; whoever knows
    /// that it is idempotent may make it again.
    Unsure {
        /// Which call.
        call: CallId,
    },
    /// A body that is no service message: an update.
    Update(Bytes),
    /// A ping came back.
    Pong {
        /// From packing the ping to reading the pong.
        rtt: Duration,
    },
    /// The server has begun the session anew: updates may be missing.
    NewSession {
        /// The first message of ours that it knows.
        first_msg_id: i64,
    },
    /// Another salt is used from now on.
    SaltChanged {
        /// The salt.
        salt: i64,
    },
    /// The answer to [`ClientSession::ask_salts`]; the session uses them by itself.
    Salts(Vec<FutureSalt>),
    /// Our clock was corrected by the server's.
    TimeCorrected {
        /// Server's clock minus the wall clock, in seconds.
        offset: i32,
    },
    /// The session was given up for a new id, and its destruction is queued. Calls that were
    /// certainly not executed are queued again, others were reported as [`Self::Unsure`].
    SessionReset,
    /// The answer to [`ClientSession::destroy_session`].
    SessionDestroyed {
        /// Which session.
        session_id: i64,
        /// Whether the server knew it.
        existed: bool,
    },
    /// The answer to [`ClientSession::destroy_auth_key`]: whether the key is gone.
    AuthKeyDestroyed {
        /// `false` if the server refused.
        gone: bool,
    },
}

/// The client's side of a session. Its id survives reconnects.
pub struct ClientSession {}

impl ClientSession {
    /// A new session. `time_offset` is the server's clock minus ours, in seconds, as far as known.
    pub fn new(
        _auth_key: AuthKey,
        _salt: i64,
        _session_id: i64,
        _time_offset: i32,
        _now: Now,
    ) -> Self {
        todo!()
    }

    /// Bytes to put before the body of every call until one that carried them is answered in this
    /// session: `invokeWithLayer` and `initConnection`, which are exactly such a prefix.
    pub fn set_preamble(&mut self, _preamble: Bytes) {
        todo!()
    }

    /// Puts the preamble before calls again, when the server says that the connection is not
    /// initialised.
    pub fn repeat_preamble(&mut self) {
        todo!()
    }

    /// Queues a call.
    pub fn call(&mut self, _body: Bytes, _now: Now) -> CallId {
        todo!()
    }

    /// Drops a call. Its answer will be ignored; if it was sent, it may still be executed.
    pub fn forget(&mut self, _call: CallId) {
        todo!()
    }

    /// Queues a ping; with a delay, the server closes the connection if no other comes within so
    /// many seconds.
    pub fn ping(&mut self, _now: Now, _disconnect_delay: Option<i32>) {
        todo!()
    }

    /// Queues `get_future_salts`, for 1 to 64 salts.
    pub fn ask_salts(&mut self, _count: i32) {
        todo!()
    }

    /// Gives the session salts that are known from elsewhere.
    pub fn add_salts(&mut self, _salts: &[FutureSalt]) {
        todo!()
    }

    /// Queues the destruction of another session of the same key.
    pub fn destroy_session(&mut self, _session_id: i64) {
        todo!()
    }

    /// Queues the destruction of the auth key.
    pub fn destroy_auth_key(&mut self) {
        todo!()
    }

    /// Takes a packet off a frame. What it meant comes out of [`next_event`](Self::next_event).
    pub fn receive(&mut self, _packet: BytesMut, _now: Now) -> Result<(), Violation> {
        todo!()
    }

    /// The next packet, ready for a frame; everything that is queued goes into as few as possible.
    /// Call until `None` after anything was queued, after [`receive`](Self::receive) and at
    /// [`deadline`](Self::deadline).
    pub fn poll_packet(&mut self, _now: Now, _rng: &dyn Random) -> Option<Vec<u8>> {
        todo!()
    }

    /// The next event, in order.
    pub fn next_event(&mut self) -> Option<ClientEvent> {
        todo!()
    }

    /// When [`poll_packet`](Self::poll_packet) must be called again although nothing was queued, on
    /// the monotonic clock.
    pub fn deadline(&self) -> Option<Duration> {
        todo!()
    }

    /// The session goes on over a new connection: asks what became of the calls that were sent.
    pub fn reconnected(&mut self, _now: Now) {
        todo!()
    }

    /// Gives the session up for a new id. Calls that were sent are reported as
    /// [`ClientEvent::Unsure`], the others stay queued.
    pub fn reset_session(&mut self, _session_id: i64) {
        todo!()
    }

    /// Calls that are queued or sent and not answered.
    pub fn in_flight(&self) -> usize {
        todo!()
    }

    /// Whether any byte of the call was given out to be sent; `false` for unknown calls.
    pub fn was_sent(&self, _call: CallId) -> bool {
        todo!()
    }

    /// The salt in use.
    pub fn salt(&self) -> i64 {
        todo!()
    }

    /// The session's id.
    pub fn session_id(&self) -> i64 {
        todo!()
    }

    /// The key.
    pub fn auth_key(&self) -> &AuthKey {
        todo!()
    }

    /// Server's clock minus the wall clock, in seconds.
    pub fn time_offset(&self, _now: Now) -> i32 {
        todo!()
    }
}
