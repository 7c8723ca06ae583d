use std::collections::BTreeMap;

use sluice_domain::{Sample, SampleKind};

use crate::CallStats;
use crate::histogram::Histogram;

type Labels = Vec<(String, String)>;

/// Samples on their way into a batch.
pub(crate) struct Samples {
    help: BTreeMap<String, String>,
    samples: Vec<Sample>,
}

impl Samples {
    pub fn new(help: BTreeMap<String, String>) -> Self {
        Self {
            help,
            samples: Vec::new(),
        }
    }

    pub fn counter(&mut self, name: &str, labels: Labels, value: u64) {
        self.add(name, SampleKind::Counter, labels, float(value));
    }

    pub fn gauge(&mut self, name: &str, labels: Labels, value: f64) {
        self.add(name, SampleKind::Gauge, labels, value);
    }

    /// `name` with a `quantile` label each, then `name_sum` and `name_count`.
    pub fn summary(&mut self, name: &str, labels: Labels, histogram: &Histogram) {
        for (share, label) in [(0.5, "0.5"), (0.95, "0.95"), (0.99, "0.99")] {
            let Some(value) = histogram.quantile(share) else {
                continue;
            };
            let mut labels = labels.clone();
            labels.push(("quantile".to_owned(), label.to_owned()));
            self.add(name, SampleKind::Summary, labels, value);
        }
        let kind = SampleKind::Summary;
        let (sum, count) = (histogram.sum(), float(histogram.count()));
        self.add(&format!("{name}_sum"), kind, labels.clone(), sum);
        self.add(&format!("{name}_count"), kind, labels, count);
    }

    /// What the statistics of calls say.
    pub fn calls(&mut self, calls: &CallStats) {
        for (name, help) in [
            ("sluice_calls_total", "calls that ended, by outcome"),
            ("sluice_call_retries_total", "attempts after the first"),
            ("sluice_call_waits_total", "known waits that were slept"),
            (
                "sluice_call_duration_seconds",
                "from taking a call to its answer",
            ),
            (
                "sluice_account_connected",
                "1 when the last probes prove the connection, else 0",
            ),
            ("sluice_updates_total", "updates taken"),
            ("sluice_update_gaps_total", "gaps seen in the updates"),
        ] {
            self.explain(name, help);
        }
        calls.each(|account, counted| {
            let of_account = vec![("account".to_owned(), account.to_string())];
            let connected = f64::from(u8::from(counted.connected));
            self.gauge("sluice_account_connected", of_account.clone(), connected);
            self.counter("sluice_updates_total", of_account.clone(), counted.updates);
            self.counter("sluice_update_gaps_total", of_account.clone(), counted.gaps);
            for (method, counted) in &counted.methods {
                let mut labels = of_account.clone();
                labels.push(("method".to_owned(), method.clone()));
                let failed: u64 = counted.errors.values().sum();
                let outcomes = counted.errors.iter().map(|(c, n)| (c.as_str(), *n));
                let good = ("ok", counted.calls.saturating_sub(failed));
                for (outcome, count) in outcomes.chain([good]) {
                    let mut labels = labels.clone();
                    labels.push(("outcome".to_owned(), outcome.to_owned()));
                    self.counter("sluice_calls_total", labels, count);
                }
                let (retries, waits) = (counted.retries, counted.waits);
                self.counter("sluice_call_retries_total", labels.clone(), retries);
                self.counter("sluice_call_waits_total", labels.clone(), waits);
                self.summary("sluice_call_duration_seconds", labels, &counted.latency);
            }
        });
    }

