//! A day in virtual time: the same calls meet the same failures twice, once under the policies that
//! serve, once under the candidate before them. What a repeat meets follows from how long the trouble
//! lasts, which is drawn by seed and the same for both.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::time::Instant;

use serde::Serialize;
use sluice_domain::{AccountName, Attempt, Decision, Failure, UnixMillis, Verdict};

use super::asked::Asked;
use super::synthetic;
use super::trouble::{Chance, Trouble, met_again};
use crate::{Kind, Policies};

/// With fewer failures than this, the journal's day says little, and a synthetic one is added.
const THIN: usize = 200;
/// What `recent_calls` and its kin look back at.
const MINUTE_MS: u64 = 60_000;
/// What an attempt takes, from being sent to its answer.
const ATTEMPT_MS: u64 = 100;

/// A day of failures, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Day {
    /// What it was drawn by.
    pub seed: String,
    /// Calls that meet a failure.
    pub calls: u64,
    /// Those of them that stand in the journal; the others are synthetic.
    pub recorded: u64,
    /// Under the policies that serve.
    pub old: DayTally,
    /// Under the candidate, and them where it abstains.
    pub new: DayTally,
}

/// How a day went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DayTally {
    /// Calls made at Telegram, repeats included.
    pub attempts: u64,
    /// Repeats.
    pub retries: u64,
    /// Repeats that met the failure again.
    pub in_vain: u64,
    /// Time that callers spent waiting between attempts, in milliseconds.
    pub waited_ms: u64,
    /// Calls that ended with a failure.
    pub lost: u64,
    /// Calls that a repeat brought through.
    pub saved: u64,
    /// Time for which accounts were parked, in milliseconds.
    pub parked_ms: u64,
}

/// Plays the day; none when there was no time left for all of it.
pub(super) fn play(
    policies: &Policies,
    candidate: Asked<'_>,
    recorded: Vec<Trouble>,
    seed: u64,
    ends: Instant,
) -> Option<Day> {
    if candidate.kind() == Kind::Export {
        return None;
    }
    let count = recorded.len();
    let mut calls = recorded;
    if count < THIN {
        calls.extend(synthetic::day(seed, candidate.accounts));
    }
    let old = Judge {
        policies,
        candidate: None,
    };
    let new = Judge {
        policies,
        candidate: Some(candidate),
    };
    Some(Day {
        seed: seed.to_string(),
        calls: u64::try_from(calls.len()).unwrap_or(u64::MAX),
        recorded: u64::try_from(count).unwrap_or(u64::MAX),
        old: Run::new(&calls, seed).through(&old, ends)?,
        new: Run::new(&calls, seed).through(&new, ends)?,
    })
}

/// Who is asked on a day.
struct Judge<'a> {
    policies: &'a Policies,
    candidate: Option<Asked<'a>>,
}

impl Judge<'_> {
    fn verdict(&self, failure: &Failure, account: &AccountName, at: UnixMillis) -> Verdict {
        let own = self
            .asked(account)
            .and_then(|it| it.categorize(failure, at).ok());
        self.policies
            .verdict_quietly(failure, account, at, own.and_then(|(verdict, _)| verdict))
    }

    fn decide(&self, attempt: &Attempt, account: &AccountName, at: UnixMillis) -> Decision {
        let own = self
            .asked(account)
            .and_then(|it| it.decide(attempt, at).ok());
        self.policies
            .decision_quietly(attempt, account, at, own.and_then(|(decision, _)| decision))
    }

    fn asked(&self, account: &AccountName) -> Option<Asked<'_>> {
        self.candidate
            .filter(|candidate| candidate.concerns(account))
    }
}

/// When, which call, and its attempt that failed then. In the order of time; of the same moment, in
/// the order of calls.
type Moment = Reverse<(u64, usize)>;

/// A call on its way.
struct Way {
    attempt: Attempt,
    began_ms: u64,
    heals_at_ms: Option<u64>,
}

struct Run<'a> {
    calls: &'a [Trouble],
    seed: u64,
    ways: BTreeMap<usize, Way>,
    moments: BinaryHeap<Moment>,
    recent: BTreeMap<&'a AccountName, Recent<'a>>,
    parked_until: BTreeMap<&'a AccountName, u64>,
    tally: DayTally,
}

/// What happened in the last minute of an account.
#[derive(Default)]
struct Recent<'a> {
    retries: VecDeque<u64>,
    failures: VecDeque<(u64, &'a str)>,
}

impl<'a> Run<'a> {
    fn new(calls: &'a [Trouble], seed: u64) -> Self {
        Self {
            calls,
            seed,
            ways: BTreeMap::new(),
            moments: calls
                .iter()
                .enumerate()
                .map(|(index, call)| Reverse((call.at_ms, index)))
                .collect(),
            recent: BTreeMap::new(),
            parked_until: BTreeMap::new(),
            tally: DayTally::default(),
        }
    }

