use std::time::Duration;

use sluice_domain::Clock;

/// One moment on both clocks, read by the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The wall clock, since the Unix epoch. May jump.
    pub unix: Duration,
    /// The monotonic clock, from an arbitrary start. Never goes back.
    pub mono: Duration,
}

impl Now {
    /// Reads both clocks.
    pub fn read(clock: &dyn Clock) -> Self {
        Self {
            unix: Duration::from_millis(clock.now().0),
            mono: clock.monotonic(),
        }
    }
}
