//! Answers in words that group: what differs only by a number or by chance reads the same.

use sluice_domain::{Decision, Failure, Verdict};
use sluice_standard_categorize::imposed_wait;

/// What chance and politeness add to a wait at most, in milliseconds.
const SPREAD_MS: u64 = 1_000;

/// `FLOOD_WAIT_x` for every `FLOOD_WAIT_17`.
pub(crate) fn failure(failure: &Failure) -> String {
    failure.pattern.replace("%d", "x")
}

/// Two decisions that differ, so that their words do too.
pub(crate) fn decisions(
    failure: &Failure,
    verdict: &Verdict,
    old: Decision,
    new: Decision,
) -> (String, String) {
    let words = |made| decision(failure, verdict, made);
    let (old_words, mut new_words) = (words(old), words(new));
    if old_words == new_words && old != new {
        let time = |decision| match decision {
            Decision::GiveUp => 0,
            Decision::Park { seconds } => seconds,
            Decision::Retry { after_ms, .. } => after_ms,
        };
        let sooner = time(new) < time(old);
        new_words.push_str(if sooner { ", sooner" } else { ", later" });
    }
    (old_words, new_words)
}

/// Two verdicts that differ, so that their words do too.
pub(crate) fn verdicts(failure: &Failure, old: &Verdict, new: &Verdict) -> (String, String) {
    let (old_words, mut new_words) = (verdict(failure, old), verdict(failure, new));
    if old_words == new_words && old != new {
        new_words.push_str(", other advice");
    }
    (old_words, new_words)
}

/// A decision about a failure with this verdict.
pub(crate) fn decision(failure: &Failure, verdict: &Verdict, decision: Decision) -> String {
    let wait = imposed_wait(failure).max(verdict.wait);
    match decision {
        Decision::GiveUp => "give up".to_owned(),
        Decision::Park { seconds } if Some(seconds) == wait => "park the account for x".to_owned(),
        Decision::Park { seconds } => {
            let time = within(seconds.saturating_mul(1_000));
            format!("park the account for {time}")
        }
        Decision::Retry {
            after_ms,
            other_link,
        } => {
            let link = if other_link { " on another link" } else { "" };
            let after = match wait.map(|seconds| seconds.saturating_mul(1_000)) {
                Some(wait) if after_ms <= wait.saturating_add(SPREAD_MS) => "after x".to_owned(),
                Some(_) => "later than x".to_owned(),
                None if after_ms == 0 => "at once".to_owned(),
                None => format!("after {}", within(after_ms)),
            };
            format!("retry {after}{link}")
        }
    }
}

fn within(millis: u64) -> &'static str {
    match millis {
        0..1_000 => "less than a second",
        1_000..10_000 => "less than 10 seconds",
        10_000..60_000 => "less than a minute",
        60_000..3_600_000 => "less than an hour",
        _ => "an hour or more",
    }
}

/// A verdict about a failure. Advice is for people and makes no difference.
pub(crate) fn verdict(failure: &Failure, verdict: &Verdict) -> String {
    let Verdict {
        category,
        code,
        status,
        retryable,
        wait,
        wait_scope,
        severity,
        advice: _,
    } = verdict;
    let retryable = if *retryable { ", retryable" } else { "" };
    let wait = match wait {
        None => String::new(),
        Some(wait) if Some(*wait) == imposed_wait(failure) => {
            format!(", wait x ({wait_scope:?})")
        }
        Some(wait) => format!(", wait {wait} s ({wait_scope:?})"),
    };
    let category = category.as_str();
    format!("{category} {code} {status}{retryable}{wait}, {severity:?}").to_lowercase()
}

#[cfg(test)]
mod tests {
    use sluice_domain::AccountKind;

    use super::*;

    /// Breaks when two floods of different length make two groups, or two decisions one.
    #[test]
    fn what_differs_by_a_number_reads_the_same() {
        let told = |seconds: u64, made: Decision| {
            let name = format!("FLOOD_WAIT_{seconds}");
            let failure = Failure::telegram(420, &name, "m", AccountKind::User);
            let verdict = sluice_standard_categorize::categorize(&failure);
            decision(&failure, &verdict, made)
        };
        let retry = |after_ms, other_link| Decision::Retry {
            after_ms,
            other_link,
        };
        assert_eq!(told(7, retry(7_000, false)), "retry after x");
        assert_eq!(told(30, retry(30_250, false)), "retry after x");
        assert_eq!(
            told(7, retry(60_000, true)),
            "retry later than x on another link"
        );
        assert_eq!(
            told(7, Decision::Park { seconds: 7 }),
            "park the account for x"
        );
        assert_eq!(told(7, Decision::GiveUp), "give up");
        let failure = Failure::telegram(500, "INTERNAL", "m", AccountKind::User);
        let named = sluice_standard_categorize::categorize(&failure);
        let told = |made| decision(&failure, &named, made);
        assert_eq!(told(retry(0, false)), "retry at once");
        assert_eq!(told(retry(150, false)), told(retry(900, false)));
        assert_ne!(told(retry(150, false)), told(retry(5_000, false)));
        let (old, new) = decisions(&failure, &named, retry(900, false), retry(150, false));
        assert_eq!(new, format!("{old}, sooner"));
        let flood = Failure::telegram(420, "FLOOD_WAIT_7", "m", AccountKind::User);
        let text = verdict(&flood, &sluice_standard_categorize::categorize(&flood));
        assert!(
            text.starts_with("rate_limit flood_wait 429, retryable, wait x"),
            "{text}"
        );
        let known = sluice_standard_categorize::categorize(&flood);
        let advised = Verdict {
            advice: "wait".into(),
            ..known.clone()
        };
        let (old, new) = verdicts(&flood, &known, &advised);
        assert_eq!(new, format!("{old}, other advice"));
    }
}
