use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use wasmtime::component::InstancePre;
use wasmtime::{Store, Trap};

use super::ticker::Ticker;
use super::{Host, Moment, Runtime, Use};

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

/// What bounds how long a question may run, and in which engine that is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Meter {
    /// Time, instantiation included, in the engine that serves.
    Time(Duration),
    /// Units of fuel, about one for each operation, in the engine that meters. The bound holds for
    /// making the instance and for the question, each by itself.
    Fuel(u64),
}

impl Meter {
    const fn engine(self) -> Use {
        match self {
            Self::Time(_) => Use::Serving,
            Self::Fuel(_) => Use::Metered,
        }
    }
}

/// What one question may cost.
#[derive(Debug, Clone)]
pub(crate) struct Cost {
    /// Memory of the instance.
    pub memory: usize,
    /// How long it may run.
    pub meter: Meter,
    /// Bytes of texts and lists the answer may have.
    pub answer: usize,
}

/// That instances are used again, and when one is thrown away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reuse {
    /// Questions to one instance.
    pub calls: u32,
    /// Bytes of memory that it has grown to.
    pub memory: usize,
    /// Time since it was made.
    pub age: Duration,
}

/// What a question took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// Units of fuel, where they are counted. The same question takes the same on every machine.
    pub fuel: Option<u64>,
    /// Bytes of memory of the instance when it had answered.
    pub memory: usize,
}

impl Spent {
    /// Of a question that was not put.
    pub(crate) const NOTHING: Self = Self {
        fuel: None,
        memory: 0,
    };
}

/// An answer with what it took, or why there is none.
pub(crate) type Reply<R> = Result<(R, Spent), Fault>;

/// Why a question was not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It took too long.
    #[error("cut off after {0:?}")]
    Deadline(Duration),
    /// It took too much fuel.
    #[error("used up {0} units of fuel without an answer")]
    Fuel(u64),
    /// It wanted too much memory.
    #[error("wanted more than {0} bytes of memory")]
    Memory(usize),
    /// It refused its settings.
    #[error("configure: {0}")]
    Settings(String),
    /// It trapped; with the last thing it said was wrong, when it said so.
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
    born_ms: u64,
}

impl<C: Contract> Instance<C> {
    /// Whether it may be asked once more.
    fn serves(&self, reuse: &Reuse, now_ms: u64) -> bool {
        // A clock that was set back makes an instance infinitely old.
        let age = now_ms.checked_sub(self.born_ms).map(Duration::from_millis);
        self.calls < reuse.calls
            && self.store.data().memory() <= reuse.memory
            && age.is_some_and(|age| age <= reuse.age)
    }
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
        moment: Moment,
        question: impl FnOnce(&C::Exports, &mut Store<Host>) -> wasmtime::Result<R>,
    ) -> Reply<R> {
        let _running = self.prepared.runtime.ticker().running();
        let Some((reuse, mut slot)) = self.reuse.as_ref().zip(self.slot()) else {
            let mut instance = self.instance(moment)?;
            return self.put(&mut instance, moment, question);
        };
        // Taken out, so that an instance that faults is gone: after a trap it cannot be entered.
        let mut instance = match slot.take() {
            Some(instance) if instance.serves(reuse, moment.at_ms) => instance,
            old => {
                // Its place in the pool is free before the new one needs it.
                drop(old);
                self.instance(moment)?
            }
        };
        instance.calls += 1;
        let answer = self.put(&mut instance, moment, question)?;
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
        moment: Moment,
        question: impl FnOnce(&C::Exports, &mut Store<Host>) -> wasmtime::Result<R>,
    ) -> Reply<R> {
        let store = &mut instance.store;
        store.data_mut().renew(moment);
        self.fill(store);
        let answer = question(&instance.exports, store);
        store.data_mut().close();
        match answer {
            Ok(answer) => Ok((answer, self.spent(store))),
            Err(error) => Err(self.fault(store, &error)),
        }
    }

    /// Gives it the time or the fuel that it may use.
    fn fill(&self, store: &mut Store<Host>) {
        match self.prepared.cost.meter {
            Meter::Time(time) => store.set_epoch_deadline(Ticker::epochs(time)),
            Meter::Fuel(fuel) => {
                // Fails only in an engine without fuel, which this one is not.
                let _ = store.set_fuel(fuel);
            }
        }
    }

    fn spent(&self, store: &Store<Host>) -> Spent {
        let fuel = match self.prepared.cost.meter {
            Meter::Time(_) => None,
            Meter::Fuel(most) => store.get_fuel().ok().map(|left| most.saturating_sub(left)),
        };
        Spent {
            fuel,
            memory: store.data().memory(),
        }
    }

    fn instance(&self, moment: Moment) -> Result<Instance<C>, Fault> {
        let Prepared {
            runtime,
            plugin,
            settings,
            cost,
            ..
        } = &*self.prepared;
        let host = Host::new(plugin.clone(), cost.memory, moment);
        let mut store = Store::new(runtime.engine(cost.meter.engine()), host);
        store.limiter(|host| host);
        store.set_hostcall_fuel(cost.answer);
        self.fill(&mut store);
        let exports = self
            .contract
            .instantiate(&mut store)
            .map_err(|error| self.fault(&store, &error))?;
        if !settings.is_empty() {
            let settings: Vec<_> = settings
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            let configured = C::configure(&exports, &mut store, &settings);
            store.data_mut().close();
            configured
                .map_err(|error| self.fault(&store, &error))?
                .map_err(|said| Fault::Settings(clip(&said)))?;
        }
        Ok(Instance {
            store,
            exports,
            calls: 0,
            born_ms: moment.at_ms,
        })
    }

    fn fault(&self, store: &Store<Host>, error: &wasmtime::Error) -> Fault {
        let Cost { memory, meter, .. } = self.prepared.cost;
        if store.data().denied() {
            return Fault::Memory(memory);
        }
        let why = match (error.downcast_ref::<Trap>(), meter) {
            (Some(Trap::Interrupt), Meter::Time(time)) => return Fault::Deadline(time),
            (Some(Trap::OutOfFuel), Meter::Fuel(fuel)) => return Fault::Fuel(fuel),
            (Some(trap), _) => trap.to_string(),
            (None, _) => error.root_cause().to_string(),
        };
        Fault::Trap(match store.data().complaint() {
            Some(complaint) => format!("{} ({})", clip(complaint), clip(&why)),
            None => clip(&why),
        })
    }
}

/// A text from a guest or about one, for people.
fn clip(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().take(300).map(plain).collect()
}

/// A small number for each thread, so that threads spread over slots.
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    NUMBER.with(|number| *number)
}
