use bytes::Bytes;
use sluice_domain::UnixMillis;

/// Where a call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// The main link.
    Main,
    /// A media link to this data center: `upload.*` only.
    Media(i32),
    /// This data center: the main link if it is the home, else a link with an imported
    /// authorization.
    Dc(i32),
}

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LinkRole {
    /// Calls and updates.
    Main,
    /// Files, and calls to other data centers.
    Media,
}

impl LinkRole {
    /// The name callers see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Media => "media",
        }
    }
}

/// How a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LinkState {
    /// A call in flight, or bytes within the last 5 s.
    Active,
    /// Connected and quiet.
    Idle,
    /// Not connected.
    Error,
}

impl LinkState {
    /// The name callers see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Idle => "idle",
            Self::Error => "error",
        }
    }
}

/// One link, as measured.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkStatus {
    /// Names this connection; a reconnected link has another.
    pub id: String,
    /// The data center.
    pub dc: i32,
    /// What it is for.
    pub role: LinkRole,
    /// How it is.
    pub status: LinkState,
    /// Round trip in milliseconds, smoothed over pings and calls.
    pub latency_ms: Option<f64>,
    /// Connections that failed or broke, and calls that died with them.
    pub errors: u64,
    /// When a call last used it.
    pub last_used: Option<UnixMillis>,
    /// Calls waiting or without an answer.
    pub in_flight: usize,
    /// Bytes received, over all its connections.
    pub bytes_in: u64,
    /// Bytes sent, over all its connections.
    pub bytes_out: u64,
    /// Since when it is connected.
    pub connected_since: Option<UnixMillis>,
    /// Connections made so far.
    pub connects: u64,
    /// What broke it last, if it is not connected.
    pub last_error: Option<String>,
}

/// How the main link is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MainState {
    /// The pool is closed.
    Closed,
    /// Being opened, or waiting to try again.
    Connecting {
        /// Tries that failed since it last stood.
        failures: u32,
        /// Why the last one failed.
        reason: Option<String>,
    },
    /// Telegram answers.
    Connected {
        /// Since when.
        since: UnixMillis,
    },
    /// Telegram does not know the key (-404). No more connects until [`crate::Pool::open`].
    KeyLost,
}

/// What [`crate::Pool::watch`] shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolState {
    /// The main link.
    pub main: MainState,
    /// Grows with every change of a link.
    pub changes: u64,
}

/// What happened, for the account's actor. The order is that of the main link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PoolEvent {
    /// An `Updates` object, boxed, not yet decoded.
    Update(Bytes),
    /// The main link stands and Telegram answers.
    Connected,
    /// The main link broke; it is being reopened.
    Disconnected {
        /// Why.
        reason: String,
    },
    /// Updates may have been missed: fetch the difference.
    NewSession,
    /// Telegram refused the home key three times over [`crate::Limits::key_lost`]. The key is
    /// kept; nothing more is sent until [`crate::Pool::open`].
    KeyLost {
        /// The home data center.
        dc: i32,
    },
    /// Telegram refused the pool's own first call with an rpc_error, such as
    /// `AUTH_KEY_DUPLICATED`.
    Refused {
        /// Its code.
        code: i32,
        /// Its name.
        message: String,
    },
    /// A link was opened, closed, broken or mended.
    PoolChanged,
}

/// What [`crate::Pool::cleanup`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cleanup {
    /// Links closed; the main one among them is being reopened in the same MTProto session.
    pub closed: Vec<String>,
    /// Links left alone.
    pub kept: usize,
}

/// What became of a key that [`crate::Pool::destroy_keys`] was to destroy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestroyedKey {
    /// Its data center.
    pub dc: i32,
    /// Telegram destroyed it or did not have it; else what happened.
    pub result: Result<(), crate::CallError>,
}
