use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sluice_domain::{
    AccountName, AccountRecord, AuthorizationId, AuthorizationRecord, AuthorizationRole, Clock,
    Cursor, DcKey, Event, EventFilter, EventLog, PeerKind, PeerRecord, RotationRecord,
    SessionStore, StoreError, UnixMillis, UpdateState,
};

use crate::Vault;

/// How much of the event log is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// At most so many events.
    pub max_count: u64,
    /// None older than this.
    pub max_age: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            max_count: 1_000_000,
            max_age: Duration::from_secs(7 * 24 * 3600),
        }
    }
}

/// The SQLite store.
pub struct Store {
    _private: (),
}

impl Store {
    /// Opens (or makes) `sluice.db` in the data directory. A vault with another master key than the
    /// one the store was made with is `Damaged`.
    pub fn open(
        _dir: &Path,
        _vault: Vault,
        _clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, StoreError> {
        todo!()
    }

    /// How much of the event log is kept from now on.
    pub fn set_retention(&self, _retention: Retention) {
        todo!()
    }

    /// Whether the store can be written to now, by writing. For `/readyz`.
    pub fn check_writable(&self) -> Result<(), StoreError> {
        todo!()
    }
}

#[rustfmt::skip]
impl SessionStore for Store {
    fn accounts(&self) -> Result<Vec<AccountRecord>, StoreError> { todo!() }
    fn insert_account(&self, _: &AccountRecord) -> Result<(), StoreError> { todo!() }
    fn save_account(&self, _: &AccountRecord, _: &[Event]) -> Result<(), StoreError> { todo!() }
    fn delete_account(&self, _: &AccountName, _: bool, _: UnixMillis) -> Result<(), StoreError> { todo!() }
    fn authorizations(&self, _: &AccountName) -> Result<Vec<AuthorizationRecord>, StoreError> { todo!() }
    fn create_authorization(&self, _: &AccountName, _: AuthorizationRole, _: i32, _: UnixMillis) -> Result<AuthorizationRecord, StoreError> { todo!() }
    fn set_home_dc(&self, _: AuthorizationId, _: i32) -> Result<(), StoreError> { todo!() }
    fn promote_authorization(&self, _: AuthorizationId) -> Result<(), StoreError> { todo!() }
    fn remove_authorization(&self, _: AuthorizationId) -> Result<(), StoreError> { todo!() }
    fn keys(&self, _: AuthorizationId) -> Result<Vec<DcKey>, StoreError> { todo!() }
    fn save_key(&self, _: AuthorizationId, _: &DcKey) -> Result<(), StoreError> { todo!() }
    fn remove_key(&self, _: AuthorizationId, _: i32) -> Result<(), StoreError> { todo!() }
    fn update_state(&self, _: &AccountName) -> Result<Option<UpdateState>, StoreError> { todo!() }
    fn commit_updates(&self, _: &AccountName, _: &UpdateState, _: &[Event]) -> Result<Cursor, StoreError> { todo!() }
    fn save_peers(&self, _: &AccountName, _: &[PeerRecord]) -> Result<(), StoreError> { todo!() }
    fn peer(&self, _: &AccountName, _: PeerKind, _: i64) -> Result<Option<PeerRecord>, StoreError> { todo!() }
    fn peer_by_username(&self, _: &AccountName, _: &str) -> Result<Option<PeerRecord>, StoreError> { todo!() }
    fn peer_by_phone(&self, _: &AccountName, _: &str) -> Result<Option<PeerRecord>, StoreError> { todo!() }
    fn save_rotation(&self, _: &RotationRecord) -> Result<(), StoreError> { todo!() }
    fn rotations(&self, _: &AccountName) -> Result<Vec<RotationRecord>, StoreError> { todo!() }
    fn rotation(&self, _: &str) -> Result<Option<RotationRecord>, StoreError> { todo!() }
}

#[rustfmt::skip]
impl EventLog for Store {
    fn append(&self, _: &[Event]) -> Result<Cursor, StoreError> { todo!() }
    fn read(&self, _: Cursor, _: &EventFilter, _: usize) -> Result<(Vec<(Cursor, String)>, Cursor), StoreError> { todo!() }
    fn bounds(&self) -> Result<(Cursor, Cursor), StoreError> { todo!() }
    fn on_append(&self, _: Box<dyn Fn(Cursor) + Send + Sync>) { todo!() }
}
