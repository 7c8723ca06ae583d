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
}

impl Default for PolicySection {
    fn default() -> Self {
        Self {
            dir: None,
            max_size: 32 << 20,
            max_memory: 64 << 20,
            deadline: Duration::from_millis(10),
            export_interval: Duration::from_secs(5),
        }
    }
}
