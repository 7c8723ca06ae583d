use std::collections::HashMap;
use std::os::unix::fs::DirBuilderExt as _;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use sluice_domain::{
    AccountName, Attempt, Batch, Category, Clock, Decision, Delivery, EventBody, Failure, Severity,
    Verdict,
};

use crate::envelope::{bound_decision, bound_verdict};
use crate::golden::check_path;
use crate::plugin::{Plugin, Tally};
use crate::registry::Registry;
use crate::runtime::{Fault, Runtime};
use crate::sidecar::OnFailure;
use crate::table::Table;
use crate::watch::{self, Watch};
use crate::{Kind, PluginView, PolicyError, PolicySettings, Served};

/// Called with every `plugin` event. Must not block.
pub type OnEvent = Box<dyn Fn(EventBody) + Send + Sync>;

/// The policies in force. Everything here is synchronous and takes microseconds; a plugin that
/// does not answer costs at most its deadline, and the native library answers instead.
pub struct Policies {
    settings: PolicySettings,
    runtime: Arc<Runtime>,
    clock: Arc<dyn Clock>,
    on_event: OnEvent,
    table: ArcSwap<Table>,
    registry: Mutex<Registry>,
    native: Native,
    served: ArcSwap<HashMap<String, Arc<Served>>>,
    watch: OnceLock<Watch>,
}

/// What the native libraries were asked.
#[derive(Default)]
struct Native {
    retry: Tally,
    categorize: Tally,
    export: Tally,
}

impl Policies {
    /// Starts the runtime and admits what is in the directories. Plugins that are refused are
    /// shown in [`plugins`](Self::plugins); only the runtime itself failing is an error.
    pub fn open(
        settings: PolicySettings,
        clock: Arc<dyn Clock>,
        on_event: OnEvent,
    ) -> Result<Arc<Self>, PolicyError> {
        let runtime = Runtime::new(&settings.limits, settings.cache_dir.as_deref())?;
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(&settings.dir)
            .map_err(|source| PolicyError::Directory {
                path: settings.dir.clone(),
                source,
            })?;
        let policies = Arc::new(Self {
            settings,
            runtime: Arc::new(runtime),
            clock,
            on_event,
            table: ArcSwap::default(),
            registry: Mutex::default(),
            native: Native::default(),
            served: ArcSwap::default(),
            watch: OnceLock::new(),
        });
        policies.refresh();
        Ok(policies)
    }

    /// Starts following the operator's directory; ends when the last reference goes. A second call
    /// does nothing.
    pub fn watch(self: &Arc<Self>) -> Result<(), PolicyError> {
        if self.watch.get().is_none() {
            // Of two at once the later one's is dropped, which does no harm.
            let _ = self.watch.set(watch::start(self, &self.settings.dir)?);
            // For what changed between `open` and now.
            self.refresh();
        }
        Ok(())
    }

    /// Looks at the directories now and brings what serves into line with them. True when a file
    /// was changing and another look is needed soon. Blocks for as long as compiling takes.
    pub fn refresh(&self) -> bool {
        // Held while compiling: two looks at once would compile everything twice. No call waits
        // for it.
        let mut registry = self.registry.lock();
        let outcome = registry.look(&self.settings, &self.runtime, self.clock.now());
        if let Some(table) = outcome.table {
            self.table.store(Arc::new(table));
        }
        drop(registry);
        for event in outcome.events {
            (self.on_event)(event);
        }
        outcome.again
    }

    /// Names a failure.
    pub fn categorize(&self, failure: &Failure, account: &AccountName) -> Verdict {
        let native = || sluice_standard_categorize::categorize(failure);
        for plugin in &self.table.load().categorize {
            if !plugin.asked(Some(account), || self.clock.monotonic()) {
                continue;
            }
            match self.ask(plugin, || plugin.body.categorize(failure)) {
                Ok(Some(verdict)) => {
                    let (verdict, breach) = bound_verdict(failure, verdict);
                    note(&plugin.tally, breach);
                    return verdict;
                }
                Ok(None) => {}
                Err(_) if plugin.sidecar.on_failure == OnFailure::Fail => {
                    return failed_verdict(&native(), &plugin.name);
                }
                Err(_) => break,
            }
        }
        self.native.categorize.called();
        native()
    }

