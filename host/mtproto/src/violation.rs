use thiserror::Error;

/// A rule of MTProto that a packet broke. The packet is dropped; whether the connection survives is
/// the link's decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum Violation {
    /// Shorter than an encrypted message can be.
    #[error("packet shorter than any encrypted message")]
    TooShort,
    /// The encrypted part is not a multiple of the cipher's block.
    #[error("encrypted part is not a multiple of 16 bytes")]
    Unaligned,
    /// Encrypted with another key, or a plain message where an encrypted one must be.
    #[error("packet names another auth key")]
    ForeignKey,
    /// The message key does not match what was decrypted.
    #[error("message key does not match the plaintext")]
    MsgKey,
    /// The length field does not fit the plaintext, or is not a multiple of 4.
    #[error("length field does not fit the plaintext")]
    Length,
    /// Padding outside of 12..=1024 bytes.
    #[error("padding outside of 12 to 1024 bytes")]
    Padding,
    /// For another session.
    #[error("packet belongs to another session")]
    ForeignSession,
    /// An even message id from a server.
    #[error("message id has the wrong lower bits")]
    MsgIdParity,
    /// A message id more than 300 s in the past.
    #[error("message id more than 300 s old")]
    MsgIdOld,
    /// A message id more than 30 s in the future.
    #[error("message id more than 30 s ahead")]
    MsgIdAhead,
    /// A message id older than everything that is remembered: whether it was seen cannot be told,
    /// only a new session helps.
    #[error("message id older than the whole window of remembered ids")]
    MsgIdForgotten,
    /// A sequence number that cannot be.
    #[error("impossible sequence number")]
    SeqNo,
    /// A malformed or too long container, or one inside another.
    #[error("invalid container")]
    Container,
    /// Compressed data that cannot be inflated.
    #[error("invalid compressed data")]
    Gzip,
    /// Compressed data that inflates beyond the cap.
    #[error("compressed data inflates beyond the cap")]
    GzipBomb,
    /// More ids in one service message than allowed.
    #[error("too many ids in a service message")]
    TooManyIds,
    /// A service message that ends early or holds impossible values.
    #[error("malformed service message")]
    Malformed,
}

impl Violation {
    /// A stable name for counting.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooShort => "too_short",
            Self::Unaligned => "unaligned",
            Self::ForeignKey => "foreign_key",
            Self::MsgKey => "msg_key",
            Self::Length => "length",
            Self::Padding => "padding",
            Self::ForeignSession => "foreign_session",
            Self::MsgIdParity => "msg_id_parity",
            Self::MsgIdOld => "msg_id_old",
            Self::MsgIdAhead => "msg_id_ahead",
            Self::MsgIdForgotten => "msg_id_forgotten",
            Self::SeqNo => "seq_no",
            Self::Container => "container",
            Self::Gzip => "gzip",
            Self::GzipBomb => "gzip_bomb",
            Self::TooManyIds => "too_many_ids",
            Self::Malformed => "malformed",
        }
    }

    /// Whether only a new session helps; for all others a new connection does.
    pub const fn needs_new_session(self) -> bool {
        matches!(self, Self::MsgIdForgotten)
    }
}
