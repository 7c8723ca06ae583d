//! The shipped retry policy: waits out what Telegram imposes when the caller has the patience,
//! repeats what failed on the way with growing, jittered pauses, and gives up on the rest.
//! No I/O; the component and the gateway link the same code.

use sluice_domain::{Attempt, Category, Decision, Execution};

/// Attempts at a call that fails on the way or inside Telegram, the first included.
const ATTEMPTS: u32 = 4;
/// First pause; each following one is twice as long.
const FIRST_PAUSE_MS: u64 = 200;
/// Longest pause.
const LONGEST_PAUSE_MS: u64 = 5_000;
/// Added at most to a wait of Telegram's, so that many callers do not come back in one moment.
const WAIT_SPREAD_MS: u64 = 250;
/// Repeats in a minute that are always fine; above it at most one call in five may be a repeat.
const FREE_RETRIES: u32 = 20;

/// Decides about a failed attempt.
pub fn decide(attempt: &Attempt) -> Decision {
    if !attempt.verdict.retryable || unsafe_to_repeat(attempt) {
        return Decision::GiveUp;
    }
    match attempt.verdict.category {
        Category::RateLimit => wait_out(attempt),
        Category::Network | Category::Timeout | Category::Server => back_off(attempt),
        _ => Decision::GiveUp,
    }
}

fn unsafe_to_repeat(attempt: &Attempt) -> bool {
    attempt.failure.execution == Execution::MaybeExecuted && !attempt.idempotent
}

/// Waits as long as Telegram says, if the caller offered that much patience.
fn wait_out(attempt: &Attempt) -> Decision {
    let Some(wait) = attempt.verdict.wait.and_then(|s| s.checked_mul(1000)) else {
        return Decision::GiveUp;
    };
    let budget = attempt
        .patience_left_ms
        .min(attempt.deadline_left_ms.saturating_sub(1));
    if wait > budget {
        return Decision::GiveUp;
    }
    let spread = attempt.entropy % (WAIT_SPREAD_MS + 1);
    Decision::Retry {
        after_ms: wait.saturating_add(spread).min(budget),
        other_link: false,
    }
}

/// Repeats after a pause, unless repeats are what keeps the trouble going.
fn back_off(attempt: &Attempt) -> Decision {
    let storm = attempt.recent_retries > FREE_RETRIES
        && attempt.recent_retries.saturating_mul(5) > attempt.recent_calls;
    if attempt.attempt >= ATTEMPTS || storm {
        return Decision::GiveUp;
    }
    let doublings = attempt.attempt.saturating_sub(1).min(16);
    let pause = (FIRST_PAUSE_MS << doublings).min(LONGEST_PAUSE_MS);
    // Half of it fixed, half of it chance.
    let jittered = pause / 2 + attempt.entropy % (pause / 2 + 1);
    let known = attempt.verdict.wait.unwrap_or(0).saturating_mul(1000);
    let after_ms = jittered.max(known);
    if after_ms >= attempt.deadline_left_ms {
        return Decision::GiveUp;
    }
    Decision::Retry {
        after_ms,
        other_link: attempt.verdict.category != Category::Server,
    }
}

#[cfg(test)]
mod tests {
    use sluice_domain::{AccountKind, Failure, Layer, Severity, Verdict, WaitScope};

    use super::*;

    fn attempt(category: Category, wait: Option<u64>) -> Attempt {
        Attempt {
            failure: Failure::telegram(420, "X", "messages.sendMessage", AccountKind::User),
            verdict: Verdict {
                category,
                code: "X".into(),
                status: 429,
                retryable: true,
                wait,
                wait_scope: WaitScope::Method,
                severity: Severity::Info,
                advice: String::new(),
            },
            attempt: 1,
            elapsed_ms: 5,
            slept_ms: 0,
            deadline_left_ms: 30_000,
            patience_left_ms: 0,
            idempotent: true,
            recent_failures: 1,
            recent_calls: 1,
            recent_retries: 0,
            entropy: u64::MAX,
        }
    }

    #[test]
    fn a_flood_wait_is_waited_out_only_with_patience() {
        let mut a = attempt(Category::RateLimit, Some(7));
        assert_eq!(decide(&a), Decision::GiveUp);
        a.patience_left_ms = 10_000;
        let Decision::Retry {
            after_ms,
            other_link: false,
        } = decide(&a)
        else {
            panic!("must wait");
        };
        assert!((7_000..=7_250).contains(&after_ms), "{after_ms}");
        a.deadline_left_ms = 7_000;
        assert_eq!(decide(&a), Decision::GiveUp, "the deadline comes first");
        a.deadline_left_ms = 30_000;
        a.verdict.wait = Some(u64::MAX);
        assert_eq!(decide(&a), Decision::GiveUp);
    }

    #[test]
    fn faults_on_the_way_are_repeated_with_growing_pauses_and_an_end() {
        let mut a = attempt(Category::Network, None);
        let mut last = 0;
        for n in 1..4 {
            a.attempt = n;
            let Decision::Retry {
                after_ms,
                other_link: true,
            } = decide(&a)
            else {
                panic!("attempt {n} must be repeated");
            };
            assert!(after_ms > last);
            last = after_ms;
        }
        a.attempt = 4;
        assert_eq!(decide(&a), Decision::GiveUp);
        a.attempt = u32::MAX;
        assert_eq!(decide(&a), Decision::GiveUp);
    }

    #[test]
    fn what_may_have_happened_is_not_repeated_unless_harmless() {
        let mut a = attempt(Category::Network, None);
        a.failure = Failure::local(
            Layer::Network,
            "CONNECTION_LOST",
            "messages.sendMessage",
            AccountKind::User,
            Execution::MaybeExecuted,
        );
        a.idempotent = false;
        assert_eq!(decide(&a), Decision::GiveUp);
        a.idempotent = true;
        assert!(matches!(decide(&a), Decision::Retry { .. }));
    }

    #[test]
    fn a_storm_of_repeats_ends_itself() {
        let mut a = attempt(Category::Server, None);
        a.recent_calls = 100;
        a.recent_retries = 21;
        assert_eq!(decide(&a), Decision::GiveUp);
        a.recent_calls = 200;
        assert!(matches!(
            decide(&a),
            Decision::Retry {
                other_link: false,
                ..
            }
        ));
    }

    #[test]
    fn what_can_never_succeed_is_given_up() {
        for category in [
            Category::Auth,
            Category::InvalidRequest,
            Category::Migration,
        ] {
            assert_eq!(decide(&attempt(category, None)), Decision::GiveUp);
        }
        let mut a = attempt(Category::Server, None);
        a.verdict.retryable = false;
        assert_eq!(decide(&a), Decision::GiveUp);
    }
}