    /// What there is to say of the process.
    pub fn process(&mut self, up_ms: u64) {
        self.explain("sluice_info", "the version that runs");
        self.explain("sluice_uptime_seconds", "since the start");
        let version = ("version".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        self.gauge("sluice_info", vec![version], 1.0);
        self.gauge("sluice_uptime_seconds", Vec::new(), float(up_ms) / 1000.0);
    }

    /// By name, then by labels: the same state always gives the same batch.
    pub fn sorted(mut self) -> Vec<Sample> {
        self.samples
            .sort_by(|a, b| (&a.name, &a.labels).cmp(&(&b.name, &b.labels)));
        self.samples
    }

    fn explain(&mut self, name: &str, help: &str) {
        self.help.insert(name.to_owned(), help.to_owned());
    }

    fn add(&mut self, name: &str, kind: SampleKind, mut labels: Labels, value: f64) {
        labels.sort();
        self.samples.push(Sample {
            name: name.to_owned(),
            help: self.help.get(name).cloned().unwrap_or_default(),
            kind,
            labels,
            value,
        });
    }
}

/// Exporters speak in floats; counts are exact up to 2^53.
#[allow(clippy::cast_precision_loss)]
const fn float(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use metrics::{counter, describe_counter, gauge, histogram, with_local_recorder};
    use sluice_domain::{Clock, Sample, SampleKind, UnixMillis};

    use crate::{CallOutcome, Telemetry};

    struct Stopped;

    impl Clock for Stopped {
        fn now(&self) -> UnixMillis {
            UnixMillis(7000)
        }

        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }
    }

    fn find<'a>(samples: &'a [Sample], name: &str, labels: &[(&str, &str)]) -> &'a Sample {
        let same = |sample: &&Sample| {
            let has: Vec<_> = sample.labels.iter().map(|(k, v)| (&**k, &**v)).collect();
            sample.name == name && has == labels
        };
        samples
            .iter()
            .find(same)
            .unwrap_or_else(|| panic!("no {name} {labels:?}"))
    }

    #[test]
    fn what_the_macros_record_and_the_calls_stand_in_one_sorted_batch() {
        let telemetry = Telemetry::new(Arc::new(Stopped));
        with_local_recorder(&telemetry, || {
            describe_counter!("sluice_reconnects_total", "links opened again");
            counter!("sluice_reconnects_total", "dc" => "2", "account" => "a").increment(2);
            counter!("sluice_reconnects_total", "account" => "a", "dc" => "2").increment(1);
            gauge!("sluice_readers").set(5.0);
            gauge!("sluice_readers").decrement(1.5);
            histogram!("sluice_handshake_seconds").record(0.5);
        });
        let outcome = CallOutcome {
            latency: Duration::from_millis(250),
            error: Some(sluice_domain::Category::Timeout),
            ..CallOutcome::default()
        };
        telemetry
            .calls()
            .record(&"a".parse().unwrap(), "help.getConfig", &outcome);
        let batch = telemetry.snapshot();
        assert_eq!(batch.at_ms, 7000);
        let samples = &batch.samples;
        assert!(samples.is_sorted_by_key(|s| (&s.name, &s.labels)));

        let labels = [("account", "a"), ("dc", "2")];
        let reconnects = find(samples, "sluice_reconnects_total", &labels);
        assert!((reconnects.value - 3.0).abs() < f64::EPSILON);
        assert_eq!(
            (reconnects.kind, &*reconnects.help),
            (SampleKind::Counter, "links opened again")
        );
        assert!((find(samples, "sluice_readers", &[]).value - 3.5).abs() < 1e-9);
        let p50 = find(samples, "sluice_handshake_seconds", &[("quantile", "0.5")]);
        assert!((p50.value / 0.5 - 1.0).abs() < 0.03);
        assert_eq!(p50.kind, SampleKind::Summary);
        let count = find(samples, "sluice_handshake_seconds_count", &[]);
        assert!((count.value - 1.0).abs() < f64::EPSILON);
        let labels = [("account", "a"), ("method", "help.getConfig")];
        let failed = [labels[0], labels[1], ("outcome", "timeout")];
        assert!((find(samples, "sluice_calls_total", &failed).value - 1.0).abs() < 1e-9);
        find(samples, "sluice_call_duration_seconds_sum", &labels);
        find(
            samples,
            "sluice_info",
            &[("version", env!("CARGO_PKG_VERSION"))],
        );
    }
}
