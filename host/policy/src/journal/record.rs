use sluice_domain::{
    AccountName, Attempt, Author, Corrected, Decision, DecisionRecord, NoAnswer, Provenance,
    UnixMillis, Verdict,
};

use crate::answer::{Answerer, Source};

/// Longest name of an error that is kept as it is. Telegram's longest has 49 bytes.
const LONGEST_NAME: usize = 96;
/// What stands in the place of a name that Telegram never sends: such a one may hold anything.
pub(crate) const UNREADABLE: &str = "UNREADABLE";

/// A decision on its way into the journal. Takes little to make: what stands in it for readers is
/// written out apart from the path of calls.
#[derive(Debug)]
pub struct Noted {
    /// When it was decided.
    pub at: UnixMillis,
    /// Whose call it was.
    pub account: AccountName,
    /// The request's id.
    pub request_id: String,
    /// Whether a known wait stood in the way and Telegram was not asked.
    pub standing: bool,
    /// What the retry policy was told.
    pub attempt: Attempt,
    /// Where the verdict comes from.
    pub named: Source<Verdict>,
    /// What was decided.
    pub decision: Decision,
    /// Where that comes from; none when no policy was asked.
    pub decided: Option<Source<Decision>>,
}

impl Noted {
    /// The record of it. A failure holds nothing of what was called with; a name that is none could,
    /// and with it what policies made of it.
    pub(super) fn record(self) -> DecisionRecord {
        let mut record = DecisionRecord {
            at: self.at,
            account: self.account,
            request_id: self.request_id,
            standing: self.standing,
            attempt: self.attempt,
            named: provenance(self.named),
            decision: self.decision,
            decided: self.decided.map(provenance),
        };
        if !is_name(&record.attempt.failure.name) {
            redact(&mut record);
        }
        record
    }
}

fn redact(record: &mut DecisionRecord) {
    let (failure, verdict) = (&mut record.attempt.failure, &mut record.attempt.verdict);
    for text in [
        &mut failure.name,
        &mut failure.pattern,
        &mut verdict.code,
        &mut verdict.advice,
    ] {
        UNREADABLE.clone_into(text);
    }
    failure.number = None;
    record.named.corrected = None;
    record.named.failed = None;
    if let Some(decided) = &mut record.decided {
        decided.failed = None;
    }
}

fn provenance<T>(source: Source<T>) -> Provenance<T> {
    let breach = source.breach.map(str::to_owned);
    Provenance {
        at: source.at,
        by: author(&source.by),
        corrected: source
            .answered
            .zip(breach)
            .map(|(answered, breach)| Corrected { answered, breach }),
        failed: source.fault.map(|(by, why)| NoAnswer {
            plugin: by.name.as_ref().to_owned(),
            why,
        }),
        fuel: None,
    }
}

fn author(by: &Answerer) -> Author {
    Author {
        plugin: by.name.as_ref().to_owned(),
        generation: by.generation,
        hash: by.hash.as_deref().map(str::to_owned),
        settings: by.settings.as_deref().map(str::to_owned),
    }
}

/// Whether this is a name as Telegram makes them (`FLOOD_WAIT_37`, `Timedout`).
fn is_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(plain)
}
