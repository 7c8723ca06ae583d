use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use sluice_domain::{AuthorizationId, DcKey, SessionStore, StoreError};
use tokio_util::task::TaskTracker;

use crate::PoolError;

/// The keys of the authorization: in memory for the links, in the store before they are used.
#[derive(Clone)]
pub(crate) struct Keys(Arc<Inner>);

struct Inner {
    store: Arc<dyn SessionStore>,
    authorization: AuthorizationId,
    tracker: TaskTracker,
    held: Mutex<BTreeMap<i32, DcKey>>,
    /// Held while the store is written, so that what was newest in memory is newest there.
    writing: Mutex<()>,
    /// By data center: held while its key is made or its authorization imported.
    making: Mutex<BTreeMap<i32, Arc<tokio::sync::Mutex<()>>>>,
}

impl Keys {
    pub(crate) async fn load(
        store: Arc<dyn SessionStore>,
        authorization: AuthorizationId,
        tracker: TaskTracker,
    ) -> Result<Self, PoolError> {
        let keys = Self(Arc::new(Inner {
            store,
            authorization,
            tracker,
            held: Mutex::default(),
            writing: Mutex::default(),
            making: Mutex::default(),
        }));
        let kept = keys
            .blocking(move |inner| inner.store.keys(inner.authorization))
            .await?;
        *keys.0.held.lock() = kept.into_iter().map(|key| (key.dc, key)).collect();
        Ok(keys)
    }

    pub(crate) fn get(&self, dc: i32) -> Option<DcKey> {
        self.0.held.lock().get(&dc).cloned()
    }

    pub(crate) fn authorized(&self, dc: i32) -> bool {
        self.0.held.lock().get(&dc).is_some_and(|k| k.authorized)
    }

    pub(crate) fn dcs(&self) -> Vec<i32> {
        self.0.held.lock().keys().copied().collect()
    }

    /// The lock under which this data center's key is made and authorized.
    pub(crate) fn making(&self, dc: i32) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(self.0.making.lock().entry(dc).or_default())
    }

    /// Takes a new key into the store and then into use.
    pub(crate) async fn add(&self, key: DcKey) -> Result<(), PoolError> {
        self.blocking(move |inner| {
            let writing = inner.writing.lock();
            inner.store.save_key(inner.authorization, &key)?;
            inner.held.lock().insert(key.dc, key);
            drop(writing);
            Ok(())
        })
        .await
    }

    /// Marks the key of this data center as authorized, or not.
    pub(crate) async fn mark(&self, dc: i32, authorized: bool) -> Result<(), PoolError> {
        let known = self
            .blocking(move |inner| {
                let writing = inner.writing.lock();
                let Some(mut key) = inner.held.lock().get(&dc).cloned() else {
                    return Ok(false);
                };
                key.authorized = authorized;
                inner.store.save_key(inner.authorization, &key)?;
                if let Some(held) = inner.held.lock().get_mut(&dc) {
                    held.authorized = authorized;
                }
                drop(writing);
                Ok(true)
            })
            .await?;
        if known {
            Ok(())
        } else {
            Err(PoolError::NoKey(dc))
        }
    }

    /// Drops a key that was never authorized at home, or a foreign one. At home the store keeps it
    /// until the next one takes its place.
    pub(crate) async fn forget(&self, dc: i32, home: bool) -> Result<(), PoolError> {
        self.blocking(move |inner| {
            let writing = inner.writing.lock();
            if !home {
                inner.store.remove_key(inner.authorization, dc)?;
            }
            inner.held.lock().remove(&dc);
            drop(writing);
            Ok(())
        })
        .await
    }

    /// Takes salt and time offset as the server last told them; they are saved in the background.
    pub(crate) fn learn(&self, dc: i32, salt: Option<i64>, time_offset: Option<i32>) {
        self.amend(dc, |key| {
            let before = (key.salt, key.time_offset);
            key.salt = salt.unwrap_or(key.salt);
            key.time_offset = time_offset.unwrap_or(key.time_offset);
            before != (key.salt, key.time_offset)
        });
    }

    /// Takes the session that uses the key from now on; it is saved in the background.
    pub(crate) fn used_by(&self, dc: i32, session: i64) {
        self.amend(dc, |key| key.session.replace(session) != Some(session));
    }

    /// Changes what is not worth waiting for, and saves it if it says that it did.
    fn amend(&self, dc: i32, change: impl FnOnce(&mut DcKey) -> bool) {
        if !self.0.held.lock().get_mut(&dc).is_some_and(change) {
            return;
        }
        let inner = Arc::clone(&self.0);
        self.0.tracker.spawn_blocking(move || {
            let writing = inner.writing.lock();
            let key = inner.held.lock().get(&dc).cloned();
            if let Some(key) = key
                && let Err(error) = inner.store.save_key(inner.authorization, &key)
            {
                // Only the salt is lost, which the server tells again, or a session that the
                // server drops by itself in time.
                tracing::warn!(dc, %error, "what the server said of a key could not be saved");
            }
            drop(writing);
        });
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, PoolError> {
        let inner = Arc::clone(&self.0);
        self.0
            .tracker
            .spawn_blocking(move || work(&inner))
            .await
            .map_err(|_| PoolError::StoreTask)?
            .map_err(PoolError::Store)
    }
}
