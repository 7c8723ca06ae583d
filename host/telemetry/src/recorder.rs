use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use metrics::{Counter, Gauge, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use parking_lot::{Mutex, RwLock};
use sluice_domain::{Batch, Clock};

use crate::CallStats;
use crate::histogram::Histogram;
use crate::snapshot::Samples;

/// Series of each kind. Labels come from code, so this is never reached unless a label is a mistake;
/// then the mistake costs a series and not the memory.
const SERIES: usize = 10_000;

/// Every measurement of the process: what the macros of `metrics` record, and the statistics of calls.
pub struct Telemetry {
    clock: Arc<dyn Clock>,
    calls: CallStats,
    counters: Series<AtomicU64>,
    /// The bits of an `f64`, as `metrics` keeps gauges in atomics.
    gauges: Series<AtomicU64>,
    histograms: Series<Shared>,
    help: Mutex<BTreeMap<String, String>>,
}

type Series<T> = RwLock<HashMap<Key, Arc<T>>>;

#[derive(Default)]
struct Shared(Mutex<Histogram>);

impl HistogramFn for Shared {
    fn record(&self, value: f64) {
        self.0.lock().record(value);
    }
}

/// Another recorder of `metrics` was installed before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a metrics recorder is installed already")]
pub struct AlreadyInstalled;

impl Telemetry {
    /// Counts from now.
    pub fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            calls: CallStats::new(clock.now()),
            clock,
            counters: Series::default(),
            gauges: Series::default(),
            histograms: Series::default(),
            help: Mutex::default(),
        })
    }

    /// Makes this what the macros of `metrics` write to.
    pub fn install(self: &Arc<Self>) -> Result<(), AlreadyInstalled> {
        metrics::set_global_recorder(Arc::clone(self)).map_err(|_| AlreadyInstalled)
    }

    /// The statistics of calls.
    pub const fn calls(&self) -> &CallStats {
        &self.calls
    }

    /// Everything there is now, sorted by name. What happened is not measured here.
    pub fn snapshot(&self) -> Batch {
        let now = self.clock.now();
        let mut samples = Samples::new(self.help.lock().clone());
        for (key, value) in self.counters.read().iter() {
            samples.counter(key.name(), labels(key), value.load(Ordering::Relaxed));
        }
        for (key, value) in self.gauges.read().iter() {
            let value = f64::from_bits(value.load(Ordering::Relaxed));
            samples.gauge(key.name(), labels(key), value);
        }
        for (key, value) in self.histograms.read().iter() {
            samples.summary(key.name(), labels(key), &value.0.lock());
        }
        samples.calls(&self.calls);
        samples.process(now.since(self.calls.since()));
        Batch {
            at_ms: now.0,
            samples: samples.sorted(),
            events: Vec::new(),
            extensions: Vec::new(),
        }
    }

    fn describe(&self, name: &KeyName, help: &SharedString) {
        let mut known = self.help.lock();
        known.insert(name.as_str().to_owned(), help.as_ref().to_owned());
    }
}

/// The series of a key, made if there is room. The order in which code names labels is no difference:
/// two samples with the same labels would make a scrape fail.
fn series<T: Default>(all: &Series<T>, key: &Key) -> Option<Arc<T>> {
    let mut labels: Vec<_> = key.labels().cloned().collect();
    labels.sort();
    let key = &Key::from_parts(key.name().to_owned(), labels);
    if let Some(found) = all.read().get(key) {
        return Some(Arc::clone(found));
    }
    let mut all = all.write();
    if all.len() >= SERIES {
        return all.get(key).cloned();
    }
    Some(Arc::clone(all.entry(key.clone()).or_default()))
}

fn labels(key: &Key) -> Vec<(String, String)> {
    key.labels()
        .map(|label| (label.key().to_owned(), label.value().to_owned()))
        .collect()
}

impl Recorder for Telemetry {
    fn describe_counter(&self, key: KeyName, _: Option<Unit>, description: SharedString) {
        self.describe(&key, &description);
    }

    fn describe_gauge(&self, key: KeyName, _: Option<Unit>, description: SharedString) {
        self.describe(&key, &description);
    }

    fn describe_histogram(&self, key: KeyName, _: Option<Unit>, description: SharedString) {
        self.describe(&key, &description);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        series(&self.counters, key).map_or_else(Counter::noop, Counter::from_arc)
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        series(&self.gauges, key).map_or_else(Gauge::noop, Gauge::from_arc)
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> metrics::Histogram {
        let series = series(&self.histograms, key);
        series.map_or_else(metrics::Histogram::noop, metrics::Histogram::from_arc)
    }
}
