use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::humane;

/// `[policy]`: plugins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicySection {
    /// The directory of plugins; without it `plugins` in the data directory.
    pub dir: Option<PathBuf>,
    /// The largest plugin that is looked at, in bytes.
    #[serde(with = "humane::size")]
    pub max_size: u64,
    /// Memory of one instance, all its memories together, in bytes.
    #[serde(with = "humane::size")]
    pub max_memory: u64,
    /// How long one decision may take before the native policy answers instead.
    #[serde(with = "humane::duration")]
    pub deadline: Duration,
    /// How often exporters are handed a batch.
    #[serde(with = "humane::duration")]
    pub export_interval: Duration,
    /// Bytes the journal of decisions takes on the disk.
    #[serde(with = "humane::size")]
    pub journal_max_bytes: u64,
    /// All components that are kept to be rolled back to, in bytes.
    #[serde(with = "humane::size")]
    pub archive_size: u64,
    /// When a new generation is taken back by itself.
    pub rollback: RollbackSection,
}

/// `[policy.rollback]`: when a new generation of a plugin is taken back by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RollbackSection {
    /// Whether it is at all.
    pub automatic: bool,
    /// For how long after its swap.
    #[serde(with = "humane::duration")]
    pub within: Duration,
    /// Over how long it is counted.
    #[serde(with = "humane::duration")]
    pub window: Duration,
    /// Traps, deadlines and memory denials that are too many.
    pub faults: u32,
    /// Corrected answers that are too many, if they are a tenth of all.
    pub clamps: u32,
    /// How many times the attempts of a failing call may multiply.
    pub amplification: u32,
    /// Failing calls below which attempts are not compared.
    pub min_calls: u32,
}

impl Default for RollbackSection {
    fn default() -> Self {
        Self {
            automatic: true,
            within: Duration::from_hours(1),
            window: Duration::from_mins(1),
            faults: 10,
            clamps: 20,
            amplification: 3,
            min_calls: 20,
        }
    }
}

impl Default for PolicySection {
    fn default() -> Self {
        Self {
            dir: None,
            max_size: 32 << 20,
            max_memory: 64 << 20,
            deadline: Duration::from_millis(10),
            export_interval: Duration::from_secs(5),
            journal_max_bytes: 256 << 20,
            archive_size: 256 << 20,
            rollback: RollbackSection::default(),
        }
    }
}
