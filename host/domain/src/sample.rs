use super::Severity;

/// What a sample's value means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleKind {
    /// Only ever rises.
    Counter,
    /// Goes both ways.
    Gauge,
    /// Quantiles of a distribution (`quantile` label) and its `_sum` and `_count`.
    Summary,
}

/// One measurement as exporters see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Name in snake case with its unit (`sluice_call_duration_seconds`).
    pub name: String,
    /// One line for people; empty when unknown.
    pub help: String,
    /// What the value means.
    pub kind: SampleKind,
    /// Label names and values, sorted by name.
    pub labels: Vec<(String, String)>,
    /// The value.
    pub value: f64,
}

/// Something that happened in the gateway, as exporters see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happening {
    /// Milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// The event's type (`account_state`, `flood`, `plugin`).
    pub name: String,
    /// Whose; none for the gateway's own.
    pub account: Option<String>,
    /// How much an operator should care.
    pub severity: Severity,
    /// The event's fields as names and values, sorted by name.
    pub attributes: Vec<(String, String)>,
}

/// What an exporter is handed.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// The samples, sorted by name, those of one name together.
    pub samples: Vec<Sample>,
    /// What happened since the last batch, oldest first.
    pub events: Vec<Happening>,
    /// What else is known, by name; see [`Batch::tell`].
    pub extensions: Vec<(String, String)>,
}

/// What an exporter asks the host to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// Serve this text at a path of the admin listener until the next batch.
    Serve {
        /// Absolute path (`/metrics`).
        path: String,
        /// Media type.
        content_type: String,
        /// The text.
        body: String,
    },
    /// Send an HTTP POST to a target the operator named.
    Http {
        /// Name of the target in the configuration.
        target: String,
        /// Media type.
        content_type: String,
        /// The body.
        body: Vec<u8>,
    },
    /// Send a datagram to a target the operator named.
    Datagram {
        /// Name of the target in the configuration.
        target: String,
        /// The payload.
        payload: Vec<u8>,
    },
}
