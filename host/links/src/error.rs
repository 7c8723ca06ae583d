use sluice_domain::{Execution, StoreError};

/// Why a call has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Telegram answered with an rpc_error.
    #[error("telegram answered {code} {message}")]
    Rpc {
        /// Its code, signed as in the rpc_error.
        code: i32,
        /// Its name, such as `FLOOD_WAIT_37`.
        message: String,
    },
    /// The call never left, or Telegram is known not to have it. Repeating it is safe.
    #[error("the call was not sent: {reason}")]
    NeverSent {
        /// What happened.
        reason: String,
    },
    /// The call was sent, and nothing is known of it. Only an idempotent call may be repeated.
    #[error("the call may have been executed: {reason}")]
    MaybeExecuted {
        /// What happened.
        reason: String,
    },
    /// The deadline passed while the link was up.
    #[error("no answer before the deadline")]
    Deadline {
        /// Whether the call had left.
        sent: bool,
    },
    /// Too many calls are waiting for this link. Repeating it later is safe.
    #[error("too many calls are waiting for the link")]
    Overloaded,
    /// There is no connection: the pool is closed, the authorization is lost, or the link could
    /// not be opened before the deadline. The call was not sent.
    #[error("not connected: {reason}")]
    NotConnected {
        /// What happened.
        reason: String,
    },
}

impl CallError {
    /// Whether Telegram may have carried out the call.
    pub const fn execution(&self) -> Execution {
        match self {
            Self::Rpc { .. } => Execution::Refused,
            Self::MaybeExecuted { .. } | Self::Deadline { sent: true } => Execution::MaybeExecuted,
            Self::NeverSent { .. }
            | Self::Deadline { sent: false }
            | Self::Overloaded
            | Self::NotConnected { .. } => Execution::NeverSent,
        }
    }
}

/// Why the pool could not do what is not a call.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// A PEM text is no RSA public key.
    #[error("the server key number {index} cannot be read: {reason}")]
    ServerKey {
        /// Which of the keys, from 0.
        index: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The topology has no address for the data center.
    #[error("no address is known for data center {0}")]
    UnknownDc(i32),
    /// There is no key for the data center yet.
    #[error("there is no key for data center {0} yet")]
    NoKey(i32),
    /// The device's identity cannot be written as TL.
    #[error("the identity of the device cannot be encoded: {0}")]
    Identity(#[from] sluice_tl::EncodeError),
    /// The authorization is signed in: its home cannot be moved.
    #[error("an authorized session cannot be moved to another data center")]
    Authorized,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The task that asked the store failed.
    #[error("the store's task failed")]
    StoreTask,
}
