//! The journal of decisions and its replays.
#![allow(
    clippy::struct_field_names,
    reason = "the fields have the names of the API's, whatever the types are called"
)]

use serde::Serialize;
use utoipa::ToSchema;

use super::{AccountKind, Category};

/// `GET /api/decisions`.
#[derive(Serialize, ToSchema)]
pub struct DecisionList {
    /// Newest first.
    pub decisions: Vec<Decided>,
    /// For `?after=` of the next page; null when nothing older is kept.
    #[schema(required)]
    pub cursor: Option<String>,
    /// Decisions since the start that were not written, because the disk could not follow.
    pub lost: u64,
}

/// One failure with its verdict and the decision about it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Decided {
    /// Its name.
    pub id: String,
    /// When it was decided.
    #[schema(format = DateTime)]
    pub at: String,
    /// Whose call it was.
    pub account: String,
    /// The request's id; empty for the gateway's own calls.
    pub request_id: String,
    /// Whether a wait that was known already stood in the way, so that Telegram was not asked.
    pub standing: bool,
    /// All that the retry policy was told.
    pub attempt: Attempt,
    /// Where the verdict comes from.
    pub named: VerdictProvenance,
    /// What was decided, inside the host's envelope.
    pub decision: Decision,
    /// Where the decision comes from; null when no policy was asked.
    #[schema(required)]
    pub decided: Option<DecisionProvenance>,
}

/// A failed attempt with all that a retry policy is told.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// What failed.
    pub failure: Failure,
    /// What the categorizer said of it.
    pub verdict: Verdict,
    /// 1 for the first attempt.
    pub attempt: u32,
    /// Milliseconds since the caller asked.
    pub elapsed_ms: u64,
    /// Milliseconds of these spent waiting between attempts.
    pub slept_ms: u64,
    /// Milliseconds until the caller's deadline.
    pub deadline_left_ms: u64,
    /// Milliseconds the caller is willing to spend on known waits.
    pub patience_left_ms: u64,
    /// Whether a repeat cannot do harm even if this attempt was executed.
    pub idempotent: bool,
    /// Failures of this account and method in the last minute, this one included.
    pub recent_failures: u32,
    /// Calls of this account in the last minute.
    pub recent_calls: u32,
    /// Repeats among them.
    pub recent_retries: u32,
    /// The 64 random bits it was given.
    pub entropy: String,
}

/// What failed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// Where it arose.
    pub layer: Layer,
    /// Telegram's error code; 0 outside Telegram.
    pub code: i32,
    /// The name as it came.
    pub name: String,
    /// The name with its number replaced by `%d`.
    pub pattern: String,
    /// The number in the name.
    #[schema(required)]
    pub number: Option<i64>,
    /// The method that was called.
    pub method: String,
    /// Who called.
    pub account_kind: AccountKind,
    /// Whether it may have been executed.
    pub execution: Execution,
}

/// Where a failure arose.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    Telegram,
    Network,
    Timeout,
    Gateway,
}

/// Whether Telegram may have carried out a call.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Execution {
    Refused,
    NeverSent,
    MaybeExecuted,
}

/// What a categorizer says of a failure.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// The family.
    pub category: Category,
    /// The stable name.
    pub code: String,
    /// The HTTP status.
    pub status: u16,
    /// Whether the same call can succeed later.
    pub retryable: bool,
    /// Seconds until it can, when known.
    #[schema(required)]
    pub wait: Option<u64>,
    /// What the wait holds back.
    pub wait_scope: WaitScope,
    /// How much an operator should care.
    pub severity: Severity,
    /// What the caller can do.
    pub advice: String,
}

/// What a wait holds back.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaitScope {
    Call,
    Chat,
    Method,
    Account,
    Datacenter,
}

/// How much an operator should care.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Info,
    Warning,
    Error,
    Critical,
}

/// What is done about a failed attempt.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// What.
    pub action: Action,
    /// `retry`: how long to wait first, in milliseconds.
    pub after_ms: Option<u64>,
    /// `retry`: over another link than the one that failed.
    pub other_link: Option<bool>,
    /// `park`: for how many seconds the account makes no calls.
    pub seconds: Option<u64>,
}

/// What is done about a failed attempt.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    GiveUp,
    Retry,
    Park,
}

