//! The bounds around every answer of a policy, whoever gave it.
//!
//! A decision that breaks one is replaced by the nearest that does not, and the breach is counted
//! against the plugin.

use sluice_domain::{Attempt, Decision, Execution, Failure, Verdict};
use sluice_standard_categorize::imposed_wait;

use crate::Limits;

/// Longest code and advice of a verdict that callers are shown.
const MAX_CODE: usize = 64;
const MAX_ADVICE: usize = 512;

/// The decision, inside the envelope, and what was wrong with it.
pub(crate) fn bound_decision(
    attempt: &Attempt,
    decision: Decision,
    limits: &Limits,
) -> (Decision, Option<&'static str>) {
    match decision {
        Decision::GiveUp => (decision, None),
        Decision::Park { seconds } => {
            let most = limits.max_park.as_secs();
            if seconds > most {
                (
                    Decision::Park { seconds: most },
                    Some("parks the account for longer than policy.max_park"),
                )
            } else {
                (decision, None)
            }
        }
        Decision::Retry {
            after_ms,
            other_link,
        } => bound_retry(attempt, after_ms, other_link, limits),
    }
}

fn bound_retry(
    attempt: &Attempt,
    asked_ms: u64,
    other_link: bool,
    limits: &Limits,
) -> (Decision, Option<&'static str>) {
    let give_up = |why| (Decision::GiveUp, Some(why));
    if attempt.failure.execution == Execution::MaybeExecuted && !attempt.idempotent {
        return give_up("repeats a call that may have been executed and is not idempotent");
    }
    if attempt.attempt >= limits.max_attempts {
        return give_up("repeats beyond policy.max_attempts");
    }
    // The verdict's wait is what a categorizer made of the failure; Telegram's own is what the
    // catalogue reads in it. A policy may wait longer than either.
    let telegram_ms = imposed_wait(&attempt.failure)
        .max(attempt.verdict.wait)
        .unwrap_or(0)
        .saturating_mul(1000);
    let after_ms = asked_ms.max(telegram_ms);
    let early = (asked_ms < telegram_ms).then_some("repeats before Telegram's wait is over");
    let capped = u64::try_from(limits.max_wait.as_millis()).unwrap_or(u64::MAX);
    if after_ms >= attempt.deadline_left_ms {
        return give_up(early.unwrap_or("waits beyond the caller's deadline"));
    }
    if attempt.slept_ms.saturating_add(after_ms) > capped {
        return give_up(early.unwrap_or("waits beyond policy.max_wait"));
    }
    (
        Decision::Retry {
            after_ms,
            other_link,
        },
        early,
    )
}

/// The verdict, inside the envelope, and what was wrong with it.
pub(crate) fn bound_verdict(
    failure: &Failure,
    mut verdict: Verdict,
) -> (Verdict, Option<&'static str>) {
    let mut breach = None;
    let imposed = imposed_wait(failure);
    if verdict.wait.unwrap_or(0) < imposed.unwrap_or(0) {
        verdict.wait = imposed;
        breach = Some("hides a wait of Telegram's");
    }
    if !(400..600).contains(&verdict.status) {
        verdict.status = sluice_standard_categorize::categorize(failure).status;
        breach = Some("answers with a status that is no error");
    }
    let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    if verdict.code.is_empty() || verdict.code.len() > MAX_CODE || !verdict.code.chars().all(plain)
    {
        verdict.code = sluice_standard_categorize::categorize(failure).code;
        breach = Some("answers with a code that is not A-Z, 0-9 and '_', up to 64");
    }
    if verdict.advice.chars().count() > MAX_ADVICE {
        verdict.advice = verdict.advice.chars().take(MAX_ADVICE).collect();
        breach = Some("gives more advice than 512 characters");
    }
    (verdict, breach)
}

#[cfg(test)]
mod tests {
    use sluice_domain::{AccountKind, Layer};
    use sluice_standard_categorize::categorize;

    use super::*;

    fn attempt(failure: Failure) -> Attempt {
        Attempt {
            verdict: categorize(&failure),
            failure,
            attempt: 1,
            elapsed_ms: 0,
            slept_ms: 0,
            deadline_left_ms: 30_000,
            patience_left_ms: 0,
            idempotent: false,
            recent_failures: 1,
            recent_calls: 1,
            recent_retries: 0,
            entropy: 0,
        }
    }

    fn flood() -> Attempt {
        attempt(Failure::telegram(
            420,
            "FLOOD_WAIT_7",
            "m",
            AccountKind::User,
        ))
    }

    fn retry(after_ms: u64) -> Decision {
        Decision::Retry {
            after_ms,
            other_link: false,
        }
    }

    fn bound(attempt: &Attempt, decision: Decision) -> (Decision, bool) {
        let (decision, breach) = bound_decision(attempt, decision, &Limits::default());
        (decision, breach.is_some())
    }

    #[test]
    fn never_before_telegrams_wait() {
        assert_eq!(bound(&flood(), retry(7_000)), (retry(7_000), false));
        assert_eq!(bound(&flood(), retry(0)), (retry(7_000), true));
        // A categorizer that says nothing of the wait changes nothing.
        let mut a = flood();
        a.verdict.wait = None;
        assert_eq!(bound(&a, retry(6_999)), (retry(7_000), true));
        // One that says more is believed.
        a.verdict.wait = Some(9);
        assert_eq!(bound(&a, retry(7_000)), (retry(9_000), true));
    }

    #[test]
    fn never_beyond_deadline_cap_or_attempts() {
        let mut a = flood();
        a.deadline_left_ms = 7_000;
        assert_eq!(bound(&a, retry(7_000)), (Decision::GiveUp, true));
        a.deadline_left_ms = u64::MAX;
        assert_eq!(bound(&a, retry(300_000)), (retry(300_000), false));
        assert_eq!(bound(&a, retry(300_001)), (Decision::GiveUp, true));
        assert_eq!(bound(&a, retry(u64::MAX)), (Decision::GiveUp, true));
        a.slept_ms = 299_000;
        assert_eq!(bound(&a, retry(7_000)), (Decision::GiveUp, true));
        a.slept_ms = 0;
        a.attempt = 5;
        assert_eq!(bound(&a, retry(7_000)), (Decision::GiveUp, true));
        let park = Decision::Park { seconds: u64::MAX };
        assert_eq!(bound(&a, park), (Decision::Park { seconds: 86_400 }, true));
    }

    #[test]
    fn what_may_have_happened_is_not_repeated() {
        let mut a = attempt(Failure::local(
            Layer::Network,
            "CONNECTION_LOST",
            "messages.sendMessage",
            AccountKind::User,
            Execution::MaybeExecuted,
        ));
        assert_eq!(bound(&a, retry(10)), (Decision::GiveUp, true));
        a.idempotent = true;
        assert_eq!(bound(&a, retry(10)), (retry(10), false));
    }

    #[test]
    fn a_verdict_cannot_hide_a_wait_or_break_http() {
        let failure = flood().failure;
        let mut verdict = categorize(&failure);
        assert_eq!(
            bound_verdict(&failure, verdict.clone()),
            (verdict.clone(), None)
        );
        verdict.wait = None;
        verdict.status = 200;
        verdict.code = "so-so".into();
        verdict.advice = "é".repeat(600);
        let (bounded, breach) = bound_verdict(&failure, verdict);
        assert!(breach.is_some());
        assert_eq!((bounded.wait, bounded.status), (Some(7), 429));
        assert_eq!(bounded.code, "FLOOD_WAIT");
        assert_eq!(bounded.advice.chars().count(), 512);
    }
}
