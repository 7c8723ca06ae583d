//! Questions on the path of calls: to the plugins in their order, to the native library last.

use std::sync::Arc;

use sluice_domain::{
    AccountName, Attempt, Category, Decision, EventBody, Failure, Severity, Verdict,
};

use crate::answer::{Answer, Answerer, Decided, Judged};
use crate::envelope::{bound_decision, bound_verdict};
use crate::plugin::{Plugin, Tally};
use crate::runtime::{Fault, Reply};
use crate::sidecar::OnFailure;
use crate::{Kind, Policies};

/// What came of asking a chain of plugins.
enum Asked<R> {
    /// One answered.
    By(Arc<Plugin>, R),
    /// One did not, and its operator wants that to show.
    Failed(Arc<Plugin>, Fault),
    /// The native library has to answer, perhaps because a plugin did not.
    Native(Option<(Arc<Plugin>, Fault)>),
}

impl Policies {
    /// Names a failure.
    pub fn categorize(&self, failure: &Failure, account: &AccountName) -> Verdict {
        self.judge(failure, account).answer
    }

    /// Decides about a failed attempt. The answer is inside the envelope: never earlier than
    /// Telegram's own wait, never beyond the deadline or the cap, at most so many attempts, and no
    /// repeat of a call that may have been executed unless it is idempotent.
    pub fn decide(&self, attempt: &Attempt, account: &AccountName) -> Decision {
        self.weigh(attempt, account).answer
    }

    /// Names a failure and says who did.
    pub fn judge(&self, failure: &Failure, account: &AccountName) -> Judged {
        let native = || sluice_standard_categorize::categorize(failure);
        let at = self.clock.now();
        let table = self.table.load();
        let asked = self.ask(&table.categorize, account, |plugin| {
            plugin.body.categorize(failure, at)
        });
        let (by, answer, fault) = match asked {
            Asked::By(plugin, verdict) => {
                let (answer, breach) = bound_verdict(failure, verdict);
                note(&plugin.tally, breach);
                return Answer {
                    answer,
                    at,
                    by: plugin.answerer(),
                    breach,
                    fault: None,
                };
            }
            Asked::Failed(plugin, fault) => {
                let answer = failed_verdict(&native(), &plugin.name);
                (plugin.answerer(), answer, Some((plugin, fault)))
            }
            Asked::Native(fault) => {
                self.native.categorize.called();
                (self.native.answerer(Kind::Categorize), native(), fault)
            }
        };
        Answer {
            answer,
            at,
            by,
            breach: None,
            fault: fault.map(|(plugin, fault)| (plugin.answerer(), fault.to_string())),
        }
    }

    /// Decides about a failed attempt and says who did.
    pub fn weigh(&self, attempt: &Attempt, account: &AccountName) -> Decided {
        let at = self.clock.now();
        let table = self.table.load();
        let asked = self.ask(&table.retry, account, |plugin| {
            plugin.body.decide(attempt, at)
        });
        let bound = |tally: &Tally, decision| {
            let bounded = bound_decision(attempt, decision, &self.settings.limits);
            note(tally, bounded.1);
            bounded
        };
        let ((answer, breach), by, fault) = match asked {
            Asked::By(plugin, decision) => {
                (bound(&plugin.tally, decision), plugin.answerer(), None)
            }
            Asked::Failed(plugin, fault) => (
                (Decision::GiveUp, None),
                plugin.answerer(),
                Some((plugin, fault)),
            ),
            Asked::Native(fault) => {
                self.native.retry.called();
                let decision = sluice_standard_retry::decide(attempt);
                let by = self.native.answerer(Kind::Retry);
                (bound(&self.native.retry, decision), by, fault)
            }
        };
        Answer {
            answer,
            at,
            by,
            breach,
            fault: fault.map(|(plugin, fault)| (plugin.answerer(), fault.to_string())),
        }
    }

    /// Asks one after the other until one answers. One that abstains passes the question on; one
    /// that fails leaves it to the native library, so that a call pays for one deadline at most.
    fn ask<R>(
        &self,
        chain: &[Arc<Plugin>],
        account: &AccountName,
        question: impl Fn(&Plugin) -> Reply<Option<R>>,
    ) -> Asked<R> {
        for plugin in chain {
            if !plugin.asked(Some(account), || self.clock.monotonic()) {
                continue;
            }
            match self.put(plugin, || question(plugin)) {
                Ok(Some(answer)) => return Asked::By(plugin.clone(), answer),
                Ok(None) => {}
                Err(fault) if plugin.sidecar.on_failure == OnFailure::Fail => {
                    return Asked::Failed(plugin.clone(), fault);
                }
                Err(fault) => return Asked::Native(Some((plugin.clone(), fault))),
            }
        }
        Asked::Native(None)
    }

    /// Puts one question to a plugin and keeps count.
    pub(crate) fn put<R>(
        &self,
        plugin: &Plugin,
        question: impl FnOnce() -> Reply<R>,
    ) -> Result<R, Fault> {
        plugin.tally.called();
        let answer = question().map(|(answer, _)| answer);
        match &answer {
            Ok(_) => plugin.breaker.answered(),
            Err(fault) => self.fault(plugin, fault),
        }
        answer
    }

    fn fault(&self, plugin: &Plugin, fault: &Fault) {
        plugin.tally.failed(fault);
        tracing::debug!(plugin = %plugin.name, %fault, "plugin did not answer");
        if plugin.breaker.fault(self.clock.monotonic()) {
            tracing::warn!(plugin = %plugin.name, %fault, "plugin keeps failing and is left alone for a while");
            (self.on_event)(EventBody::Plugin {
                name: plugin.name.to_string(),
                action: "disabled".into(),
                generation: plugin.generation,
                error: Some(fault.to_string()),
            });
        }
    }
}

/// Counts a breach of the envelope against whom it came from.
pub(crate) fn note(tally: &Tally, breach: Option<&str>) {
    if let Some(breach) = breach {
        tally.clamped(breach);
    }
}

/// What the native libraries were asked.
pub(crate) struct Native {
    pub retry: Tally,
    pub categorize: Tally,
    pub export: Tally,
    names: [Arc<str>; Kind::ALL.len()],
}

impl Default for Native {
    fn default() -> Self {
        Self {
            retry: Tally::default(),
            categorize: Tally::default(),
            export: Tally::default(),
            names: Kind::ALL.map(|kind| format!("native-{}", kind.as_str()).into()),
        }
    }
}

impl Native {
    fn answerer(&self, kind: Kind) -> Answerer {
        let [retry, categorize, export] = &self.names;
        let name = match kind {
            Kind::Retry => retry,
            Kind::Categorize => categorize,
            Kind::Export => export,
        };
        Answerer {
            name: name.clone(),
            generation: 0,
            hash: None,
        }
    }
}

/// The verdict for a call whose categorizer did not answer and whose operator wants that to show.
fn failed_verdict(native: &Verdict, plugin: &str) -> Verdict {
    Verdict {
        category: Category::Policy,
        code: "POLICY_FAILED".into(),
        status: 500,
        retryable: false,
        wait: native.wait,
        wait_scope: native.wait_scope,
        severity: Severity::Error,
        advice: format!("The policy {plugin} did not answer; GET /api/plugins says why."),
    }
}