/// The policy that gave an answer, down to the bytes that were run.
#[derive(Serialize, ToSchema)]
pub struct Author {
    /// The plugin's name.
    pub plugin: String,
    /// Its generation in that process; 0 for the library in the gateway.
    pub generation: u64,
    /// SHA-256 of the component, in hex; null for the library in the gateway.
    #[schema(required)]
    pub hash: Option<String>,
    /// SHA-256 of the settings it was configured with, in hex; null without settings.
    #[schema(required)]
    pub settings: Option<String>,
}

/// A plugin that was asked and did not answer.
#[derive(Serialize, ToSchema)]
pub struct NoAnswer {
    /// Its name.
    pub plugin: String,
    /// Why.
    pub why: String,
}

/// A verdict beyond the envelope.
#[derive(Serialize, ToSchema)]
pub struct CorrectedVerdict {
    /// The verdict as it was given.
    pub answered: Verdict,
    /// Which bound it broke.
    pub breach: String,
}

/// A decision beyond the envelope.
#[derive(Serialize, ToSchema)]
pub struct CorrectedDecision {
    /// The decision as it was given.
    pub answered: Decision,
    /// Which bound it broke.
    pub breach: String,
}

/// Where a verdict comes from.
#[derive(Serialize, ToSchema)]
pub struct VerdictProvenance {
    /// The moment the policy was told: all that its clock showed.
    #[schema(format = DateTime)]
    pub at: String,
    /// Who answered.
    pub by: Author,
    /// What was answered, where the host's envelope changed it.
    #[schema(required)]
    pub corrected: Option<CorrectedVerdict>,
    /// The plugin that was asked first and did not answer.
    #[schema(required)]
    pub failed: Option<NoAnswer>,
    /// Fuel the answer costs, where it was measured.
    #[schema(required)]
    pub fuel: Option<u64>,
}

/// Where a decision comes from.
#[derive(Serialize, ToSchema)]
pub struct DecisionProvenance {
    /// The moment the policy was told: all that its clock showed.
    #[schema(format = DateTime)]
    pub at: String,
    /// Who answered.
    pub by: Author,
    /// What was answered, where the host's envelope changed it.
    #[schema(required)]
    pub corrected: Option<CorrectedDecision>,
    /// The plugin that was asked first and did not answer.
    #[schema(required)]
    pub failed: Option<NoAnswer>,
    /// Fuel the answer costs, where it was measured.
    #[schema(required)]
    pub fuel: Option<u64>,
}

/// `GET /api/decisions/{id}`.
#[derive(Serialize, ToSchema)]
pub struct ExplainedDecision {
    #[serde(flatten)]
    pub decision: Decided,
    /// Why it is as it is.
    pub explanation: Explanation,
    /// The same, made again.
    pub reexecution: Reexecution,
}

/// Why a decision is as it is.
#[derive(Serialize, ToSchema)]
pub struct Explanation {
    /// In one sentence.
    pub summary: String,
    /// What happened, step by step.
    pub steps: Vec<String>,
    /// What the host would have let pass.
    pub bounds: Bounds,
}

/// The host's bounds on one decision.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Bounds {
    /// Not before this wait of Telegram's is over, in milliseconds.
    #[schema(required)]
    pub telegram_wait_ms: Option<u64>,
    /// Not beyond the caller's deadline, so many milliseconds away.
    pub deadline_left_ms: u64,
    /// So much may still be spent waiting, in milliseconds.
    pub wait_left_ms: u64,
    /// So many attempts are left.
    pub attempts_left: u32,
    /// False for what may have been executed and is not idempotent.
    pub repeatable: bool,
    /// Bounds that the policies broke and the host kept, in words.
    pub broken: Vec<String>,
}

/// One answer, asked for again.
#[derive(Serialize, ToSchema)]
pub struct Again {
    /// Whether it is the same, bit for bit; null when it could not be asked for.
    #[schema(required)]
    pub same: Option<bool>,
    /// Fuel it burned; null for the library in the gateway.
    #[schema(required)]
    pub fuel: Option<u64>,
    /// Why it could not be asked for.
    #[schema(required)]
    pub unavailable: Option<String>,
}

