//! The machine's clock and randomness, for when none are passed in.

#![allow(
    clippy::disallowed_methods,
    reason = "the one place where this test server reads the machine's clock"
)]

use std::time::{Duration, Instant, SystemTime};

use sluice_domain::{Clock, Random, UnixMillis};

/// The machine's clocks.
pub(crate) struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        let since = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

/// The machine's randomness. Asked for once, so that a machine without any is found at the start.
pub(crate) struct SystemRandom(());

impl SystemRandom {
    pub(crate) fn new() -> Option<Self> {
        let mut probe = [0; 1];
        getrandom::fill(&mut probe).ok().map(|()| Self(()))
    }
}

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        if let Err(error) = getrandom::fill(bytes) {
            // It gave some at the start; a system that stops giving any is beyond this server.
            tracing::error!(%error, "no randomness");
        }
    }
}
