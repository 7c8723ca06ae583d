use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;
use sluice_domain::{AccountName, Category, UnixMillis};

use crate::Quantiles;
use crate::histogram::Histogram;

/// Methods counted apart for one account. The schema has 850; what comes beyond is counted together,
/// so that no caller can make this grow.
const METHODS: usize = 1024;
const BEYOND: &str = "(other)";

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
    accounts: Mutex<BTreeMap<AccountName, Counted>>,
}

/// What is counted of an account.
#[derive(Default)]
pub(crate) struct Counted {
    pub methods: BTreeMap<String, CountedMethod>,
    pub updates: u64,
    pub gaps: u64,
    pub connected: bool,
}

/// What is counted of a method.
#[derive(Default)]
pub(crate) struct CountedMethod {
    pub calls: u64,
    pub errors: BTreeMap<Category, u64>,
    /// In seconds.
    pub latency: Histogram,
    pub retries: u64,
    pub waits: u64,
}

impl CallStats {
    pub(crate) fn new(since: UnixMillis) -> Self {
        Self {
            since,
            accounts: Mutex::default(),
        }
    }

    /// When counting began.
    pub const fn since(&self) -> UnixMillis {
        self.since
    }

    /// Counts a call that ended.
    pub fn record(&self, account: &AccountName, method: &str, outcome: &CallOutcome) {
        self.with(account, |counted| {
            let known = counted.methods.len() < METHODS || counted.methods.contains_key(method);
            let method = if known { method } else { BEYOND };
            if !counted.methods.contains_key(method) {
                counted
                    .methods
                    .insert(method.to_owned(), CountedMethod::default());
            }
            let Some(counted) = counted.methods.get_mut(method) else {
                return;
            };
            counted.calls += 1;
            counted.latency.record(outcome.latency.as_secs_f64());
            counted.retries += u64::from(outcome.retries);
            counted.waits += u64::from(outcome.waits);
            if let Some(category) = outcome.error {
                *counted.errors.entry(category).or_default() += 1;
            }
        });
    }

    /// Counts updates that were taken.
    pub fn count_updates(&self, account: &AccountName, updates: u64) {
        self.with(account, |counted| counted.updates += updates);
    }

    /// Counts a gap.
    pub fn count_gap(&self, account: &AccountName) {
        self.with(account, |counted| counted.gaps += 1);
    }

    /// Whether the account is connected now.
    pub fn connected(&self, account: &AccountName, connected: bool) {
        self.with(account, |counted| counted.connected = connected);
    }

    /// The statistics of an account; empty when it made no call.
    pub fn account(&self, account: &AccountName) -> AccountStats {
        let accounts = self.accounts.lock();
        let Some(counted) = accounts.get(account) else {
            return AccountStats::default();
        };
        let methods = counted.methods.iter().map(|(method, counted)| MethodStats {
            method: method.clone(),
            calls: counted.calls,
            errors: counted.errors.clone(),
            latency_ms: milliseconds(counted.latency.quantiles()),
            retries: counted.retries,
            waits: counted.waits,
        });
        AccountStats {
            methods: methods.collect(),
            updates: counted.updates,
            gaps: counted.gaps,
        }
    }

    /// Forgets a deleted account.
    pub fn forget(&self, account: &AccountName) {
        self.accounts.lock().remove(account);
    }

    /// Hands over every account.
    pub(crate) fn each(&self, mut take: impl FnMut(&AccountName, &Counted)) {
        for (account, counted) in self.accounts.lock().iter() {
            take(account, counted);
        }
    }

    fn with(&self, account: &AccountName, count: impl FnOnce(&mut Counted)) {
        let mut accounts = self.accounts.lock();
        if let Some(counted) = accounts.get_mut(account) {
            count(counted);
        } else {
            count(accounts.entry(account.clone()).or_default());
        }
    }
}

/// To milliseconds with three decimals: a finer one would be noise.
fn milliseconds(seconds: Quantiles) -> Quantiles {
    let convert = |value: f64| (value * 1e6).round() / 1e3;
    Quantiles {
        p50: seconds.p50.map(convert),
        p95: seconds.p95.map(convert),
        p99: seconds.p99.map(convert),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sluice_domain::{AccountName, Category, UnixMillis};

    use super::{AccountStats, BEYOND, CallOutcome, CallStats, METHODS};

    fn name(name: &str) -> AccountName {
        name.parse().unwrap()
    }

    #[test]
    fn calls_are_counted_by_account_and_method() {
        let stats = CallStats::new(UnixMillis(5));
        let good = CallOutcome {
            latency: Duration::from_millis(40),
            ..CallOutcome::default()
        };
        let bad = CallOutcome {
            latency: Duration::from_millis(900),
            error: Some(Category::RateLimit),
            retries: 2,
            waits: 1,
        };
        for _ in 0..98 {
            stats.record(&name("a"), "messages.sendMessage", &good);
        }
        stats.record(&name("a"), "messages.sendMessage", &bad);
        stats.record(&name("a"), "messages.sendMessage", &bad);
        stats.record(&name("a"), "help.getConfig", &good);
        stats.record(&name("b"), "help.getConfig", &good);
        stats.count_updates(&name("a"), 3);
        stats.count_gap(&name("a"));

        let a = stats.account(&name("a"));
        assert_eq!((a.methods.len(), a.updates, a.gaps), (2, 3, 1));
        let shown = serde_json::to_value(&a.methods[1]).unwrap();
        assert_eq!(shown["method"], "messages.sendMessage");
        assert_eq!(
            (&shown["calls"], &shown["retries"], &shown["waits"]),
            (&100.into(), &4.into(), &2.into())
        );
        assert_eq!(shown["errors"], serde_json::json!({"rate_limit": 2}));
        let close = |value: &serde_json::Value, exact: f64| {
            (value.as_f64().unwrap() / exact - 1.0).abs() < 0.03
        };
        assert!(close(&shown["latencyMs"]["p50"], 40.0), "{shown}");
        assert!(close(&shown["latencyMs"]["p99"], 900.0), "{shown}");

        stats.forget(&name("a"));
        assert_eq!(stats.account(&name("a")), AccountStats::default());
        assert_eq!(stats.account(&name("b")).methods.len(), 1);
    }

    #[test]
    fn made_up_methods_do_not_make_it_grow() {
        let stats = CallStats::new(UnixMillis(5));
        for n in 0..METHODS * 2 {
            stats.record(&name("a"), &format!("made.up{n}"), &CallOutcome::default());
        }
        let methods = stats.account(&name("a")).methods;
        assert_eq!(methods.len(), METHODS + 1);
        let beyond = methods.iter().find(|m| m.method == BEYOND).unwrap();
        assert_eq!(beyond.calls, METHODS as u64);
    }
}
