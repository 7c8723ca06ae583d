use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::humane;

/// `[events]`: the event log and its readers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EventsSection {
    /// Events kept in the log.
    pub max_count: u64,
    /// How long an event is kept.
    #[serde(with = "humane::duration")]
    pub max_age: Duration,
    /// How often a quiet stream carries a sign of life.
    #[serde(with = "humane::duration")]
    pub heartbeat: Duration,
    /// A reader that takes nothing for this long is cut, with the cursor to resume from.
    #[serde(with = "humane::duration")]
    pub slow_reader: Duration,
}

impl Default for EventsSection {
    fn default() -> Self {
        Self {
            max_count: 1_000_000,
            max_age: Duration::from_hours(7 * 24),
            heartbeat: Duration::from_secs(20),
            slow_reader: Duration::from_secs(10),
        }
    }
}
