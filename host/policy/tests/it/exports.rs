//! Exporters whose deliveries are sent: to targets that the configuration names, and nowhere else.

use std::collections::BTreeMap;

use sluice_domain::{Batch, Happening, Sample, SampleKind, Severity};
use sluice_policy::{Carrier, Kind, Mode, Outgoing};

use crate::fixture::Fixture;
use crate::guests;

fn batch(value: f64) -> Batch {
    Batch {
        at_ms: 1_800_000_000_000,
        samples: vec![Sample {
            name: "sluice_calls_total".into(),
            help: "Calls.".into(),
            kind: SampleKind::Counter,
            labels: vec![("account".into(), "demo".into())],
            value,
        }],
        events: vec![Happening {
            at_ms: 1_800_000_000_000,
            name: "flood".into(),
            account: None,
            severity: Severity::Warning,
            attributes: Vec::new(),
        }],
        extensions: Vec::new(),
    }
}

fn targets<const N: usize>(targets: [(&str, Carrier); N]) -> BTreeMap<String, Carrier> {
    let targets = targets.into_iter();
    targets.map(|(name, takes)| (name.into(), takes)).collect()
}

fn shipped(name: &str) -> Vec<u8> {
    std::fs::read(guests::shipped().join(format!("{name}.wasm"))).unwrap()
}

/// What is sent of the calls and events, with its target; the gateway's own figures are left out.
fn texts(sent: Vec<Outgoing>) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for sent in sent {
        let body = String::from_utf8(sent.body).unwrap();
        let wanted = |line: &&str| line.starts_with("sluice_calls") || line.starts_with("_e{");
        let of_target = body.lines().filter(wanted);
        lines.extend(of_target.map(|line| (sent.target.clone(), line.to_owned())));
    }
    lines
}

/// Breaks when a shipped exporter is asked though it can send nowhere, or is not as soon as the
/// configuration has its target.
#[test]
fn shipped_exporters_are_off_until_their_target_is_configured() {
    let fixture = Fixture::with(Some(guests::shipped()));
    let mode = |name: &str| fixture.plugin(name).mode;
    assert_eq!(mode("prometheus"), Mode::Live);
    assert_eq!((mode("otlp"), mode("statsd")), (Mode::Off, Mode::Off));
    assert_eq!(fixture.policies.export(&batch(2.0)), []);
    assert_eq!(fixture.plugin("statsd").calls, 0);

    fixture
        .policies
        .set_targets(targets([("statsd", Carrier::Datagram)]));
    assert_eq!((mode("otlp"), mode("statsd")), (Mode::Off, Mode::Live));
    let counter = |added: &str| {
        let line = format!("sluice_calls_total.account.demo:{added}|c");
        vec![("statsd".to_owned(), line)]
    };
    assert_eq!(texts(fixture.policies.export(&batch(5.0))), counter("3"));
    // A scrape between two batches sends nothing and takes nothing away.
    fixture.policies.scrape(&batch(6.0));
    assert_eq!(texts(fixture.policies.export(&batch(6.5))), counter("1.5"));
    assert_eq!(texts(fixture.policies.export(&batch(6.5))), []);

    fixture
        .policies
        .set_targets(targets([("otlp-logs", Carrier::Http)]));
    let sent = fixture.policies.export(&batch(7.0));
    assert_eq!(sent.len(), 1, "metrics have no target");
    assert_eq!(sent[0].target, "otlp-logs");
    assert_eq!(sent[0].content_type.as_deref(), Some("application/json"));
    for name in ["otlp", "statsd", "prometheus"] {
        let view = fixture.plugin(name);
        assert_eq!((view.clamps, view.failures), (0, 0), "{view:?}");
    }
}

/// Breaks when an exporter can send to what the operator did not name, or its operator is not told.
#[test]
fn an_exporter_that_names_an_unknown_target_is_let_in_and_shown() {
    let fixture = Fixture::bare();
    let view = fixture.admit("statsd.wasm", &shipped("statsd"));
    assert_eq!((view.kind, view.last_error), (Some(Kind::Export), None));
    assert_eq!(fixture.policies.export(&batch(1.0)), []);
    let view = fixture.plugin("statsd");
    let why = view.last_error.unwrap();
    assert!(why.contains("[export.targets.statsd]"), "{why}");
    assert!(view.clamps > 0 && view.failures == 0);

    // The right name, and what it takes is wrong.
    fixture
        .policies
        .set_targets(targets([("statsd", Carrier::Http)]));
    assert_eq!(fixture.policies.export(&batch(2.0)), []);
    let why = fixture.plugin("statsd").last_error.unwrap();
    assert!(why.contains("a target for HTTP"), "{why}");
}

#[test]
fn settings_reach_the_shipped_exporters_and_wrong_ones_are_refused() {
    let fixture = Fixture::with(Some(guests::shipped()));
    fixture
        .policies
        .set_targets(targets([("dog", Carrier::Datagram)]));
    let settings = b"[settings]\ntarget = \"dog\"\ndialect = \"dogstatsd\"\n";
    let view = fixture.admit("statsd.toml", settings);
    assert_eq!((view.mode, view.last_error), (Mode::Live, None));
    let sent = texts(fixture.policies.export(&batch(1.0)));
    let line = "sluice_calls_total:1|c|#account:demo";
    assert_eq!(sent[0], ("dog".to_owned(), line.to_owned()));
    assert!(sent[1].1.starts_with("_e{12,12}:sluice flood|"), "{sent:?}");
    let view = fixture.admit("statsd.toml", b"[settings]\ndialect = \"etsy\"\n");
    let why = view.last_error.unwrap();
    assert!(why.contains("\"statsd\", \"dogstatsd\""), "{why}");
}
