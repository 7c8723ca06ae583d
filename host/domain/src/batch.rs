//! What a batch carries beyond its fields, as names and values: a record of a frozen contract
//! cannot grow, its list of extensions can.

use super::Batch;

/// When the counters began, in milliseconds since 1970.
const STARTED: &str = "started-ms";
/// When the batch before this one was made; for the first, when the counters began.
const SINCE: &str = "since-ms";
/// For each sample, in their order and with a space between: how much it rose since then. 0 for what
/// does not only rise.
const INCREASES: &str = "increases";
/// The names of the targets in the configuration, with a space between.
const TARGETS: &str = "targets";

/// What a gateway tells exporters beyond the samples.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Told {
    /// When the counters began, in milliseconds since 1970.
    pub started_ms: u64,
    /// When the batch before this one was made.
    pub since_ms: u64,
    /// How much each sample rose since then, in the order of the samples.
    pub increases: Vec<f64>,
    /// Names of targets in the configuration, if anything is told of them.
    pub targets: Option<Vec<String>>,
}

impl Batch {
    /// Writes what is known into the extensions.
    pub fn tell(&mut self, told: &Told) {
        let increases: Vec<_> = told.increases.iter().map(f64::to_string).collect();
        let mut put = |name: &str, value: String| self.extensions.push((name.into(), value));
        put(STARTED, told.started_ms.to_string());
        put(SINCE, told.since_ms.to_string());
        put(INCREASES, increases.join(" "));
        if let Some(targets) = &told.targets {
            put(TARGETS, targets.join(" "));
        }
    }

    /// When the counters began, if that is told.
    pub fn started_ms(&self) -> Option<u64> {
        self.extension(STARTED)?.parse().ok()
    }

    /// When the batch before this one was made, if that is told.
    pub fn since_ms(&self) -> Option<u64> {
        self.extension(SINCE)?.parse().ok()
    }

    /// How much each sample rose since the batch before, in the order of the samples, if that is
    /// told of all of them.
    pub fn increases(&self) -> Option<Vec<f64>> {
        let text = self.extension(INCREASES)?;
        let read: Vec<f64> = text
            .split_whitespace()
            .map(|number| number.parse().ok())
            .collect::<Option<_>>()?;
        (read.len() == self.samples.len()).then_some(read)
    }

    /// Whether a delivery to this target can arrive: the configuration names it, or nothing is told of
    /// targets.
    pub fn reaches(&self, target: &str) -> bool {
        let targets = self.extension(TARGETS);
        targets.is_none_or(|names| names.split_whitespace().any(|name| name == target))
    }

    fn extension(&self, name: &str) -> Option<&str> {
        let found = self.extensions.iter().find(|(known, _)| known == name)?;
        Some(&found.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Sample, SampleKind};

    #[test]
    fn what_is_told_is_read_again() {
        let sample = Sample {
            name: "x".into(),
            help: String::new(),
            kind: SampleKind::Counter,
            labels: Vec::new(),
            value: 1e300,
        };
        let mut batch = Batch {
            at_ms: 3,
            samples: vec![sample.clone(), sample],
            events: Vec::new(),
            extensions: Vec::new(),
        };
        assert_eq!((batch.since_ms(), batch.increases()), (None, None));
        assert!(batch.reaches("anything"), "nothing is told of targets");
        batch.tell(&Told {
            started_ms: 1,
            since_ms: 2,
            increases: vec![1e300, 0.1],
            targets: Some(vec!["otlp".into()]),
        });
        assert_eq!((batch.started_ms(), batch.since_ms()), (Some(1), Some(2)));
        assert_eq!(batch.increases(), Some(vec![1e300, 0.1]));
        assert!(batch.reaches("otlp") && !batch.reaches("statsd"));
        batch.samples.pop();
        assert_eq!(batch.increases(), None, "not of these samples");
    }
}
