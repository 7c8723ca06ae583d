use std::sync::Arc;

use sluice_domain::{AccountName, ApiKeyRecord, Clock, Random, Secret, StoreError, UnixMillis};

use crate::Store;

/// What a new API key may do.
#[derive(Debug, Clone, Default)]
pub struct NewApiKey {
    /// For people.
    pub name: String,
    /// `read`, `call`, `admin`, `dangerous`.
    pub scopes: Vec<String>,
    /// Accounts it is limited to; empty for all.
    pub accounts: Vec<AccountName>,
    /// Method patterns (`messages.*`) it is limited to; empty for all.
    pub methods: Vec<String>,
    /// When it ends.
    pub expires_at: Option<UnixMillis>,
}

/// Why a key does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefused {
    /// Not of the form `slc_<id>_<secret>`, or no such key, or the wrong secret.
    #[error("unknown API key")]
    Unknown,
    /// Its time is over.
    #[error("the API key has expired")]
    Expired,
    /// It was revoked.
    #[error("the API key was revoked")]
    Revoked,
}

/// The API keys, held in memory so that a check costs no disk.
pub struct ApiKeys {
    _store: Arc<Store>,
}

impl ApiKeys {
    /// Reads the keys of the store.
    pub fn open(
        _store: Arc<Store>,
        _clock: Arc<dyn Clock>,
        _random: Arc<dyn Random>,
    ) -> Result<Self, StoreError> {
        todo!()
    }

    /// Makes a key; the token (`slc_<id>_<secret>`) is shown this once.
    pub fn create(&self, _new: NewApiKey) -> Result<(ApiKeyRecord, Secret<String>), StoreError> {
        todo!()
    }

    /// Every key, revoked and expired ones too, oldest first.
    pub fn list(&self) -> Vec<Arc<ApiKeyRecord>> {
        todo!()
    }

    /// Revokes a key. It is refused from this moment on.
    pub fn revoke(&self, _id: &str) -> Result<Arc<ApiKeyRecord>, StoreError> {
        todo!()
    }

    /// The key that this token is, in constant time as to the secret.
    pub fn authenticate(&self, _token: &str) -> Result<Arc<ApiKeyRecord>, KeyRefused> {
        todo!()
    }

    /// Whether a key that opened a socket is still good. Cheap: call it before each event.
    pub fn still_good(&self, _id: &str) -> Result<(), KeyRefused> {
        todo!()
    }
}
