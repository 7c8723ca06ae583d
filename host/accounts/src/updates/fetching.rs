//! Whether a sequence's difference is wanted or under way.

use core::time::Duration;

/// The longest pause between two attempts to fetch a difference.
const MAX_PAUSE: Duration = Duration::from_mins(1);

#[derive(Debug, Default)]
pub(super) struct Fetching {
    phase: Phase,
    failures: u32,
    /// Wanted again while one was under way, which may not cover it.
    again: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Idle,
    Wanted(Duration),
    Running,
}

impl Fetching {
    /// One difference per sequence at a time, live updates held back meanwhile.
    pub(super) fn busy(&self) -> bool {
        self.phase != Phase::Idle
    }

    pub(super) fn running(&self) -> bool {
        self.phase == Phase::Running
    }

    /// Fetch as soon as possible.
    pub(super) fn want(&mut self, now: Duration) {
        if self.phase == Phase::Running {
            self.again = true;
        } else {
            self.phase = Phase::Wanted(now);
        }
    }

    /// When to fetch.
    pub(super) fn due(&self) -> Option<Duration> {
        match self.phase {
            Phase::Wanted(at) => Some(at),
            Phase::Idle | Phase::Running => None,
        }
    }

    pub(super) fn started(&mut self) {
        self.again = false;
        self.phase = Phase::Running;
    }

    /// The answer came; with `more` the next part is wanted at once.
    pub(super) fn answered(&mut self, now: Duration, more: bool) {
        self.failures = 0;
        let more = core::mem::take(&mut self.again) || more;
        self.phase = if more {
            Phase::Wanted(now)
        } else {
            Phase::Idle
        };
    }

    /// No answer: again after a pause that doubles, and never before Telegram's own wait.
    pub(super) fn failed(&mut self, now: Duration, wait: Option<u64>) {
        let pause = Duration::from_secs(1_u64 << self.failures.min(6)).min(MAX_PAUSE);
        let pause = pause.max(Duration::from_secs(wait.unwrap_or_default()));
        self.failures = self.failures.saturating_add(1);
        self.phase = Phase::Wanted(now.saturating_add(pause));
    }
}
