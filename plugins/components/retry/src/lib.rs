//! The shipped retry policy as a component: a thin wrapper over `sluice-standard-retry`.

wit_bindgen::generate!({
    path: ["../../../wit/core", "../../../wit/host", "../../../wit/retry"],
    world: "sluice:retry/retry-policy@1.0.0",
    generate_all,
});

use std::sync::OnceLock;

use exports::sluice::retry::policy as wit;
use sluice_domain as domain;
use sluice_standard_retry::Settings;

/// Of this instance; none when it was not configured.
static SETTINGS: OnceLock<Settings> = OnceLock::new();

struct Component;

impl wit::Guest for Component {
    fn configure(settings: Vec<(String, String)>) -> Result<(), String> {
        let pairs = settings
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let settings = Settings::read(pairs)?;
        // Once for each instance, says the contract.
        SETTINGS
            .set(settings)
            .map_err(|_| "was configured before".to_owned())
    }

    fn decide(attempt: wit::Attempt) -> wit::Decision {
        let Some(attempt) = read(attempt) else {
            // A code from a gateway newer than this component.
            return wit::Decision::Abstain;
        };
        let settings = SETTINGS.get().copied().unwrap_or_default();
        match settings.decide(&attempt) {
            domain::Decision::GiveUp => wit::Decision::GiveUp,
            domain::Decision::Retry {
                after_ms,
                other_link,
            } => wit::Decision::Retry(wit::Repeat {
                after_ms,
                other_link,
                extensions: Vec::new(),
            }),
            domain::Decision::Park { seconds } => wit::Decision::Park(seconds),
        }
    }
}

fn read(from: wit::Attempt) -> Option<domain::Attempt> {
    Some(domain::Attempt {
        failure: failure(from.failure)?,
        verdict: verdict(from.verdict)?,
        attempt: from.attempt,
        elapsed_ms: from.elapsed_ms,
        slept_ms: from.slept_ms,
        deadline_left_ms: from.deadline_left_ms,
        patience_left_ms: from.patience_left_ms,
        idempotent: from.idempotent,
        recent_failures: from.recent_failures,
        recent_calls: from.recent_calls,
        recent_retries: from.recent_retries,
        entropy: from.entropy,
    })
}

fn failure(from: wit::Failure) -> Option<domain::Failure> {
    Some(domain::Failure {
        layer: known(&domain::Layer::ALL, from.layer)?,
        code: from.code,
        // The contract carries the pattern and the number it stands for.
        name: String::new(),
        pattern: from.pattern,
        number: from.number,
        method: from.method,
        account_kind: known(
            &[domain::AccountKind::User, domain::AccountKind::Bot],
            from.account_kind,
        )?,
        execution: known(&domain::Execution::ALL, from.execution)?,
    })
}

fn verdict(from: wit::Verdict) -> Option<domain::Verdict> {
    Some(domain::Verdict {
        category: domain::Category::from_code(from.category)?,
        code: from.code,
        status: from.status,
        retryable: from.retryable,
        wait: from.wait,
        wait_scope: known(&domain::WaitScope::ALL, from.wait_scope)?,
        severity: known(&domain::Severity::ALL, from.severity)?,
        // Advice is for callers; a retry policy is not handed it.
        advice: String::new(),
    })
}

fn known<T: Copy>(all: &[T], code: u32) -> Option<T> {
    all.get(usize::try_from(code).ok()?).copied()
}

export!(Component);
