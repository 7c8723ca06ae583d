//! Questions on the path of calls: to the plugins in their order, to the native library last.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use sluice_domain::{AccountName, Attempt, Category, Decision, Failure, Severity, Verdict};

use crate::answer::{Answer, Answerer, Decided, Judged};
use crate::envelope::{bound_decision, bound_verdict};
use crate::plugin::Plugin;
use crate::registry::event;
use crate::runtime::{Fault, Reply};
use crate::shadow::Question;
use crate::sidecar::OnFailure;
use crate::tally::{Tally, add};
use crate::{Kind, Policies};

/// Repeats after which it is looked whether they are too many.
const RETRIES: u64 = 16;

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
        let judged = self.named(failure, account);
        self.cast(Kind::Categorize, || Question::Failure {
            failure: failure.clone(),
            account: account.clone(),
            done: judged.answer.clone(),
        });
        judged
    }

    fn named(&self, failure: &Failure, account: &AccountName) -> Judged {
        let native = || sluice_standard_categorize::categorize(failure);
        let at = self.clock.now();
        let table = self.table.load();
        let asked = self.ask(&table.categorize, account, |plugin| {
            plugin.body.categorize(failure, at)
        });
        let (by, answer, fault) = match asked {
            Asked::By(plugin, verdict) => {
                let (answer, breach) = bound_verdict(failure, verdict.clone());
                self.note(&plugin.tally, breach);
                return Answer {
                    answer,
                    at,
                    by: plugin.answerer(),
                    breach,
                    answered: breach.map(|_| verdict),
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
            answered: None,
            fault: fault.map(|(plugin, fault)| (plugin.answerer(), fault.to_string())),
        }
    }

    /// Decides about a failed attempt and says who did.
    pub fn weigh(&self, attempt: &Attempt, account: &AccountName) -> Decided {
        let decided = self.decided(attempt, account);
        for canary in &self.table.load().canaries {
            let arm = canary.arms.of(canary.chosen(account));
            arm.decided(decided.answer);
        }
        self.cast(Kind::Retry, || Question::Attempt {
            attempt: Box::new(attempt.clone()),
            account: account.clone(),
            done: decided.answer,
        });
        decided
    }

    fn decided(&self, attempt: &Attempt, account: &AccountName) -> Decided {
        let at = self.clock.now();
        let table = self.table.load();
        let asked = self.ask(&table.retry, account, |plugin| {
            plugin.body.decide(attempt, at)
        });
        let bound = |tally: &Tally, decision| {
            let bounded = bound_decision(attempt, decision, &self.settings.limits);
            self.note(tally, bounded.1);
            (bounded.0, bounded.1, bounded.1.map(|_| decision))
        };
        let ((answer, breach, answered), by, fault) = match asked {
            Asked::By(plugin, decision) => {
                let bounded = bound(&plugin.tally, decision);
                let native = sluice_standard_retry::decide(attempt);
                plugin.tally.decided(attempt.attempt, bounded.0, native);
                if matches!(bounded.0, Decision::Retry { .. }) {
                    self.suspect(&plugin);
                }
                (bounded, plugin.answerer(), None)
            }
            Asked::Failed(plugin, fault) => (
                (Decision::GiveUp, None, None),
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
            answered,
            fault: fault.map(|(plugin, fault)| (plugin.answerer(), fault.to_string())),
        }
    }

    /// Takes down that a call ended, for the comparison of canaries.
    pub fn ended(&self, account: &AccountName, failed: bool) {
        for canary in &self.table.load().canaries {
            canary.arms.of(canary.chosen(account)).ended(failed);
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
                Err(fault) => {
                    add(&plugin.tally.fallbacks);
                    return Asked::Native(Some((plugin.clone(), fault)));
                }
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
        let began = self.clock.monotonic();
        let answer = question().map(|(answer, spent)| {
            plugin.tally.used(spent.memory);
            answer
        });
        let took = self.clock.monotonic().saturating_sub(began);
        plugin.tally.times.took(took);
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
            let why = Some(fault.to_string());
            (self.on_event)(event(&plugin.name, "disabled", Some(plugin), why));
        }
        self.look_soon();
    }

    /// Counts a breach of the envelope against whom it came from.
    pub(crate) fn note(&self, tally: &Tally, breach: Option<&str>) {
        if let Some(breach) = breach {
            tally.clamped(breach);
            self.look_soon();
        }
    }

    /// A policy that repeats much is looked at now and then.
    fn suspect(&self, plugin: &Plugin) {
        let retries = plugin.tally.retries.load(Ordering::Relaxed);
        if retries.is_multiple_of(RETRIES) {
            self.look_soon();
        }
    }

    /// Has what a plugin does weighed against the bounds of a rollback, beside the call.
    fn look_soon(&self) {
        if let Some(watch) = self.watch.get() {
            watch.wake();
        }
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
    pub(crate) fn tally(&self, kind: Kind) -> &Tally {
        match kind {
            Kind::Retry => &self.retry,
            Kind::Categorize => &self.categorize,
            Kind::Export => &self.export,
        }
    }

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
            settings: None,
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
