use std::sync::Arc;

use serde::Serialize;
use sluice_domain::UnixMillis;

/// What a plugin is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// What to do about a failed attempt.
    Retry,
    /// What a failure is.
    Categorize,
    /// How measurements leave.
    Export,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Retry, Self::Categorize, Self::Export];

    /// The name users see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Categorize => "categorize",
            Self::Export => "export",
        }
    }
}

/// Whether a plugin is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It is.
    Live,
    /// It is not.
    Off,
}

/// Where a plugin comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The operator's directory.
    Directory,
    /// Shipped with the gateway, as a component.
    Bundled,
    /// The library inside the gateway.
    Native,
}

/// One plugin as `GET /api/plugins` shows it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginView {
    /// The file's name without its ending.
    pub name: String,
    /// What it is asked. Null for a file that never was a plugin.
    pub kind: Option<Kind>,
    /// Where it comes from.
    pub origin: Origin,
    /// Which generation of it serves: 0 for the native library, and for a file that never
    /// was accepted. Rises with every swap in the gateway.
    pub generation: u64,
    /// SHA-256 of the component that serves, in hex.
    pub hash: Option<String>,
    /// Whether it is asked.
    pub mode: Mode,
    /// Higher is asked first.
    pub priority: i32,
    /// Accounts it is asked about; empty for all.
    pub accounts: Vec<String>,
    /// When the generation was swapped in.
    pub loaded_at: Option<UnixMillis>,
    /// Questions put to this generation.
    pub calls: u64,
    /// Questions it did not answer: traps, deadlines, memory denials.
    pub failures: u64,
    /// Answers that the host's envelope corrected.
    pub clamps: u64,
    /// Why the newest file was refused, or the newest question not answered.
    pub last_error: Option<String>,
}

/// A text an exporter asked to be served on the admin listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// Media type.
    pub content_type: String,
    /// The text.
    pub body: Arc<str>,
}
