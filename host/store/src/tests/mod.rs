mod crash;
mod decisions;
mod events;
mod keys;
mod sessions;
mod trouble;
mod vault;
mod waits;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sluice_domain::{
    AccountKind, AccountName, AccountRecord, AccountState, Clock, DeviceIdentity, Event, EventBody,
    Random, Secret, UnixMillis,
};

use crate::{Store, Vault};

pub(super) const START: UnixMillis = UnixMillis(1_700_000_000_000);

/// A clock that stands until it is moved.
pub(super) struct StoppedClock(AtomicU64);

impl StoppedClock {
    pub fn new() -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(START.0)))
    }

    pub fn advance(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap();
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for StoppedClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }
}

pub(super) struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }
}

pub(super) fn vault(key: u8) -> Vault {
    Vault::from_key(&Secret::new(vec![key; 32]), Arc::new(SystemRandom)).unwrap()
}

pub(super) fn open(dir: &Path) -> Arc<Store> {
    Store::open(dir, vault(1), StoppedClock::new()).unwrap()
}

pub(super) fn name(name: &str) -> AccountName {
    name.parse().unwrap()
}

pub(super) fn account(named: &str) -> AccountRecord {
    AccountRecord {
        name: name(named),
        kind: AccountKind::User,
        api: Some((17, Secret::new("hash-of-17".to_owned()))),
        environment: None,
        device: DeviceIdentity::default(),
        state: AccountState::SignedOut,
        state_reason: None,
        user_id: None,
        created_at: START,
        bot_token: None,
        proxy: None,
    }
}

pub(super) fn event(account: Option<&str>, reason: &str) -> Event {
    Event {
        body: EventBody::Gap {
            reason: reason.to_owned(),
            channel: None,
            from_pts: None,
            to_pts: None,
        },
        account: account.map(name),
        at: START,
    }
}
