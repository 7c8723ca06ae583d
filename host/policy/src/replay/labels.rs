//! Decisions and verdicts in few words, so that thousands of them fall into few groups.

use sluice_domain::{Attempt, Decision, Failure, Verdict};
use sluice_standard_categorize::imposed_wait;

/// What a policy may add to a wait, so that not all come back in one moment, and still wait it out.
const SPREAD_MS: u64 = 1_000;

/// `FLOOD_WAIT_x` for every `FLOOD_WAIT_17`.
pub(super) fn failure(failure: &Failure) -> String {
    failure.pattern.replace("%d", "x")
}

/// Two decisions in words; they differ where the decisions do.
pub(super) fn decisions(attempt: &Attempt, old: Decision, new: Decision) -> (String, String) {
    let (old_words, mut new_words) = (decision(attempt, old), decision(attempt, new));
    if let (
        Decision::Retry {
            after_ms: old_ms, ..
        },
        Decision::Retry {
            after_ms: new_ms, ..
        },
    ) = (old, new)
        && old_words == new_words
        && old_ms != new_ms
    {
        new_words.push_str(if new_ms < old_ms {
            ", sooner"
        } else {
            ", later"
        });
    }
    (old_words, new_words)
}

fn decision(attempt: &Attempt, decision: Decision) -> String {
    let wait = imposed_wait(&attempt.failure).max(attempt.verdict.wait);
    match decision {
        Decision::GiveUp => "give up".into(),
        Decision::Park { seconds: 0..60 } => "park the account for less than a minute".into(),
        Decision::Park { seconds: 60..3_600 } => "park the account for minutes".into(),
        Decision::Park { .. } => "park the account for hours".into(),
        Decision::Retry {
            after_ms,
            other_link,
        } => {
            let waited_out = wait.is_some_and(|seconds| {
                let wait_ms = seconds.saturating_mul(1_000);
                (wait_ms..=wait_ms.saturating_add(SPREAD_MS)).contains(&after_ms)
            });
            let when = match after_ms {
                _ if waited_out => "after x",
                0 => "at once",
                1..1_000 => "within a second",
                1_000..10_000 => "after 1-10 s",
                10_000..60_000 => "after 10-60 s",
                _ => "after more than a minute",
            };
            let link = if other_link { " over another link" } else { "" };
            format!("retry {when}{link}")
        }
    }
}

/// Where two verdicts differ, field by field; both empty when they do not.
pub(super) fn verdicts(old: &Verdict, new: &Verdict) -> (String, String) {
    let Verdict {
        category,
        code,
        status,
        retryable,
        wait,
        wait_scope,
        severity,
        advice,
    } = old;
    let mut parts: Vec<(String, String)> = Vec::new();
    let mut part = |differs: bool, old: String, new: String| {
        if differs {
            parts.push((old, new));
        }
    };
    part(
        *category != new.category,
        category.to_string(),
        new.category.to_string(),
    );
    part(*code != new.code, code.clone(), new.code.clone());
    part(
        *status != new.status,
        format!("HTTP {status}"),
        format!("HTTP {}", new.status),
    );
    let repeat = |worth: bool| if worth { "retryable" } else { "not retryable" }.to_owned();
    part(
        *retryable != new.retryable,
        repeat(*retryable),
        repeat(new.retryable),
    );
    // The seconds are the failure's own; grouped by them, every failure would be a group.
    let known = |wait: Option<u64>| if wait.is_some() { "a wait" } else { "no wait" }.to_owned();
    let longer = if new.wait > *wait {
        "a longer wait"
    } else {
        "a shorter wait"
    };
    let new_wait = if wait.is_some() && new.wait.is_some() {
        longer.to_owned()
    } else {
        known(new.wait)
    };
    part(*wait != new.wait, known(*wait), new_wait);
    let scope = |scope| format!("for the {scope:?}").to_ascii_lowercase();
    part(
        *wait_scope != new.wait_scope,
        scope(*wait_scope),
        scope(new.wait_scope),
    );
    let level = |severity| format!("{severity:?}").to_ascii_lowercase();
    part(
        *severity != new.severity,
        level(*severity),
        level(new.severity),
    );
    part(
        *advice != new.advice,
        "its advice".into(),
        "other advice".into(),
    );
    let (old, new): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    (old.join(", "), new.join(", "))
}
