use std::collections::HashMap;
use std::os::unix::fs::DirBuilderExt as _;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use sluice_domain::{Clock, DecisionLog, EventBody, UnixMillis};

use crate::archive::Archive;
use crate::ask::Native;
use crate::exports::Exports;
use crate::journal::Metered;
use crate::registry::{Ground, Outcome, Registry};
use crate::runtime::Runtime;
use crate::shadow::Shadows;
use crate::table::Table;
use crate::watch::{self, Watch};
use crate::{Kind, Mode, PluginView, PolicyError, PolicySettings, Rollback, Served, Workbench};

/// Called with every `plugin` event. Must not block.
pub type OnEvent = Box<dyn Fn(EventBody) + Send + Sync>;

/// The policies in force. Everything here is synchronous and takes microseconds; a plugin that
/// does not answer costs at most its deadline, and the native library answers instead.
pub struct Policies {
    pub(crate) settings: PolicySettings,
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) on_event: OnEvent,
    pub(crate) table: ArcSwap<Table>,
    pub(crate) registry: Mutex<Registry>,
    pub(crate) native: Native,
    pub(crate) served: ArcSwap<HashMap<String, Arc<Served>>>,
    pub(crate) exports: Exports,
    pub(crate) opened: UnixMillis,
    pub(crate) metered: Metered,
    /// What was decided, to be put to new generations.
    pub(crate) decisions: OnceLock<Arc<dyn DecisionLog>>,
    pub(crate) archive: Archive,
    pub(crate) rollback: ArcSwap<Rollback>,
    pub(crate) shadows: OnceLock<Shadows>,
    pub(crate) watch: OnceLock<Watch>,
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
        let opened = clock.now();
        let archive = Archive::open(settings.archive_dir.clone(), settings.archive_bytes);
        let policies = Arc::new(Self {
            archive,
            rollback: ArcSwap::from_pointee(settings.rollback.clone()),
            settings,
            runtime: Arc::new(runtime),
            clock,
            on_event,
            table: ArcSwap::default(),
            registry: Mutex::default(),
            native: Native::default(),
            served: ArcSwap::default(),
            exports: Exports::default(),
            opened,
            metered: Metered::default(),
            decisions: OnceLock::new(),
            shadows: OnceLock::new(),
            watch: OnceLock::new(),
        });
        let shadows = Shadows::start(Arc::downgrade(&policies)).map_err(PolicyError::Thread)?;
        // It is set here and nowhere else.
        let _ = policies.shadows.set(shadows);
        policies.refresh();
        Ok(policies)
    }

    /// Puts the newest of these decisions to every generation before it is swapped in, from now on.
    /// A second call does nothing.
    pub fn rehearse_with(&self, decisions: Arc<dyn DecisionLog>) {
        // The first one's is kept.
        let _ = self.decisions.set(decisions);
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

    /// Loads components beside those that serve, in the same engines and under the same bounds.
    pub fn workbench(&self) -> Workbench {
        Workbench::on(self.runtime.clone(), self.settings.limits.clone())
    }

    /// Looks at the directories now and brings what serves into line with them; takes back a
    /// generation that does harm. True when a file was changing and another look is needed soon.
    /// Blocks for as long as compiling takes.
    pub fn refresh(&self) -> bool {
        self.change(|registry, ground, outcome| {
            registry.look(ground, outcome);
            registry.review(ground, &self.rollback.load(), outcome);
            outcome.again
        })
    }

    /// Changes what serves, and has it swapped in, told and kept.
    pub(crate) fn change<R>(
        &self,
        change: impl FnOnce(&mut Registry, &Ground<'_>, &mut Outcome) -> R,
    ) -> R {
        // Held while compiling: two looks at once would compile everything twice. No call waits
        // for it.
        let mut registry = self.registry.lock();
        let ground = Ground {
            settings: &self.settings,
            runtime: &self.runtime,
            archive: &self.archive,
            clock: self.clock.as_ref(),
            decisions: self.decisions.get().map(AsRef::as_ref),
        };
        let mut outcome = Outcome::default();
        let result = change(&mut registry, &ground, &mut outcome);
        if outcome.changed() {
            self.table.store(Arc::new(registry.table()));
        }
        // Calls have the new table by now. The registry is held still, so that what is told and
        // what is kept have the same order.
        for event in outcome.events {
            (self.on_event)(event);
        }
        for filed in outcome.filed {
            self.archive.keep(&filed.hash, &filed.component);
            if let Some((plugin, release)) = filed.serves {
                self.archive.serves(&plugin, release);
            }
        }
        drop(registry);
        result
    }

    /// Sets when a new generation is taken back by itself, from now on.
    pub fn set_rollback(&self, bounds: Rollback) {
        self.rollback.store(Arc::new(bounds));
    }

    /// The bytes of a component that served at some time, by its SHA-256 in hex, if it is still
    /// kept.
    pub fn component(&self, hash: &str) -> Option<Vec<u8>> {
        self.archive.component(hash)
    }

    /// Every plugin, refused ones and the native libraries included, by kind and in the order in
    /// which they are asked.
    pub fn plugins(&self) -> Vec<PluginView> {
        let table = self.table.load();
        let mut views = Vec::new();
        for kind in Kind::ALL {
            let chain = table.chain(kind).iter();
            views.extend(chain.zip(table.views(kind)).map(|(plugin, mut view)| {
                if self.idle(plugin) {
                    view.mode = Mode::Off;
                }
                view
            }));
            views.push(PluginView::native(kind, self.native.tally(kind)));
        }
        views.extend(table.refused());
        views
    }
}
