use std::time::Duration;

use bytes::Bytes;

use crate::session::{FutureSalt, RpcError};

/// A call of one [`ClientSession`](super::ClientSession).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub(super) u64);

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
        /// From queueing the ping to reading the pong.
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
    /// The answer to [`ClientSession::ask_salts`](super::ClientSession::ask_salts); the session uses them by itself.
    Salts(Vec<FutureSalt>),
    /// Our clock was corrected by the server's.
    TimeCorrected {
        /// Server's clock minus the wall clock, in seconds.
        offset: i32,
    },
    /// The session was given up for a new id, and its destruction is queued. Calls that were
    /// certainly not executed are queued again, others were reported as [`Self::Unsure`].
    SessionReset,
    /// The answer to [`ClientSession::destroy_session`](super::ClientSession::destroy_session).
    SessionDestroyed {
        /// Which session.
        session_id: i64,
        /// Whether the server knew it.
        existed: bool,
    },
    /// The answer to [`ClientSession::destroy_auth_key`](super::ClientSession::destroy_auth_key): whether the key is gone.
    AuthKeyDestroyed {
        /// `false` if the server refused.
        gone: bool,
    },
}
