use sluice_domain::{Batch, Delivery, Happening, Sample, SampleKind, Severity, Told};

use super::Settings;

fn sample(name: &str, kind: SampleKind, labels: &[(&str, &str)], value: f64) -> Sample {
    let labels = labels.iter();
    Sample {
        name: name.into(),
        help: String::new(),
        kind,
        labels: labels.map(|(k, v)| ((*k).into(), (*v).into())).collect(),
        value,
    }
}

fn batch() -> Batch {
    let method = ("method", "messages.sendMessage");
    let mut batch = Batch {
        at_ms: 1_800_000_005_000,
        samples: vec![
            sample(
                "calls_total",
                SampleKind::Counter,
                &[("account", "a"), method],
                9.0,
            ),
            sample("errors_total", SampleKind::Counter, &[], 4.0),
            sample("depth", SampleKind::Gauge, &[("where", "a,b|c #d\n")], -1.5),
            sample("unknown", SampleKind::Gauge, &[], f64::NAN),
            sample("took", SampleKind::Summary, &[("quantile", "0.5")], 0.25),
            sample("took_count", SampleKind::Summary, &[], 7.0),
            sample("took_sum", SampleKind::Summary, &[], 1.75),
        ],
        events: vec![Happening {
            at_ms: 1_800_000_001_234,
            name: "flood".into(),
            account: Some("a".into()),
            severity: Severity::Warning,
            attributes: vec![("method".into(), "é|x\n".into())],
        }],
        extensions: Vec::new(),
    };
    batch.tell(&Told {
        increases: vec![3.0, 0.0, 0.0, 0.0, 0.0, 2.0, 0.5],
        targets: Some(vec!["statsd".into()]),
        ..Told::default()
    });
    batch
}

fn lines(settings: &Settings, batch: &Batch) -> Vec<String> {
    let payloads = datagrams(settings, batch);
    let lines = payloads.iter().flat_map(|payload| payload.lines());
    lines.map(str::to_owned).collect()
}

fn datagrams(settings: &Settings, batch: &Batch) -> Vec<String> {
    let deliveries = settings.export(batch).into_iter();
    deliveries
        .map(|delivery| match delivery {
            Delivery::Datagram { target, payload } => {
                assert_eq!(target, settings.target);
                String::from_utf8(payload).unwrap()
            }
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn plain_lines_say_what_was_added_and_what_is() {
    assert_eq!(
        lines(&Settings::default(), &batch()),
        [
            "calls_total.account.a.method.messages_sendMessage:3|c",
            "depth.where.a_b_c__d_:0|g",
            "depth.where.a_b_c__d_:-1.5|g",
            "took.quantile.0_5:0.25|g",
            "took_count:2|c",
            "took_sum:0.5|c",
        ]
    );
    let prefixed = Settings::read([("prefix", "eu.gate")]).unwrap();
    assert!(lines(&prefixed, &batch())[0].starts_with("eu.gate.calls_total."));
}

#[test]
fn datadogs_lines_have_tags_and_there_are_events() {
    let settings = [("dialect", "dogstatsd"), ("tags", "env:prod")];
    let settings = Settings::read(settings).unwrap();
    assert_eq!(
        lines(&settings, &batch()),
        [
            "calls_total:3|c|#account:a,method:messages.sendMessage,env:prod",
            "depth:-1.5|g|#where:a_b_c__d_,env:prod",
            "took:0.25|g|#quantile:0.5,env:prod",
            "took_count:2|c|#env:prod",
            "took_sum:0.5|c|#env:prod",
            "_e{12,12}:sluice flood|method é x |d:1800000001|t:warning|#account:a,env:prod",
        ]
    );
}

#[test]
fn without_increases_counters_are_left_out() {
    let mut batch = batch();
    batch.extensions.clear();
    let lines = lines(&Settings::default(), &batch);
    assert!(!lines.is_empty() && lines.iter().all(|line| line.ends_with("|g")));
}

/// Breaks when a datagram can be cut on the way, or a line is lost or cut between two.
#[test]
fn datagrams_are_filled_and_never_too_large() {
    let mut batch = batch();
    for n in 0..500 {
        let label = n.to_string();
        let labels = [("n", label.as_str())];
        batch
            .samples
            .push(sample("gauge", SampleKind::Gauge, &labels, f64::from(n)));
    }
    let long = "x".repeat(2_000);
    batch
        .samples
        .push(sample(&long, SampleKind::Gauge, &[], 1.0));
    for bytes in [512, 1_432, 8_192] {
        let settings = Settings {
            datagram_bytes: bytes,
            ..Settings::default()
        };
        let datagrams = datagrams(&settings, &batch);
        assert!(datagrams.iter().all(|payload| payload.len() <= bytes));
        let filled = datagrams.iter().rev().skip(1);
        assert!(filled.clone().all(|payload| payload.len() > bytes - 64) || bytes > 2_000);
        let gauges = datagrams.iter().flat_map(|payload| payload.lines());
        assert_eq!(
            gauges.filter(|line| line.starts_with("gauge.n.")).count(),
            500
        );
    }
}

#[test]
fn a_wrong_setting_is_told_with_what_would_be_right() {
    for (pairs, error) in [
        (
            vec![("dialect", "etsy")],
            "dialect is one of \"statsd\", \"dogstatsd\", not \"etsy\"",
        ),
        (
            vec![("tags", "env:prod")],
            "tags need dialect = \"dogstatsd\"",
        ),
        (
            vec![("datagram_bytes", "9000")],
            "datagram_bytes is a whole number from 512 to 8192, not \"9000\"",
        ),
        (
            vec![("prefix", "a b")],
            "prefix has letters, digits, '_', '-' and '.', at most 64",
        ),
        (
            vec![("host", "x")],
            "unknown setting \"host\"; there are: target, dialect, prefix, tags, datagram_bytes",
        ),
    ] {
        assert_eq!(Settings::read(pairs).unwrap_err(), error);
    }
}
