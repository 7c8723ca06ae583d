//! A decision in words.

use std::fmt::Write as _;

use serde::Serialize;
use sluice_domain::{Author, Decision, DecisionRecord, Execution, Layer, Provenance};
use sluice_standard_categorize::imposed_wait;

use crate::Limits;

/// Why a decision is as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// In one sentence.
    pub summary: String,
    /// What happened, step by step.
    pub steps: Vec<String>,
    /// What the host would have let pass.
    pub bounds: Bounds,
}

/// The host's bounds on one decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bounds {
    /// Not before this wait of Telegram's is over, in milliseconds.
    pub telegram_wait_ms: Option<u64>,
    /// Not beyond the caller's deadline, so many milliseconds away.
    pub deadline_left_ms: u64,
    /// So much may still be spent waiting, in milliseconds.
    pub wait_left_ms: u64,
    /// So many attempts are left.
    pub attempts_left: u32,
    /// Whether it may be repeated at all: false for what may have been executed and is not
    /// idempotent.
    pub repeatable: bool,
    /// Bounds that the policies broke and the host kept, in words.
    pub broken: Vec<String>,
}

/// Explains a record under these limits.
pub(crate) fn explain(record: &DecisionRecord, limits: &Limits) -> Explanation {
    let attempt = &record.attempt;
    let mut steps = vec![met(record)];
    let verdict = &attempt.verdict;
    let mut named = format!(
        "{} named it {} ({}, HTTP {}), {}",
        who(&record.named.by),
        verdict.code,
        verdict.category,
        verdict.status,
        if verdict.retryable {
            "worth a repeat"
        } else {
            "not worth a repeat"
        }
    );
    if let Some(wait) = verdict.wait {
        // A String takes all text.
        let _ = write!(named, ", after {wait} s");
    }
    steps.push(named);
    steps.extend(beside(&record.named));
    match &record.decided {
        None => steps.push(
            "No retry policy was asked: the gateway itself never repeats this error, for the account would pay for it"
                .into(),
        ),
        Some(decided) => {
            let answered = decided.corrected.as_ref().map_or(record.decision, |it| it.answered);
            steps.push(format!("{} answered: {}", who(&decided.by), words(answered)));
            steps.extend(beside(decided));
            if decided.corrected.is_some() {
                steps.push(format!("So the host made it: {}", words(record.decision)));
            }
        }
    }
    let by = record
        .decided
        .as_ref()
        .map_or("the gateway", |decided| &decided.by.plugin);
    Explanation {
        summary: format!(
            "{}: {}, by {by}",
            attempt.failure.name,
            words(record.decision)
        ),
        steps,
        bounds: bounds(record, limits),
    }
}

fn met(record: &DecisionRecord) -> String {
    let attempt = &record.attempt;
    let failure = &attempt.failure;
    let from = match failure.layer {
        Layer::Telegram if record.standing => {
            "a wait of Telegram's that was known already stood in the way:".into()
        }
        Layer::Telegram => format!("Telegram answered {}", failure.code),
        Layer::Network => "the network failed:".into(),
        Layer::Timeout => "no answer came in time:".into(),
        Layer::Gateway => "the gateway refused it:".into(),
    };
    let executed = match failure.execution {
        Execution::Refused => "",
        Execution::NeverSent => "; it was never sent",
        Execution::MaybeExecuted if attempt.idempotent => {
            "; it may have been executed, and a repeat does no harm"
        }
        Execution::MaybeExecuted => "; it may have been executed, and a repeat would do it twice",
    };
    format!(
        "Attempt {} of {} by {}, {} ms after it was asked for: {from} {}{executed}",
        attempt.attempt, failure.method, record.account, attempt.elapsed_ms, failure.name
    )
}

fn who(by: &Author) -> String {
    match &by.hash {
        None => format!("{} (the library in the gateway)", by.plugin),
        Some(hash) => format!(
            "{} (generation {}, {})",
            by.plugin,
            by.generation,
            hash.get(..12).unwrap_or(hash)
        ),
    }
}

fn beside<T>(of: &Provenance<T>) -> Vec<String> {
    let failed = of.failed.as_ref();
    let failed = failed.map(|it| {
        format!(
            "{} was asked first and did not answer: {}",
            it.plugin, it.why
        )
    });
    let corrected = of.corrected.as_ref();
    let corrected = corrected.map(|it| format!("The host did not let that pass: it {}", it.breach));
    failed.into_iter().chain(corrected).collect()
}

fn words(decision: Decision) -> String {
    match decision {
        Decision::GiveUp => "give up".into(),
        Decision::Park { seconds } => format!("give up and park the account for {seconds} s"),
        Decision::Retry {
            after_ms,
            other_link,
        } => format!(
            "retry after {after_ms} ms{}",
            if other_link { " over another link" } else { "" }
        ),
    }
}

fn bounds(record: &DecisionRecord, limits: &Limits) -> Bounds {
    let attempt = &record.attempt;
    let wait = imposed_wait(&attempt.failure).max(attempt.verdict.wait);
    let most = u64::try_from(limits.max_wait.as_millis()).unwrap_or(u64::MAX);
    let breach = |breach: Option<String>| breach.into_iter();
    let named = record.named.corrected.as_ref().map(|it| it.breach.clone());
    let decided = record.decided.as_ref().and_then(|by| by.corrected.as_ref());
    Bounds {
        telegram_wait_ms: wait.map(|seconds| seconds.saturating_mul(1_000)),
        deadline_left_ms: attempt.deadline_left_ms,
        wait_left_ms: most.saturating_sub(attempt.slept_ms),
        attempts_left: limits.max_attempts.saturating_sub(attempt.attempt),
        repeatable: attempt.idempotent || attempt.failure.execution != Execution::MaybeExecuted,
        broken: breach(named)
            .chain(breach(decided.map(|it| it.breach.clone())))
            .collect(),
    }
}
