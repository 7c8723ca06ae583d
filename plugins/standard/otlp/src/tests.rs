use serde_json::{Value, json};
use sluice_domain::{Batch, Delivery, Happening, Sample, SampleKind, Severity, Told};

use super::Settings;

fn sample(name: &str, kind: SampleKind, labels: &[(&str, &str)], value: f64) -> Sample {
    let labels = labels.iter();
    Sample {
        name: name.into(),
        help: "What it is.".into(),
        kind,
        labels: labels.map(|(k, v)| ((*k).into(), (*v).into())).collect(),
        value,
    }
}

fn batch(targets: &[&str]) -> Batch {
    let mut batch = Batch {
        at_ms: 1_800_000_005_000,
        samples: vec![
            sample(
                "calls_total",
                SampleKind::Counter,
                &[("account", "demo")],
                3.0,
            ),
            sample("sluice_info", SampleKind::Gauge, &[("version", "9")], 1.0),
            sample(
                "took_seconds",
                SampleKind::Summary,
                &[("quantile", "0.5")],
                0.25,
            ),
            sample(
                "took_seconds",
                SampleKind::Summary,
                &[("quantile", "0.9")],
                f64::NAN,
            ),
            sample("took_seconds_count", SampleKind::Summary, &[], 2.0),
            sample("took_seconds_sum", SampleKind::Summary, &[], 0.5),
        ],
        events: vec![Happening {
            at_ms: 1_800_000_001_000,
            name: "flood".into(),
            account: Some("demo".into()),
            severity: Severity::Warning,
            attributes: vec![("method".into(), "messages.sendMessage".into())],
        }],
        extensions: Vec::new(),
    };
    batch.tell(&Told {
        started_ms: 1_700_000_000_000,
        since_ms: 1_800_000_000_000,
        increases: vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.25],
        targets: Some(targets.iter().map(|name| (*name).into()).collect()),
    });
    batch
}

fn sent(settings: &Settings, batch: &Batch) -> Vec<(String, Value)> {
    let deliveries = settings.export(batch).into_iter();
    deliveries
        .map(|delivery| match delivery {
            Delivery::Http { target, body, .. } => (target, serde_json::from_slice(&body).unwrap()),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn samples_become_sums_gauges_and_summaries() {
    let sent = sent(&Settings::default(), &batch(&["otlp"]));
    let [(target, body)] = sent.as_slice() else {
        panic!("{sent:#?}");
    };
    assert_eq!(target, "otlp");
    let of = &body["resourceMetrics"][0];
    assert_eq!(
        of["resource"]["attributes"],
        json!([
            {"key": "service.name", "value": {"stringValue": "sluice"}},
            {"key": "service.version", "value": {"stringValue": "9"}},
        ])
    );
    let metrics = &of["scopeMetrics"][0]["metrics"];
    assert_eq!(
        metrics[0],
        json!({
            "name": "calls_total", "description": "What it is.", "unit": "",
            "sum": {
                "aggregationTemporality": 2, "isMonotonic": true,
                "dataPoints": [{
                    "attributes": [{"key": "account", "value": {"stringValue": "demo"}}],
                    "startTimeUnixNano": "1700000000000000000",
                    "timeUnixNano": "1800000005000000000",
                    "asDouble": 3.0,
                }],
            },
        })
    );
    assert_eq!(metrics[1]["gauge"]["dataPoints"][0]["asDouble"], 1.0);
    assert_eq!(
        metrics[2],
        json!({
            "name": "took_seconds", "description": "What it is.", "unit": "s",
            "summary": {"dataPoints": [{
                "quantileValues": [{"quantile": 0.5, "value": 0.25}],
                "count": "2", "sum": 0.5, "attributes": [],
                "startTimeUnixNano": "1700000000000000000",
                "timeUnixNano": "1800000005000000000",
            }]},
        })
    );
    assert_eq!(metrics[3], Value::Null);
}

#[test]
fn events_go_to_a_target_of_their_own_and_only_when_there_is_one() {
    let elsewhere = sent(&Settings::default(), &batch(&["statsd"]));
    assert_eq!(
        elsewhere.len(),
        1,
        "so that the gateway shows what is missing"
    );
    assert_eq!(elsewhere[0].0, "otlp");
    let sent = sent(&Settings::default(), &batch(&["otlp-logs"]));
    let [(target, body)] = sent.as_slice() else {
        panic!("{sent:#?}");
    };
    assert_eq!(target, "otlp-logs");
    let record = &body["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0];
    assert_eq!(record["severityNumber"], 13);
    assert_eq!(record["eventName"], "sluice.flood");
    assert_eq!(
        record["body"]["stringValue"],
        "flood of demo: method messages.sendMessage"
    );
    assert_eq!(record["attributes"][0]["value"]["stringValue"], "demo");
}

#[test]
fn deltas_are_what_was_added_since_the_batch_before() {
    let settings = Settings::read([("temporality", "delta"), ("service_name", "gate")]).unwrap();
    let sent = sent(&settings, &batch(&["otlp"]));
    let of = &sent[0].1["resourceMetrics"][0];
    let sum = &of["scopeMetrics"][0]["metrics"][0]["sum"];
    assert_eq!(sum["aggregationTemporality"], 1);
    assert_eq!(sum["dataPoints"][0]["asDouble"], 1.0);
    assert_eq!(
        sum["dataPoints"][0]["startTimeUnixNano"],
        "1800000000000000000"
    );
}

#[test]
fn many_points_are_spread_over_requests() {
    let mut large = batch(&["otlp"]);
    for family in 0..3 {
        let name = format!("m{family}");
        for point in 0..6_000 {
            let label = point.to_string();
            large
                .samples
                .push(sample(&name, SampleKind::Gauge, &[("n", &label)], 1.0));
        }
    }
    let sent = sent(&Settings::default(), &large);
    assert_eq!(sent.len(), 3);
}

#[test]
fn a_wrong_setting_is_told_with_what_would_be_right() {
    for (name, value, error) in [
        (
            "temporality",
            "both",
            "temporality is one of \"cumulative\", \"delta\", not \"both\"",
        ),
        ("target", " ", "target is empty"),
        (
            "resource",
            "prod",
            "resource is a list of name=value with commas between",
        ),
        (
            "url",
            "http://x",
            "unknown setting \"url\"; there are: target, logs_target, temporality, service_name, \
             resource",
        ),
    ] {
        assert_eq!(Settings::read([(name, value)]).unwrap_err(), error);
    }
}
