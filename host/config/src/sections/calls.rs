use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::humane;

/// `[calls]`: deadlines and waits of calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CallsSection {
    /// The deadline without `X-Timeout`.
    #[serde(with = "humane::duration")]
    pub default_timeout: Duration,
    /// The longest deadline a caller can ask for.
    #[serde(with = "humane::duration")]
    pub max_timeout: Duration,
    /// The longest patience (`X-Wait`) a caller can ask for.
    #[serde(with = "humane::duration")]
    pub max_wait: Duration,
    /// Attempts of one call, the first included, whatever a policy says.
    pub max_attempts: u32,
}

impl Default for CallsSection {
    fn default() -> Self {
        Self {
            default_timeout: Duration::from_secs(30),
            max_timeout: Duration::from_mins(5),
            max_wait: Duration::from_mins(2),
            max_attempts: 5,
        }
    }
}
