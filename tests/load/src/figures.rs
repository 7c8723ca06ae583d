//! One JSON line per figure.

use std::time::Duration;

use serde_json::{Value, json};

/// A single number.
pub fn print(name: &str, value: &impl serde::Serialize) {
    line(&json!({ "figure": name, "value": value }));
}

/// Quantiles of a series, in microseconds.
pub fn latency(name: &str, series: &mut [Duration]) {
    series.sort_unstable();
    let at = |q: usize| series.get(series.len() * q / 1000).map(Duration::as_micros);
    line(
        &json!({ "figure": name, "n": series.len(), "p50_us": at(500), "p95_us": at(950), "p99_us": at(990) }),
    );
}

/// Calls per second.
pub fn rate(name: &str, parallel: usize, calls: usize, took: Duration) {
    let calls_done = u32::try_from(calls / parallel * parallel).unwrap_or(u32::MAX);
    let per_second = f64::from(calls_done) / took.as_secs_f64();
    line(
        &json!({ "figure": name, "parallel": parallel, "n": calls_done, "calls_per_second": per_second.round() }),
    );
}

fn line(value: &Value) {
    println!("{value}");
}
