use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::FutureExt as _;
use sluice_accounts::{Accounts, AccountsError, Deps};
use sluice_api::{App, Face, Listener, ServeOptions};
use sluice_config::{Config, ConfigError, Overrides, Watch};
use sluice_domain::{Clock, DecisionLog, EventLog, Random, Secret, StoreError};
use sluice_events::{Hub, Live};
use sluice_export::Courier;
use sluice_policy::{Journal, Policies, PolicyError};
use sluice_store::{ApiKeys, DataDir, Decisions, LockError, NewApiKey};
use sluice_telemetry::LogHandle;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::exports::Exports;
use crate::listen::Listeners;
use crate::opened::{Opened, blocking};
use crate::reports::reports;
use crate::supervise::Supervisor;
use crate::{SystemClock, SystemRandom, background, reload, settings};

/// Connections to the admin listener and the admin socket at once. Apart from those of the API, so
/// that health can be asked when that is full.
const ADMIN_CONNECTIONS: usize = 256;

/// How long the last steps of stopping may take, each.
const GRACE: Duration = Duration::from_secs(5);

/// How a gateway is started.
pub struct Start {
    /// The configuration.
    pub config: Config,
    /// The file it came from, to be watched, and what stands above it.
    pub source: Option<(PathBuf, Overrides)>,
    /// Components shipped with the gateway.
    pub bundled_plugins: Option<PathBuf>,
    /// Changes the log's level when the configuration does.
    pub log: Option<LogHandle>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
}

impl Start {
    /// With this configuration, the machine's clock and randomness, and nothing watched.
    pub fn with(config: Config) -> Self {
        Self {
            config,
            source: None,
            bundled_plugins: settings::bundled_plugins(),
            log: None,
            clock: Arc::new(SystemClock::default()),
            random: Arc::new(SystemRandom),
        }
    }
}

