//! Plugins in shadow: asked on a thread of their own, after the call has its answer.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Weak};
use std::thread;

use sluice_domain::{AccountName, Attempt, Batch, Decision, Delivery, Failure, Verdict};

use crate::diff::Case;
use crate::envelope::{bound_decision, bound_verdict};
use crate::plugin::Plugin;
use crate::{Kind, Policies, Served, phrases};

/// Questions that wait for the thread. At a kilobyte each this is small, and a shadow that answers
/// within a millisecond keeps up with a second of the worst burst.
const WAITING: usize = 1_024;

/// The way to the thread; it ends when this is gone.
pub(crate) struct Shadows(SyncSender<Question>);

/// A question that was answered, with what was done.
pub(crate) enum Question {
    Failure {
        failure: Failure,
        account: AccountName,
        done: Verdict,
    },
    Attempt {
        attempt: Box<Attempt>,
        account: AccountName,
        done: Decision,
    },
    Batch {
        batch: Batch,
        served: Arc<HashMap<String, Arc<Served>>>,
    },
}

impl Question {
    const fn kind(&self) -> Kind {
        match self {
            Self::Failure { .. } => Kind::Categorize,
            Self::Attempt { .. } => Kind::Retry,
            Self::Batch { .. } => Kind::Export,
        }
    }
}

impl Shadows {
    pub(crate) fn start(policies: Weak<Policies>) -> std::io::Result<Self> {
        let (queue, questions) = sync_channel(WAITING);
        thread::Builder::new()
            .name("sluice-shadows".into())
            .spawn(move || run(&policies, &questions))?;
        Ok(Self(queue))
    }
}

fn run(policies: &Weak<Policies>, questions: &Receiver<Question>) {
    while let Ok(question) = questions.recv() {
        let Some(policies) = policies.upgrade() else {
            return;
        };
        policies.shadow(&question);
    }
}

impl Policies {
    /// Hands a question to the shadows of its kind, if there are any. Never waits: what finds no
    /// room is counted as skipped.
    pub(crate) fn cast(&self, kind: Kind, question: impl FnOnce() -> Question) {
        let table = self.table.load();
        if table
            .shadows
            .iter()
            .all(|shadow| shadow.body.kind() != kind)
        {
            return;
        }
        let sent = match self.shadows.get() {
            Some(shadows) => !matches!(
                shadows.0.try_send(question()),
                Err(TrySendError::Full(_) | TrySendError::Disconnected(_))
            ),
            None => false,
        };
        if !sent {
            let of_kind = |shadow: &&Arc<Plugin>| shadow.body.kind() == kind;
            for shadow in table.shadows.iter().filter(of_kind) {
                shadow.diff.skipped();
            }
        }
    }

    fn shadow(&self, question: &Question) {
        let table = self.table.load_full();
        for plugin in &table.shadows {
            let account = match question {
                Question::Failure { account, .. } | Question::Attempt { account, .. } => {
                    Some(account)
                }
                Question::Batch { .. } => None,
            };
            if plugin.body.kind() == question.kind()
                && plugin.concerns(account)
                && plugin.breaker.closed(|| self.clock.monotonic())
            {
                self.compare(plugin, question);
            }
        }
    }

    fn compare(&self, plugin: &Plugin, question: &Question) {
        let at = self.clock.now();
        match question {
            Question::Failure {
                failure,
                account,
                done,
            } => {
                let Ok(answer) = self.put(plugin, || plugin.body.categorize(failure, at)) else {
                    return;
                };
                let Some(verdict) = answer else {
                    return plugin.diff.abstained();
                };
                let (verdict, breach) = bound_verdict(failure, verdict);
                self.note(&plugin.tally, breach);
                plugin.diff.compare(
                    &case(at, account, failure, None),
                    phrases::verdict(failure, done),
                    phrases::verdict(failure, &verdict),
                );
            }
            Question::Attempt {
                attempt,
                account,
                done,
            } => {
                let Ok(answer) = self.put(plugin, || plugin.body.decide(attempt, at)) else {
                    return;
                };
                let Some(decision) = answer else {
                    return plugin.diff.abstained();
                };
                let (decision, breach) = bound_decision(attempt, decision, &self.settings.limits);
                self.note(&plugin.tally, breach);
                let phrase =
                    |decision| phrases::decision(&attempt.failure, &attempt.verdict, decision);
                plugin.diff.compare(
                    &case(at, account, &attempt.failure, Some(attempt.attempt)),
                    phrase(*done),
                    phrase(decision),
                );
            }
            Question::Batch { batch, served } => {
                let Ok(deliveries) = self.put(plugin, || plugin.body.export(batch)) else {
                    return;
                };
                for delivery in &deliveries {
                    let (what, decided, candidate) = delivered(delivery, served);
                    let case = Case {
                        at,
                        account: None,
                        method: "",
                        pattern: what,
                        number: None,
                        attempt: None,
                    };
                    plugin.diff.compare(&case, decided, candidate);
                }
            }
        }
    }
}

fn case<'a>(
    at: sluice_domain::UnixMillis,
    account: &'a AccountName,
    failure: &'a Failure,
    attempt: Option<u32>,
) -> Case<'a> {
    Case {
        at,
        account: Some(account.as_str()),
        method: &failure.method,
        pattern: &failure.pattern,
        number: failure.number,
        attempt,
    }
}

/// What an exporter in shadow would have let go out, against what is served.
fn delivered<'a>(
    delivery: &'a Delivery,
    served: &HashMap<String, Arc<Served>>,
) -> (&'a str, String, String) {
    match delivery {
        Delivery::Serve { path, body, .. } => match served.get(path) {
            Some(now) if *now.body == **body => (path, "a text".into(), "a text".into()),
            Some(_) => (path, "a text".into(), "another text".into()),
            None => (path, "nothing".into(), "a text".into()),
        },
        Delivery::Http { target, .. } => (target, "not sent".into(), "a request".into()),
        Delivery::Datagram { target, .. } => (target, "not sent".into(), "a datagram".into()),
    }
}
