//! The shipped categorizer as a component: a thin wrapper over `sluice-standard-categorize`.

wit_bindgen::generate!({
    path: ["../../../wit/core", "../../../wit/host", "../../../wit/categorize"],
    world: "sluice:categorize/categorize-policy@1.0.0",
    generate_all,
});

use exports::sluice::categorize::policy as wit;
use sluice_domain as domain;

struct Component;

impl wit::Guest for Component {
    fn configure(settings: Vec<(String, String)>) -> Result<(), String> {
        match settings.first() {
            None => Ok(()),
            Some((name, _)) => Err(format!("unknown setting {name}: this policy has none")),
        }
    }

    fn categorize(failure: wit::Failure) -> Option<wit::Verdict> {
        // None for a code from a gateway newer than this component.
        let verdict = sluice_standard_categorize::categorize(&read(failure)?);
        Some(wit::Verdict {
            category: verdict.category.code(),
            code: verdict.code,
            status: verdict.status,
            retryable: verdict.retryable,
            wait: verdict.wait,
            wait_scope: verdict.wait_scope.code(),
            severity: verdict.severity.code(),
            advice: verdict.advice,
            extensions: Vec::new(),
        })
    }
}

fn read(from: wit::Failure) -> Option<domain::Failure> {
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

fn known<T: Copy>(all: &[T], code: u32) -> Option<T> {
    all.get(usize::try_from(code).ok()?).copied()
}

export!(Component);
