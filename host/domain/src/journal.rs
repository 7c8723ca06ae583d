//! What was decided about failures, by whom, and with what the decision can be repeated.

use serde::{Deserialize, Serialize};

use super::{AccountName, Attempt, Cursor, Decision, StoreError, UnixMillis, Verdict};

/// The policy that gave an answer, down to the bytes that were run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Author {
    /// The plugin's name; `native-retry` and `native-categorize` for the library in the gateway.
    pub plugin: String,
    /// Its generation in that process; 0 for the native library.
    pub generation: u64,
    /// SHA-256 of the component, in hex; null for the native library.
    pub hash: Option<String>,
    /// SHA-256 of the settings it was configured with, in hex; null without settings.
    pub settings: Option<String>,
}

/// Where an answer comes from, and what the host made of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Provenance<T> {
    /// The moment the policy was told: all that its clock showed.
    pub at: UnixMillis,
    /// Who answered.
    pub by: Author,
    /// What was answered, where the host's envelope did not let it pass as it was.
    pub corrected: Option<Corrected<T>>,
    /// The plugin that was asked first and did not answer.
    pub failed: Option<NoAnswer>,
    /// Fuel the answer costs, where it was measured; null for the native library, which burns none.
    pub fuel: Option<u64>,
}

/// An answer beyond the envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Corrected<T> {
    /// The answer as it was given.
    pub answered: T,
    /// Which bound it broke, in words.
    pub breach: String,
}

/// A plugin that was asked and did not answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoAnswer {
    /// Its name.
    pub plugin: String,
    /// Why, in words.
    pub why: String,
}

/// One failure with its verdict and the decision about it. Holds nothing of what was called with:
/// no parameters, peers, texts or tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DecisionRecord {
    /// When it was decided.
    pub at: UnixMillis,
    /// Whose call it was.
    pub account: AccountName,
    /// The request's id, as in `X-Request-Id`; empty for the gateway's own calls.
    pub request_id: String,
    /// Whether a wait that was known already stood in the way: Telegram was not asked.
    pub standing: bool,
    /// All that the retry policy was told, the failure and the verdict included.
    pub attempt: Attempt,
    /// Where the verdict comes from.
    pub named: Provenance<Verdict>,
    /// What was decided, inside the envelope.
    pub decision: Decision,
    /// Where the decision comes from; null when no policy was asked, because the gateway itself
    /// never repeats this failure.
    pub decided: Option<Provenance<Decision>>,
}

/// Which decisions a reader wants; all where nothing is said.
#[derive(Debug, Clone, Default)]
pub struct DecisionFilter {
    /// Of these accounts; empty for all.
    pub accounts: Vec<AccountName>,
    /// About this method.
    pub method: Option<String>,
    /// With this code in the verdict (`FLOOD_WAIT`).
    pub code: Option<String>,
    /// With the verdict or the decision of this plugin.
    pub plugin: Option<String>,
    /// Not before this moment.
    pub since: Option<UnixMillis>,
}

/// A part of the journal.
#[derive(Debug, Clone, Default)]
pub struct DecisionPage {
    /// The records with their places, newest first.
    pub records: Vec<(Cursor, DecisionRecord)>,
    /// Where to go on; none when nothing older is kept.
    pub next: Option<Cursor>,
}

/// The journal of decisions on the disk, bounded in size: the oldest go. Calls block for the length
/// of a transaction.
pub trait DecisionLog: Send + Sync + 'static {
    /// Adds records; all or none.
    fn append_decisions(&self, records: &[DecisionRecord]) -> Result<(), StoreError>;
    /// Up to `limit` records older than the cursor, the newest when there is none. A filter that
    /// lets little through answers with how far it got.
    fn decisions(
        &self,
        before: Option<Cursor>,
        filter: &DecisionFilter,
        limit: usize,
    ) -> Result<DecisionPage, StoreError>;
    /// The record at a place, while it is kept.
    fn decision(&self, at: Cursor) -> Result<Option<DecisionRecord>, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AccountKind, Category, Failure, Severity, WaitScope};

    /// Breaks when a field of a record is lost on the way to the disk and back, or when a number of
    /// 64 bits stands in it as a JSON number that other readers round.
    #[test]
    fn a_record_survives_json() {
        let by = Author {
            plugin: "patient".into(),
            generation: 7,
            hash: Some("ab".repeat(32)),
            settings: None,
        };
        let failure = Failure::telegram(420, "FLOOD_WAIT_37", "m", AccountKind::Bot);
        let verdict = Verdict {
            category: Category::RateLimit,
            code: "FLOOD_WAIT".into(),
            status: 429,
            retryable: true,
            wait: Some(37),
            wait_scope: WaitScope::Method,
            severity: Severity::Info,
            advice: "wait".into(),
        };
        let record = DecisionRecord {
            at: UnixMillis(1_700_000_000_123),
            account: "a".parse().unwrap(),
            request_id: "r".into(),
            standing: true,
            attempt: Attempt {
                failure,
                verdict: verdict.clone(),
                attempt: 2,
                elapsed_ms: 3,
                slept_ms: 4,
                deadline_left_ms: 5,
                patience_left_ms: 6,
                idempotent: true,
                recent_failures: 7,
                recent_calls: 8,
                recent_retries: 9,
                entropy: u64::MAX,
            },
            named: Provenance {
                at: UnixMillis(1_700_000_000_122),
                by: by.clone(),
                corrected: None,
                failed: Some(NoAnswer {
                    plugin: "p".into(),
                    why: "trapped".into(),
                }),
                fuel: None,
            },
            decision: Decision::GiveUp,
            decided: Some(Provenance {
                at: UnixMillis(1_700_000_000_123),
                by,
                corrected: Some(Corrected {
                    answered: Decision::Retry {
                        after_ms: 1,
                        other_link: true,
                    },
                    breach: "early".into(),
                }),
                failed: None,
                fuel: Some(12),
            }),
        };
        let json = serde_json::to_value(&record).unwrap();
        assert_eq!(json["attempt"]["entropy"], u64::MAX.to_string());
        assert_eq!(json["decision"], serde_json::json!({"action": "give_up"}));
        let back: DecisionRecord = serde_json::from_value(json).unwrap();
        assert_eq!(back, record);
    }
}
