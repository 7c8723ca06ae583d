use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use sluice_domain::{AccountName, Event, EventBody, EventFilter};
use tokio::sync::watch;

/// The live state of every account: the last `status` and `pool_status`. Cheap to clone.
///
/// There is no queue: a reader that is slow misses states in between, never the last one.
#[derive(Clone)]
pub struct Live {
    inner: Arc<Inner>,
}

struct Inner {
    states: Mutex<BTreeMap<Key, State>>,
    version: watch::Sender<u64>,
}

/// Whose state, and which.
pub(crate) type Key = (Option<AccountName>, &'static str);

struct State {
    version: u64,
    body: EventBody,
    text: Arc<str>,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            inner: Arc::new(Inner {
                states: Mutex::default(),
                version: watch::Sender::new(0),
            }),
        }
    }
}

impl Live {
    /// With no state yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the last value of the event's account and type. An event whose body is the same as
    /// the last one's wakes nobody. Events that belong into the log are not taken.
    pub fn publish(&self, event: &Event) {
        let live = matches!(
            event.body,
            EventBody::Status { .. } | EventBody::PoolStatus { .. }
        );
        let Ok(text) = serde_json::to_string(event) else {
            return;
        };
        if !live {
            tracing::warn!(kind = event.body.kind(), "not live state, left out");
            return;
        }
        let key = (event.account.clone(), event.body.kind());
        // The version rises under the lock, so that a reader who saw it finds the state.
        let mut states = self.inner.states.lock();
        if states.get(&key).is_some_and(|last| last.body == event.body) {
            return;
        }
        let version = self.version() + 1;
        let state = State {
            version,
            body: event.body.clone(),
            text: text.into(),
        };
        states.insert(key, state);
        self.inner.version.send_replace(version);
    }

    /// Forgets a deleted account.
    pub fn forget(&self, account: &AccountName) {
        let mut states = self.inner.states.lock();
        states.retain(|(whose, _), _| whose.as_ref() != Some(account));
    }

    /// Rises with every change.
    pub(crate) fn version(&self) -> u64 {
        *self.inner.version.borrow()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.inner.version.subscribe()
    }

    /// Hands over the states that pass the filter, with their versions.
    pub(crate) fn each(&self, filter: &EventFilter, mut take: impl FnMut(&Key, u64, &Arc<str>)) {
        for (key, state) in self.inner.states.lock().iter() {
            let (account, kind) = key;
            let of_type = filter.types.is_empty() || filter.types.iter().any(|t| t == kind);
            let of_account = filter.accounts.is_empty()
                || account.as_ref().is_none_or(|a| filter.accounts.contains(a));
            if of_type && of_account {
                take(key, state.version, &state.text);
            }
        }
    }
}
