//! A decision made again, from its record.

use serde::Serialize;
use sluice_domain::{DecisionRecord, Provenance};

use super::record::UNREADABLE;
use crate::{Fault, Kind, Policies, Spent};

/// One answer, asked for again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Again {
    /// Whether the answer is the same, bit for bit; null when it could not be asked for.
    pub same: Option<bool>,
    /// Fuel it burned; null for the native library, and when it could not be asked for.
    pub fuel: Option<u64>,
    /// Why it could not be asked for.
    pub unavailable: Option<String>,
}

/// A record's verdict and decision, asked for again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reexecution {
    /// Whether both are the same; null when one could not be asked for.
    pub same: Option<bool>,
    /// Fuel of both together.
    pub fuel: Option<u64>,
    /// Why one could not be asked for.
    pub unavailable: Option<String>,
    /// The verdict.
    pub verdict: Again,
    /// The decision; null when no policy was asked.
    pub decision: Option<Again>,
}

impl Policies {
    /// Puts the questions of a record once more to the very components that answered them. Takes as
    /// long as they do: not for a thread that serves calls.
    pub fn reexecute(&self, record: &DecisionRecord) -> Reexecution {
        let verdict = self.verdict_again(record);
        let decision = self.decision_again(record);
        let parts = || std::iter::once(&verdict).chain(&decision);
        let same = parts().try_fold(true, |all, part| part.same.map(|same| all && same));
        let unavailable = parts().find_map(|part| part.unavailable.clone());
        Reexecution {
            same,
            fuel: parts().filter_map(|part| part.fuel).reduce(|a, b| a + b),
            unavailable,
            verdict,
            decision,
        }
    }

    fn verdict_again(&self, record: &DecisionRecord) -> Again {
        let failure = &record.attempt.failure;
        if failure.name == UNREADABLE {
            return unavailable("the name of the error was not kept");
        }
        let named = &record.named;
        let first = match &named.corrected {
            Some(corrected) => &corrected.answered,
            None => &record.attempt.verdict,
        };
        if named.by.hash.is_none() {
            return again(sluice_standard_categorize::categorize(failure) == *first);
        }
        if did_not_answer(named) {
            return unavailable("the plugin did not answer then");
        }
        if let Some(candidate) = self.metered(&named.by) {
            return compared(candidate.categorize(failure, named.at), first);
        }
        match self.serving(&named.by, Kind::Categorize) {
            Some(plugin) => compared(plugin.body.categorize(failure, named.at), first),
            None => unavailable(GONE),
        }
    }

    fn decision_again(&self, record: &DecisionRecord) -> Option<Again> {
        let decided = record.decided.as_ref()?;
        let attempt = &record.attempt;
        if attempt.failure.name == UNREADABLE {
            return Some(unavailable("the name of the error was not kept"));
        }
        let first = match &decided.corrected {
            Some(corrected) => corrected.answered,
            None => record.decision,
        };
        if decided.by.hash.is_none() {
            return Some(again(sluice_standard_retry::decide(attempt) == first));
        }
        if did_not_answer(decided) {
            return Some(unavailable("the plugin did not answer then"));
        }
        if let Some(candidate) = self.metered(&decided.by) {
            return Some(compared(candidate.decide(attempt, decided.at), &first));
        }
        Some(match self.serving(&decided.by, Kind::Retry) {
            Some(plugin) => compared(plugin.body.decide(attempt, decided.at), &first),
            None => unavailable(GONE),
        })
    }
}

/// Why a component cannot be asked.
const GONE: &str = "the component that answered is not kept any more";

fn did_not_answer<T>(of: &Provenance<T>) -> bool {
    let failed = of.failed.as_ref();
    failed.is_some_and(|failed| failed.plugin == of.by.plugin)
}

fn compared<T: PartialEq>(reply: Result<(Option<T>, Spent), Fault>, first: &T) -> Again {
    match reply {
        Ok((answer, spent)) => Again {
            fuel: spent.fuel,
            ..again(answer.as_ref() == Some(first))
        },
        Err(fault) => unavailable(&format!("the component does not answer now: {fault}")),
    }
}

fn again(same: bool) -> Again {
    Again {
        same: Some(same),
        ..Again::default()
    }
}

fn unavailable(why: &str) -> Again {
    Again {
        unavailable: Some(why.to_owned()),
        ..Again::default()
    }
}
