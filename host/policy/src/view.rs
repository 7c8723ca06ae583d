use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::Serialize;
use sluice_domain::{PluginEvidence, UnixMillis};

use crate::Mode;
use crate::canary::ArmView;
use crate::diff::ComparisonView;
use crate::replay::SwapDiff;
use crate::tally::{Tally, TimeView};

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
    /// How far its answers reach.
    pub mode: Mode,
    /// The share of the accounts that a canary is asked about.
    pub canary_percent: Option<u8>,
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
    /// Those of them at which it trapped.
    pub traps: u64,
    /// Those at which it was cut off.
    pub deadlines: u64,
    /// Those for which it wanted too much memory.
    pub denials: u64,
    /// Questions that the native library answered in its place.
    pub fallbacks: u64,
    /// Answers that the host's envelope corrected.
    pub clamps: u64,
    /// How long its answers took.
    pub time: TimeView,
    /// Most bytes of memory that an instance had when it had answered.
    pub memory_peak: u64,
    /// What it would have said about the newest failures before it was swapped in; null where
    /// there were none.
    pub replayed: Option<SwapDiff>,
    /// Why the newest file was refused, or the newest question not answered.
    pub last_error: Option<String>,
    /// That the file in the directory does not serve because it was rolled back. It stays so until
    /// the file changes, or the plugin is promoted.
    pub rolled_back: Option<RolledBackView>,
}

impl PluginView {
    /// The counters of something; nothing is known beyond them.
    pub(crate) fn of(name: String, origin: Origin, tally: &Tally) -> Self {
        let counts = tally.counts();
        Self {
            name,
            kind: None,
            origin,
            generation: 0,
            hash: None,
            mode: Mode::Off,
            canary_percent: None,
            priority: 0,
            accounts: Vec::new(),
            loaded_at: None,
            calls: counts.calls,
            failures: counts.failures(),
            traps: counts.traps,
            deadlines: counts.deadlines,
            denials: counts.denials,
            fallbacks: counts.fallbacks,
            clamps: counts.clamps,
            time: tally.times.view(),
            memory_peak: tally.memory.load(Ordering::Relaxed),
            replayed: None,
            last_error: tally.last_error(),
            rolled_back: None,
        }
    }

    /// The view of a native library.
    pub(crate) fn native(kind: Kind, tally: &Tally) -> Self {
        Self {
            kind: Some(kind),
            mode: Mode::Live,
            priority: i32::MIN,
            ..Self::of(format!("native-{}", kind.as_str()), Origin::Native, tally)
        }
    }
}

/// A file that is not to serve again as it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RolledBackView {
    /// SHA-256 of its component, in hex.
    pub hash: String,
    /// When it was rolled back.
    pub at: UnixMillis,
    /// Why.
    pub reason: String,
    /// What it did.
    pub evidence: Option<PluginEvidence>,
}

/// A plugin in shadow or as a canary, against what is in force: `GET /api/plugins/{name}/diff`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DiffView {
    /// The plugin's name.
    pub name: String,
    /// What it is asked.
    pub kind: Kind,
    /// How far its answers reach.
    pub mode: Mode,
    /// The share of the accounts that a canary is asked about.
    pub canary_percent: Option<u8>,
    /// The generation that is compared.
    pub generation: u64,
    /// SHA-256 of its component, in hex.
    pub hash: String,
    /// Since when.
    pub since: UnixMillis,
    /// Questions put to it.
    pub calls: u64,
    /// Questions at which it trapped.
    pub traps: u64,
    /// Questions at which it was cut off.
    pub deadlines: u64,
    /// Questions for which it wanted too much memory.
    pub denials: u64,
    /// Answers that the envelope corrected.
    pub clamps: u64,
    /// How long its answers took.
    pub time: TimeView,
    /// Answers against what was done; counts in shadow.
    pub comparison: ComparisonView,
    /// How accounts fare; counts as a canary.
    pub accounts: Option<CanaryView>,
}

/// A canary's accounts against the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CanaryView {
    /// Accounts that it is asked about.
    pub canary: ArmView,
    /// All others.
    pub rest: ArmView,
}

/// A text an exporter asked to be served on the admin listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// Media type.
    pub content_type: String,
    /// The text.
    pub body: Arc<str>,
}
