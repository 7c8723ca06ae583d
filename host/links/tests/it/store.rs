//! A store in memory, of what the links need.

use std::collections::BTreeMap;
use std::sync::Mutex;

use sluice_domain::{
    AccountName, AccountRecord, AuthorizationId, AuthorizationRecord, AuthorizationRole, Cursor,
    DcKey, Event, PeerKind, PeerRecord, RotationRecord, SessionStore, StoreError, UnixMillis,
    UpdateState, UpdateStep,
};

/// Keys by data center, the home, and every salt that was saved.
#[derive(Default)]
pub struct Memory {
    pub keys: Mutex<BTreeMap<i32, DcKey>>,
    pub home: Mutex<Option<i32>>,
    pub full: Mutex<bool>,
}

fn unused<T>() -> Result<T, StoreError> {
    Err(StoreError::Missing("not in this test".to_owned()))
}

impl SessionStore for Memory {
    fn keys(&self, _id: AuthorizationId) -> Result<Vec<DcKey>, StoreError> {
        Ok(self.keys.lock().unwrap().values().cloned().collect())
    }
    fn save_key(&self, _id: AuthorizationId, key: &DcKey) -> Result<(), StoreError> {
        if *self.full.lock().unwrap() {
            return Err(StoreError::Unavailable("disk full".to_owned()));
        }
        let mut keys = self.keys.lock().unwrap();
        if let Some(held) = keys.get(&key.dc)
            && held.authorized
            && held.key.expose() != key.key.expose()
        {
            return Err(StoreError::Exists("the key".to_owned()));
        }
        keys.insert(key.dc, key.clone());
        Ok(())
    }
    fn remove_key(&self, _id: AuthorizationId, dc: i32) -> Result<(), StoreError> {
        self.keys.lock().unwrap().remove(&dc);
        Ok(())
    }
    fn set_home_dc(&self, _id: AuthorizationId, dc: i32) -> Result<(), StoreError> {
        *self.home.lock().unwrap() = Some(dc);
        Ok(())
    }

    fn accounts(&self) -> Result<Vec<AccountRecord>, StoreError> {
        unused()
    }
    fn insert_account(&self, _: &AccountRecord) -> Result<(), StoreError> {
        unused()
    }
    fn save_account(&self, _: &AccountRecord, _: &[Event]) -> Result<(), StoreError> {
        unused()
    }
    fn delete_account(&self, _: &AccountName, _: bool, _: UnixMillis) -> Result<(), StoreError> {
        unused()
    }
    fn authorizations(&self, _: &AccountName) -> Result<Vec<AuthorizationRecord>, StoreError> {
        unused()
    }
    fn create_authorization(
        &self,
        _: &AccountName,
        _: AuthorizationRole,
        _: i32,
        _: UnixMillis,
    ) -> Result<AuthorizationRecord, StoreError> {
        unused()
    }
    fn promote_authorization(&self, _: AuthorizationId) -> Result<(), StoreError> {
        unused()
    }
    fn remove_authorization(&self, _: AuthorizationId) -> Result<(), StoreError> {
        unused()
    }
    fn update_state(&self, _: &AccountName) -> Result<Option<UpdateState>, StoreError> {
        unused()
    }
    fn begin_updates(&self, _: &AccountName, _: &UpdateState) -> Result<(), StoreError> {
        unused()
    }
    fn commit_updates(
        &self,
        _: &AccountName,
        _: &UpdateStep,
        _: &[Event],
    ) -> Result<Cursor, StoreError> {
        unused()
    }
    fn save_peers(&self, _: &AccountName, _: &[PeerRecord]) -> Result<(), StoreError> {
        unused()
    }
    fn peer(&self, _: &AccountName, _: PeerKind, _: i64) -> Result<Option<PeerRecord>, StoreError> {
        unused()
    }
    fn peer_by_username(&self, _: &AccountName, _: &str) -> Result<Option<PeerRecord>, StoreError> {
        unused()
    }
    fn peer_by_phone(&self, _: &AccountName, _: &str) -> Result<Option<PeerRecord>, StoreError> {
        unused()
    }
    fn save_rotation(&self, _: &RotationRecord) -> Result<(), StoreError> {
        unused()
    }
    fn rotations(&self, _: &AccountName) -> Result<Vec<RotationRecord>, StoreError> {
        unused()
    }
    fn rotation(&self, _: &str) -> Result<Option<RotationRecord>, StoreError> {
        unused()
    }
}
