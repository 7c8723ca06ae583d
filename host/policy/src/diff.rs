//! What a plugin in shadow would have answered, against what was done.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use serde::Serialize;
use sluice_domain::UnixMillis;

use crate::tally::add;

/// Kinds of difference that are told apart. More than that is no table that anybody reads; what is
/// beyond is counted.
const GROUPS: usize = 64;
/// Patterns of failures that are told apart: the catalogue has fewer.
const PATTERNS: usize = 1_024;
/// Differences that are kept as they were.
const EXAMPLES: usize = 16;
/// Letters of a text that came from outside.
const LETTERS: usize = 80;

/// Comparisons of one generation. Kept by the thread of the shadows, never by a call.
#[derive(Default)]
pub(crate) struct Diff {
    /// Questions it was not asked because too many waited.
    pub skipped: AtomicU64,
    pub abstained: AtomicU64,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    compared: u64,
    same: u64,
    patterns: HashMap<String, u64>,
    groups: BTreeMap<Group, u64>,
    beyond: u64,
    examples: VecDeque<Example>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    pattern: String,
    decided: String,
    candidate: String,
}

/// The question that two answers belong to.
#[derive(Debug, Clone)]
pub(crate) struct Case<'a> {
    pub at: UnixMillis,
    pub account: Option<&'a str>,
    pub method: &'a str,
    pub pattern: &'a str,
    pub number: Option<i64>,
    pub attempt: Option<u32>,
}

impl Diff {
    pub(crate) fn skipped(&self) {
        add(&self.skipped);
    }

    pub(crate) fn abstained(&self) {
        add(&self.abstained);
    }

    /// Takes down what was done and what the plugin would have.
    pub(crate) fn compare(&self, case: &Case<'_>, decided: String, candidate: String) {
        let mut inner = self.inner.lock();
        inner.compared += 1;
        let pattern = clip(case.pattern);
        if inner.patterns.len() < PATTERNS || inner.patterns.contains_key(&pattern) {
            *inner.patterns.entry(pattern.clone()).or_default() += 1;
        }
        if decided == candidate {
            inner.same += 1;
            return;
        }
        let example = Example {
            at: case.at,
            account: case.account.map(str::to_owned),
            method: clip(case.method),
            pattern: pattern.clone(),
            number: case.number,
            attempt: case.attempt,
            decided: decided.clone(),
            candidate: candidate.clone(),
        };
        let group = Group {
            pattern,
            decided,
            candidate,
        };
        if inner.groups.len() < GROUPS || inner.groups.contains_key(&group) {
            *inner.groups.entry(group).or_default() += 1;
        } else {
            inner.beyond += 1;
        }
        inner.examples.push_front(example);
        inner.examples.truncate(EXAMPLES);
    }

    pub(crate) fn view(&self) -> ComparisonView {
        let inner = self.inner.lock();
        let mut groups: Vec<GroupView> = inner
            .groups
            .iter()
            .map(|(group, count)| {
                let Group {
                    pattern,
                    decided,
                    candidate,
                } = group;
                let of = inner.patterns.get(pattern).copied().unwrap_or(*count);
                GroupView {
                    text: format!("{pattern}: {decided} -> {candidate}, {count} of {of}"),
                    pattern: pattern.clone(),
                    decided: decided.clone(),
                    candidate: candidate.clone(),
                    count: *count,
                    of,
                }
            })
            .collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.count));
        ComparisonView {
            compared: inner.compared,
            same: inner.same,
            different: inner.compared.saturating_sub(inner.same),
            abstained: self.abstained.load(Ordering::Relaxed),
            skipped: self.skipped.load(Ordering::Relaxed),
            groups,
            beyond: inner.beyond,
            examples: inner.examples.iter().cloned().collect(),
        }
    }
}

fn clip(text: &str) -> String {
    text.chars().take(LETTERS).collect()
}

/// How the answers of a plugin in shadow compare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ComparisonView {
    /// Questions that both answered.
    pub compared: u64,
    /// Those answered alike.
    pub same: u64,
    /// Those answered differently.
    pub different: u64,
    /// Questions it abstained from.
    pub abstained: u64,
    /// Questions it was not asked because too many waited: no call waits for a shadow.
    pub skipped: u64,
    /// The differences by kind, the most frequent first.
    pub groups: Vec<GroupView>,
    /// Differences of further kinds.
    pub beyond: u64,
    /// The newest differences.
    pub examples: Vec<Example>,
}

/// Differences of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupView {
    /// In one line.
    pub text: String,
    /// The failure, its number replaced by `%d`.
    pub pattern: String,
    /// What was done; `x` is the wait in the failure.
    pub decided: String,
    /// What the plugin would have done.
    pub candidate: String,
    /// How often.
    pub count: u64,
    /// Of how many failures of this pattern.
    pub of: u64,
}

/// One difference as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Example {
    /// When it was compared.
    pub at: UnixMillis,
    /// Whose call.
    pub account: Option<String>,
    /// The method.
    pub method: String,
    /// The failure, its number replaced by `%d`.
    pub pattern: String,
    /// The number.
    pub number: Option<i64>,
    /// Which attempt of the call; null where it makes no difference.
    pub attempt: Option<u32>,
    /// What was done.
    pub decided: String,
    /// What the plugin would have done.
    pub candidate: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(pattern: &str) -> Case<'_> {
        Case {
            at: UnixMillis(1),
            account: Some("demo"),
            method: "m",
            pattern,
            number: None,
            attempt: Some(1),
        }
    }

    /// Breaks when what is kept grows with what happens.
    #[test]
    fn it_counts_everything_and_keeps_little() {
        let diff = Diff::default();
        for n in 0..5_000 {
            let pattern = format!("{}_{n}", "P".repeat(200));
            diff.compare(&case(&pattern), "a".into(), "b".into());
            diff.compare(&case(&format!("Q_{n}")), "a".into(), format!("{n}"));
        }
        for _ in 0..10 {
            diff.compare(&case("SAME"), "a".into(), "a".into());
        }
        let view = diff.view();
        assert_eq!(
            (view.compared, view.same, view.different),
            (10_010, 10, 10_000)
        );
        assert_eq!((view.groups.len(), view.examples.len()), (GROUPS, EXAMPLES));
        assert_eq!(view.groups[0].count, 5_000);
        assert_eq!(view.beyond, 10_000 - 5_000 - 63);
        let text = view.groups[0].text.as_str();
        assert!(text.ends_with(": a -> b, 5000 of 5000"), "{text}");
    }
}
