//! A retry policy as a team would write it: it sits out every wait of Telegram's that ends before
//! the caller's deadline, whether the caller sent `X-Wait` or not. On everything else it has no
//! opinion, so the shipped policy goes on deciding that.

use sluice_plugin::retry::{Attempt, Decision};
use sluice_plugin::{Category, RetryPolicy, Settings, log};

/// Left for the call itself after the wait.
const TIME_FOR_THE_CALL_MS: u64 = 500;
/// Callers that all met the same wait do not come back in the same moment.
const SPREAD_MS: u64 = 99;
/// Telegram's longest waits are a day.
const DAY: u64 = 86_400;

struct Patient {
    /// Longer waits, in seconds, are left to the shipped policy too.
    longest_wait: u64,
}

impl RetryPolicy for Patient {
    fn configure(settings: &mut Settings) -> Result<Self, String> {
        Ok(Self {
            longest_wait: settings.number("longest_wait", DAY, 0..=DAY)?,
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
        let method = &attempt.failure.method;
        log::info(&format!("sitting out {wait} s for {method}"));
        Decision::retry_after_ms(after_ms)
    }
}

sluice_plugin::export!(Patient: RetryPolicy);

#[cfg(test)]
mod tests {
    use sluice_plugin::testing;

    use super::*;

    #[test]
    fn a_wait_is_sat_out_if_it_ends_in_time() {
        let policy: Patient = testing::retry_policy([]).unwrap();
        let attempt = testing::attempt("FLOOD_WAIT_37").entropy(142);
        assert_eq!(policy.decide(&attempt), Decision::retry_after_ms(37_042));
        let (_, line) = testing::log_lines().remove(0);
        assert_eq!(line, "sitting out 37 s for messages.sendMessage");

        let hurried = attempt.deadline_left_ms(37_500);
        assert_eq!(policy.decide(&hurried), Decision::Abstain);
    }

    #[test]
    fn it_has_no_opinion_on_the_rest() {
        let policy: Patient = testing::retry_policy([("longest_wait", "30")]).unwrap();
        let lost = Attempt::of(testing::lost()).idempotent();
        for attempt in [testing::attempt("FLOOD_WAIT_37"), lost] {
            assert_eq!(policy.decide(&attempt), Decision::Abstain);
        }
    }

    #[test]
    fn a_wrong_setting_is_refused() {
        for (name, value) in [("longest_wait", "-1"), ("longest", "5")] {
            let why = testing::retry_policy::<Patient>([(name, value)]).err();
            assert!(why.is_some_and(|why| why.contains(name)));
        }
    }
}
