use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use sluice_domain::{Batch, Sample, SampleKind};

use crate::{Settings, Temporality, attributes, double, nanos, scope};

/// Data points of one request. Collectors take 4 to 20 MiB at once; a point has some 300 bytes.
const POINTS: usize = 10_000;
/// What the protocol calls cumulative and delta.
const CUMULATIVE: u8 = 2;
const DELTA: u8 = 1;

/// The bodies of the requests that carry the samples.
pub(crate) fn requests<'a>(
    settings: &'a Settings,
    batch: &'a Batch,
    resource: &'a Value,
) -> impl Iterator<Item = Value> + 'a {
    let mut requests: Vec<Vec<Value>> = Vec::new();
    let mut room = 0;
    for (metric, points) in metrics(settings, batch) {
        if points > room {
            requests.push(Vec::new());
            room = POINTS;
        }
        room = room.saturating_sub(points);
        if let Some(request) = requests.last_mut() {
            request.push(metric);
        }
    }
    requests.into_iter().map(move |metrics| {
        json!({ "resourceMetrics": [{
            "resource": resource,
            "scopeMetrics": [{ "scope": scope(), "metrics": metrics }],
        }] })
    })
}

/// Every metric with the number of its points, in the order of names.
fn metrics(settings: &Settings, batch: &Batch) -> Vec<(Value, usize)> {
    let increases = match settings.temporality {
        Temporality::Cumulative => None,
        Temporality::Delta => batch.increases(),
    };
    let mut families: BTreeMap<&str, Vec<(usize, &Sample)>> = BTreeMap::new();
    for (index, sample) in batch.samples.iter().enumerate() {
        families
            .entry(family(sample))
            .or_default()
            .push((index, sample));
    }
    let mut metrics = Vec::new();
    for (name, samples) in families {
        let Some((_, first)) = samples.first() else {
            continue;
        };
        let (key, data, points) = match first.kind {
            SampleKind::Counter => {
                let points = points(batch, &samples, increases.as_deref());
                let count = points.len();
                let temporality = if increases.is_some() {
                    DELTA
                } else {
                    CUMULATIVE
                };
                let sum = json!({
                    "dataPoints": points,
                    "aggregationTemporality": temporality,
                    "isMonotonic": true,
                });
                ("sum", sum, count)
            }
            SampleKind::Gauge => {
                let points: Vec<_> = samples
                    .iter()
                    .map(|(_, sample)| {
                        json!({
                            "attributes": attributes(&sample.labels),
                            "timeUnixNano": nanos(batch.at_ms),
                            "asDouble": double(sample.value),
                        })
                    })
                    .collect();
                let count = points.len();
                ("gauge", json!({ "dataPoints": points }), count)
            }
            SampleKind::Summary => {
                let points = summaries(batch, name, &samples);
                let count = points.len();
                ("summary", json!({ "dataPoints": points }), count)
            }
        };
        let mut help = samples.iter().map(|(_, sample)| sample.help.as_str());
        let help = help.find(|help| !help.is_empty());
        metrics.push((
            json!({
                "name": name,
                "description": help.unwrap_or_default(),
                "unit": unit(name),
                key: data,
            }),
            points,
        ));
    }
    metrics
}

/// The points of a counter: since the start, or what was added since the batch before.
fn points(batch: &Batch, samples: &[(usize, &Sample)], increases: Option<&[f64]>) -> Vec<Value> {
    let started = batch.started_ms().unwrap_or(batch.at_ms);
    let from = match increases {
        Some(_) => batch.since_ms().unwrap_or(started),
        None => started,
    };
    let value = |index: usize, sample: &Sample| match increases {
        Some(increases) => increases.get(index).copied().unwrap_or_default(),
        None => sample.value,
    };
    let samples = samples.iter();
    samples
        .map(|(index, sample)| {
            json!({
                "attributes": attributes(&sample.labels),
                "startTimeUnixNano": nanos(from),
                "timeUnixNano": nanos(batch.at_ms),
                "asDouble": double(value(*index, sample)),
            })
        })
        .collect()
}

/// One point for each set of labels, put together from `x{quantile}`, `x_sum` and `x_count`.
fn summaries(batch: &Batch, name: &str, samples: &[(usize, &Sample)]) -> Vec<Value> {
    let mut points: BTreeMap<Vec<(String, String)>, Map<String, Value>> = BTreeMap::new();
    for (_, sample) in samples {
        let of_point = sample
            .labels
            .iter()
            .filter(|(label, _)| label != "quantile");
        let point = points.entry(of_point.cloned().collect()).or_default();
        if sample.name == name {
            let quantile = sample.labels.iter().find(|(label, _)| label == "quantile");
            let quantile = quantile.and_then(|(_, share)| share.parse::<f64>().ok());
            // The protocol wants values that are not negative, and has no "not known".
            if let Some(quantile) = quantile.filter(|_| sample.value >= 0.0) {
                let values = point.entry("quantileValues").or_insert_with(|| json!([]));
                if let Some(values) = values.as_array_mut() {
                    values.push(json!({ "quantile": quantile, "value": double(sample.value) }));
                }
            }
        } else if sample.name.ends_with("_sum") {
            point.insert("sum".into(), double(sample.value));
        } else {
            point.insert("count".into(), json!(whole(sample.value)));
        }
    }
    let started = batch.started_ms().unwrap_or(batch.at_ms);
    let points = points.into_iter();
    points
        .map(|(labels, mut point)| {
            point.insert("attributes".into(), json!(attributes(&labels)));
            point.insert("startTimeUnixNano".into(), json!(nanos(started)));
            point.insert("timeUnixNano".into(), json!(nanos(batch.at_ms)));
            Value::Object(point)
        })
        .collect()
}

/// The name a sample is declared under: the parts of a summary share one.
fn family(sample: &Sample) -> &str {
    let name = sample.name.as_str();
    if sample.kind != SampleKind::Summary {
        return name;
    }
    let part = name
        .strip_suffix("_sum")
        .or_else(|| name.strip_suffix("_count"));
    part.unwrap_or(name)
}

/// The unit that a name ends in, in the words of UCUM; empty where it says none.
fn unit(name: &str) -> &'static str {
    let name = name.strip_suffix("_total").unwrap_or(name);
    if name.ends_with("_seconds") {
        "s"
    } else if name.ends_with("_bytes") {
        "By"
    } else {
        ""
    }
}

/// A count as the text of a whole number.
fn whole(value: f64) -> String {
    format!("{:.0}", value.max(0.0))
}
