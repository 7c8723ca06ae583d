//! What a rule can do, and where on the way of a packet it does it.

use serde::{Deserialize, Serialize};
use sluice_mtproto::exchange::Corruption;

/// Where a rule is looked up. Each action belongs to one stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// A connection was accepted. Nothing is known but the data center and the port.
    Connection,
    /// A client makes a key.
    Exchange,
    /// An encrypted packet came in, and its session does not know of it yet.
    Packet,
    /// A call came in, and is about to be executed.
    Call,
}

/// What happens to what a rule matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// Call: it is refused with this error, and not executed.
    RpcError {
        /// Telegram's code.
        code: i32,
        /// Its name, e.g. `FLOOD_WAIT_7`.
        name: String,
    },
    /// Call: it is executed so many milliseconds later.
    Delay(u64),
    /// Call: it is neither executed nor answered.
    Silence,
    /// Call: the connection is closed and the MTProto session forgotten, as when a server goes
    /// down. It is not executed; a client that comes back with its session is told that it is new.
    Disconnect,
    /// Call: it is executed, and the connection closed before the answer is out. A client that
    /// comes back with its session gets the answer then.
    LoseAnswer,
    /// Call: it is executed and never answered.
    Mute,
    /// Call: it is executed; so many bytes of the frame that carries the answer are sent, then the
    /// connection is closed. The answer waits for the client's return.
    CutAnswer(usize),
    /// Call: it is executed, and then nothing is read from or written to the connection any more.
    /// The socket stays open. The answer waits for the client's return.
    HalfOpen,
    /// Call: it is executed, and its answer sent twice: one message in two packets.
    RepeatAnswer,
    /// Call: it is executed, and the packet with its answer is sent twice, byte for byte.
    ReplayAnswer,
    /// Call: it is executed, and the packet with its answer changes places with the one after it
    /// (or leaves after half a second, if there is none).
    HoldAnswer,
    /// Call: it is executed, and the packet with its answer breaks a rule of MTProto. The right
    /// one waits for the client's return.
    ForgeAnswer(Forgery),
    /// Call: it is answered, without being executed, by a valid `gzip_packed` of about 1 MB that
    /// inflates to 1 GiB of zeros.
    GzipBomb,
    /// Packet: it is refused with `bad_msg_notification` of this code, and nothing in it is
    /// executed. For 48 all salts of the key end, and `bad_server_salt` tells the new one.
    BadMsg(i32),
    /// Packet: it is answered by this transport error (a positive code: 403, 404, 429, 444), the
    /// connection is closed and nothing in the packet executed.
    TransportError(i32),
    /// Packet: its auth key is forgotten for good, which the transport error 404 tells.
    ForgetKey,
    /// Packet: from it on nothing is read from or written to the connection. The socket stays open.
    BlackHole,
    /// Connection: closed with a reset as soon as it is accepted.
    Reset,
    /// Connection: accepted, and never read from or written to.
    Mum,
    /// Exchange: every answer comes so many milliseconds later.
    SlowExchange(u64),
    /// Exchange: the server breaks a rule that a client has to check.
    Corrupt(#[serde(with = "CorruptionName")] Corruption),
}

impl Action {
    pub(crate) const fn stage(&self) -> Stage {
        match self {
            Self::RpcError { .. }
            | Self::Delay(_)
            | Self::Silence
            | Self::Disconnect
            | Self::LoseAnswer
            | Self::Mute
            | Self::CutAnswer(_)
            | Self::HalfOpen
            | Self::RepeatAnswer
            | Self::ReplayAnswer
            | Self::HoldAnswer
            | Self::ForgeAnswer(_)
            | Self::GzipBomb => Stage::Call,
            Self::BadMsg(_) | Self::TransportError(_) | Self::ForgetKey | Self::BlackHole => {
                Stage::Packet
            }
            Self::Reset | Self::Mum => Stage::Connection,
            Self::SlowExchange(_) | Self::Corrupt(_) => Stage::Exchange,
        }
    }
}

/// A rule of MTProto that an answer's packet breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Forgery {
    /// For a session that never was.
    ForeignSession,
    /// For the session that the client had before this one (one that never was, if it had none).
    StaleSession,
    /// An even message id.
    EvenMsgId,
    /// A message id of 302 s ago: the clocks of both sides may differ by a second.
    OldMsgId,
    /// A message id of 32 s from now.
    FutureMsgId,
    /// A negative sequence number.
    SeqNo,
    /// More than 1,024 bytes of padding.
    LongPadding,
    /// Less than 12 bytes of padding.
    ShortPadding,
    /// A length beyond the end of the packet.
    Length,
    /// A length that is not a multiple of 4.
    OddLength,
    /// The last 16 bytes are missing.
    Truncated,
    /// One bit is flipped, anywhere behind the key's id.
    FlippedBit,
    /// Encrypted with another key.
    ForeignKey,
}

/// [`Corruption`] by name.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Corruption", rename_all = "camelCase")]
enum CorruptionName {
    Fingerprint,
    PrimePq,
    Nonce,
    ServerNonce,
    NewNonceHash,
    CompositePrime,
    UnsafePrime,
    Generator,
    PublicOne,
    PublicMinusOne,
}
