//! The contracts in `wit/`, against each other and against the gateway's own vocabulary.

use std::path::Path;

use sluice_domain::{AccountKind, Category, Execution, Layer, Severity, WaitScope};
use wit_parser::{Resolve, TypeDefKind};

fn text(file: &str) -> String {
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    std::fs::read_to_string(wit.join(file)).unwrap()
}

/// Field names of a record of a package, in order.
fn fields(package: &str, record: &str) -> Vec<String> {
    let mut resolve = Resolve::default();
    for file in ["core/core.wit", "host/host.wit", package] {
        resolve.push_str(file, &text(file)).unwrap();
    }
    let found = resolve.types.iter().find_map(|(_, ty)| match &ty.kind {
        TypeDefKind::Record(found) if ty.name.as_deref() == Some(record) => Some(&found.fields),
        _ => None,
    });
    let fields = found.unwrap_or_else(|| panic!("no record {record} in {package}"));
    fields.iter().map(|field| field.name.clone()).collect()
}

/// Breaks when the same thing is described differently to two kinds of plugins, or what a question
/// or answer is made of loses the list by which it can grow.
#[test]
fn the_packages_describe_the_same_things_alike() {
    const RETRY: &str = "retry/retry.wit";
    const CATEGORIZE: &str = "categorize/categorize.wit";
    const EXPORT: &str = "export/export.wit";
    let without = |file, record, names: &[&str]| {
        let mut fields = fields(file, record);
        fields.retain(|field| !names.contains(&field.as_str()));
        fields
    };
    let alike = without(CATEGORIZE, "failure", &["extensions"]);
    assert_eq!(fields(RETRY, "failure"), alike);
    let alike = without(CATEGORIZE, "verdict", &["extensions", "advice"]);
    assert_eq!(fields(RETRY, "verdict"), alike);
    for (file, record) in [
        (RETRY, "attempt"),
        (RETRY, "repeat"),
        (RETRY, "later"),
        (CATEGORIZE, "failure"),
        (CATEGORIZE, "verdict"),
        (EXPORT, "batch"),
        (EXPORT, "later"),
    ] {
        assert_eq!(
            fields(file, record).last().unwrap(),
            "extensions",
            "{record}"
        );
    }
}

/// Breaks when a number in `sluice:core` stands for something else than in the gateway.
#[test]
fn the_numbers_of_the_core_package_are_the_gateways() {
    let core = text("core/core.wit").replace("///", " ");
    let core = core.split_whitespace().collect::<Vec<_>>().join(" ");
    for category in Category::ALL {
        let line = format!("{} {}", category.code(), category.as_str());
        assert!(core.contains(&line), "{line}");
    }
    let layers = [
        (Layer::Telegram, "Telegram answered"),
        (Layer::Network, "the transport failed"),
        (Layer::Timeout, "a deadline passed"),
        (Layer::Gateway, "the gateway itself"),
    ];
    let layers = layers.map(|(layer, words)| (layer.code(), words));
    let executions = [
        (Execution::Refused, "refused by Telegram"),
        (Execution::NeverSent, "never sent"),
        (Execution::MaybeExecuted, "sent and nothing is known"),
    ];
    let executions = executions.map(|(execution, words)| (execution.code(), words));
    let kinds = [
        (AccountKind::User, "a user's account"),
        (AccountKind::Bot, "a bot"),
    ];
    let kinds = kinds.map(|(kind, words)| (kind.code(), words));
    let scopes = [
        (WaitScope::Call, "this call"),
        (WaitScope::Chat, "the method in this chat"),
        (WaitScope::Method, "the method for this account"),
        (WaitScope::Account, "the whole account"),
        (WaitScope::Datacenter, "the whole data center"),
    ];
    let scopes = scopes.map(|(scope, words)| (scope.code(), words));
    let severities = [
        (Severity::Info, "info"),
        (Severity::Warning, "warning"),
        (Severity::Error, "error"),
        (Severity::Critical, "critical"),
    ];
    let severities = severities.map(|(severity, words)| (severity.code(), words));
    let all = [&layers[..], &executions, &kinds, &scopes, &severities].concat();
    for (code, words) in all {
        let line = format!("{code} {words}");
        assert!(core.contains(&line), "{line}");
    }
}
