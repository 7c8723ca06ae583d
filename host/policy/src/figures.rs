//! What plugins did, as samples beside the gateway's own.

use std::sync::atomic::Ordering;

use sluice_domain::{Batch, Sample, SampleKind};

use crate::plugin::Plugin;
use crate::tally::{Counts, Times, float};
use crate::{Kind, Policies};

/// A name, what it means, and the count.
type Counter = (&'static str, &'static str, fn(Counts) -> u64);
type Labels = Vec<(String, String)>;

/// Counters, with what they mean.
const COUNTERS: [Counter; 8] = [
    (
        "sluice_plugin_calls_total",
        "questions put to a plugin",
        |c| c.calls,
    ),
    (
        "sluice_plugin_clamps_total",
        "answers of a plugin that the envelope corrected",
        |c| c.clamps,
    ),
    (
        "sluice_plugin_deadlines_total",
        "questions at which a plugin was cut off",
        |c| c.deadlines,
    ),
    (
        "sluice_plugin_denials_total",
        "questions for which a plugin wanted too much memory",
        |c| c.denials,
    ),
    (
        "sluice_plugin_failing_calls_total",
        "calls whose first attempt failed and that a retry plugin decided about",
        |c| c.failing_calls,
    ),
    (
        "sluice_plugin_fallbacks_total",
        "questions that the native library answered in place of a plugin",
        |c| c.fallbacks,
    ),
    (
        "sluice_plugin_retries_total",
        "repeats that a retry plugin asked for",
        |c| c.retries,
    ),
    (
        "sluice_plugin_traps_total",
        "questions at which a plugin trapped",
        |c| c.traps,
    ),
];

const MEMORY: (&str, &str) = (
    "sluice_plugin_memory_peak_bytes",
    "most memory that an instance of a plugin had when it had answered",
);

const TIME: &str = "sluice_plugin_duration_seconds";
const TIME_HELP: &str = "how long a question to a plugin took";

impl Policies {
    /// The batch with what plugins did, by plugin and generation, and what the native libraries
    /// were asked.
    pub(crate) fn with_figures(&self, batch: &Batch) -> Batch {
        let mut batch = batch.clone();
        let samples = &mut batch.samples;
        let table = self.table.load();
        for kind in Kind::ALL {
            for plugin in table.chain(kind) {
                of_plugin(samples, kind, plugin);
            }
            let labels = labels(kind, &format!("native-{}", kind.as_str()), 0);
            let calls = self.native.tally(kind).counts().calls;
            let (name, help, _) = COUNTERS[0];
            samples.push(sample(
                name,
                help,
                SampleKind::Counter,
                labels,
                float(calls),
            ));
        }
        samples.sort_by(|a, b| (&a.name, &a.labels).cmp(&(&b.name, &b.labels)));
        batch
    }
}

fn of_plugin(samples: &mut Vec<Sample>, kind: Kind, plugin: &Plugin) {
    let labels = labels(kind, &plugin.name, plugin.generation);
    let counts = plugin.tally.counts();
    for (name, help, of) in COUNTERS {
        let value = float(of(counts));
        samples.push(sample(
            name,
            help,
            SampleKind::Counter,
            labels.clone(),
            value,
        ));
    }
    let peak = float(plugin.tally.memory.load(Ordering::Relaxed));
    let (name, help) = MEMORY;
    samples.push(sample(name, help, SampleKind::Gauge, labels.clone(), peak));
    of_times(samples, &labels, &plugin.tally.times, counts.calls);
}

fn of_times(samples: &mut Vec<Sample>, labels: &Labels, times: &Times, count: u64) {
    let mut add = |name: &str, labels, value| {
        samples.push(sample(name, TIME_HELP, SampleKind::Summary, labels, value));
    };
    for (share, label) in [(0.5, "0.5"), (0.95, "0.95"), (0.99, "0.99")] {
        if let Some(value) = times.quantile(share) {
            let mut labels = labels.clone();
            labels.push(("quantile".to_owned(), label.to_owned()));
            labels.sort();
            add(TIME, labels, value);
        }
    }
    add(&format!("{TIME}_sum"), labels.clone(), times.sum());
    add(&format!("{TIME}_count"), labels.clone(), float(count));
}

fn labels(kind: Kind, plugin: &str, generation: u64) -> Labels {
    // Sorted by name, as everything that is exported.
    [
        ("generation", generation.to_string()),
        ("kind", kind.as_str().to_owned()),
        ("plugin", plugin.to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

fn sample(name: &str, help: &str, kind: SampleKind, labels: Labels, value: f64) -> Sample {
    Sample {
        name: name.to_owned(),
        help: help.to_owned(),
        kind,
        labels,
        value,
    }
}
