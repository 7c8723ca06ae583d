use std::ops::Deref;
use std::sync::Arc;

use arc_swap::ArcSwap;
use sluice_accounts::Accounts;
use sluice_config::{CallsSection, Config};
use sluice_domain::{Clock, Random};
use sluice_events::Hub;
use sluice_policy::{Journal, Policies};
use sluice_store::{ApiKeys, Store};
use sluice_telemetry::Telemetry;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::tickets::Tickets;

/// What the handlers stand on. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// What the gateway hands over.
pub struct Parts {
    /// The accounts.
    pub accounts: Arc<Accounts>,
    /// Readers of events.
    pub hub: Arc<Hub>,
    /// API keys.
    pub keys: Arc<ApiKeys>,
    /// The store, asked only whether it can write.
    pub store: Arc<Store>,
    /// The policies, shown and asked for what exporters serve.
    pub policies: Arc<Policies>,
    /// The journal of decisions.
    pub journal: Arc<Journal>,
    /// Measurements, handed to exporters when they are scraped.
    pub telemetry: Arc<Telemetry>,
    /// The configuration in force.
    pub config: Arc<ArcSwap<Config>>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for ids and tickets.
    pub random: Arc<dyn Random>,
    /// Every task of a connection is spawned here or holds a token of it.
    pub tracker: TaskTracker,
    /// Cancelled when the gateway begins to stop.
    pub closing: CancellationToken,
}

/// See [`Parts`]; with the state that only the API has.
pub struct Inner {
    parts: Parts,
    pub(crate) tickets: Tickets,
    /// Compiling and replaying a candidate takes a core for seconds: one at a time.
    pub(crate) replays: Semaphore,
    /// Moves when a key was revoked, so that open sockets look at theirs.
    revoked: watch::Sender<()>,
}

impl Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Deref for Inner {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl App {
    /// An application over these parts.
    pub fn new(parts: Parts) -> Self {
        crate::finish::describe_figures();
        Self(Arc::new(Inner {
            parts,
            tickets: Tickets::default(),
            replays: Semaphore::new(1),
            revoked: watch::Sender::new(()),
        }))
    }

    /// A UUID of version 7.
    pub(crate) fn new_id(&self) -> String {
        let mut bytes = [0; 10];
        self.random.fill(&mut bytes);
        uuid::Builder::from_unix_timestamp_millis(self.clock.now().0, &bytes)
            .into_uuid()
            .to_string()
    }

    /// The largest body, in bytes.
    pub(crate) fn max_body(&self) -> u64 {
        self.config.load().server.max_body
    }

    /// Deadlines and waits of calls.
    pub(crate) fn call_limits(&self) -> CallsSection {
        self.config.load().calls.clone()
    }

    /// Makes open sockets look whether their key is still good.
    pub(crate) fn announce_revocation(&self) {
        self.revoked.send_replace(());
    }

    /// Wakes when a key was revoked.
    pub(crate) fn revocations(&self) -> watch::Receiver<()> {
        self.revoked.subscribe()
    }
}
