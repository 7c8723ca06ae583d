use crate::categorize::Verdict;
use crate::{AccountKind, Execution, Failure, Layer};

#[allow(missing_docs, clippy::all, clippy::pedantic, reason = "generated")]
pub mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/core", "../../wit/host", "../../wit/categorize"],
        world: "sluice:categorize/categorize-policy@1.0.0",
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_categorize",
    });
}

pub use bindings::exports::sluice::categorize::policy as wit;

/// The question.
pub fn read(from: wit::Failure) -> Failure {
    Failure {
        layer: Layer::from_code(from.layer),
        code: from.code,
        pattern: from.pattern,
        number: from.number,
        method: from.method,
        account_kind: AccountKind::from_code(from.account_kind),
        execution: Execution::from_code(from.execution),
        extensions: from.extensions,
    }
}

/// The answer.
pub fn answer(verdict: Verdict) -> wit::Verdict {
    wit::Verdict {
        category: verdict.category.code(),
        code: verdict.code,
        status: verdict.status,
        retryable: verdict.retryable,
        wait: verdict.wait,
        wait_scope: verdict.wait_scope.code(),
        severity: verdict.severity.code(),
        advice: verdict.advice,
        extensions: verdict.extensions,
    }
}