/// Why a gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory is in use, or cannot be used.
    #[error("{0}")]
    Lock(#[from] LockError),
    /// The store does not open.
    #[error("opening the store: {0}")]
    Store(#[from] StoreError),
    /// The accounts cannot be read.
    #[error("opening the accounts: {0}")]
    Accounts(#[from] AccountsError),
    /// The component runtime does not start.
    #[error("starting the policies: {0}")]
    Policies(#[from] PolicyError),
    /// The configuration cannot be watched.
    #[error("watching the configuration: {0}")]
    Watch(#[from] Box<ConfigError>),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Which.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// A task of the start was lost.
    #[error("starting: {0}")]
    Lost(String),
}

/// A running gateway.
pub struct Gateway {
    accounts: Arc<Accounts>,
    keys: Arc<ApiKeys>,
    hub: Arc<Hub>,
    journal: Arc<Journal>,
    config: Arc<ArcSwap<Config>>,
    listen: SocketAddr,
    admin_listen: SocketAddr,
    closing: CancellationToken,
    tracker: TaskTracker,
    supervisor: Supervisor,
    watch: Option<Watch>,
    /// Held last: another process may come when everything else is gone.
    data: DataDir,
}

impl Gateway {
    /// Opens everything, connects the accounts that were signed in, and serves.
    pub async fn start(start: Start) -> Result<Self, StartError> {
        let Start {
            config,
            source,
            bundled_plugins,
            log,
            clock,
            random,
        } = start;
        let opened = {
            let (config, clock, random) = (config.clone(), Arc::clone(&clock), Arc::clone(&random));
            blocking(move || Opened::open(&config, &clock, &random)).await??
        };
        let Opened { data, store, keys } = opened;
        store.set_retention(settings::retention(&config))?;

        // Before the accounts connect: an address that is taken must not cost them a connection.
        let listeners = Listeners::open(&config, &data)?;

        let closing = CancellationToken::new();
        let tracker = TaskTracker::new();
        let supervisor = Supervisor::new(closing.clone());
        let (reports, write_reports) = reports(store.clone(), Arc::clone(&clock));
        supervisor.run(
            "the writer of reports",
            closing
                .clone()
                .run_until_cancelled_owned(write_reports)
                .map(drop),
        );

        let telemetry = background::telemetry(&clock);
        let policies = {
            let settings = settings::policies(&config, data.path(), bundled_plugins);
            let (clock, reports) = (Arc::clone(&clock), reports.clone());
            blocking(move || {
                let on_event = Box::new(move |body| reports.report(body));
                Policies::open(settings, clock, on_event)
            })
            .await??
        };
        policies.watch()?;
        let decisions = Arc::new(Decisions::new(data.path(), config.policy.journal_max_bytes));
        policies.rehearse_with(Arc::clone(&decisions) as Arc<dyn DecisionLog>);
        let journal = Arc::new(Journal::start(
            Arc::clone(&decisions) as Arc<dyn DecisionLog>,
            Some(Arc::clone(&policies)),
        )?);

        let live = Live::new();
        let hub = Hub::new(store.clone(), live.clone(), Arc::clone(&clock))?;
        let account_settings = Arc::new(ArcSwap::from_pointee(settings::accounts(&config)));
        let accounts = Accounts::open(Deps {
            store: store.clone(),
            log: store.clone(),
            waits: store.clone(),
            live,
            policies: Arc::clone(&policies),
            journal: Arc::clone(&journal),
            telemetry: Arc::clone(&telemetry),
            clock: Arc::clone(&clock),
            random: Arc::clone(&random),
            tracker: tracker.clone(),
            settings: Arc::clone(&account_settings),
        })
        .await?;

        let exports = Exports {
            policies: Arc::clone(&policies),
            courier: Arc::new(Courier::new(sluice_export::Deps {
                clock: Arc::clone(&clock),
                random: Arc::clone(&random),
                runtime: tokio::runtime::Handle::current(),
                tracker: tracker.clone(),
                closing: closing.clone(),
            })),
        };
        exports.apply(&config);
        let event_log: Arc<dyn EventLog> = store.clone();

        let config = Arc::new(ArcSwap::from_pointee(config));
        let watch = match source {
            None => None,
            Some((path, overrides)) => Some(
                Watch::start(
                    path,
                    overrides,
                    Arc::clone(&config),
                    reload::follow(
                        &config,
                        &account_settings,
                        &accounts,
                        &store,
                        exports.clone(),
                        &decisions,
                        log,
                        reports,
                    ),
                )
                .map_err(Box::new)?,
            ),
        };

        let app = App::new(sluice_api::Parts {
            accounts: Arc::clone(&accounts),
            hub: Arc::clone(&hub),
            keys: Arc::clone(&keys),
            store,
            policies: Arc::clone(&policies),
            journal: Arc::clone(&journal),
            telemetry: Arc::clone(&telemetry),
            config: Arc::clone(&config),
            clock,
            random,
            tracker: tracker.clone(),
            closing: closing.clone(),
        });
        let Listeners {
            api,
            admin,
            socket,
            listen,
            admin_listen,
        } = listeners;
        let server = config.load().server.clone();
        let options = |connections: usize| ServeOptions {
            connections: Arc::new(Semaphore::new(connections)),
            header_timeout: server.header_timeout,
            write_timeout: server.body_timeout,
            drain: server.drain_timeout,
            closing: closing.clone(),
            tracker: tracker.clone(),
        };
        let public = options(server.max_connections);
        let private = options(ADMIN_CONNECTIONS);
        for (name, listener, face, options) in [
            ("the API listener", Listener::Tcp(api), Face::Public, public),
            (
                "the admin listener",
                Listener::Tcp(admin),
                Face::Admin,
                private.clone(),
            ),
            (
                "the admin socket",
                Listener::Unix(socket),
                Face::Socket,
                private,
            ),
        ] {
            let router = sluice_api::router(&app, face);
            supervisor.run(name, sluice_api::serve(listener, router, options));
        }
        supervisor.run(
            "the exporter",
            exports.run(telemetry, event_log, Arc::clone(&config), closing.clone()),
        );

        Ok(Self {
            accounts,
            keys,
            hub,
            journal,
            config,
            listen,
            admin_listen,
            closing,
            tracker,
            supervisor,
            watch,
            data,
        })
    }

    /// Where the API is.
    pub fn url(&self) -> String {
        format!("http://{}", self.listen)
    }

    /// Where health and metrics are.
    pub fn admin_url(&self) -> String {
        format!("http://{}", self.admin_listen)
    }

    /// The accounts.
    pub fn accounts(&self) -> &Arc<Accounts> {
        &self.accounts
    }

    /// Readers of events.
    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// The data directory.
    pub fn data_dir(&self) -> &Path {
        self.data.path()
    }

    /// Makes an API key with every scope.
    pub async fn create_admin_key(&self, name: &str) -> Result<Secret<String>, StartError> {
        let keys = Arc::clone(&self.keys);
        let new = NewApiKey {
            name: name.to_owned(),
            scopes: ["read", "call", "admin", "dangerous"]
                .map(str::to_owned)
                .into(),
            ..NewApiKey::default()
        };
        let (_, token) = blocking(move || keys.create(new)).await??;
        Ok(token)
    }

    /// Reads the configuration again, if it came from a file.
    pub fn reload(&self) {
        if let Some(watch) = &self.watch {
            watch.reload();
        }
    }

    /// Waits until a task without which the gateway is none is gone; says which.
    pub async fn fallen(&self) -> String {
        self.supervisor.fallen().await
    }

    /// Lets requests under way end, closes every link, and waits for every task. Takes at most the
    /// time to drain and a little more.
    pub async fn stop(self) {
        let drain = self.config.load().server.drain_timeout;
        tracing::info!("stopping");
        self.closing.cancel();
        // Calls under way still need their links, so the requests go first; but none is worth
        // waiting for a Telegram that is not there.
        self.accounts.leave();
        if timeout(drain + GRACE, self.supervisor.ended())
            .await
            .is_err()
        {
            tracing::warn!("the listeners do not end");
        }
        if timeout(GRACE, self.accounts.shutdown()).await.is_err() {
            tracing::warn!("closing the accounts takes too long");
        }
        self.tracker.close();
        if timeout(GRACE, self.tracker.wait()).await.is_err() {
            tracing::warn!(tasks = self.tracker.len(), "tasks are left behind");
        }
        let journal = self.journal;
        // What waits is written when the last of it is dropped, if not now.
        let _ = blocking(move || journal.flush(GRACE)).await;
        let _ = std::fs::remove_file(self.data.admin_socket());
    }
}
