use super::{Failure, Verdict};

/// A failed attempt with all a retry policy may know. Equals the record of the WIT contract.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "host", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "host", serde(rename_all = "camelCase"))]
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
    /// Milliseconds the caller is willing to spend on known waits (`X-Wait`).
    pub patience_left_ms: u64,
    /// Whether a repeat cannot do harm even if this attempt was executed.
    pub idempotent: bool,
    /// Failures of this account and method in the last minute, this one included.
    pub recent_failures: u32,
    /// Calls of this account in the last minute.
    pub recent_calls: u32,
    /// Repeats among them.
    pub recent_retries: u32,
    /// 64 random bits from the host, so that jitter is an input and a replay repeats it.
    #[cfg_attr(feature = "host", serde(with = "as_text"))]
    pub entropy: u64,
}

/// What a retry policy answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "host", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "host",
    serde(
        tag = "action",
        rename_all = "snake_case",
        rename_all_fields = "camelCase"
    )
)]
pub enum Decision {
    /// The caller gets the problem now.
    GiveUp,
    /// Wait, then repeat.
    Retry {
        /// How long to wait first.
        after_ms: u64,
        /// Ask for another link than the one that failed.
        other_link: bool,
    },
    /// The caller gets the problem, and the account makes no calls for so long.
    Park {
        /// For how long.
        seconds: u64,
    },
}

/// A number of all 64 bits is a text in JSON: other readers round it.
#[cfg(feature = "host")]
mod as_text {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "the shape serde asks for"
    )]
    pub(super) fn serialize<S: Serializer>(number: &u64, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(number)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}
