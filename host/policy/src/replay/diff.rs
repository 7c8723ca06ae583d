//! What a candidate says about records, beside what was decided.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;
use sluice_domain::{Cursor, DecisionRecord, UnixMillis, Verdict};

use super::asked::Asked;
use super::trouble::{MOST_RECORDED, Trouble};
use super::{Fuel, FuelChange, Replay};
use crate::envelope::{bound_decision, bound_verdict};
use crate::{Kind, Limits, phrases};

/// Groups of changes in one answer. Beyond it the seldom ones are left out.
const MOST_GROUPS: usize = 200;

/// Failures of one name about which the candidate says the same other thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// The failure, with `x` for its number.
    pub failure: String,
    /// What was said.
    pub old: String,
    /// What the candidate says.
    pub new: String,
    /// So many of them.
    pub count: u64,
    /// Of so many failures of this name.
    pub of: u64,
    /// The id of the newest.
    pub example: String,
}

/// A bound that answers of the candidate break; the host would keep it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Breach {
    /// Which, in words.
    pub breach: String,
    /// So often.
    pub count: u64,
    /// The id of the newest.
    pub example: String,
}

#[derive(Default)]
struct Cost {
    sum: u64,
    count: u64,
    max: u64,
}

/// Collects the differences.
pub(super) struct Diff<'a> {
    asked: Asked<'a>,
    limits: &'a Limits,
    records: u64,
    abstained: u64,
    from: Option<UnixMillis>,
    to: Option<UnixMillis>,
    groups: BTreeMap<(String, String, String), (u64, Cursor)>,
    totals: BTreeMap<String, u64>,
    breaches: BTreeMap<String, (u64, Cursor)>,
    failures: u64,
    failure: Option<String>,
    old_fuel: Cost,
    new_fuel: Cost,
    troubles: VecDeque<Trouble>,
}

impl<'a> Diff<'a> {
    pub(super) fn new(asked: Asked<'a>, limits: &'a Limits) -> Self {
        Self {
            asked,
            limits,
            records: 0,
            abstained: 0,
            from: None,
            to: None,
            groups: BTreeMap::new(),
            totals: BTreeMap::new(),
            breaches: BTreeMap::new(),
            failures: 0,
            failure: None,
            old_fuel: Cost::default(),
            new_fuel: Cost::default(),
            troubles: VecDeque::new(),
        }
    }

    /// Puts one record, older than those before, to the candidate.
    pub(super) fn take(&mut self, id: Cursor, record: DecisionRecord) {
        if !self.asked.concerns(&record.account) {
            return;
        }
        match self.asked.kind() {
            Kind::Retry => self.take_decision(id, &record),
            Kind::Categorize => self.take_verdict(id, &record),
            Kind::Export => return,
        }
        if self.troubles.len() < MOST_RECORDED
            && let Some(trouble) = Trouble::of(record)
        {
            self.troubles.push_front(trouble);
        }
    }

    fn take_decision(&mut self, id: Cursor, record: &DecisionRecord) {
        // What the gateway never repeats is not a policy's to decide.
        let Some(decided) = &record.decided else {
            return;
        };
        let attempt = &record.attempt;
        let failure = self.count(record);
        self.old_fuel.add(decided.fuel);
        let (old, new) = match self.asked.decide(attempt, decided.at) {
            Ok((None, fuel)) => {
                self.new_fuel.add(fuel);
                self.abstained += 1;
                return;
            }
            Ok((Some(answered), fuel)) => {
                self.new_fuel.add(fuel);
                let (decision, breach) = bound_decision(attempt, answered, self.limits);
                self.breach(id, breach);
                if decision == record.decision {
                    return;
                }
                phrases::decisions(
                    &attempt.failure,
                    &attempt.verdict,
                    record.decision,
                    decision,
                )
            }
            Err(fault) => {
                self.fault(&fault);
                let old = phrases::decision(&attempt.failure, &attempt.verdict, record.decision);
                (old, "no answer".into())
            }
        };
        self.change(id, failure, old, new);
    }

    fn take_verdict(&mut self, id: Cursor, record: &DecisionRecord) {
        let failure = &record.attempt.failure;
        let name = self.count(record);
        self.old_fuel.add(record.named.fuel);
        let old: &Verdict = &record.attempt.verdict;
        let (old, new) = match self.asked.categorize(failure, record.named.at) {
            Ok((None, fuel)) => {
                self.new_fuel.add(fuel);
                self.abstained += 1;
                return;
            }
            Ok((Some(answered), fuel)) => {
                self.new_fuel.add(fuel);
                let (verdict, breach) = bound_verdict(failure, answered);
                self.breach(id, breach);
                if verdict == *old {
                    return;
                }
                phrases::verdicts(failure, old, &verdict)
            }
            Err(fault) => {
                self.fault(&fault);
                (old.code.clone(), "no answer".into())
            }
        };
        self.change(id, name, old, new);
    }

    fn count(&mut self, record: &DecisionRecord) -> String {
        self.records += 1;
        self.from = Some(record.at);
        self.to = self.to.max(Some(record.at));
        let failure = phrases::failure(&record.attempt.failure);
        *self.totals.entry(failure.clone()).or_default() += 1;
        failure
    }

    fn breach(&mut self, id: Cursor, breach: Option<&str>) {
        if let Some(breach) = breach {
            let (count, _) = self.breaches.entry(breach.to_owned()).or_insert((0, id));
            *count += 1;
        }
    }

    fn fault(&mut self, fault: &crate::Fault) {
        self.failures += 1;
        self.failure.get_or_insert_with(|| fault.to_string());
    }

    fn change(&mut self, id: Cursor, failure: String, old: String, new: String) {
        let (count, _) = self.groups.entry((failure, old, new)).or_insert((0, id));
        *count += 1;
    }

    /// The calls that failed, oldest first, for the day in virtual time.
    pub(super) fn troubles(&mut self) -> Vec<Trouble> {
        std::mem::take(&mut self.troubles).into()
    }

    /// What it came to.
    pub(super) fn replay(self, complete: bool, hash: String) -> Replay {
        let mut changes: Vec<Changed> = self
            .groups
            .into_iter()
            .map(|((failure, old, new), (count, example))| Changed {
                of: self.totals.get(&failure).copied().unwrap_or(count),
                failure,
                old,
                new,
                count,
                example: example.to_string(),
            })
            .collect();
        changes.sort_by_key(|change| std::cmp::Reverse(change.count));
        let changed = changes.iter().map(|change| change.count).sum();
        changes.truncate(MOST_GROUPS);
        let breaches = self.breaches.into_iter();
        Replay {
            kind: self.asked.kind(),
            hash,
            records: self.records,
            changed,
            abstained: self.abstained,
            from: self.from,
            to: self.to,
            complete,
            changes,
            breaches: breaches
                .map(|(breach, (count, example))| Breach {
                    breach,
                    count,
                    example: example.to_string(),
                })
                .collect(),
            failures: self.failures,
            failure: self.failure,
            fuel: FuelChange {
                old: self.old_fuel.fuel(),
                new: self.new_fuel.fuel(),
            },
            day: None,
        }
    }
}

impl Cost {
    fn add(&mut self, fuel: Option<u64>) {
        if let Some(fuel) = fuel {
            self.sum = self.sum.saturating_add(fuel);
            self.count += 1;
            self.max = self.max.max(fuel);
        }
    }

    fn fuel(&self) -> Option<Fuel> {
        Some(Fuel {
            mean: self.sum.checked_div(self.count)?,
            max: self.max,
        })
    }
}
