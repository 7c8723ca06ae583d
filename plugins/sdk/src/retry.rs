//! Policies that decide about failed attempts.

use crate::{Category, Extensions, Failure, Settings, Severity, WaitScope};

/// A retry policy: `sluice:retry/policy`.
pub trait RetryPolicy: Sized {
    /// Makes the policy from the operator's settings. The error is shown to the operator, and the
    /// plugin is refused. Settings that nothing here asked for are refused too.
    fn configure(settings: &mut Settings) -> Result<Self, String>;

    /// Decides about a failed attempt. Must not remember anything: an instance may answer one
    /// question or many.
    fn decide(&self, attempt: &Attempt) -> Decision;
}

/// A failed attempt with all that may be known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// Milliseconds the caller is still willing to sit out known waits (`X-Wait`).
    pub patience_left_ms: u64,
    /// Whether a repeat does no harm even if this attempt was carried out.
    pub idempotent: bool,
    /// Failures of this account and method in the last minute, this one included.
    pub recent_failures: u32,
    /// Calls of this account in the last minute.
    pub recent_calls: u32,
    /// Repeats among them.
    pub recent_retries: u32,
    /// 64 random bits: the only source of chance, so that a decision can be repeated exactly.
    pub entropy: u64,
    /// See [`Extensions`].
    pub extensions: Extensions,
}

impl Attempt {
    /// Whether a repeat can do no harm: the call was not carried out, or repeating it is safe.
    pub fn safe_to_repeat(&self) -> bool {
        self.idempotent || self.failure.execution != crate::Execution::MaybeExecuted
    }

    /// A number from 0 to `most`, from [`entropy`](Self::entropy): for pauses that differ between
    /// callers.
    pub fn jitter(&self, most: u64) -> u64 {
        match most.checked_add(1) {
            Some(choices) => self.entropy % choices,
            None => self.entropy,
        }
    }
}

/// What the categorizer said of a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The family.
    pub category: Category,
    /// The stable name that callers match on (`FLOOD_WAIT`).
    pub code: String,
    /// The HTTP status that callers get.
    pub status: u16,
    /// Whether the same call can succeed later.
    pub retryable: bool,
    /// Seconds until it can, when known.
    pub wait: Option<u64>,
    /// What the wait holds back.
    pub wait_scope: WaitScope,
    /// How much an operator should care.
    pub severity: Severity,
}

/// What to do about a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// No opinion: the next policy is asked, the shipped one last.
    Abstain,
    /// The caller gets the error now.
    GiveUp,
    /// Wait, then repeat.
    Retry {
        /// Milliseconds to wait. Never shorter than Telegram's own wait: the gateway corrects it.
        after_ms: u64,
        /// Ask for another link than the one that failed.
        other_link: bool,
    },
    /// The caller gets the error, and the account makes no calls for so long.
    Park {
        /// For how many seconds.
        seconds: u64,
    },
}

impl Decision {
    /// Repeat on any link after so many milliseconds.
    pub const fn retry_after_ms(after_ms: u64) -> Self {
        Self::Retry {
            after_ms,
            other_link: false,
        }
    }
}
