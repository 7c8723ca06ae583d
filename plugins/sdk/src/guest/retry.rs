use crate::retry::{Attempt, Decision, Verdict};
use crate::{AccountKind, Category, Execution, Failure, Layer, Severity, WaitScope};

#[allow(missing_docs, clippy::all, clippy::pedantic, reason = "generated")]
pub mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/core", "../../wit/host", "../../wit/retry"],
        world: "sluice:retry/retry-policy@1.0.0",
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_retry",
    });
}

pub use bindings::exports::sluice::retry::policy as wit;

/// The question.
pub fn read(from: wit::Attempt) -> Attempt {
    Attempt {
        failure: Failure {
            layer: Layer::from_code(from.failure.layer),
            code: from.failure.code,
            pattern: from.failure.pattern,
            number: from.failure.number,
            method: from.failure.method,
            account_kind: AccountKind::from_code(from.failure.account_kind),
            execution: Execution::from_code(from.failure.execution),
            extensions: Vec::new(),
        },
        verdict: Verdict {
            category: Category::from_code(from.verdict.category),
            code: from.verdict.code,
            status: from.verdict.status,
            retryable: from.verdict.retryable,
            wait: from.verdict.wait,
            wait_scope: WaitScope::from_code(from.verdict.wait_scope),
            severity: Severity::from_code(from.verdict.severity),
        },
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
        extensions: from.extensions,
    }
}

/// The answer.
pub fn answer(decision: Decision) -> wit::Decision {
    match decision {
        Decision::Abstain => wit::Decision::Abstain,
        Decision::GiveUp => wit::Decision::GiveUp,
        Decision::Retry {
            after_ms,
            other_link,
        } => wit::Decision::Retry(wit::Repeat {
            after_ms,
            other_link,
            extensions: Vec::new(),
        }),
        Decision::Park { seconds } => wit::Decision::Park(seconds),
    }
}
