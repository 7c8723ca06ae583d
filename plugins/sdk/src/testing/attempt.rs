use crate::retry::{Attempt, Verdict};
use crate::{Category, Failure, Layer, Severity, WaitScope};

use super::failure::failure;

/// A first attempt that met this error, by a caller with a minute and no patience. The builders
/// change single things.
pub fn attempt(name: &str) -> Attempt {
    Attempt::of(failure(name))
}

impl Attempt {
    /// A first attempt that met this failure, by a caller with a minute and no patience.
    pub fn of(failure: Failure) -> Self {
        Self {
            verdict: guess(&failure),
            failure,
            attempt: 1,
            elapsed_ms: 20,
            slept_ms: 0,
            deadline_left_ms: 60_000,
            patience_left_ms: 0,
            idempotent: false,
            recent_failures: 1,
            recent_calls: 10,
            recent_retries: 0,
            entropy: 0,
            extensions: Vec::new(),
        }
    }

    /// The same as the n-th attempt of its call.
    pub fn attempt(self, attempt: u32) -> Self {
        Self { attempt, ..self }
    }

    /// The same with another time to the deadline.
    pub fn deadline_left_ms(self, deadline_left_ms: u64) -> Self {
        Self {
            deadline_left_ms,
            ..self
        }
    }

    /// The same by a caller who sits out known waits for so long.
    pub fn patience_left_ms(self, patience_left_ms: u64) -> Self {
        Self {
            patience_left_ms,
            ..self
        }
    }

    /// The same of a call whose repetition does no harm.
    pub fn idempotent(self) -> Self {
        Self {
            idempotent: true,
            ..self
        }
    }

    /// The same with other random bits.
    pub fn entropy(self, entropy: u64) -> Self {
        Self { entropy, ..self }
    }

    /// The same in a minute with so many calls of the account, and so many repeats among them.
    pub fn recent(self, calls: u32, retries: u32) -> Self {
        Self {
            recent_calls: calls,
            recent_retries: retries,
            ..self
        }
    }

    /// The same with another verdict.
    pub fn verdict(self, verdict: Verdict) -> Self {
        Self { verdict, ..self }
    }
}

/// Roughly what the shipped categorizer says.
fn guess(failure: &Failure) -> Verdict {
    let (category, status, retryable) = match (failure.layer, failure.code) {
        (Layer::Network, _) => (Category::Network, 503, true),
        (Layer::Timeout, _) => (Category::Timeout, 504, true),
        (Layer::Gateway, _) => (Category::Internal, 503, true),
        (_, 420) => (Category::RateLimit, 429, true),
        (_, 401) => (Category::Auth, 409, false),
        (_, 403) => (Category::Permission, 403, false),
        (_, 303) => (Category::Migration, 502, true),
        (_, 500..) => (Category::Server, 502, true),
        _ => (Category::InvalidRequest, 400, false),
    };
    let wait = failure.number.and_then(|number| u64::try_from(number).ok());
    Verdict {
        category,
        code: failure.pattern.replace("_%d", ""),
        status,
        retryable,
        wait: wait.filter(|_| category == Category::RateLimit),
        wait_scope: WaitScope::Method,
        severity: Severity::Info,
    }
}
