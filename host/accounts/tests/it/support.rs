//! A data center, a store and the accounts over them.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;
use serde_json::{Map, Value};
use sluice_accounts::{
    Accounts, CallOptions, CustomDc, CustomEnvironment, Deps, NewAccount, Settings,
};
use sluice_datacenter::{AccountInfo, DataCenter, Options};
use sluice_domain::{
    AccountKind, AccountName, AccountState, Clock, DcKey, Environment, EventFilter, Problem,
    Random, Secret, SessionStore, UnixMillis,
};
use sluice_events::{Hub, Live, Reader, ReaderItem};
use sluice_policy::{Journal, Policies, PolicySettings};
use sluice_store::{Decisions, Store, Vault};
use sluice_telemetry::Telemetry;
use tempfile::TempDir;
use tokio_util::task::TaskTracker;

/// Nothing here takes longer; a test that waits for this has failed.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct SystemClock(Instant);

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        UnixMillis(u64::try_from(since.unwrap().as_millis()).unwrap())
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

/// A clock that panics once when a task reads it after [`Trap::set`]; what the test itself does is no
/// task.
pub struct Trap {
    clock: SystemClock,
    set: Mutex<Option<Reading>>,
}

/// What is read of a clock: only accounts read the one, and links the other too.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    Monotonic,
    Wall,
}

impl Trap {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            clock: SystemClock(Instant::now()),
            set: Mutex::new(None),
        })
    }

    /// The next task that reads this panics.
    pub fn set(&self, reading: Reading) {
        *self.set.lock().unwrap() = Some(reading);
    }

    pub fn sprung(&self) -> bool {
        self.set.lock().unwrap().is_none()
    }

    fn step(&self, reading: Reading) {
        if tokio::task::try_id().is_some() {
            let sprung = self.set.lock().unwrap().take_if(|set| *set == reading);
            assert!(sprung.is_none(), "a panic, as the test wants it");
        }
    }
}

impl Clock for Trap {
    fn now(&self) -> UnixMillis {
        self.step(Reading::Wall);
        self.clock.now()
    }

    fn monotonic(&self) -> Duration {
        self.step(Reading::Monotonic);
        self.clock.monotonic()
    }
}

pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }
}

/// Accounts over a store in a directory; the directory outlives a restart.
pub struct Gateway {
    pub accounts: Arc<Accounts>,
    pub hub: Arc<Hub>,
    tracker: TaskTracker,
}

/// Telegram, and a directory for the store.
pub struct World {
    pub telegram: DataCenter,
    dir: TempDir,
}

impl World {
    pub async fn start() -> Self {
        Self {
            telegram: DataCenter::start(Options::default()).await.unwrap(),
            dir: tempfile::tempdir().unwrap(),
        }
    }

    /// A user on data center 1, or what the closure makes of it.
    pub fn user(&self, phone: &str, password: Option<&str>) -> AccountInfo {
        let new = sluice_datacenter::NewAccount {
            phone: Some(phone.into()),
            password: password.map(Into::into),
            ..Default::default()
        };
        self.telegram.create_account(new).unwrap()
    }

    pub fn settings(&self) -> Settings {
        let dcs = self.telegram.dcs().into_iter().flat_map(|dc| {
            let address = |at: std::net::SocketAddr, media_only| CustomDc {
                id: dc.id,
                host: at.ip().to_string(),
                port: at.port(),
                media_only,
            };
            [address(dc.address, false), address(dc.media_address, true)]
        });
        Settings {
            api: Some((1, Secret::new("0123456789abcdef0123456789abcdef".into()))),
            environment: Environment::Custom,
            custom: CustomEnvironment {
                dcs: dcs.collect(),
                keys: vec![self.telegram.public_key_pem().to_owned()],
            },
            probe_interval: Duration::from_secs(1),
            internal_timeout: Duration::from_secs(10),
            ..Settings::default()
        }
    }

    /// The keys of all authorizations of an account, read beside the gateway.
    pub fn stored_keys(&self, name: &AccountName) -> Vec<DcKey> {
        let vault = Vault::from_key(&Secret::new(vec![7; 32]), Arc::new(SystemRandom)).unwrap();
        let clock = Arc::new(SystemClock(Instant::now()));
        let store = Store::open(self.dir.path(), vault, clock).unwrap();
        let all = store.authorizations(name).unwrap();
        all.iter()
            .flat_map(|found| store.keys(found.id).unwrap())
            .collect()
    }

    pub async fn gateway(&self) -> Gateway {
        self.gateway_with(Arc::new(SystemClock(Instant::now())))
            .await
    }

