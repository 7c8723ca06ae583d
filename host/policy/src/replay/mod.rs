//! A candidate over the journal: what it would have decided about yesterday's real failures, and how a day
//! would go with it. Nothing of it touches what serves.

mod admitted;
mod asked;
mod day;
mod diff;
mod swap;
mod synthetic;
mod trouble;

use std::time::{Duration, Instant};

use serde::Serialize;
use sluice_domain::{AccountName, DecisionFilter, DecisionLog, StoreError, UnixMillis};

use crate::Policies;
use admitted::Admitted;
pub(crate) use asked::Asked;
pub use day::{Day, DayTally};
use diff::Diff;
pub use diff::{Breach, Changed};
pub use swap::SwapDiff;
pub(crate) use swap::before_swap;

/// Records read at once.
const PAGE: usize = 500;

/// What is to be replayed.
#[derive(Debug, Clone)]
pub struct ReplayRequest<'a> {
    /// The component.
    pub component: &'a [u8],
    /// The text of its `NAME.toml`; empty for none.
    pub sidecar: &'a str,
    /// Accounts whose records are replayed; empty for all.
    pub accounts: &'a [AccountName],
    /// Records from this moment on; all that are kept when there is none.
    pub since: Option<UnixMillis>,
    /// The newest so many records at most.
    pub records: usize,
    /// How long it may take, admission not counted. What was done until then is the answer.
    pub time: Duration,
    /// Which day is played: the same seed gives the same day.
    pub seed: u64,
}

/// Why there is nothing to show.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The candidate would not be let in.
    #[error("the candidate is refused: {0}")]
    Refused(String),
    /// The journal cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a candidate would have done.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Replay {
    /// What it is.
    pub kind: crate::Kind,
    /// SHA-256 of the component, in hex.
    pub hash: String,
    /// Records it was asked about.
    pub records: u64,
    /// Those about which it says something else than was decided.
    pub changed: u64,
    /// Those on which it had no opinion, so that what was decided stays.
    pub abstained: u64,
    /// The oldest of them.
    pub from: Option<UnixMillis>,
    /// The newest of them.
    pub to: Option<UnixMillis>,
    /// Whether all that was wanted and kept was replayed, neither the time nor the number running out.
    pub complete: bool,
    /// What changes, by failure; the most frequent first.
    pub changes: Vec<Changed>,
    /// Bounds of the host that its answers break.
    pub breaches: Vec<Breach>,
    /// Questions it did not answer.
    pub failures: u64,
    /// Why it did not answer the first of them.
    pub failure: Option<String>,
    /// What an answer costs.
    pub fuel: FuelChange,
    /// A day of failures in virtual time under the policies that serve and under the candidate; null
    /// for an exporter, or when there was no time left for it.
    pub day: Option<Day>,
}

/// Fuel of an answer, before and after.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct FuelChange {
    /// As the records have it; null when what answered was the native library, which burns none.
    pub old: Option<Fuel>,
    /// Of the candidate.
    pub new: Option<Fuel>,
}

/// Fuel over many answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Fuel {
    /// On average.
    pub mean: u64,
    /// At most.
    pub max: u64,
}

impl Policies {
    /// Replays the journal on a candidate. Takes seconds: not for a thread that serves calls.
    pub fn replay(
        &self,
        log: &dyn DecisionLog,
        request: &ReplayRequest<'_>,
    ) -> Result<Replay, ReplayError> {
        let candidate = Admitted::new(self, request.component, request.sidecar)
            .map_err(ReplayError::Refused)?;
        let ends = Instant::now() + request.time;
        let mut diff = Diff::new(candidate.asked(), &self.settings.limits);
        let filter = DecisionFilter {
            accounts: request.accounts.to_vec(),
            since: request.since,
            ..DecisionFilter::default()
        };
        let (mut before, mut left) = (None, request.records);
        let complete = loop {
            let page = log.decisions(before, &filter, PAGE.min(left))?;
            left -= page.records.len().min(left);
            let in_time = page.records.into_iter().all(|(id, record)| {
                diff.take(id, record);
                Instant::now() < ends
            });
            before = page.next;
            if !in_time || before.is_none() || left == 0 {
                break in_time && before.is_none();
            }
        };
        let troubles = diff.troubles();
        let mut replay = diff.replay(complete, candidate.hash.clone());
        replay.day = day::play(self, candidate.asked(), troubles, request.seed, ends);
        Ok(replay)
    }
}
