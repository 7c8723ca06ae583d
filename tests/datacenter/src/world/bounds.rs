use serde::{Deserialize, Serialize};

use super::mailbox::EVENTS;

/// How much of what was missed can be fetched, so that tests can make it little.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Bounds {
    /// Events of a user's own history that `updates.getDifference` still gives; who is further
    /// behind is told `differenceTooLong`. At most 50,000.
    pub common_events: usize,
    /// The same for a channel and `channelDifferenceTooLong`.
    pub channel_events: usize,
    /// Events in one `updates.getDifference` if the client does not ask for fewer or more.
    pub slice: usize,
    /// Updates that may wait for a session; what comes on top is replaced by `updatesTooLong` or
    /// `updateChannelTooLong`.
    pub waiting: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            common_events: 20_000,
            channel_events: 20_000,
            slice: 100,
            // Below the thousand at which a connection is cut.
            waiting: 500,
        }
    }
}

impl Bounds {
    /// What can be kept at all.
    pub(crate) fn clamped(self) -> Self {
        Self {
            common_events: self.common_events.min(EVENTS),
            channel_events: self.channel_events.min(EVENTS),
            slice: self.slice.max(1),
            waiting: self.waiting.max(1),
        }
    }
}
