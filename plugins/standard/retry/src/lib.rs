//! The shipped retry policy: waits out what Telegram imposes when the caller has the patience,
//! repeats what failed on the way or inside Telegram after growing pauses left to chance, inside a
//! budget, and gives up on the rest. No I/O; the component and the gateway link the same code.
//!
//! It remembers nothing: what it would have to remember (pauses so far, repeats of the account) is
//! in the question, and chance is a number in it, so that a decision can be repeated exactly.

mod settings;

pub use settings::Settings;

use sluice_domain::{Attempt, Category, Decision, Execution};

/// Decides about a failed attempt as the policy does without settings.
pub fn decide(attempt: &Attempt) -> Decision {
    Settings::default().decide(attempt)
}

impl Settings {
    /// Decides about a failed attempt.
    pub fn decide(&self, attempt: &Attempt) -> Decision {
        if !attempt.verdict.retryable || unsafe_to_repeat(attempt) {
            return Decision::GiveUp;
        }
        match attempt.verdict.category {
            Category::RateLimit => self.wait_out(attempt),
            Category::Network | Category::Timeout | Category::Server => self.back_off(attempt),
            // Another try of the same call fares the same: a sign-in that begins anew, a password
            // challenge that is out of date and a data center that sends elsewhere need another
            // call.
            _ => Decision::GiveUp,
        }
    }

    /// Waits as long as Telegram says, to the second, if the caller offered that much patience.
    /// Outside the budget: Telegram itself names the moment of the repeat.
    fn wait_out(&self, attempt: &Attempt) -> Decision {
        let Some(wait) = attempt.verdict.wait.and_then(|s| s.checked_mul(1_000)) else {
            // A limit without an end: a repeat before it only prolongs it.
            return Decision::GiveUp;
        };
        let own = self.patience_ms.saturating_sub(attempt.slept_ms);
        let room = attempt
            .patience_left_ms
            .max(own)
            .min(self.longest_wait_ms)
            .min(attempt.deadline_left_ms.saturating_sub(1));
        if wait > room {
            return Decision::GiveUp;
        }
        let spread = self.wait_spread_ms.min(room - wait);
        Decision::Retry {
            after_ms: wait.saturating_add(part(spread, attempt.entropy)),
            other_link: false,
        }
    }

    /// Repeats after a pause, unless repeats are what keeps the trouble going.
    fn back_off(&self, attempt: &Attempt) -> Decision {
        if attempt.attempt >= self.attempts || !self.affords(attempt) {
            return Decision::GiveUp;
        }
        let (least, most) = self.pause(attempt);
        // A pause is ours to choose, so it leaves the repeat as much time as it takes itself.
        let most = most.min(attempt.deadline_left_ms / 2);
        if least > most {
            return Decision::GiveUp;
        }
        let pause = least + part(most - least, attempt.entropy);
        // A fault can carry a wait as well.
        let after_ms = pause.max(attempt.verdict.wait.unwrap_or(0).saturating_mul(1_000));
        if after_ms >= attempt.deadline_left_ms {
            return Decision::GiveUp;
        }
        Decision::Retry {
            after_ms,
            other_link: attempt.verdict.category != Category::Server,
        }
    }

    /// The shortest and the longest that the next pause may be: jitter that is decorrelated, so that
    /// callers who failed in one moment do not meet again
    /// (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>). The pause before
    /// is not known here; the mean of those so far stands for it.
    fn pause(&self, attempt: &Attempt) -> (u64, u64) {
        let repeats = u64::from(attempt.attempt.saturating_sub(1));
        if repeats == 0 && attempt.failure.execution == Execution::NeverSent {
            // Nothing was asked of Telegram yet, and another link may be there at once.
            return (0, self.first_pause_ms);
        }
        let mean = attempt.slept_ms.checked_div(repeats).unwrap_or(0);
        let most = mean.max(self.first_pause_ms).saturating_mul(3);
        (self.first_pause_ms, most.min(self.longest_pause_ms))
    }

    /// Whether the account's repeats are still within their share of its calls. A share alone would
    /// leave an account with few calls without any repeat, so so many are always fine.
    fn affords(&self, attempt: &Attempt) -> bool {
        let calls = u64::from(attempt.recent_calls);
        let share = calls * u64::from(self.share_percent) / 100;
        u64::from(attempt.recent_retries) < share.max(u64::from(self.floor))
    }
}

/// Telegram may have carried the call out, and a second time would do harm.
fn unsafe_to_repeat(attempt: &Attempt) -> bool {
    attempt.failure.execution == Execution::MaybeExecuted && !attempt.idempotent
}

/// A number from 0 to `most`, evenly by chance; rises with `entropy`.
fn part(most: u64, entropy: u64) -> u64 {
    let wide = (u128::from(most) + 1) * u128::from(entropy);
    u64::try_from(wide >> 64).unwrap_or(most)
}

#[cfg(test)]
mod tests;