/// A verdict and a decision, asked for again.
#[derive(Serialize, ToSchema)]
pub struct Reexecution {
    /// Whether both are the same; null when one could not be asked for.
    #[schema(required)]
    pub same: Option<bool>,
    /// Fuel of both together.
    #[schema(required)]
    pub fuel: Option<u64>,
    /// Why one could not be asked for.
    #[schema(required)]
    pub unavailable: Option<String>,
    /// The verdict.
    pub verdict: Again,
    /// The decision; null when no policy was asked.
    #[schema(required)]
    pub decision: Option<Again>,
}

/// `POST /api/plugins/replay`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Replay {
    /// What the candidate is.
    pub kind: super::PluginKind,
    /// SHA-256 of the component, in hex.
    pub hash: String,
    /// Decisions it was asked about.
    pub records: u64,
    /// Those about which it says something else than was decided.
    pub changed: u64,
    /// Those on which it had no opinion, so that what was decided stays.
    pub abstained: u64,
    /// The oldest of them.
    #[schema(format = DateTime, required)]
    pub from: Option<String>,
    /// The newest of them.
    #[schema(format = DateTime, required)]
    pub to: Option<String>,
    /// Whether all that was wanted and kept was replayed, neither the time nor the number running out.
    pub complete: bool,
    /// What changes, by failure; the most frequent first.
    pub changes: Vec<Changed>,
    /// Bounds of the host that its answers break.
    pub breaches: Vec<Breach>,
    /// Questions it did not answer.
    pub failures: u64,
    /// Why it did not answer the first of them.
    #[schema(required)]
    pub failure: Option<String>,
    /// What an answer costs.
    pub fuel: FuelChange,
    /// A day of failures in virtual time; null for an exporter, or when there was no time left for it.
    #[schema(required)]
    pub day: Option<Day>,
}

/// Failures of one name about which a candidate says the same other thing.
#[derive(Serialize, ToSchema)]
pub struct Changed {
    /// The failure, with `x` for its number.
    pub failure: String,
    /// What was said.
    pub old: String,
    /// What the candidate says.
    pub new: String,
    /// So many of them.
    pub count: u64,
    /// Of so many failures of this name.
    pub of: u64,
    /// The id of the newest.
    pub example: String,
}

/// A bound that answers of a candidate break.
#[derive(Serialize, ToSchema)]
pub struct Breach {
    /// Which, in words.
    pub breach: String,
    /// So often.
    pub count: u64,
    /// The id of the newest.
    pub example: String,
}

/// Fuel of an answer, before and after.
#[derive(Serialize, ToSchema)]
pub struct FuelChange {
    /// As the records have it; null when the library in the gateway answered, which burns none.
    #[schema(required)]
    pub old: Option<Fuel>,
    /// Of the candidate.
    #[schema(required)]
    pub new: Option<Fuel>,
}

/// Fuel over many answers.
#[derive(Serialize, ToSchema)]
pub struct Fuel {
    /// On average.
    pub mean: u64,
    /// At most.
    pub max: u64,
}

/// A day of failures in virtual time, before and after.
#[derive(Serialize, ToSchema)]
pub struct Day {
    /// What it was drawn by.
    pub seed: String,
    /// Calls that meet a failure.
    pub calls: u64,
    /// Those of them that stand in the journal; the others are synthetic.
    pub recorded: u64,
    /// Under the policies that serve.
    pub old: DayTally,
    /// Under the candidate, and them where it abstains.
    pub new: DayTally,
}

/// How a day went.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DayTally {
    /// Calls made at Telegram, repeats included.
    pub attempts: u64,
    /// Repeats.
    pub retries: u64,
    /// Repeats that met the failure again.
    pub in_vain: u64,
    /// Time that callers spent waiting between attempts, in milliseconds.
    pub waited_ms: u64,
    /// Calls that ended with a failure.
    pub lost: u64,
    /// Calls that a repeat brought through.
    pub saved: u64,
    /// Time for which accounts were parked, in milliseconds.
    pub parked_ms: u64,
}

/// What a generation would have said about the newest failures before it was swapped in.
#[derive(Serialize, ToSchema)]
pub struct SwapDiff {
    /// Decisions it was asked about.
    pub records: u64,
    /// Those about which it says something else than was decided.
    pub changed: u64,
    /// Those at which the host would correct it.
    pub corrected: u64,
    /// Those that it does not answer.
    pub unanswered: u64,
    /// What changes, by failure; the most frequent first, 20 at most.
    pub changes: Vec<Changed>,
}
