//! Sits out every wait of Telegram's that is short enough and ends before the caller's deadline,
//! whether the caller sent `X-Wait` or not. On everything else it has no opinion, and the next
//! policy decides.

use sluice_plugin::retry::{Attempt, Decision};
use sluice_plugin::{Category, RetryPolicy, Settings, log};

/// Left for the call itself after the wait.
const TIME_FOR_THE_CALL_MS: u64 = 500;
/// Callers that all met the same wait do not come back in the same moment.
const SPREAD_MS: u64 = 99;

struct Policy {
    /// Longer waits, in seconds, are left to the next policy.
    longest_wait: u64,
}

impl RetryPolicy for Policy {
    fn configure(settings: &mut Settings) -> Result<Self, String> {
        Ok(Self {
            longest_wait: settings.number("longest_wait", 60, 0..=86_400)?,
        })
    }

    fn decide(&self, attempt: &Attempt) -> Decision {
        let Some(wait) = attempt.verdict.wait else {
            return Decision::Abstain;
        };
        if attempt.verdict.category != Category::RateLimit || wait > self.longest_wait {
            return Decision::Abstain;
        }
        let after_ms = wait * 1000 + attempt.jitter(SPREAD_MS);
        if after_ms + TIME_FOR_THE_CALL_MS >= attempt.deadline_left_ms {
            return Decision::Abstain;
        }
        log::info(&format!("sitting out {wait} s for {}", attempt.failure.method));
        Decision::retry_after_ms(after_ms)
    }
}

sluice_plugin::export!(Policy: RetryPolicy);

#[cfg(test)]
mod tests {
    use sluice_plugin::testing;

    use super::*;

    #[test]
    fn short_waits_are_sat_out() {
        let policy: Policy = testing::retry_policy([]).unwrap();
        let attempt = testing::attempt("FLOOD_WAIT_37");
        assert_eq!(policy.decide(&attempt), Decision::retry_after_ms(37_000));
        let hurried = attempt.deadline_left_ms(37_000);
        assert_eq!(policy.decide(&hurried), Decision::Abstain);
    }

    #[test]
    fn long_waits_and_other_errors_are_left_to_others() {
        let policy: Policy = testing::retry_policy([("longest_wait", "30")]).unwrap();
        for name in ["FLOOD_WAIT_37", "CHAT_ID_INVALID"] {
            assert_eq!(policy.decide(&testing::attempt(name)), Decision::Abstain);
        }
    }

    #[test]
    fn a_wrong_setting_is_refused() {
        let refused = testing::retry_policy::<Policy>([("longest_wait", "long")]);
        assert!(refused.is_err_and(|why| why.contains("longest_wait")));
    }
}
