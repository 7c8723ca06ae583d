use serde::Serialize;
use utoipa::ToSchema;

/// `GET /api/plugins`.
#[derive(Serialize, ToSchema)]
pub struct PluginList {
    /// By kind, in the order in which they are asked.
    pub plugins: Vec<PluginView>,
}

/// What a plugin is asked.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PluginKind {
    /// What to do about a failed attempt.
    Retry,
    /// What a failure is.
    Categorize,
    /// How measurements leave.
    Export,
}

/// How far a plugin's answers reach.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PluginMode {
    /// It is asked, and what it answers is done.
    Live,
    /// It is asked about everything, beside the calls; what it answers is only compared.
    Shadow,
    /// Live for a share of the accounts.
    Canary,
    /// It is not asked.
    Off,
}

/// Where a plugin comes from.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PluginOrigin {
    /// The operator's directory.
    Directory,
    /// Shipped with the gateway, as a component.
    Bundled,
    /// The library inside the gateway.
    Native,
}

/// How long questions took.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TimeView {
    /// Milliseconds in all.
    pub total_ms: f64,
    /// Microseconds within which half of the questions were answered; null before the first.
    pub p50_us: Option<f64>,
    /// Microseconds within which 95 of 100 were answered.
    pub p95_us: Option<f64>,
    /// Microseconds within which 99 of 100 were answered.
    pub p99_us: Option<f64>,
}

/// One plugin as `GET /api/plugins` shows it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PluginView {
    /// The file's name without its ending.
    pub name: String,
    /// What it is asked. Null for a file that never was a plugin.
    pub kind: Option<PluginKind>,
    /// Where it comes from.
    pub origin: PluginOrigin,
    /// Which generation of it serves: 0 for the native library, and for a file that never
    /// was accepted. Rises with every swap in the gateway; one that is rolled back to keeps its number.
    pub generation: u64,
    /// SHA-256 of the component that serves, in hex.
    pub hash: Option<String>,
    /// How far its answers reach.
    pub mode: PluginMode,
    /// The share of the accounts that a canary is asked about.
    pub canary_percent: Option<u8>,
    /// Higher is asked first.
    pub priority: i32,
    /// Accounts it is asked about; empty for all.
    pub accounts: Vec<String>,
    /// When the generation was swapped in.
    #[schema(format = DateTime)]
    pub loaded_at: Option<String>,
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
    /// What it would have said about the newest failures before it was swapped in; null where there
    /// were none.
    pub replayed: Option<super::SwapDiff>,
    /// Why the newest file was refused, or the newest question not answered.
    pub last_error: Option<String>,
    /// That the file in the directory does not serve because it was rolled back. It stays so until the
    /// file changes, or the plugin is promoted.
    pub rolled_back: Option<RolledBack>,
}

/// A file that is not to serve again as it is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RolledBack {
    /// SHA-256 of its component, in hex.
    pub hash: String,
    /// When it was rolled back.
    #[schema(format = DateTime)]
    pub at: String,
    /// Why.
    pub reason: String,
    /// What it did.
    pub evidence: Option<PluginEvidence>,
}

/// What one generation of a plugin did within a while, counted.
#[derive(Serialize, ToSchema)]
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
    /// The same under the generation before it or, where too little is known of that, under the native
    /// library at the same questions.
    pub earlier_attempts_per_call: f64,
}

/// A plugin against what is in force.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DiffView {
    /// The plugin's name.
    pub name: String,
    /// What it is asked.
    pub kind: PluginKind,
    /// How far its answers reach.
    pub mode: PluginMode,
    /// The share of the accounts that a canary is asked about.
    pub canary_percent: Option<u8>,
    /// The generation that is compared.
    pub generation: u64,
    /// SHA-256 of its component, in hex.
    pub hash: String,
    /// Since when.
    #[schema(format = DateTime)]
    pub since: String,
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
    pub comparison: Comparison,
    /// How accounts fare; counts as a canary.
    pub accounts: Option<CanaryAccounts>,
}

/// How the answers of a plugin in shadow compare.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// Questions that both answered.
    pub compared: u64,
    /// Those answered alike.
    pub same: u64,
    /// Those answered differently.
    pub different: u64,
    /// Questions it abstained from.
    pub abstained: u64,
    /// Questions it was not asked because too many waited: no call waits for a shadow.
    pub skipped: u64,
    /// The differences by kind, the most frequent first; 64 at most.
    pub groups: Vec<DifferenceGroup>,
    /// Differences of further kinds.
    pub beyond: u64,
    /// The newest differences, 16 at most.
    pub examples: Vec<DifferenceExample>,
}

/// Differences of one kind.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DifferenceGroup {
    /// In one line: `FLOOD_WAIT_%d: retry after x -> give up, 12 of 340`.
    pub text: String,
    /// The failure, its number replaced by `%d`; of an exporter the path or target.
    pub pattern: String,
    /// What was done; `x` is the wait in the failure.
    pub decided: String,
    /// What the plugin would have done.
    pub candidate: String,
    /// How often.
    pub count: u64,
    /// Of how many failures of this pattern.
    pub of: u64,
}

/// One difference as it was.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DifferenceExample {
    /// When it was compared.
    #[schema(format = DateTime)]
    pub at: String,
    /// Whose call.
    pub account: Option<String>,
    /// The method.
    pub method: String,
    /// The failure, its number replaced by `%d`.
    pub pattern: String,
    /// The number.
    pub number: Option<i64>,
    /// Which attempt of the call; null where it makes no difference.
    pub attempt: Option<u32>,
    /// What was done.
    pub decided: String,
    /// What the plugin would have done.
    pub candidate: String,
}

/// A canary's accounts against the others.
#[derive(Serialize, ToSchema)]
pub struct CanaryAccounts {
    /// Accounts that it is asked about.
    pub canary: ArmView,
    /// All others.
    pub rest: ArmView,
}

/// How the calls of some accounts ended.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ArmView {
    /// Calls that ended.
    pub calls: u64,
    /// Those of them that ended with a problem.
    pub failures: u64,
    /// Failed attempts that were repeated.
    pub retries: u64,
    /// Failed attempts that were given up.
    pub give_ups: u64,
    /// Failed attempts that parked the account.
    pub parks: u64,
}
