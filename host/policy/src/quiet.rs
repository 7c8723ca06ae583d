//! Questions beside the path of calls: nothing is counted, no breaker moves.

use std::sync::Arc;

use sluice_domain::{
    AccountName, Attempt, Author, Decision, DecisionRecord, Failure, UnixMillis, Verdict,
};

use crate::envelope::{bound_decision, bound_verdict};
use crate::journal::explain;
use crate::plugin::Plugin;
use crate::{Explanation, Kind, Policies};

impl Policies {
    /// Why a decision is as it is, in words.
    pub fn explain(&self, record: &DecisionRecord) -> Explanation {
        explain(record, &self.settings.limits)
    }

    /// The verdict in force, or this one in the place of what plugins say, inside the envelope.
    pub(crate) fn verdict_quietly(
        &self,
        failure: &Failure,
        account: &AccountName,
        at: UnixMillis,
        own: Option<Verdict>,
    ) -> Verdict {
        let asked = || {
            self.first_answer(&self.table.load().categorize, account, |plugin| {
                plugin.body.categorize(failure, at).ok()?.0
            })
        };
        match own.or_else(asked) {
            Some(verdict) => bound_verdict(failure, verdict).0,
            None => sluice_standard_categorize::categorize(failure),
        }
    }

    /// The decision in force, or this one in the place of what plugins say, inside the envelope.
    pub(crate) fn decision_quietly(
        &self,
        attempt: &Attempt,
        account: &AccountName,
        at: UnixMillis,
        own: Option<Decision>,
    ) -> Decision {
        let asked = || {
            self.first_answer(&self.table.load().retry, account, |plugin| {
                plugin.body.decide(attempt, at).ok()?.0
            })
        };
        let native = || sluice_standard_retry::decide(attempt);
        let decision = own.or_else(asked).unwrap_or_else(native);
        bound_decision(attempt, decision, &self.settings.limits).0
    }

    fn first_answer<R>(
        &self,
        chain: &[Arc<Plugin>],
        account: &AccountName,
        question: impl Fn(&Plugin) -> Option<R>,
    ) -> Option<R> {
        let asked = |plugin: &&Arc<Plugin>| plugin.asked(Some(account), || self.clock.monotonic());
        chain
            .iter()
            .filter(asked)
            .find_map(|plugin| question(plugin))
    }

    /// The plugin that gave an answer, if it still serves as it did then.
    pub(crate) fn serving(&self, by: &Author, kind: Kind) -> Option<Arc<Plugin>> {
        let same = |plugin: &&Arc<Plugin>| {
            Some(&*plugin.hash) == by.hash.as_deref()
                && plugin.sidecar.settings_hash.as_deref() == by.settings.as_deref()
        };
        let table = self.table.load();
        table.chain(kind).iter().find(same).map(Arc::clone)
    }
}
