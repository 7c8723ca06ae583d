use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use sluice_domain::{AccountName, Category, UnixMillis};

use crate::Quantiles;

/// How one call of a caller ended, all its attempts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CallOutcome {
    /// From taking the call to its answer, waits included.
    pub latency: Duration,
    /// The family of the error it ended with; None for success.
    pub error: Option<Category>,
    /// Attempts after the first.
    pub retries: u32,
    /// Known waits that were slept.
    pub waits: u32,
}

/// Statistics of one method of one account.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MethodStats {
    /// The method.
    pub method: String,
    /// Calls that ended, well or not.
    pub calls: u64,
    /// Calls that ended with an error, by its family.
    pub errors: BTreeMap<Category, u64>,
    /// Latency in milliseconds.
    pub latency_ms: Quantiles,
    /// Attempts after the first.
    pub retries: u64,
    /// Known waits that were slept.
    pub waits: u64,
}

/// Statistics of one account.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AccountStats {
    /// By method, sorted by name.
    pub methods: Vec<MethodStats>,
    /// Updates taken.
    pub updates: u64,
    /// Gaps seen in the updates.
    pub gaps: u64,
}

/// Statistics of calls by account and method since the start.
pub struct CallStats {
    since: UnixMillis,
}

impl CallStats {
    /// When counting began.
    pub const fn since(&self) -> UnixMillis {
        self.since
    }

    /// Counts a call that ended.
    pub fn record(&self, _account: &AccountName, _method: &str, _outcome: &CallOutcome) {
        todo!()
    }

    /// Counts updates that were taken.
    pub fn count_updates(&self, _account: &AccountName, _updates: u64) {
        todo!()
    }

    /// Counts a gap.
    pub fn count_gap(&self, _account: &AccountName) {
        todo!()
    }

    /// The statistics of an account; empty when it made no call.
    pub fn account(&self, _account: &AccountName) -> AccountStats {
        todo!()
    }

    /// Forgets a deleted account.
    pub fn forget(&self, _account: &AccountName) {
        todo!()
    }
}
