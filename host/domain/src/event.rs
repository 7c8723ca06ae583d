use core::fmt;
use core::str::FromStr;

use serde::Serialize;
use serde_json::Value;

use super::{AccountName, UnixMillis};

/// A place in the event log. Shown to callers as an opaque string that orders the whole gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Cursor(pub u64);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Cursor {
    type Err = core::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

/// How far a rotation got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RotationStatus {
    /// Under way.
    Started,
    /// The new session serves, the old one is gone.
    Completed,
    /// The old session serves on.
    Failed,
}

/// What one generation of a plugin did within a while, counted.
#[derive(Debug, Clone, PartialEq, Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginEvidence {
    /// Which generation.
    pub generation: u64,
    /// SHA-256 of its component, in hex.
    pub hash: String,
    /// Questions put to it.
    pub calls: u64,
    /// Questions it trapped at.
    pub traps: u64,
    /// Questions it was cut off at.
    pub deadlines: u64,
    /// Questions it wanted too much memory for.
    pub denials: u64,
    /// Answers that the envelope corrected.
    pub clamps: u64,
    /// Calls whose first attempt failed and that it decided about.
    pub failing_calls: u64,
    /// Repeats it asked for.
    pub retries: u64,
    /// Attempts of a failing call under it, the first included.
    pub attempts_per_call: f64,
    /// The same under the generation before it or, where too little is known of that, under the
    /// native library at the same questions.
    pub earlier_attempts_per_call: f64,
}

/// What happened. The variant's name in snake case is the event's `type`, its fields stand at the
/// top level beside it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(
    tag = "type",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
pub enum EventBody {
    /// A Telegram update, as JSON; `users` and `chats` that came with it.
    Update {
        /// The update object, with its constructor in `_`.
        update: Value,
        /// Users it speaks of.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        users: Vec<Value>,
        /// Chats it speaks of.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        chats: Vec<Value>,
    },
    /// What is known to be lost.
    Gap {
        /// Why.
        reason: String,
        /// The channel's id, for a gap in a channel's sequence.
        #[serde(skip_serializing_if = "Option::is_none")]
        channel: Option<String>,
        /// Telegram's number (pts) up to which everything is there, if it is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        from_pts: Option<i32>,
        /// Telegram's number from which on everything is there again.
        #[serde(skip_serializing_if = "Option::is_none")]
        to_pts: Option<i32>,
    },
    /// An account's state changed.
    AccountState {
        /// The new state.
        state: super::AccountState,
        /// Why.
        state_reason: Option<String>,
    },
    /// A fault of an account (not each failed call).
    Error {
        /// For people.
        message: String,
        /// Stable name.
        code: String,
        /// Its family.
        category: super::Category,
    },
    /// A rotation moved.
    SessionRotation {
        /// Which one.
        rotation_id: String,
        /// How far.
        status: RotationStatus,
        /// The step just taken or failed.
        step: String,
        /// Why it failed.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// A QR token to show.
    LoginQr {
        /// `tg://login?token=…`
        url: String,
        /// When it ends.
        expires_at: UnixMillis,
    },
    /// A wait Telegram imposed.
    Flood {
        /// The method held back; null for a whole account.
        method: Option<String>,
        /// The error's name as sent.
        name: String,
        /// When it ends.
        until: UnixMillis,
    },
    /// A plugin was loaded, swapped, refused, removed or rolled back.
    Plugin {
        /// Its name.
        name: String,
        /// What happened to it: `loaded`, `refused`, `removed`, `disabled`, `rolled_back`,
        /// `promoted`, `aborted`.
        action: String,
        /// The generation that serves now; 0 for none.
        generation: u64,
        /// The mode it is in now: `live`, `shadow`, `canary(10)`, `off`.
        #[serde(skip_serializing_if = "Option::is_none")]
        mode: Option<String>,
        /// Why, when it was refused, disabled or rolled back.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
        /// How it would have decided about the newest failures, when it was loaded.
        #[serde(skip_serializing_if = "Option::is_none")]
        replayed: Option<String>,
        /// What the generation that was rolled back did.
        #[serde(skip_serializing_if = "Option::is_none")]
        evidence: Option<PluginEvidence>,
    },
    /// The configuration was reloaded or refused.
    Config {
        /// `applied` or `refused`.
        action: String,
        /// Keys that changed and are in force.
        changed: Vec<String>,
        /// Keys that changed and need a restart.
        restart_needed: Vec<String>,
        /// Why it was refused, with file, line and key.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// Live state; never in the log.
    Status {
        /// As `/api/telegram-auth/status` says.
        connected: bool,
        /// End of the last probe.
        last_checked: Option<UnixMillis>,
    },
    /// Live state; never in the log.
    PoolStatus {
        /// As `/api/telegram/connection-pool/status` says.
        connections: Value,
    },
}

impl EventBody {
    /// The event's `type`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Update { .. } => "update",
            Self::Gap { .. } => "gap",
            Self::AccountState { .. } => "account_state",
            Self::Error { .. } => "error",
            Self::SessionRotation { .. } => "session_rotation",
            Self::LoginQr { .. } => "login_qr",
            Self::Flood { .. } => "flood",
            Self::Plugin { .. } => "plugin",
            Self::Config { .. } => "config",
            Self::Status { .. } => "status",
            Self::PoolStatus { .. } => "pool_status",
        }
    }
}

/// An event on its way into the log, or (for `status` and `pool_status`) to the readers alone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// What happened.
    #[serde(flatten)]
    pub body: EventBody,
    /// Whose; null for the gateway's own.
    pub account: Option<AccountName>,
    /// When.
    pub at: UnixMillis,
}
