use crate::export::{Batch, Event, Sample};
use crate::{SampleKind, Severity};

/// A batch of these samples, measured at a fixed moment.
pub fn batch(samples: impl IntoIterator<Item = Sample>) -> Batch {
    Batch {
        at_ms: 1_800_000_000_000,
        samples: samples.into_iter().collect(),
        events: Vec::new(),
        extensions: Vec::new(),
    }
}

/// A gauge without labels; the builders change single things.
pub fn sample(name: &str, value: f64) -> Sample {
    Sample {
        name: name.into(),
        help: String::new(),
        kind: SampleKind::Gauge,
        labels: Vec::new(),
        value,
    }
}

/// Something that happened at the moment of [`batch`], to no account.
pub fn event(name: &str) -> Event {
    Event {
        at_ms: 1_800_000_000_000,
        name: name.into(),
        account: None,
        severity: Severity::Info,
        attributes: Vec::new(),
    }
}

impl Batch {
    /// The same with an event.
    pub fn event(mut self, event: Event) -> Self {
        self.events.push(event);
        self
    }
}

impl Sample {
    /// The same as a counter.
    pub fn counter(self) -> Self {
        Self {
            kind: SampleKind::Counter,
            ..self
        }
    }

    /// The same with a label.
    pub fn label(mut self, name: &str, value: &str) -> Self {
        self.labels.push((name.into(), value.into()));
        self.labels.sort();
        self
    }
}
