use std::time::Duration;

use bytes::Bytes;
use sluice_domain::Random;

use super::{RpcError, ServerSalts};
use crate::{AuthKey, Now, Opened, Violation};

/// What a session tells the data center.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerEvent {
    /// The session was begun by this packet; the client is being told.
    NewSession {
        /// The client's first message.
        first_msg_id: i64,
    },
    /// A call, given out once however often it is sent. Owes an [`ServerSession::answer`].
    Call {
        /// The call's message.
        msg_id: i64,
        /// The call's bytes.
        body: Bytes,
    },
    /// The client has received the answers to these calls.
    Acked(Vec<i64>),
    /// A ping, which is answered by itself.
    Ping {
        /// Close the connection unless another comes within so many seconds.
        disconnect_delay: Option<i32>,
    },
    /// The client does not want the answer to this call any more, and will not get it.
    DropAnswer {
        /// The call's message.
        msg_id: i64,
    },
    /// The client wants another session destroyed. Owes a [`ServerSession::session_destroyed`].
    DestroySession {
        /// Which.
        session_id: i64,
    },
    /// The client wants its key destroyed. Owes an [`ServerSession::auth_key_destroyed`].
    DestroyAuthKey,
    /// A message was refused with `bad_msg_notification` or `bad_server_salt`.
    Refused {
        /// Which message.
        msg_id: i64,
        /// 16 to 64.
        code: i32,
    },
}

/// The server's side of a session: one auth key and one session id, over any number of connections.
pub struct ServerSession {}

impl ServerSession {
    /// A session that a client may begin.
    pub fn new(_auth_key: AuthKey, _session_id: i64, _now: Now, _rng: &dyn Random) -> Self {
        todo!()
    }

    /// Compresses answers longer than so many bytes; by default none.
    pub fn compress_above(&mut self, _bytes: Option<usize>) {
        todo!()
    }

    /// Takes a packet that [`crate::open`] has decrypted and that carries this session's id.
    pub fn receive(
        &mut self,
        _packet: Opened,
        _salts: &mut ServerSalts,
        _now: Now,
        _rng: &dyn Random,
    ) -> Result<(), Violation> {
        todo!()
    }

    /// The next event, in order.
    pub fn next_event(&mut self) -> Option<ServerEvent> {
        todo!()
    }

    /// Queues the answer to a call.
    pub fn answer(&mut self, _msg_id: i64, _result: Result<Bytes, RpcError>, _now: Now) {
        todo!()
    }

    /// Queues a message of the server's own: an update.
    pub fn push(&mut self, _body: Bytes, _now: Now) {
        todo!()
    }

    /// Queues the answer to [`ServerEvent::DestroySession`].
    pub fn session_destroyed(&mut self, _session_id: i64, _existed: bool, _now: Now) {
        todo!()
    }

    /// Queues the answer to [`ServerEvent::DestroyAuthKey`]: `Some(true)` destroyed, `Some(false)`
    /// refused, `None` no such key.
    pub fn auth_key_destroyed(&mut self, _gone: Option<bool>, _now: Now) {
        todo!()
    }

    /// The session goes on over a new connection: what the client has not acknowledged is queued
    /// again.
    pub fn reattached(&mut self, _now: Now) {
        todo!()
    }

    /// The next packet, ready for a frame. Call until `None`.
    pub fn poll_packet(
        &mut self,
        _salts: &mut ServerSalts,
        _now: Now,
        _rng: &dyn Random,
    ) -> Option<Vec<u8>> {
        todo!()
    }

    /// When [`poll_packet`](Self::poll_packet) must be called again although nothing was queued, on
    /// the monotonic clock.
    pub fn deadline(&self) -> Option<Duration> {
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
}
