use sluice_domain::{Category, Severity, WaitScope};

/// What the number in an error's name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    /// There is none.
    None,
    /// A wait in seconds.
    Seconds,
    /// A wait in minutes.
    Minutes,
    /// A wait in days.
    Days,
    /// A moment, in seconds since 1970. Not a wait: a policy has no clock.
    Unix,
    /// A data center.
    Dc,
    /// A place in what was sent.
    Index,
    /// How many of something.
    Count,
    /// An id.
    Id,
}

/// One error of the catalogue. The columns are described in `plugins/data/README.md`.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The name with its number replaced by `%d`.
    pub name: &'static str,
    /// Codes it was seen under.
    pub codes: &'static [i32],
    /// Its family.
    pub category: Category,
    /// HTTP status of its problem.
    pub status: u16,
    /// Whether the same call can succeed later.
    pub retryable: bool,
    /// What its number means.
    pub number: Number,
    /// What its wait holds back.
    pub scope: WaitScope,
    /// How much an operator should care.
    pub severity: Severity,
    /// What the caller can do.
    pub advice: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/rows.rs"));

/// Every error of the catalogue, sorted by name.
pub fn catalogue() -> &'static [Row] {
    ROWS
}

/// The row of a name whose number is replaced by `%d`.
pub fn find(pattern: &str) -> Option<&'static Row> {
    let at = ROWS.binary_search_by(|row| row.name.cmp(pattern)).ok()?;
    ROWS.get(at)
}
