use bytes::Bytes;

/// What a session tells the data center.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerEvent {
    /// The session was begun by this packet; the client is being told.
    NewSession {
        /// The client's first message.
        first_msg_id: i64,
    },
    /// A call, given out once however often it is sent. Owes an [`ServerSession::answer`](super::ServerSession::answer).
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
    /// The client wants another session destroyed. Owes a [`ServerSession::session_destroyed`](super::ServerSession::session_destroyed).
    DestroySession {
        /// Which.
        session_id: i64,
    },
    /// The client wants its key destroyed. Owes an [`ServerSession::auth_key_destroyed`](super::ServerSession::auth_key_destroyed).
    DestroyAuthKey,
    /// A message was refused with `bad_msg_notification` or `bad_server_salt`.
    Refused {
        /// Which message.
        msg_id: i64,
        /// 16 to 64.
        code: i32,
    },
}
