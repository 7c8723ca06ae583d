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
    /// Telegram asked to wait until then.
    rest: Duration,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Idle,
    Wanted(Duration),
    Running,
}

impl Fetching {
    /// Wanted or under way: one difference per sequence at a time.
    pub(super) fn busy(&self) -> bool {
        self.phase != Phase::Idle
    }

    /// Under way: live updates are held back.
    pub(super) fn running(&self) -> bool {
        self.phase == Phase::Running
    }

    /// Fetch as soon as possible.
    pub(super) fn want(&mut self, now: Duration) {
        if self.phase == Phase::Running {
            self.again = true;
        } else {
            self.phase = Phase::Wanted(now.max(self.rest));
        }
    }

    /// What waits for its next attempt need not wait longer, unless Telegram asked for it.
    pub(super) fn hurry(&mut self, now: Duration) {
        if self.busy() && !self.running() {
            self.want(now);
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
        if let Some(wait) = wait {
            self.rest = now.saturating_add(Duration::from_secs(wait));
        }
        let pause = Duration::from_secs(1_u64 << self.failures.min(6)).min(MAX_PAUSE);
        self.failures = self.failures.saturating_add(1);
        self.phase = Phase::Wanted(now.saturating_add(pause).max(self.rest));
    }
}
