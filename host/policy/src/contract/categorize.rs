use sluice_domain::{Category, Failure, Severity, Verdict, WaitScope};

use crate::contract::Categorizes;
use crate::runtime::{Host, Moment, Reply, Runner};

#[allow(missing_docs, clippy::all, clippy::pedantic, reason = "generated")]
pub(crate) mod bindings {
    wasmtime::component::bindgen!({
        path: ["../../wit/core", "../../wit/host", "../../wit/categorize"],
        world: "sluice:categorize/categorize-policy@1.0.0",
        ownership: Borrowing { duplicate_if_necessary: false },
    });
}

pub(super) use bindings::CategorizePolicyPre;
use bindings::exports::sluice::categorize::policy as wit;

/// The argument of `categorize`.
fn question(failure: &Failure) -> wit::Failure<'_> {
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
        extensions: &[],
    }
}

/// The answer of `categorize`, with `native` standing in for numbers that this gateway does not
/// know.
fn answer(verdict: wit::Verdict, native: impl Fn() -> Verdict) -> Verdict {
    let wit::Verdict {
        category,
        code,
        status,
        retryable,
        wait,
        wait_scope,
        severity,
        advice,
        extensions: _,
    } = verdict;
    Verdict {
        category: Category::from_code(category).unwrap_or_else(|| native().category),
        code,
        status,
        retryable,
        wait,
        wait_scope: known(&WaitScope::ALL, wait_scope).unwrap_or_else(|| native().wait_scope),
        severity: known(&Severity::ALL, severity).unwrap_or_else(|| native().severity),
        advice,
    }
}

fn known<T: Copy>(all: &[T], code: u32) -> Option<T> {
    all.get(usize::try_from(code).ok()?).copied()
}

super::contract!(
    CategorizePolicyPre,
    bindings::CategorizePolicy,
    sluice_categorize_policy
);

impl Categorizes for Runner<CategorizePolicyPre<Host>> {
    fn categorize(&self, failure: &Failure, moment: Moment) -> Reply<Option<Verdict>> {
        let question = question(failure);
        let (verdict, spent) = self.ask(moment, |exports, store| {
            exports
                .sluice_categorize_policy()
                .call_categorize(store, question)
        })?;
        let native = || sluice_standard_categorize::categorize(failure);
        Ok((verdict.map(|verdict| answer(verdict, native)), spent))
    }
}
