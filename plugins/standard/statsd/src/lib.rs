//! StatsD, plain and in Datadog's dialect, as datagrams. No I/O; the host sends what is encoded here.
//!
//! A counter of StatsD says what was added, so it needs the increases that the gateway tells; where
//! it tells none, counters are left out. Nothing is remembered here: after a restart, a swap or a
//! fault the next batch is as right as any other.

mod line;
mod settings;

pub use settings::{Dialect, Settings};

use sluice_domain::{Batch, Delivery, Sample, SampleKind};

impl Settings {
    /// Encodes a batch into datagrams that hold as many lines as fit.
    pub fn export(&self, batch: &Batch) -> Vec<Delivery> {
        let mut datagrams = Datagrams::new(self.datagram_bytes);
        let increases = batch.increases();
        for (index, sample) in batch.samples.iter().enumerate() {
            let increase = increases.as_ref().and_then(|all| all.get(index)).copied();
            for line in self.sample(sample, increase) {
                datagrams.add(&line);
            }
        }
        if self.dialect == Dialect::DogStatsd {
            for event in &batch.events {
                datagrams.add(&self.event(event));
            }
        }
        let payloads = datagrams.done().into_iter();
        payloads
            .map(|payload| Delivery::Datagram {
                target: self.target.clone(),
                payload: payload.into_bytes(),
            })
            .collect()
    }

    /// The lines of a sample: one, none where there is nothing to say, two for a gauge below zero.
    fn sample(&self, sample: &Sample, increase: Option<f64>) -> Vec<String> {
        let rises = match sample.kind {
            SampleKind::Counter => true,
            SampleKind::Gauge => false,
            SampleKind::Summary => sample.name.ends_with("_sum") || sample.name.ends_with("_count"),
        };
        if rises {
            // Nothing added is nothing to say, and most counters of a batch stand still.
            let added = increase.filter(|added| *added > 0.0 && added.is_finite());
            return added
                .map(|added| self.line(sample, added, "c"))
                .into_iter()
                .collect();
        }
        if !sample.value.is_finite() {
            return Vec::new();
        }
        let line = self.line(sample, sample.value, "g");
        if sample.value < 0.0 && self.dialect == Dialect::Statsd {
            // A sign means a change here, so a gauge below zero is set to zero first.
            return vec![self.line(sample, 0.0, "g"), line];
        }
        vec![line]
    }
}

/// Lines on their way into datagrams.
struct Datagrams {
    most: usize,
    done: Vec<String>,
    current: String,
}

impl Datagrams {
    const fn new(most: usize) -> Self {
        Self {
            most,
            done: Vec::new(),
            current: String::new(),
        }
    }

    /// Adds a line; one that no datagram holds is left out.
    fn add(&mut self, line: &str) {
        if line.len() > self.most {
            return;
        }
        if self.current.len() + 1 + line.len() > self.most {
            self.done.push(core::mem::take(&mut self.current));
        }
        if !self.current.is_empty() {
            self.current.push('\n');
        }
        self.current.push_str(line);
    }

    fn done(mut self) -> Vec<String> {
        if !self.current.is_empty() {
            self.done.push(self.current);
        }
        self.done
    }
}

#[cfg(test)]
mod tests;
