//! What all accounts share.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::Guard;
use sluice_domain::{
    AccountName, Category, Event, EventBody, Problem, SessionStore, StoreError, UnixMillis,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::flood::FloodLedger;
use crate::rotation::Rotations;
use crate::way::Gates;
use crate::{Deps, Settings};

/// How long a rotation may go on when the gateway stops. One that Telegram answers needs less.
const PARTING: Duration = Duration::from_secs(2);

/// What all accounts share.
pub(crate) struct Shared {
    pub(crate) deps: Deps,
    pub(crate) ledger: Arc<FloodLedger>,
    /// The limits on connects, by way out.
    pub(crate) gates: Gates,
    /// Told when the settings were changed.
    pub(crate) changed: Notify,
    pub(crate) rotations: Rotations,
    /// Ends every task.
    pub(crate) stop: CancellationToken,
}

impl Shared {
    pub(crate) fn new(deps: Deps) -> Arc<Self> {
        Arc::new(Self {
            deps,
            ledger: Arc::default(),
            gates: Gates::default(),
            changed: Notify::new(),
            rotations: Rotations::default(),
            stop: CancellationToken::new(),
        })
    }

    pub(crate) fn settings(&self) -> Guard<Arc<Settings>> {
        self.deps.settings.load()
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.deps.clock.now()
    }

    /// Runs what may be cut off at any step, as by a kill, because the next start brings it to its
    /// end: not longer than a moment after the gateway stops, whatever Telegram does.
    pub(crate) async fn cut_off(&self, task: impl Future<Output = ()>) {
        let late = async {
            self.stop.cancelled().await;
            tokio::time::sleep(PARTING).await;
        };
        tokio::select! {
            () = task => {}
            () = late => tracing::warn!("a rotation is cut off; the next start brings it to its end"),
        }
    }

    /// Asks the store, away from the async threads.
    pub(crate) async fn store<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&dyn SessionStore) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = Arc::clone(&self.deps.store);
        self.deps
            .tracker
            .spawn_blocking(move || ask(store.as_ref()))
            .await
            .unwrap_or_else(|_| Err(StoreError::Unavailable("the store's task failed".into())))
    }

    /// Takes the waits that an earlier run of the gateway kept.
    pub(crate) async fn load_waits(&self) -> Result<(), StoreError> {
        let (waits, now) = (Arc::clone(&self.deps.waits), self.now());
        let kept = self
            .deps
            .tracker
            .spawn_blocking(move || waits.waits(now))
            .await
            .unwrap_or_else(|_| Err(StoreError::Unavailable("the store's task failed".into())))?;
        self.ledger.load(kept);
        Ok(())
    }

    /// Appends events to the log. A log that cannot be written to is reported and does not stop
    /// what the event tells of.
    pub(crate) async fn log(&self, account: &AccountName, bodies: Vec<EventBody>) {
        let events: Vec<Event> = bodies
            .into_iter()
            .map(|body| self.event(account, body))
            .collect();
        let log = Arc::clone(&self.deps.log);
        let written = self
            .deps
            .tracker
            .spawn_blocking(move || log.append(&events))
            .await;
        match written {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::error!(%account, %error, "events were not logged"),
            Err(error) => tracing::error!(%account, %error, "events were not logged"),
        }
    }

    pub(crate) fn event(&self, account: &AccountName, body: EventBody) -> Event {
        Event {
            body,
            account: Some(account.clone()),
            at: self.now(),
        }
    }

    /// A UUID of version 7, from the clock and the randomness that were passed in.
    pub(crate) fn uuid(&self) -> String {
        let mut random = [0; 10];
        self.deps.random.fill(&mut random);
        uuid::Builder::from_unix_timestamp_millis(self.now().0, &random)
            .into_uuid()
            .to_string()
    }
}

/// The problem of a store that does not answer.
pub(crate) fn store_problem(error: &StoreError) -> Problem {
    match error {
        StoreError::Unavailable(_) => Problem::new(
            503,
            "STORE_UNAVAILABLE",
            Category::Internal,
            "the gateway's store cannot be used now",
        ),
        StoreError::Damaged(_) => Problem::new(
            500,
            "STORE_DAMAGED",
            Category::Internal,
            "what the gateway stored cannot be read back",
        ),
        StoreError::Exists(what) => Problem::new(
            409,
            "ALREADY_EXISTS",
            Category::Conflict,
            format!("{what} already exists"),
        ),
        StoreError::Missing(what) => Problem::new(
            404,
            "NOT_FOUND",
            Category::NotFound,
            format!("{what} does not exist"),
        ),
    }
}
