//! What happened to the questions put to one generation, counted without a lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;
use sluice_domain::Decision;

use crate::runtime::Fault;

/// Counters of one generation of a plugin, or of a native library.
#[derive(Default)]
pub(crate) struct Tally {
    pub calls: AtomicU64,
    pub traps: AtomicU64,
    pub deadlines: AtomicU64,
    pub denials: AtomicU64,
    pub clamps: AtomicU64,
    /// Questions that the native library answered in its place.
    pub fallbacks: AtomicU64,
    /// Of a retry policy: calls whose first attempt failed.
    pub failing_calls: AtomicU64,
    /// Of a retry policy: repeats it asked for.
    pub retries: AtomicU64,
    /// Of a retry policy: repeats the native library would have asked for at the same questions.
    pub native_retries: AtomicU64,
    pub times: Times,
    /// Most bytes that an instance had when it had answered.
    pub memory: AtomicU64,
    last_error: Mutex<Option<String>>,
}

impl Tally {
    pub(crate) fn called(&self) {
        add(&self.calls);
    }

    /// Notes the memory of an instance.
    pub(crate) fn used(&self, bytes: usize) {
        self.memory.fetch_max(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self, fault: &Fault) {
        add(match fault {
            Fault::Deadline(_) | Fault::Fuel(_) => &self.deadlines,
            Fault::Memory(_) => &self.denials,
            Fault::Settings(_) | Fault::Trap(_) => &self.traps,
        });
        *self.last_error.lock() = Some(fault.to_string());
    }

    pub(crate) fn clamped(&self, breach: &str) {
        add(&self.clamps);
        *self.last_error.lock() = Some(format!("corrected: {breach}"));
    }

    /// Counts what a retry policy decided, and what the native library would have.
    pub(crate) fn decided(&self, attempt: u32, decision: Decision, native: Decision) {
        let repeats = |decision| matches!(decision, Decision::Retry { .. });
        if attempt <= 1 {
            add(&self.failing_calls);
        }
        if repeats(decision) {
            add(&self.retries);
        }
        if repeats(native) {
            add(&self.native_retries);
        }
    }

    pub(crate) fn last_error(&self) -> Option<String> {
        self.last_error.lock().clone()
    }

    pub(crate) fn counts(&self) -> Counts {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts {
            calls: load(&self.calls),
            traps: load(&self.traps),
            deadlines: load(&self.deadlines),
            denials: load(&self.denials),
            clamps: load(&self.clamps),
            fallbacks: load(&self.fallbacks),
            failing_calls: load(&self.failing_calls),
            retries: load(&self.retries),
            native_retries: load(&self.native_retries),
        }
    }
}

pub(crate) fn add(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

/// The counters at one moment, or between two.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub calls: u64,
    pub traps: u64,
    pub deadlines: u64,
    pub denials: u64,
    pub clamps: u64,
    pub fallbacks: u64,
    pub failing_calls: u64,
    pub retries: u64,
    pub native_retries: u64,
}

impl Counts {
    /// What came since an earlier moment.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            calls: self.calls.saturating_sub(earlier.calls),
            traps: self.traps.saturating_sub(earlier.traps),
            deadlines: self.deadlines.saturating_sub(earlier.deadlines),
            denials: self.denials.saturating_sub(earlier.denials),
            clamps: self.clamps.saturating_sub(earlier.clamps),
            fallbacks: self.fallbacks.saturating_sub(earlier.fallbacks),
            failing_calls: self.failing_calls.saturating_sub(earlier.failing_calls),
            retries: self.retries.saturating_sub(earlier.retries),
            native_retries: self.native_retries.saturating_sub(earlier.native_retries),
        }
    }

    /// Questions that were not answered.
    pub(crate) const fn failures(self) -> u64 {
        self.traps + self.deadlines + self.denials
    }

    /// Attempts of a failing call, the first included, when it is repeated so often.
    pub(crate) fn attempts(self, retries: u64) -> f64 {
        1.0 + float(retries) / float(self.failing_calls.max(1))
    }
}

/// Counts are exact up to 2^53.
#[allow(clippy::cast_precision_loss)]
pub(crate) const fn float(value: u64) -> f64 {
    value as f64
}

