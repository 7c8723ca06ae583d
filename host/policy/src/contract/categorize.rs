use wasmtime::Store;
use wasmtime::component::InstancePre;

use crate::runtime::{Contract, Host};
use sluice_domain::{Category, Failure, Severity, Verdict, WaitScope};

#[allow(missing_docs, clippy::all, clippy::pedantic, reason = "generated")]
pub(crate) mod bindings {
    wasmtime::component::bindgen!({
        path: ["../../wit/core", "../../wit/host", "../../wit/categorize"],
        world: "sluice:categorize/categorize-policy@0.1.0",
        ownership: Borrowing { duplicate_if_necessary: false },
    });
}

pub(crate) use bindings::CategorizePolicyPre;
use bindings::exports::sluice::categorize::policy as wit;

/// The argument of `categorize`.
pub(crate) fn question(failure: &Failure) -> wit::Failure<'_> {
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

/// The answer of `categorize`, with `native` standing in for numbers that this gateway does not
/// know.
pub(crate) fn answer(verdict: wit::Verdict, native: impl Fn() -> Verdict) -> Verdict {
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

impl Contract for CategorizePolicyPre<Host> {
    type Exports = bindings::CategorizePolicy;

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
            .sluice_categorize_policy()
            .call_configure(store, settings)
    }
}
