use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use sluice_domain::{AccountName, UnixMillis};

use crate::answer::Answerer;
use crate::breaker::Breaker;
use crate::contract::Body;
use crate::runtime::Fault;
use crate::sidecar::Sidecar;
use crate::{Kind, Mode, Origin, PluginView};

/// One generation of a plugin. Calls that began on it finish on it, also after it was replaced.
pub(crate) struct Plugin {
    pub name: Arc<str>,
    pub origin: Origin,
    pub generation: u64,
    /// SHA-256 of the component, in hex.
    pub hash: Arc<str>,
    pub loaded_at: UnixMillis,
    pub sidecar: Sidecar,
    pub body: Body,
    pub tally: Tally,
    pub breaker: Breaker,
}

impl Plugin {
    /// Higher is asked first. What an operator dropped in goes before what is shipped.
    pub(crate) fn priority(&self) -> i32 {
        self.sidecar.priority.unwrap_or(match self.origin {
            Origin::Directory => 100,
            Origin::Bundled | Origin::Native => 0,
        })
    }

    /// Whether it is to be asked about this account now.
    pub(crate) fn asked(&self, account: Option<&AccountName>, now: impl Fn() -> Duration) -> bool {
        let accounts = &self.sidecar.accounts;
        self.sidecar.mode == Mode::Live
            && (accounts.is_empty() || account.is_none_or(|name| accounts.contains(name)))
            && self.breaker.closed(now)
    }

    /// How answers of this generation are signed.
    pub(crate) fn answerer(&self) -> Answerer {
        Answerer {
            name: self.name.clone(),
            generation: self.generation,
            hash: Some(self.hash.clone()),
        }
    }

    pub(crate) fn view(&self) -> PluginView {
        PluginView {
            name: self.name.to_string(),
            kind: Some(self.body.kind()),
            origin: self.origin,
            generation: self.generation,
            hash: Some(self.hash.to_string()),
            mode: self.sidecar.mode,
            priority: self.priority(),
            accounts: self
                .sidecar
                .accounts
                .iter()
                .map(ToString::to_string)
                .collect(),
            loaded_at: Some(self.loaded_at),
            calls: self.tally.calls.load(Ordering::Relaxed),
            failures: self.tally.failures.load(Ordering::Relaxed),
            clamps: self.tally.clamps.load(Ordering::Relaxed),
            last_error: self.tally.last_error.lock().clone(),
        }
    }
}

/// What happened to the questions put to a plugin.
#[derive(Default)]
pub(crate) struct Tally {
    pub calls: AtomicU64,
    pub failures: AtomicU64,
    pub clamps: AtomicU64,
    pub last_error: Mutex<Option<String>>,
}

impl Tally {
    pub(crate) fn called(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self, fault: &Fault) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        *self.last_error.lock() = Some(fault.to_string());
    }

    pub(crate) fn clamped(&self, breach: &str) {
        self.clamps.fetch_add(1, Ordering::Relaxed);
        *self.last_error.lock() = Some(format!("corrected: {breach}"));
    }

    /// The view of a native library.
    pub(crate) fn native_view(&self, kind: Kind) -> PluginView {
        PluginView {
            name: format!("native-{}", kind.as_str()),
            kind: Some(kind),
            origin: Origin::Native,
            generation: 0,
            hash: None,
            mode: Mode::Live,
            priority: i32::MIN,
            accounts: Vec::new(),
            loaded_at: None,
            calls: self.calls.load(Ordering::Relaxed),
            failures: 0,
            clamps: self.clamps.load(Ordering::Relaxed),
            last_error: self.last_error.lock().clone(),
        }
    }
}
