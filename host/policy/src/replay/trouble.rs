//! A call that meets a failure, and how long what it met lasts.

use sluice_domain::{AccountName, Attempt, Category, DecisionRecord, Failure, Layer, Verdict};
use sluice_standard_categorize::{categorize, imposed_wait};

/// Calls of the journal that are played at most, the newest: a day of 2,000 failures takes well under
/// a second with a component that takes tens of microseconds.
pub(super) const MOST_RECORDED: usize = 2_000;
/// How long trouble of the network or inside Telegram lasts on average. The journal cannot say it for
/// calls that were given up; half of such trouble is over within a second, one in 150 lasts ten.
const MEAN_TROUBLE_MS: f64 = 2_000.0;

/// One call, up to its first failure.
#[derive(Debug, Clone)]
pub(super) struct Trouble {
    pub at_ms: u64,
    pub account: AccountName,
    /// As the policy was told at the first failure.
    pub first: Attempt,
}

impl Trouble {
    /// The call of a record, if Telegram was asked and this was its first failure: what followed
    /// was made by the policy of then.
    pub(super) fn of(record: DecisionRecord) -> Option<Self> {
        let first = record.attempt.attempt == 1 && !record.standing && record.decided.is_some();
        first.then_some(Self {
            at_ms: record.at.0,
            account: record.account,
            first: record.attempt,
        })
    }

    /// Milliseconds after which a repeat gets through; none when it never does.
    pub(super) fn heals_after_ms(&self, chance: &mut Chance) -> Option<u64> {
        if let Some(seconds) = imposed_wait(&self.first.failure) {
            return Some(seconds.saturating_mul(1_000));
        }
        // What the shipped categorizer knows, not the one that is judged.
        match categorize(&self.first.failure).category {
            Category::Network | Category::Timeout | Category::Server => {
                Some(chance.exponential(MEAN_TROUBLE_MS))
            }
            _ => None,
        }
    }
}

/// What a repeat meets that comes too early: the same again, a wait with what is left of it.
pub(super) fn met_again(failure: &Failure, left_ms: u64) -> Failure {
    let (Layer::Telegram, Some(_), Some(_)) =
        (failure.layer, failure.number, imposed_wait(failure))
    else {
        return failure.clone();
    };
    let left = left_ms.div_ceil(1_000).max(1).to_string();
    let name = failure.pattern.replace("%d", &left);
    Failure::telegram(failure.code, &name, &failure.method, failure.account_kind)
}

/// Chance that repeats: SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number
/// generators, 2014).
pub(super) struct Chance(u64);

impl Chance {
    /// The chance of one thing on one day.
    pub(super) const fn new(seed: u64, thing: u64) -> Self {
        Self(seed ^ thing.wrapping_mul(0xd134_2543_de82_ef95))
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to `most`, both possible.
    pub(super) const fn up_to(&mut self, most: u64) -> u64 {
        match most.checked_add(1) {
            Some(many) => self.next() % many,
            None => self.next(),
        }
    }

    fn exponential(&mut self, mean: f64) -> u64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "the upper 53 bits, which a double holds"
        )]
        let uniform = ((self.next() >> 11) as f64 + 1.0) / (1_u64 << 53) as f64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative, and at most 37 times the mean"
        )]
        let drawn = (-uniform.ln() * mean) as u64;
        drawn
    }
}

/// A first failure with the verdict a categorizer gives it.
pub(super) fn first_attempt(failure: Failure, verdict: Verdict, entropy: u64) -> Attempt {
    Attempt {
        failure,
        verdict,
        attempt: 1,
        elapsed_ms: 120,
        slept_ms: 0,
        deadline_left_ms: 29_880,
        patience_left_ms: 0,
        idempotent: false,
        recent_failures: 1,
        recent_calls: 30,
        recent_retries: 0,
        entropy,
    }
}
