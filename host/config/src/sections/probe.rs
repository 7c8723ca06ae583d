use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::humane;

/// `[probe]`: probing of links.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProbeSection {
    /// How often a quiet main link is probed. An account is connected when a probe of the last two
    /// intervals succeeded.
    #[serde(with = "humane::duration")]
    pub interval: Duration,
}

impl Default for ProbeSection {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(15),
        }
    }
}
