//! What an account did in the last minute, for retry policies.

use core::time::Duration;
use std::collections::VecDeque;

const WINDOW: Duration = Duration::from_mins(1);

/// Entries kept at most; a minute with more is counted as this many, which is plenty for a policy.
const MAX_ENTRIES: usize = 4_096;

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Call,
    Retry,
    Failure(String),
}

/// The last minute.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    entries: VecDeque<(Duration, What)>,
}

/// Counts of the last minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) failures: u32,
    pub(crate) calls: u32,
    pub(crate) retries: u32,
}

impl Recent {
    pub(crate) fn call(&mut self, now: Duration) {
        self.push(now, What::Call);
    }

    pub(crate) fn retry(&mut self, now: Duration) {
        self.push(now, What::Retry);
    }

    pub(crate) fn failure(&mut self, now: Duration, method: &str) {
        self.push(now, What::Failure(method.to_owned()));
    }

    pub(crate) fn counts(&mut self, now: Duration, method: &str) -> Counts {
        self.prune(now);
        let mut counts = Counts {
            failures: 0,
            calls: 0,
            retries: 0,
        };
        for (_, what) in &self.entries {
            match what {
                What::Call => counts.calls += 1,
                What::Retry => counts.retries += 1,
                What::Failure(failed) if failed == method => counts.failures += 1,
                What::Failure(_) => {}
            }
        }
        counts
    }

    /// Failures and calls of all methods.
    pub(crate) fn totals(&mut self, now: Duration) -> (usize, usize) {
        self.prune(now);
        let count = |wanted: fn(&What) -> bool| {
            self.entries.iter().filter(|(_, what)| wanted(what)).count()
        };
        (
            count(|what| matches!(what, What::Failure(_))),
            count(|what| *what == What::Call),
        )
    }

    fn push(&mut self, now: Duration, what: What) {
        self.prune(now);
        if self.entries.len() >= MAX_ENTRIES {
            self.entries.pop_front();
        }
        self.entries.push_back((now, what));
    }

    fn prune(&mut self, now: Duration) {
        while let Some((at, _)) = self.entries.front()
            && now.saturating_sub(*at) > WINDOW
        {
            self.entries.pop_front();
        }
    }
}
