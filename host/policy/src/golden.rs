//! Questions every plugin must answer well before it is let in: each error of the catalogue.

use sluice_domain::{
    AccountKind, Attempt, Batch, Decision, Delivery, Execution, Failure, Happening, Layer, Sample,
    SampleKind, Severity, Told, UnixMillis,
};
use sluice_standard_categorize::{catalogue, categorize};

use crate::Limits;
use crate::contract::Body;
use crate::envelope::{bound_decision, bound_verdict};
use crate::runtime::Fault;

/// The number put in place of `%d`.
const NUMBER: &str = "17";

/// When the cases are put, for a policy that looks at a clock.
const AT: UnixMillis = UnixMillis(1_700_000_000_000);

/// Puts the golden cases to a component. The error names the case.
pub(crate) fn check(body: &Body, limits: &Limits) -> Result<(), String> {
    match body {
        Body::Retry(_) => failures().try_for_each(|failure| retry(body, failure, limits)),
        Body::Categorize(_) => failures().try_for_each(|failure| categorizer(body, &failure)),
        Body::Export(_) => exporter(body),
    }
}

/// Puts one case to a component, whatever it answers: that it can be asked at all.
pub(crate) fn first(body: &Body) -> Result<(), String> {
    let Some(failure) = failures().next() else {
        return Ok(());
    };
    let answered = match body {
        Body::Retry(_) => body.decide(&attempt(failure), AT).map(drop),
        Body::Categorize(_) => body.categorize(&failure, AT).map(drop),
        Body::Export(_) => body.export(&batch()).map(drop),
    };
    answered.map_err(|fault| at("first question", &fault))
}

/// Every error of the catalogue, and what breaks on the way.
fn failures() -> impl Iterator<Item = Failure> {
    const METHOD: &str = "messages.sendMessage";
    let telegram = catalogue().iter().flat_map(|row| {
        let name = row.name.replace("%d", NUMBER);
        row.codes
            .iter()
            .filter(|code| **code != 0)
            .map(move |code| Failure::telegram(*code, &name, METHOD, AccountKind::User))
    });
    let local = [
        (Layer::Network, "CONNECTION_LOST", Execution::MaybeExecuted),
        (Layer::Network, "NOT_CONNECTED", Execution::NeverSent),
        (Layer::Timeout, "DEADLINE", Execution::MaybeExecuted),
        (Layer::Gateway, "OVERLOADED", Execution::NeverSent),
    ];
    telegram.chain(local.into_iter().map(|(layer, name, execution)| {
        Failure::local(layer, name, METHOD, AccountKind::Bot, execution)
    }))
}

fn retry(body: &Body, failure: Failure, limits: &Limits) -> Result<(), String> {
    let case = format!("golden case {}", failure.name);
    let mut attempt = attempt(failure);
    for (patience_ms, idempotent) in [(0, false), (30_000, true)] {
        attempt.patience_left_ms = patience_ms;
        attempt.idempotent = idempotent;
        let (decision, _) = body
            .decide(&attempt, AT)
            .map_err(|fault| at(&case, &fault))?;
        let (_, breach) = bound_decision(&attempt, decision.unwrap_or(Decision::GiveUp), limits);
        if let Some(breach) = breach {
            return Err(format!("{case}: {breach}"));
        }
    }
    Ok(())
}

fn attempt(failure: Failure) -> Attempt {
    Attempt {
        verdict: categorize(&failure),
        failure,
        attempt: 1,
        elapsed_ms: 20,
        slept_ms: 0,
        deadline_left_ms: 60_000,
        patience_left_ms: 0,
        idempotent: false,
        recent_failures: 1,
        recent_calls: 10,
        recent_retries: 0,
        entropy: 0x5eed_5eed_5eed_5eed,
    }
}

fn categorizer(body: &Body, failure: &Failure) -> Result<(), String> {
    let case = format!("golden case {}", failure.name);
    let (verdict, _) = body
        .categorize(failure, AT)
        .map_err(|fault| at(&case, &fault))?;
    match verdict.map(|verdict| bound_verdict(failure, verdict)) {
        Some((_, Some(breach))) => Err(format!("{case}: {breach}")),
        _ => Ok(()),
    }
}

fn exporter(body: &Body) -> Result<(), String> {
    let case = "golden case of an export";
    let (deliveries, _) = body.export(&batch()).map_err(|fault| at(case, &fault))?;
    for delivery in deliveries {
        if let Delivery::Serve { path, .. } = delivery {
            check_path(&path).map_err(|why| format!("{case}: {why}"))?;
        }
    }
    Ok(())
}

/// A small batch with something of everything, that says nothing of targets: an exporter shows by it
/// all that it serves and sends to.
pub(crate) fn batch() -> Batch {
    let sample = |name: &str, kind, value| Sample {
        name: name.into(),
        help: "A golden case.".into(),
        kind,
        labels: vec![("account".into(), "demo".into())],
        value,
    };
    let mut batch = Batch {
        at_ms: AT.0,
        samples: vec![
            sample("sluice_golden", SampleKind::Gauge, f64::NAN),
            sample("sluice_golden_seconds_count", SampleKind::Summary, 2.0),
            sample("sluice_golden_total", SampleKind::Counter, 1e300),
        ],
        events: vec![Happening {
            at_ms: AT.0,
            name: "account_state".into(),
            account: Some("demo".into()),
            severity: Severity::Info,
            attributes: vec![("state".into(), "ready".into())],
        }],
        extensions: Vec::new(),
    };
    batch.tell(&Told {
        started_ms: 1_600_000_000_000,
        since_ms: 1_600_000_000_000,
        increases: vec![0.0, 2.0, 1e300],
        targets: None,
    });
    batch
}

/// Whether the admin listener serves at this path for a plugin.
pub(crate) fn check_path(path: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.');
    let fits = path.starts_with('/')
        && (2..=128).contains(&path.len())
        && path.chars().all(plain)
        && !path.contains("..")
        && !matches!(path, "/livez" | "/readyz");
    if fits {
        Ok(())
    } else {
        Err(format!(
            "wants to serve at {path:?}, which is not a path for plugins"
        ))
    }
}

fn at(case: &str, fault: &Fault) -> String {
    format!("{case}: {fault}")
}
