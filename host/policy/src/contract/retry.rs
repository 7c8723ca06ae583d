use sluice_domain::{Attempt, Decision, Failure, Verdict};

use crate::contract::Decides;
use crate::runtime::{Host, Moment, Reply, Runner};

#[allow(missing_docs, clippy::all, clippy::pedantic, reason = "generated")]
pub(crate) mod bindings {
    wasmtime::component::bindgen!({
        path: ["../../wit/core", "../../wit/host", "../../wit/retry"],
        world: "sluice:retry/retry-policy@1.0.0",
        ownership: Borrowing { duplicate_if_necessary: false },
    });
}

pub(super) use bindings::RetryPolicyPre;
use bindings::exports::sluice::retry::policy as wit;

/// The argument of `decide`.
fn question(attempt: &Attempt) -> wit::Attempt<'_> {
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
        name: _,
        pattern,
        number,
        method,
        account_kind,
        execution,
    } = failure;
    wit::Failure {
        layer: layer.code(),
        code: *code,
        pattern,
        number: *number,
        method,
        account_kind: account_kind.code(),
        execution: execution.code(),
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
        advice: _,
    } = verdict;
    wit::Verdict {
        category: category.code(),
        code,
        status: *status,
        retryable: *retryable,
        wait: *wait,
        wait_scope: wait_scope.code(),
        severity: severity.code(),
    }
}

/// The answer of `decide`; none for an abstention, which an answer of a later contract counts as.
fn answer(decision: &wit::Decision) -> Option<Decision> {
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

super::contract!(RetryPolicyPre, bindings::RetryPolicy, sluice_retry_policy);

impl Decides for Runner<RetryPolicyPre<Host>> {
    fn decide(&self, attempt: &Attempt, moment: Moment) -> Reply<Option<Decision>> {
        let question = question(attempt);
        self.ask(moment, |exports, store| {
            exports.sluice_retry_policy().call_decide(store, question)
        })
        .map(|(decision, spent)| (answer(&decision), spent))
    }
}
