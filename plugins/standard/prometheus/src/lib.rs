//! The shipped exporter: the text format of Prometheus, version 0.0.4, served at `/metrics`
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>). No I/O; the component and the
//! gateway link the same code.

use std::fmt::Write as _;

use sluice_domain::{Batch, Delivery, Sample, SampleKind};

/// Where the text is served.
pub const PATH: &str = "/metrics";
/// Its media type.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Encodes a batch.
pub fn export(batch: &Batch) -> Vec<Delivery> {
    vec![Delivery::Serve {
        path: PATH.to_owned(),
        content_type: CONTENT_TYPE.to_owned(),
        body: encode(&batch.samples),
    }]
}

fn encode(samples: &[Sample]) -> String {
    // A family's lines must stand together. Sorting by name alone would put `x_bytes` between
    // `x` and its `x_count`.
    let mut ordered: Vec<&Sample> = samples.iter().collect();
    ordered.sort_by(|a, b| family(a).cmp(family(b)));
    let mut text = String::with_capacity(samples.len() * 96);
    let mut current = None;
    for sample in ordered {
        let name = family(sample);
        if current != Some(name) {
            head(&mut text, name, sample);
            current = Some(name);
        }
        line(&mut text, sample);
    }
    text
}

/// The name a sample is declared under: the parts of a summary share one.
fn family(sample: &Sample) -> &str {
    let name = sample.name.as_str();
    if sample.kind != SampleKind::Summary {
        return name;
    }
    name.strip_suffix("_sum")
        .or_else(|| name.strip_suffix("_count"))
        .unwrap_or(name)
}

fn head(text: &mut String, name: &str, sample: &Sample) {
    if !sample.help.is_empty() {
        text.push_str("# HELP ");
        push_name(text, name, true);
        text.push(' ');
        push_escaped(text, &sample.help, false);
        text.push('\n');
    }
    text.push_str("# TYPE ");
    push_name(text, name, true);
    text.push_str(match sample.kind {
        SampleKind::Counter => " counter\n",
        SampleKind::Gauge => " gauge\n",
        SampleKind::Summary => " summary\n",
    });
}

fn line(text: &mut String, sample: &Sample) {
    push_name(text, &sample.name, true);
    for (index, (label, value)) in sample.labels.iter().enumerate() {
        text.push(if index == 0 { '{' } else { ',' });
        push_name(text, label, false);
        text.push_str("=\"");
        push_escaped(text, value, true);
        text.push('"');
    }
    if !sample.labels.is_empty() {
        text.push('}');
    }
    text.push(' ');
    push_value(text, sample.value);
    text.push('\n');
}

/// Metric names are `[a-zA-Z_:][a-zA-Z0-9_:]*`, label names the same without `:`. Anything else
/// becomes an underscore, because one bad name would make the whole scrape fail.
fn push_name(text: &mut String, name: &str, metric: bool) {
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        text.push('_');
    }
    for c in name.chars() {
        let fits = c.is_ascii_alphanumeric() || c == '_' || (metric && c == ':');
        text.push(if fits { c } else { '_' });
    }
}

fn push_escaped(text: &mut String, value: &str, quotes: bool) {
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '"' if quotes => text.push_str("\\\""),
            other => text.push(other),
        }
    }
}

fn push_value(text: &mut String, value: f64) {
    if value.is_nan() {
        text.push_str("NaN");
    } else if value.is_infinite() {
        text.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    } else {
        // A String takes all text.
        let _ = write!(text, "{value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(name: &str, kind: SampleKind, labels: &[(&str, &str)], value: f64) -> Sample {
        Sample {
            name: name.into(),
            help: String::new(),
            kind,
            labels: labels
                .iter()
                .map(|(k, v)| ((*k).into(), (*v).into()))
                .collect(),
            value,
        }
    }

    #[test]
    fn families_stand_together_and_are_declared_once() {
        let mut calls = sample(
            "calls_total",
            SampleKind::Counter,
            &[("account", "demo")],
            3.0,
        );
        calls.help = "Calls made\nso far".into();
        let samples = [
            calls,
            sample(
                "calls_total",
                SampleKind::Counter,
                &[("account", "demo-2")],
                4.0,
            ),
            sample("took", SampleKind::Summary, &[("quantile", "0.5")], 0.25),
            sample("took_bytes", SampleKind::Gauge, &[], -1.5),
            sample("took_count", SampleKind::Summary, &[], 2.0),
            sample("took_sum", SampleKind::Summary, &[], 0.5),
        ];
        let text = encode(&samples);
        assert_eq!(
            text,
            "# HELP calls_total Calls made\\nso far\n# TYPE calls_total counter\n\
             calls_total{account=\"demo\"} 3\ncalls_total{account=\"demo-2\"} 4\n\
             # TYPE took summary\ntook{quantile=\"0.5\"} 0.25\ntook_count 2\ntook_sum 0.5\n\
             # TYPE took_bytes gauge\ntook_bytes -1.5\n"
        );
    }

    #[test]
    fn nothing_in_a_sample_can_break_the_scrape() {
        let text = encode(&[sample(
            "9 lives",
            SampleKind::Gauge,
            &[("a:b", "say \"hi\"\\\n")],
            f64::INFINITY,
        )]);
        assert_eq!(
            text,
            "# TYPE _9_lives gauge\n_9_lives{a_b=\"say \\\"hi\\\"\\\\\\n\"} +Inf\n"
        );
    }
}
