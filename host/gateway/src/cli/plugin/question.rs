//! A typical question of each kind.

use sluice_domain::{AccountKind, Attempt, Batch, Failure, Sample, SampleKind, UnixMillis};
use sluice_policy::{Candidate, Fault, Kind, Spent};
use sluice_standard_categorize::categorize;

/// When questions are put, for a policy that looks at a clock.
pub(super) const AT: UnixMillis = UnixMillis(1_800_000_000_000);
/// Samples of the batch that an exporter is asked to encode: what a handful of accounts measures.
const SAMPLES: u32 = 200;

pub(super) enum Question {
    Decide(Attempt),
    Categorize(Failure),
    Export(Batch),
}

impl Question {
    /// A flood wait of seven seconds, or a batch.
    pub(super) fn typical(kind: Kind) -> Self {
        let failure = Failure::telegram(
            420,
            "FLOOD_WAIT_7",
            "messages.sendMessage",
            AccountKind::User,
        );
        match kind {
            Kind::Categorize => Self::Categorize(failure),
            Kind::Retry => Self::Decide(Attempt {
                verdict: categorize(&failure),
                failure,
                attempt: 1,
                elapsed_ms: 20,
                slept_ms: 0,
                deadline_left_ms: 60_000,
                patience_left_ms: 10_000,
                idempotent: true,
                recent_failures: 1,
                recent_calls: 10,
                recent_retries: 0,
                entropy: 42,
            }),
            Kind::Export => Self::Export(Batch {
                at_ms: AT.0,
                samples: (0..SAMPLES).map(sample).collect(),
                events: Vec::new(),
                extensions: Vec::new(),
            }),
        }
    }

    /// Puts it, whatever the answer is.
    pub(super) fn put(&self, candidate: &Candidate) -> Result<Spent, Fault> {
        match self {
            Self::Decide(attempt) => candidate.decide(attempt, AT).map(|(_, spent)| spent),
            Self::Categorize(failure) => candidate.categorize(failure, AT).map(|(_, spent)| spent),
            Self::Export(batch) => candidate.export(batch).map(|(_, spent)| spent),
        }
    }

    /// What it is, for people.
    pub(super) fn what(&self) -> String {
        match self {
            Self::Decide(_) => "a decision about FLOOD_WAIT_7".into(),
            Self::Categorize(_) => "a verdict on FLOOD_WAIT_7".into(),
            Self::Export(_) => format!("an export of {SAMPLES} samples"),
        }
    }
}

fn sample(number: u32) -> Sample {
    Sample {
        name: format!("sluice_sample_{:02}_total", number / 10),
        help: "A measurement.".into(),
        kind: SampleKind::Counter,
        labels: vec![
            ("account".into(), format!("demo-{number}")),
            ("method".into(), "messages.sendMessage".into()),
        ],
        value: f64::from(number),
    }
}
