//! Policies that encode measurements. They send nothing: the gateway does, to targets that its
//! configuration names.

use crate::{Extensions, SampleKind, Settings, Severity};

/// An exporter: `sluice:export/policy`.
pub trait Exporter: Sized {
    /// Makes the exporter from the operator's settings. The error is shown to the operator, and the
    /// plugin is refused. Settings that nothing here asked for are refused too.
    fn configure(settings: &mut Settings) -> Result<Self, String>;

    /// Encodes what is measured now, and what has happened since the last time.
    fn export(&self, batch: &Batch) -> Vec<Delivery>;
}

/// What is measured now.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// Sorted by name.
    pub samples: Vec<Sample>,
    /// What happened since the last batch, oldest first.
    pub events: Vec<Event>,
    /// See [`Extensions`].
    pub extensions: Extensions,
}

/// One measurement.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Name in snake case with its unit (`sluice_call_duration_seconds`).
    pub name: String,
    /// One line for people; may be empty.
    pub help: String,
    /// What the value means.
    pub kind: SampleKind,
    /// Label names and values, sorted by name.
    pub labels: Vec<(String, String)>,
    /// The value.
    pub value: f64,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// Its type (`account_state`, `flood`, `plugin`, …).
    pub name: String,
    /// The account it is about.
    pub account: Option<String>,
    /// How much an operator should care.
    pub severity: Severity,
    /// Its fields, sorted by name.
    pub attributes: Vec<(String, String)>,
}

/// Something to be served or sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// A text at a path of the admin listener, until the next batch.
    Serve {
        /// Absolute path (`/metrics`).
        path: String,
        /// Media type.
        content_type: String,
        /// The text.
        body: String,
    },
    /// An HTTP POST.
    Http {
        /// Name of a target in the gateway's configuration.
        target: String,
        /// Media type.
        content_type: String,
        /// What is sent.
        body: Vec<u8>,
    },
    /// A UDP datagram.
    Datagram {
        /// Name of a target in the gateway's configuration.
        target: String,
        /// What is sent.
        payload: Vec<u8>,
    },
}