    fn through(mut self, judge: &Judge<'_>, ends: Instant) -> Option<DayTally> {
        while let Some(Reverse((now, index))) = self.moments.pop() {
            if Instant::now() >= ends {
                return None;
            }
            let Some(call) = self.calls.get(index) else {
                continue;
            };
            self.step(now, index, call, judge);
        }
        Some(self.tally)
    }

    /// An attempt of a call comes to its end at this moment.
    fn step(&mut self, now: u64, index: usize, call: &'a Trouble, judge: &Judge<'_>) {
        let fresh = !self.ways.contains_key(&index);
        if self
            .parked_until
            .get(&call.account)
            .is_some_and(|until| now < *until)
        {
            self.ways.remove(&index);
            self.tally.lost += 1;
            return;
        }
        let mut way = match self.ways.remove(&index) {
            Some(way) => way,
            None => self.begin(now, index, call),
        };
        self.tally.attempts += 1;
        let recent = self.recent.entry(&call.account).or_default();
        recent.forget(now);
        if !fresh {
            self.tally.retries += 1;
            recent.retries.push_back(now);
            if way.heals_at_ms.is_some_and(|heals| now >= heals) {
                self.tally.saved += 1;
                return;
            }
            self.tally.in_vain += 1;
            let left = way.heals_at_ms.map_or(0, |heals| heals - now);
            way.attempt.failure = met_again(&way.attempt.failure, left);
        }
        recent.failures.push_back((now, &call.first.failure.method));
        let retries = u32::try_from(recent.retries.len()).unwrap_or(u32::MAX);
        let failed = recent.failures.iter();
        let failures = failed.filter(|(_, method)| *method == call.first.failure.method);
        let attempt = &mut way.attempt;
        attempt.recent_failures = u32::try_from(failures.count()).unwrap_or(u32::MAX);
        attempt.recent_retries = retries;
        attempt.recent_calls = call.first.recent_calls.saturating_add(retries);
        attempt.verdict = judge.verdict(&attempt.failure, &call.account, UnixMillis(now));
        let decision = judge.decide(attempt, &call.account, UnixMillis(now));
        self.follow(decision, now, index, call, way);
    }

    fn begin(&self, now: u64, index: usize, call: &Trouble) -> Way {
        let thing = u64::try_from(index).unwrap_or(u64::MAX);
        let mut chance = Chance::new(self.seed, thing);
        Way {
            attempt: call.first.clone(),
            began_ms: now.saturating_sub(call.first.elapsed_ms),
            heals_at_ms: call
                .heals_after_ms(&mut chance)
                .map(|after| now.saturating_add(after)),
        }
    }

    fn follow(&mut self, decision: Decision, now: u64, index: usize, call: &'a Trouble, way: Way) {
        match decision {
            Decision::GiveUp => self.tally.lost += 1,
            Decision::Park { seconds } => {
                self.tally.lost += 1;
                let millis = seconds.saturating_mul(1_000);
                self.tally.parked_ms = self.tally.parked_ms.saturating_add(millis);
                self.parked_until
                    .insert(&call.account, now.saturating_add(millis));
            }
            Decision::Retry { after_ms, .. } => {
                let Way {
                    mut attempt,
                    began_ms,
                    heals_at_ms,
                } = way;
                self.tally.waited_ms = self.tally.waited_ms.saturating_add(after_ms);
                let next = now.saturating_add(after_ms).saturating_add(ATTEMPT_MS);
                attempt.attempt += 1;
                attempt.slept_ms = attempt.slept_ms.saturating_add(after_ms);
                let spent = after_ms.saturating_add(ATTEMPT_MS);
                attempt.deadline_left_ms = attempt.deadline_left_ms.saturating_sub(spent);
                attempt.patience_left_ms = attempt.patience_left_ms.saturating_sub(after_ms);
                attempt.elapsed_ms = next.saturating_sub(began_ms);
                attempt.entropy = Chance::new(attempt.entropy, 1).next();
                self.ways.insert(
                    index,
                    Way {
                        attempt,
                        began_ms,
                        heals_at_ms,
                    },
                );
                self.moments.push(Reverse((next, index)));
            }
        }
    }
}

impl Recent<'_> {
    fn forget(&mut self, now: u64) {
        let old = |at: u64| now.saturating_sub(at) > MINUTE_MS;
        while self.retries.front().is_some_and(|at| old(*at)) {
            self.retries.pop_front();
        }
        while self.failures.front().is_some_and(|(at, _)| old(*at)) {
            self.failures.pop_front();
        }
    }
}
