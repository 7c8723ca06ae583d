//! Measurements as a typed snapshot, the statistics of calls, and logging.
//!
//! Owns the process's `metrics` recorder and `tracing` subscriber. Encodes nothing: exporters do.

mod call_stats;
mod histogram;
mod logging;
mod recorder;
mod snapshot;

pub use call_stats::{AccountStats, CallOutcome, CallStats, MethodStats};
pub use histogram::Quantiles;
pub use logging::{LogError, LogFormat, LogHandle, check_level, init_logging};
pub use recorder::{AlreadyInstalled, Telemetry};