/// Buckets for each doubling of the time.
const STEPS: u32 = 4;
/// Times below this many nanoseconds are not told apart: 2^7, less than a question takes.
const FIRST: u32 = 7;
/// From 128 ns in doublings to 2.2 s, longer than any deadline of a question that is answered.
const BUCKETS: usize = 24 * STEPS as usize;

/// How long questions took: a histogram that is exact to an eighth.
pub(crate) struct Times {
    nanos: AtomicU64,
    buckets: [AtomicU64; BUCKETS],
}

impl Default for Times {
    fn default() -> Self {
        Self {
            nanos: AtomicU64::new(0),
            buckets: [const { AtomicU64::new(0) }; BUCKETS],
        }
    }
}

impl Times {
    pub(crate) fn took(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
        if let Some(bucket) = self.buckets.get(bucket(nanos)) {
            add(bucket);
        }
    }

    /// Seconds, in all.
    pub(crate) fn sum(&self) -> f64 {
        float(self.nanos.load(Ordering::Relaxed)) / 1e9
    }

    /// The time, in seconds, within which this share of the questions was answered.
    pub(crate) fn quantile(&self, share: f64) -> Option<f64> {
        let counts: Vec<u64> = self
            .buckets
            .iter()
            .map(|bucket| bucket.load(Ordering::Relaxed))
            .collect();
        let all: u64 = counts.iter().sum();
        let wanted = float(all) * share;
        let mut seen = 0;
        for (index, count) in counts.iter().enumerate() {
            seen += count;
            if *count > 0 && float(seen) >= wanted {
                return Some(middle(index) / 1e9);
            }
        }
        None
    }

    pub(crate) fn view(&self) -> TimeView {
        let micros = |share| self.quantile(share).map(|seconds| round(seconds * 1e6));
        TimeView {
            total_ms: round(self.sum() * 1e3),
            p50_us: micros(0.5),
            p95_us: micros(0.95),
            p99_us: micros(0.99),
        }
    }
}

/// To three places, so that views are readable.
fn round(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

fn bucket(nanos: u64) -> usize {
    let nanos = nanos.max(1 << FIRST);
    let log = nanos.ilog2();
    // The two bits after the leading one.
    let step = (nanos >> (log - 2)) & u64::from(STEPS - 1);
    let index = u64::from((log - FIRST) * STEPS) + step;
    usize::try_from(index).unwrap_or(BUCKETS).min(BUCKETS - 1)
}

/// The middle of a bucket, in nanoseconds.
fn middle(index: usize) -> f64 {
    let index = u32::try_from(index).unwrap_or(0);
    let (log, step) = (index / STEPS + FIRST, index % STEPS);
    let lower = float(1 << log) * (1.0 + f64::from(step) / f64::from(STEPS));
    lower * (1.0 + 0.5 / f64::from(STEPS + step))
}

/// How long questions took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TimeView {
    /// Milliseconds in all.
    pub total_ms: f64,
    /// Microseconds within which half of the questions were answered; null before the first.
    pub p50_us: Option<f64>,
    /// Microseconds within which 95 of 100 were answered.
    pub p95_us: Option<f64>,
    /// Microseconds within which 99 of 100 were answered.
    pub p99_us: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Breaks when a time falls into a bucket that does not hold it.
    #[test]
    fn times_are_told_within_an_eighth() {
        for nanos in (128..5_000).step_by(7).chain([1 << 20, 999_999, 1 << 30]) {
            let times = Times::default();
            times.took(Duration::from_nanos(nanos));
            let told = times.quantile(0.5).unwrap() * 1e9;
            let off = (told / float(nanos) - 1.0).abs();
            assert!(off <= 0.126, "{nanos}: {told}");
        }
        let times = Times::default();
        assert_eq!(times.quantile(0.5), None);
        for micros in 1..=100 {
            times.took(Duration::from_micros(micros));
        }
        times.took(Duration::from_hours(1));
        let view = times.view();
        assert!((40.0..60.0).contains(&view.p50_us.unwrap()), "{view:?}");
        assert!((85.0..115.0).contains(&view.p95_us.unwrap()), "{view:?}");
        assert!(view.total_ms > 3_600_000.0);
    }
}
