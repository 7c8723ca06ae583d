use std::{
    sync::Arc,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use sluice_domain::{Clock, UnixMillis};

/// The clock of the world (ages of authorizations, dates of messages, lives of tokens). It can be
/// moved forward. The protocol's own time (message ids, salts) stays the real one: no client
/// would take a jump of a day.
#[derive(Clone)]
pub struct WorldClock {
    real: Arc<dyn Clock>,
    ahead_ms: Arc<AtomicU64>,
}

impl WorldClock {
    /// Runs with `real` until it is moved.
    pub fn new(real: Arc<dyn Clock>) -> Self {
        Self {
            real,
            ahead_ms: Arc::new(AtomicU64::new(0)),
        }
    }

    /// The world's time.
    pub fn now(&self) -> UnixMillis {
        self.real.now().plus(self.ahead_ms.load(Ordering::Relaxed))
    }

    /// The world's time in Unix seconds, as Telegram writes dates.
    pub fn date(&self) -> i64 {
        i64::try_from(self.now().seconds()).unwrap_or(i64::MAX)
    }

    /// Moves the world's clock forward.
    pub fn advance(&self, by: Duration) {
        let ms = u64::try_from(by.as_millis()).unwrap_or(u64::MAX / 4);
        self.ahead_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// How far it was moved, in milliseconds.
    pub(crate) fn ahead_ms(&self) -> u64 {
        self.ahead_ms.load(Ordering::Relaxed)
    }

    /// The clock it stands on.
    pub fn real(&self) -> &Arc<dyn Clock> {
        &self.real
    }
}
