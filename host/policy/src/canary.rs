//! Which accounts a canary is asked about, and how they fare against the others.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use sluice_domain::{AccountName, Decision};

/// Whether an account is of the share that a canary is asked about. Depends on nothing but the two
/// names, so the same accounts stay in over restarts and when the share grows, and two canaries
/// have different ones.
pub(crate) fn chosen(plugin: &str, account: &AccountName, percent: u8) -> bool {
    // FNV-1a, whose low bits alone are not even; then the finaliser of SplitMix64.
    let bytes = plugin.bytes().chain([0]).chain(account.as_str().bytes());
    let mut hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (hash ^ (hash >> 31)) % 100 < u64::from(percent)
}

/// The accounts of a canary against the rest, since the canary began.
#[derive(Default)]
pub(crate) struct Arms {
    pub canary: Arm,
    pub rest: Arm,
}

impl Arms {
    pub(crate) fn of(&self, canary: bool) -> &Arm {
        if canary { &self.canary } else { &self.rest }
    }
}

/// What happened to the calls of some accounts.
#[derive(Default)]
pub(crate) struct Arm {
    calls: AtomicU64,
    failures: AtomicU64,
    retries: AtomicU64,
    give_ups: AtomicU64,
    parks: AtomicU64,
}

impl Arm {
    pub(crate) fn ended(&self, failed: bool) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.failures
            .fetch_add(u64::from(failed), Ordering::Relaxed);
    }

    pub(crate) fn decided(&self, decision: Decision) {
        let count = match decision {
            Decision::Retry { .. } => &self.retries,
            Decision::GiveUp => &self.give_ups,
            Decision::Park { .. } => &self.parks,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn view(&self) -> ArmView {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        ArmView {
            calls: load(&self.calls),
            failures: load(&self.failures),
            retries: load(&self.retries),
            give_ups: load(&self.give_ups),
            parks: load(&self.parks),
        }
    }
}

/// How the calls of some accounts ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ArmView {
    /// Calls that ended.
    pub calls: u64,
    /// Those of them that ended with a problem.
    pub failures: u64,
    /// Failed attempts that were repeated.
    pub retries: u64,
    /// Failed attempts that were given up.
    pub give_ups: u64,
    /// Failed attempts that parked the account.
    pub parks: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(n: u32) -> AccountName {
        format!("account-{n}").parse().unwrap()
    }

    /// Breaks when the choice changes between releases (the figures are fixed), when it is not
    /// even, or when a growing share throws accounts out.
    #[test]
    fn the_same_accounts_stay_in() {
        let share = |plugin: &str, percent| -> Vec<u32> {
            let of = |n: &u32| chosen(plugin, &account(*n), percent);
            (0..1_000).filter(of).collect()
        };
        for percent in [1, 10, 25, 50, 90] {
            let found = share("retry-next", percent).len();
            let wanted = usize::from(percent) * 10;
            assert!(found.abs_diff(wanted) < 45, "{percent}%: {found}");
        }
        assert_eq!(share("retry-next", 100).len(), 1_000);
        let ten = share("retry-next", 10);
        let more = share("retry-next", 25);
        assert!(ten.iter().all(|n| more.contains(n)));
        assert_ne!(ten, share("other", 10));
        assert_eq!(ten.get(..5), Some(&[13, 31, 33, 38, 43][..]));
    }
}
