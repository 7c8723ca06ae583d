//! The newest decisions, put to a new generation before it is swapped in.

use std::time::{Duration, Instant};

use serde::Serialize;
use sluice_domain::{DecisionFilter, DecisionLog};

use super::asked::Asked;
use super::diff::{Changed, Diff};
use crate::{Kind, Limits};

/// Decisions that are put to it. More would be felt between the file's renaming and its serving.
const RECORDS: usize = 200;
/// How long they may take. What was put until then is what is shown.
const TIME: Duration = Duration::from_millis(10);
/// Groups that are shown; a replay by hand shows all of them.
const GROUPS: usize = 20;

/// What a generation would have said about the newest failures before it was swapped in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SwapDiff {
    /// Decisions it was asked about.
    pub records: u64,
    /// Those about which it says something else than was decided.
    pub changed: u64,
    /// Those at which the host would correct it.
    pub corrected: u64,
    /// Those that it does not answer.
    pub unanswered: u64,
    /// What changes, by failure; the most frequent first, 20 at most.
    pub changes: Vec<Changed>,
}

/// Replays the newest decisions. None when there are none, or for an exporter. Nothing of it refuses a
/// generation: what the host would correct it corrects, and what goes wrong in earnest is taken back.
pub(crate) fn before_swap(
    asked: Asked<'_>,
    limits: &Limits,
    log: &dyn DecisionLog,
) -> Option<SwapDiff> {
    if asked.kind() == Kind::Export {
        return None;
    }
    let page = match log.decisions(None, &DecisionFilter::default(), RECORDS) {
        Ok(page) => page,
        Err(error) => {
            tracing::warn!(%error, "the journal cannot be read; a plugin is let in without it");
            return None;
        }
    };
    let ends = Instant::now() + TIME;
    let mut diff = Diff::new(asked, limits);
    for (id, record) in page.records {
        diff.take(id, record);
        if Instant::now() >= ends {
            break;
        }
    }
    let replay = diff.replay(true, String::new());
    let mut changes = replay.changes;
    changes.truncate(GROUPS);
    (replay.records > 0).then_some(SwapDiff {
        records: replay.records,
        changed: replay.changed,
        corrected: replay.breaches.iter().map(|breach| breach.count).sum(),
        unanswered: replay.failures,
        changes,
    })
}

impl std::fmt::Display for SwapDiff {
    /// The most frequent change stands for all.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} of the newest {} decisions would have been others",
            self.changed, self.records
        )?;
        if let Some(Changed {
            failure,
            old,
            new,
            count,
            of,
            ..
        }) = self.changes.first()
        {
            write!(f, "; {failure}: {old} -> {new}, {count} of {of}")?;
        }
        Ok(())
    }
}
