//! What the server saw: one entry for every call, the newest kept.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use sluice_domain::UnixMillis;

/// Enough for every test; some 200 bytes each, so about 4 MB at most.
const KEPT: usize = 20_000;

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// Still executing, or delayed by a rule.
    Pending,
    /// Answered with a result.
    Ok,
    /// Answered with this error.
    Error(String),
    /// Never answered, by a rule.
    Silenced,
    /// The connection was closed instead of an answer, by a rule.
    Disconnected,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JournalEntry {
    /// Counts from 1; never reused.
    pub seq: u64,
    /// When it arrived, by the real clock.
    pub at: UnixMillis,
    /// The data center it arrived at.
    pub dc: i32,
    /// On the media port.
    pub media: bool,
    /// Who called; `None` before sign-in.
    pub account: Option<i64>,
    /// The auth key, as 16 hexadecimal digits.
    pub auth_key_id: String,
    /// The MTProto session, as 16 hexadecimal digits.
    pub session: String,
    /// The connection, counted from 1 over the whole process.
    pub link: u64,
    /// The message id, in decimal.
    pub msg_id: String,
    /// The method, without wrappers.
    pub method: String,
    /// The `random_id` it carried, in decimal.
    pub random_id: Option<String>,
    /// It was executed and its result was no error, whether or not the caller was told.
    pub executed: bool,
    /// What became of it.
    pub outcome: Outcome,
}

/// Which entries to read. What is absent matches everything.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct JournalFilter {
    /// The method.
    pub method: Option<String>,
    /// The caller.
    pub account: Option<i64>,
    /// The data center.
    pub dc: Option<i32>,
    /// Only entries with a greater `seq`.
    pub after: Option<u64>,
    /// At most so many, the newest.
    pub limit: Option<usize>,
}

/// The entries.
#[derive(Default)]
pub(crate) struct Journal {
    last: u64,
    entries: VecDeque<JournalEntry>,
}

impl Journal {
    /// Adds an entry, numbers it and returns the number.
    pub(crate) fn add(&mut self, mut entry: JournalEntry) -> u64 {
        if self.entries.len() == KEPT {
            self.entries.pop_front();
        }
        self.last += 1;
        entry.seq = self.last;
        self.entries.push_back(entry);
        self.last
    }

    /// Says what became of a call.
    pub(crate) fn finish(&mut self, seq: u64, outcome: Outcome) {
        if let Some(entry) = self.entry(seq) {
            entry.outcome = outcome;
        }
    }

    /// A call was executed without an error.
    pub(crate) fn executed(&mut self, seq: u64) {
        if let Some(entry) = self.entry(seq) {
            entry.executed = true;
        }
    }

    fn entry(&mut self, seq: u64) -> Option<&mut JournalEntry> {
        let first = self.entries.front().map_or(0, |e| e.seq);
        seq.checked_sub(first)
            .and_then(|i| usize::try_from(i).ok())
            .and_then(|i| self.entries.get_mut(i))
    }

    pub(crate) fn read(&self, filter: &JournalFilter) -> Vec<JournalEntry> {
        let mut found: Vec<_> = self
            .entries
            .iter()
            .rev()
            .take_while(|e| filter.after.is_none_or(|after| e.seq > after))
            .filter(|e| {
                filter.method.as_ref().is_none_or(|m| *m == e.method)
                    && filter.account.is_none_or(|a| Some(a) == e.account)
                    && filter.dc.is_none_or(|d| d == e.dc)
            })
            .take(filter.limit.unwrap_or(usize::MAX))
            .cloned()
            .collect();
        found.reverse();
        found
    }
}