    /// Decides about a failed attempt. The answer is inside the envelope: never earlier than
    /// Telegram's own wait, never beyond the deadline or the cap, at most so many attempts, and no
    /// repeat of a call that may have been executed unless it is idempotent.
    pub fn decide(&self, attempt: &Attempt, account: &AccountName) -> Decision {
        for plugin in &self.table.load().retry {
            if !plugin.asked(Some(account), || self.clock.monotonic()) {
                continue;
            }
            match self.ask(plugin, || plugin.body.decide(attempt)) {
                Ok(Some(decision)) => return self.bound(&plugin.tally, attempt, decision),
                Ok(None) => {}
                Err(_) if plugin.sidecar.on_failure == OnFailure::Fail => return Decision::GiveUp,
                Err(_) => break,
            }
        }
        self.native.retry.called();
        let decision = sluice_standard_retry::decide(attempt);
        self.bound(&self.native.retry, attempt, decision)
    }

    fn bound(&self, tally: &Tally, attempt: &Attempt, decision: Decision) -> Decision {
        let (decision, breach) = bound_decision(attempt, decision, &self.settings.limits);
        note(tally, breach);
        decision
    }

    /// Hands a batch to every exporter and keeps what they want served. Takes as long as the
    /// exporters do, bounded by their deadline each: not for a thread that serves calls.
    pub fn export(&self, batch: &Batch) {
        let mut served = HashMap::new();
        for plugin in &self.table.load().export {
            if !plugin.asked(None, || self.clock.monotonic()) {
                continue;
            }
            if let Ok(deliveries) = self.ask(plugin, || plugin.body.export(batch)) {
                for delivery in deliveries {
                    note(
                        &plugin.tally,
                        deliver(delivery, &mut served).err().as_deref(),
                    );
                }
            }
        }
        // No plugin can be the reason that nothing is to be scraped.
        if !served.contains_key(sluice_standard_prometheus::PATH) {
            self.native.export.called();
            for delivery in sluice_standard_prometheus::export(batch) {
                note(
                    &self.native.export,
                    deliver(delivery, &mut served).err().as_deref(),
                );
            }
        }
        self.served.store(Arc::new(served));
    }

    /// What exporters serve at a path of the admin listener since the newest batch.
    pub fn served(&self, path: &str) -> Option<Arc<Served>> {
        self.served.load().get(path).cloned()
    }

    /// Every plugin, refused ones and the native libraries included, by kind and in the order in
    /// which they are asked.
    pub fn plugins(&self) -> Vec<PluginView> {
        let table = self.table.load();
        let mut views = Vec::new();
        for kind in Kind::ALL {
            views.extend(table.views(kind));
            let native = match kind {
                Kind::Retry => &self.native.retry,
                Kind::Categorize => &self.native.categorize,
                Kind::Export => &self.native.export,
            };
            views.push(native.native_view(kind));
        }
        views.extend(table.refused());
        views
    }

    /// Puts one question to a plugin and keeps count.
    fn ask<R>(
        &self,
        plugin: &Plugin,
        question: impl FnOnce() -> Result<R, Fault>,
    ) -> Result<R, Fault> {
        plugin.tally.called();
        let answer = question();
        match &answer {
            Ok(_) => plugin.breaker.answered(),
            Err(fault) => self.fault(plugin, fault),
        }
        answer
    }

    fn fault(&self, plugin: &Plugin, fault: &Fault) {
        plugin.tally.failed(fault);
        tracing::debug!(plugin = plugin.name, %fault, "plugin did not answer");
        if plugin.breaker.fault(self.clock.monotonic()) {
            tracing::warn!(plugin = plugin.name, %fault, "plugin keeps failing and is left alone for a while");
            (self.on_event)(EventBody::Plugin {
                name: plugin.name.clone(),
                action: "disabled".into(),
                generation: plugin.generation,
                error: Some(fault.to_string()),
            });
        }
    }
}

fn note(tally: &Tally, breach: Option<&str>) {
    if let Some(breach) = breach {
        tally.clamped(breach);
    }
}

/// Keeps what is to be served; the exporter that is asked first keeps a path.
fn deliver(delivery: Delivery, served: &mut HashMap<String, Arc<Served>>) -> Result<(), String> {
    match delivery {
        Delivery::Serve {
            path,
            content_type,
            body,
        } => {
            check_path(&path)?;
            if !content_type.bytes().all(|b| (b' '..=b'~').contains(&b)) {
                return Err(format!("serves {path} with a media type that is no header"));
            }
            if served.contains_key(&path) {
                return Err(format!("serves {path}, which another exporter serves"));
            }
            served.insert(
                path,
                Arc::new(Served {
                    content_type,
                    body: body.into(),
                }),
            );
            Ok(())
        }
        Delivery::Http { target, .. } | Delivery::Datagram { target, .. } => Err(format!(
            "sends to {:?}, which the configuration does not name",
            target.chars().take(64).collect::<String>()
        )),
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
