use wasmtime::Store;
use wasmtime::component::InstancePre;

use crate::runtime::{Contract, Host};
use sluice_domain::{Attempt, Decision, Failure, Verdict};

#[allow(missing_docs, clippy::all, clippy::pedantic, reason = "generated")]
pub(crate) mod bindings {
    wasmtime::component::bindgen!({
        path: ["../../wit/core", "../../wit/host", "../../wit/retry"],
        world: "sluice:retry/retry-policy@0.1.0",
        ownership: Borrowing { duplicate_if_necessary: false },
    });
}

pub(crate) use bindings::RetryPolicyPre;
use bindings::exports::sluice::retry::policy as wit;

/// The argument of `decide`.
pub(crate) fn question(attempt: &Attempt) -> wit::Attempt<'_> {
    let Attempt {
        failure,
        verdict,
        attempt,
        elapsed_ms,
        slept_ms,
        deadline_left_ms,
        patience_left_ms,
        idempotent,
        recent_failures,
        recent_calls,
        recent_retries,
        entropy,
    } = attempt;
    wit::Attempt {
        failure: failure_record(failure),
        verdict: verdict_record(verdict),
        attempt: *attempt,
        elapsed_ms: *elapsed_ms,
        slept_ms: *slept_ms,
        deadline_left_ms: *deadline_left_ms,
        patience_left_ms: *patience_left_ms,
        idempotent: *idempotent,
        recent_failures: *recent_failures,
        recent_calls: *recent_calls,
        recent_retries: *recent_retries,
        entropy: *entropy,
        extensions: &[],
    }
}

fn failure_record(failure: &Failure) -> wit::Failure<'_> {
    let Failure {
        layer,
        code,
        name,
        pattern,
        number,
        method,
        account_kind,
        execution,
    } = failure;
    wit::Failure {
        layer: layer.code(),
        code: *code,
        name,
        pattern,
        number: *number,
        method,
        account_kind: account_kind.code(),
        execution: execution.code(),
        extensions: &[],
    }
}

fn verdict_record(verdict: &Verdict) -> wit::Verdict<'_> {
    let Verdict {
        category,
        code,
        status,
        retryable,
        wait,
        wait_scope,
        severity,
        advice,
    } = verdict;
    wit::Verdict {
        category: category.code(),
        code,
        status: *status,
        retryable: *retryable,
        wait: *wait,
        wait_scope: wait_scope.code(),
        severity: severity.code(),
        advice,
        extensions: &[],
    }
}

/// The answer of `decide`; none for an abstention, which an answer of a later contract counts as.
pub(crate) fn answer(decision: &wit::Decision) -> Option<Decision> {
    match decision {
        wit::Decision::GiveUp => Some(Decision::GiveUp),
        wit::Decision::Retry(wit::Repeat {
            after_ms,
            other_link,
            extensions: _,
        }) => Some(Decision::Retry {
            after_ms: *after_ms,
            other_link: *other_link,
        }),
        wit::Decision::Park(seconds) => Some(Decision::Park { seconds: *seconds }),
        wit::Decision::Abstain
        | wit::Decision::Other(wit::Later {
            code: _,
            extensions: _,
        }) => None,
    }
}

impl Contract for RetryPolicyPre<Host> {
    type Exports = bindings::RetryPolicy;

    fn new(pre: InstancePre<Host>) -> wasmtime::Result<Self> {
        Self::new(pre)
    }

    fn instantiate(&self, store: &mut Store<Host>) -> wasmtime::Result<Self::Exports> {
        self.instantiate(store)
    }

    fn configure(
        exports: &Self::Exports,
        store: &mut Store<Host>,
        settings: &[(&str, &str)],
    ) -> wasmtime::Result<Result<(), String>> {
        exports
            .sluice_retry_policy()
            .call_configure(store, settings)
    }
}
