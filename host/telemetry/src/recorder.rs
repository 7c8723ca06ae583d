use std::sync::Arc;

use sluice_domain::{Batch, Clock};

use crate::CallStats;

/// Every measurement of the process.
pub struct Telemetry {
    calls: CallStats,
}

/// Another recorder of `metrics` was installed before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a metrics recorder is installed already")]
pub struct AlreadyInstalled;

impl Telemetry {
    /// Counts from now.
    pub fn new(_clock: Arc<dyn Clock>) -> Arc<Self> {
        todo!()
    }

    /// Makes this what the macros of `metrics` write to.
    pub fn install(self: &Arc<Self>) -> Result<(), AlreadyInstalled> {
        todo!()
    }

    /// The statistics of calls.
    pub const fn calls(&self) -> &CallStats {
        &self.calls
    }

    /// Everything there is now, sorted by name.
    pub fn snapshot(&self) -> Batch {
        todo!()
    }
}
