use std::collections::BTreeMap;
use std::sync::Arc;

use metrics::{describe_counter, describe_gauge};
use parking_lot::Mutex;
use sluice_domain::{Clock, Random};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::queue::Parcel;
use crate::target::Target;
use crate::worker::Worker;

/// What a courier needs.
pub struct Deps {
    /// Time, for dates in answers.
    pub clock: Arc<dyn Clock>,
    /// Chance, for pauses.
    pub random: Arc<dyn Random>,
    /// Where its tasks run: the configuration changes on a thread of its own.
    pub runtime: Handle,
    /// Keeps track of them.
    pub tracker: TaskTracker,
    /// Ends them.
    pub closing: CancellationToken,
}

/// Carries parcels to the targets of the configuration.
pub struct Courier {
    deps: Deps,
    workers: Mutex<BTreeMap<String, Running>>,
}

struct Running {
    worker: Arc<Worker>,
    ends: CancellationToken,
}

impl Courier {
    /// With no target yet.
    pub fn new(deps: Deps) -> Self {
        describe_counter!(
            "sluice_export_deliveries_total",
            "deliveries of exporters, by target and outcome"
        );
        describe_gauge!(
            "sluice_export_waiting",
            "deliveries of exporters that wait for their target"
        );
        Self {
            deps,
            workers: Mutex::default(),
        }
    }

    /// Brings the targets into line with the configuration: what is the same goes on with what waits
    /// for it, what changed or is gone is ended and what waits for it is dropped.
    pub fn set_targets(&self, targets: BTreeMap<String, Target>) {
        let mut workers = self.workers.lock();
        workers.retain(|name, running| {
            let same = targets.get(name) == Some(&running.worker.target);
            if !same {
                running.ends.cancel();
                running.worker.abandon();
            }
            same
        });
        for (name, target) in targets {
            if workers.contains_key(&name) || self.deps.closing.is_cancelled() {
                continue;
            }
            let worker = Arc::new(Worker::new(&name, target));
            let ends = self.deps.closing.child_token();
            let run = Arc::clone(&worker)
                .run(Arc::clone(&self.deps.clock), Arc::clone(&self.deps.random));
            self.deps.tracker.spawn_on(
                ends.clone().run_until_cancelled_owned(run),
                &self.deps.runtime,
            );
            workers.insert(name, Running { worker, ends });
        }
    }

    /// Hands a parcel over. Never waits. One to a target that has just gone is left out.
    pub fn send(&self, parcel: Parcel) {
        let worker = self
            .workers
            .lock()
            .get(&parcel.target)
            .map(|running| Arc::clone(&running.worker));
        if let Some(worker) = worker {
            worker.take(parcel);
        }
    }
}
