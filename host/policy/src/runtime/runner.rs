use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use wasmtime::component::InstancePre;
use wasmtime::{Store, Trap};

use super::ticker::Ticker;
use super::{Host, Runtime};

/// What one kind of component can be asked.
pub(crate) trait Contract: Sized {
    /// The exports of an instance.
    type Exports;

    /// Fails when the component does not have the exports in the shape of the contract.
    fn new(pre: InstancePre<Host>) -> wasmtime::Result<Self>;
    /// Makes an instance.
    fn instantiate(&self, store: &mut Store<Host>) -> wasmtime::Result<Self::Exports>;
    /// Hands over the settings.
    fn configure(
        exports: &Self::Exports,
        store: &mut Store<Host>,
        settings: &[(&str, &str)],
    ) -> wasmtime::Result<Result<(), String>>;
}

/// What one question may cost.
#[derive(Debug, Clone)]
pub(crate) struct Cost {
    /// Memory of the instance.
    pub memory: usize,
    /// Time, instantiation included.
    pub time: Duration,
    /// Bytes of texts and lists the answer may have.
    pub answer: usize,
}

/// That instances are used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reuse {
    /// Questions to one instance.
    pub max_calls: u32,
}

/// Why a question was not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// It took too long.
    #[error("cut off after {0:?}")]
    Deadline(Duration),
    /// It wanted too much memory.
    #[error("wanted more than {0} bytes of memory")]
    Memory(usize),
    /// It refused its settings.
    #[error("configure: {0}")]
    Settings(String),
    /// It trapped.
    #[error("trapped: {0}")]
    Trap(String),
}

/// A component with what its instances get.
pub(crate) struct Prepared {
    pub runtime: Arc<Runtime>,
    pub plugin: Arc<str>,
    pub pre: InstancePre<Host>,
    pub settings: Vec<(String, String)>,
    pub cost: Cost,
}

/// Runs one component.
pub(crate) struct Runner<C: Contract> {
    prepared: Arc<Prepared>,
    contract: C,
    reuse: Option<Reuse>,
    slots: Box<[Mutex<Option<Instance<C>>>]>,
}

struct Instance<C: Contract> {
    store: Store<Host>,
    exports: C::Exports,
    calls: u32,
}

impl<C: Contract> Runner<C> {
    /// Fails when the component does not have the exports in the shape of the contract.
    pub(crate) fn new(prepared: &Arc<Prepared>, reuse: Option<Reuse>) -> wasmtime::Result<Self> {
        let slots = if reuse.is_some() {
            std::thread::available_parallelism().map_or(2, usize::from)
        } else {
            0
        };
        Ok(Self {
            prepared: prepared.clone(),
            contract: C::new(prepared.pre.clone())?,
            reuse,
            slots: (0..slots).map(|_| Mutex::new(None)).collect(),
        })
    }

    /// Puts a question to an instance: a fresh one, or one of this thread's slot when the plugin's
    /// instances are used again. Never waits: a slot that is taken means a fresh instance.
    pub(crate) fn ask<R>(
        &self,
        question: impl FnOnce(&C::Exports, &mut Store<Host>) -> wasmtime::Result<R>,
    ) -> Result<R, Fault> {
        let _running = self.prepared.runtime.ticker().running();
        let Some((reuse, mut slot)) = self.reuse.zip(self.slot()) else {
            let mut instance = self.instance()?;
            return self.put(&mut instance, question);
        };
        // Taken out, so that an instance that faults is gone: after a trap it cannot be entered.
        let mut instance = match slot.take() {
            Some(instance) if instance.calls < reuse.max_calls => instance,
            _ => self.instance()?,
        };
        instance.calls += 1;
        let answer = self.put(&mut instance, question)?;
        *slot = Some(instance);
        Ok(answer)
    }

    fn slot(&self) -> Option<parking_lot::MutexGuard<'_, Option<Instance<C>>>> {
        let index = thread_number().checked_rem(self.slots.len())?;
        self.slots.get(index)?.try_lock()
    }

    fn put<R>(
        &self,
        instance: &mut Instance<C>,
        question: impl FnOnce(&C::Exports, &mut Store<Host>) -> wasmtime::Result<R>,
    ) -> Result<R, Fault> {
        instance.store.data_mut().renew();
        instance
            .store
            .set_epoch_deadline(Ticker::epochs(self.prepared.cost.time));
        question(&instance.exports, &mut instance.store)
            .map_err(|error| self.fault(&instance.store, &error))
    }

    fn instance(&self) -> Result<Instance<C>, Fault> {
        let host = Host::new(self.prepared.plugin.clone(), self.prepared.cost.memory);
        let mut store = Store::new(self.prepared.runtime.engine(), host);
        store.limiter(|host| host);
        store.set_hostcall_fuel(self.prepared.cost.answer);
        store.set_epoch_deadline(Ticker::epochs(self.prepared.cost.time));
        let exports = self
            .contract
            .instantiate(&mut store)
            .map_err(|error| self.fault(&store, &error))?;
        if !self.prepared.settings.is_empty() {
            let settings: Vec<_> = self
                .prepared
                .settings
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            C::configure(&exports, &mut store, &settings)
                .map_err(|error| self.fault(&store, &error))?
                .map_err(|said| Fault::Settings(clip(&said)))?;
        }
        Ok(Instance {
            store,
            exports,
            calls: 0,
        })
    }

    fn fault(&self, store: &Store<Host>, error: &wasmtime::Error) -> Fault {
        if store.data().denied() {
            return Fault::Memory(self.prepared.cost.memory);
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::Interrupt) => Fault::Deadline(self.prepared.cost.time),
            Some(trap) => Fault::Trap(trap.to_string()),
            None => Fault::Trap(clip(&error.root_cause().to_string())),
        }
    }
}

/// A text from a guest or about one, for people.
fn clip(text: &str) -> String {
    text.chars().take(300).collect()
}

/// A small number for each thread, so that threads spread over slots.
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    NUMBER.with(|number| *number)
}
