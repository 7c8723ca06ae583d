use core::time::Duration;
use std::sync::Arc;

use arc_swap::ArcSwap;
use sluice_domain::{
    AccountKind, AccountName, Clock, DeviceIdentity, Environment, EventLog, Random, Secret,
    SessionStore, WaitStore, Way,
};
use sluice_events::Live;
use sluice_policy::{Journal, Policies};
use sluice_telemetry::Telemetry;
use tokio_util::task::TaskTracker;

/// What the accounts are built on.
#[derive(Clone)]
pub struct Deps {
    /// Accounts, keys, update state, peers, rotations.
    pub store: Arc<dyn SessionStore>,
    /// Where events go that are not part of another transaction.
    pub log: Arc<dyn EventLog>,
    /// Waits that Telegram imposed.
    pub waits: Arc<dyn WaitStore>,
    /// Where live state goes.
    pub live: Live,
    /// Names failures and decides about them.
    pub policies: Arc<Policies>,
    /// Remembers what was decided.
    pub journal: Arc<Journal>,
    /// Counts calls.
    pub telemetry: Arc<Telemetry>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Every task is spawned here.
    pub tracker: TaskTracker,
    /// What the configuration says; read afresh at every use.
    pub settings: Arc<ArcSwap<Settings>>,
}

/// The part of the configuration that accounts obey.
#[derive(Clone)]
pub struct Settings {
    /// The account of requests that name none.
    pub default_account: AccountName,
    /// api_id and api_hash of accounts that have none of their own.
    pub api: Option<(i32, Secret<String>)>,
    /// The Telegram of accounts that do not choose one.
    pub environment: Environment,
    /// Addresses and keys of [`Environment::Custom`].
    pub custom: CustomEnvironment,
    /// How the links of accounts leave that have no proxy of their own; transport and IPv6 of all.
    pub way: Way,
    /// How often the state of an account is probed.
    pub probe_interval: Duration,
    /// The deadline of calls the gateway makes by itself (sign-in, differences, probes).
    pub internal_timeout: Duration,
    /// Calls in flight per account; more are answered 503.
    pub max_in_flight: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            default_account: AccountName::default(),
            api: None,
            environment: Environment::Production,
            custom: CustomEnvironment::default(),
            way: Way::default(),
            probe_interval: Duration::from_secs(15),
            internal_timeout: Duration::from_secs(30),
            max_in_flight: 512,
        }
    }
}

/// A Telegram of one's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CustomEnvironment {
    /// Its data centers.
    pub dcs: Vec<CustomDc>,
    /// Its RSA keys, PEM.
    pub keys: Vec<String>,
}

/// One address of a data center.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomDc {
    /// Its number.
    pub id: i32,
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// For files only.
    pub media_only: bool,
}

/// An account to be made.
pub struct NewAccount {
    /// Its name.
    pub name: AccountName,
    /// User or bot.
    pub kind: AccountKind,
    /// Its own api_id; `api_hash` belongs to it.
    pub api_id: Option<i32>,
    /// Its own api_hash.
    pub api_hash: Option<Secret<String>>,
    /// Its own environment.
    pub environment: Option<Environment>,
    /// What it says of itself; defaults are kept for the account's life.
    pub device: Option<DeviceIdentity>,
    /// Its own proxy, as [`sluice_domain::Proxy`] reads it, or `direct`; the configuration's if left
    /// out.
    pub proxy: Option<Secret<String>>,
}

/// What is to be changed of an account.
#[derive(Default)]
pub struct AccountChange {
    /// Its own proxy, or `direct`; within, `None` for the configuration's. Untouched if left out.
    pub proxy: Option<Option<Secret<String>>>,
}

/// How a call is to be made.
#[derive(Debug, Clone)]
pub struct CallOptions {
    /// When the caller wants an answer at the latest (`X-Timeout`).
    pub timeout: Duration,
    /// How much of it may be spent on known waits (`X-Wait`).
    pub patience: Duration,
    /// The caller's `Idempotency-Key`; a missing `random_id` is derived from it.
    pub idempotency_key: Option<String>,
    /// The request's id, for the log and the journal of decisions.
    pub request_id: String,
}

impl Default for CallOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            patience: Duration::ZERO,
            idempotency_key: None,
            request_id: String::new(),
        }
    }
}

/// How a session is to be rotated.
#[derive(Default)]
pub struct RotateRequest {
    /// The password of the second factor, if the account has one.
    pub password: Option<Secret<String>>,
    /// Also when the authorization is younger than 24 hours.
    pub force: bool,
    /// Check everything that can be checked and change nothing.
    pub dry_run: bool,
}