    /// A gateway whose accounts go by this clock.
    pub async fn gateway_with(&self, accounts: Arc<dyn Clock>) -> Gateway {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock(Instant::now()));
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let vault = Vault::from_key(&Secret::new(vec![7; 32]), Arc::clone(&random)).unwrap();
        let store = Store::open(self.dir.path(), vault, Arc::clone(&clock)).unwrap();
        let live = Live::new();
        let hub = Hub::new(store.clone(), live.clone(), Arc::clone(&clock)).unwrap();
        let plugins = PolicySettings::of(self.dir.path().join("plugins"));
        let policies = Policies::open(plugins, Arc::clone(&clock), Box::new(|_| {})).unwrap();
        let journal = Decisions::new(self.dir.path(), 1 << 20);
        let tracker = TaskTracker::new();
        let accounts = Accounts::open(Deps {
            log: store.clone(),
            waits: store.clone(),
            store,
            live,
            policies,
            journal: Arc::new(Journal::start(Arc::new(journal), None).unwrap()),
            telemetry: Telemetry::new(Arc::clone(&clock)),
            clock: accounts,
            random,
            tracker: tracker.clone(),
            settings: Arc::new(ArcSwap::from_pointee(self.settings())),
        })
        .await
        .unwrap();
        Gateway {
            accounts,
            hub,
            tracker,
        }
    }
}

impl Gateway {
    pub async fn stop(self) {
        self.accounts.shutdown().await;
        self.tracker.close();
        tokio::time::timeout(PATIENCE, self.tracker.wait())
            .await
            .expect("every task of the accounts ends");
    }

    /// A user account of that name, signed in by code.
    pub async fn signed_in(&self, name: &str, phone: &str) -> AccountName {
        let name = self.create(name, AccountKind::User).await;
        self.accounts.send_code(&name, phone).await.unwrap();
        let view = self.accounts.sign_in(&name, code(phone)).await.unwrap();
        assert_eq!(view.state, AccountState::Ready);
        name
    }

    pub async fn create(&self, name: &str, kind: AccountKind) -> AccountName {
        let name: AccountName = name.parse().unwrap();
        let new = NewAccount {
            name: name.clone(),
            kind,
            api_id: None,
            api_hash: None,
            environment: None,
            device: None,
            proxy: None,
        };
        self.accounts.create(new).await.unwrap();
        name
    }

    pub async fn call(
        &self,
        name: &AccountName,
        method: &str,
        params: Value,
    ) -> Result<Value, Problem> {
        self.call_with(name, method, params, CallOptions::default())
            .await
    }

    pub async fn call_with(
        &self,
        name: &AccountName,
        method: &str,
        params: Value,
        options: CallOptions,
    ) -> Result<Value, Problem> {
        let params: Map<String, Value> = params.as_object().unwrap().clone();
        self.accounts.call(name, method, params, options).await
    }

    /// Waits until the account is connected, by its events.
    pub async fn ready(&self, name: &AccountName) {
        let mut events = self.events_from_start();
        while !self.accounts.status(name).unwrap().connected {
            events.state(name, "ready").await;
        }
    }

    pub fn events_from_start(&self) -> Events {
        let begin = sluice_domain::Cursor::default();
        Events(self.hub.reader(Some(begin), EventFilter::default()))
    }

    /// Events from now on.
    pub fn events(&self) -> Events {
        Events(
            self.hub
                .reader(Some(self.hub.newest()), EventFilter::default()),
        )
    }
}

/// Reads the log until what a test waits for is there.
pub struct Events(Reader);

impl Events {
    pub async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut seen = Vec::new();
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                let text = match self.0.next().await.unwrap() {
                    ReaderItem::Logged(_, text)
                    | ReaderItem::Gap(_, text)
                    | ReaderItem::Live(text) => text,
                };
                let event: Value = serde_json::from_str(&text).unwrap();
                if wanted(&event) {
                    return event;
                }
                seen.push(event);
            }
        })
        .await;
        found.unwrap_or_else(|_| panic!("it never came; what came: {seen:#?}"))
    }

    /// The next message somebody sent, by its text.
    pub async fn message(&mut self, text: &str) -> Value {
        self.until(|event| {
            event["type"] == "update" && event["update"]["message"]["message"] == text
        })
        .await
    }

    pub async fn state(&mut self, account: &AccountName, state: &str) -> Value {
        self.until(|event| {
            event["type"] == "account_state"
                && event["account"] == account.as_str()
                && event["state"] == state
        })
        .await
    }
}

/// The code of a test number: the digit of its data center, five times.
pub fn code(phone: &str) -> Secret<String> {
    Secret::new(phone[5..6].repeat(5))
}
