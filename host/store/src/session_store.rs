use sluice_domain::{
    AccountName, AccountRecord, AuthorizationId, AuthorizationRecord, AuthorizationRole, Cursor,
    DcKey, Event, PeerKind, PeerRecord, RotationRecord, SessionStore, StoreError, UnixMillis,
    UpdateState, UpdateStep,
};

use crate::Store;

impl SessionStore for Store {
    fn accounts(&self) -> Result<Vec<AccountRecord>, StoreError> {
        self.all_accounts()
    }

    fn insert_account(&self, account: &AccountRecord) -> Result<(), StoreError> {
        self.add_account(account)
    }

    fn save_account(&self, account: &AccountRecord, events: &[Event]) -> Result<(), StoreError> {
        self.put_account(account, events)
    }

    fn delete_account(
        &self,
        name: &AccountName,
        purge: bool,
        at: UnixMillis,
    ) -> Result<(), StoreError> {
        self.drop_account(name, purge, at)
    }

    fn authorizations(
        &self,
        account: &AccountName,
    ) -> Result<Vec<AuthorizationRecord>, StoreError> {
        self.account_authorizations(account)
    }

    fn create_authorization(
        &self,
        account: &AccountName,
        role: AuthorizationRole,
        home_dc: i32,
        at: UnixMillis,
    ) -> Result<AuthorizationRecord, StoreError> {
        self.add_authorization(account, role, home_dc, at)
    }

    fn set_home_dc(&self, id: AuthorizationId, dc: i32) -> Result<(), StoreError> {
        self.move_home(id, dc)
    }

    fn promote_authorization(&self, next: AuthorizationId) -> Result<(), StoreError> {
        self.promote(next)
    }

    fn remove_authorization(&self, id: AuthorizationId) -> Result<(), StoreError> {
        self.drop_authorization(id)
    }

    fn keys(&self, id: AuthorizationId) -> Result<Vec<DcKey>, StoreError> {
        self.authorization_keys(id)
    }

    fn save_key(&self, id: AuthorizationId, key: &DcKey) -> Result<(), StoreError> {
        self.put_key(id, key)
    }

    fn remove_key(&self, id: AuthorizationId, dc: i32) -> Result<(), StoreError> {
        self.drop_key(id, dc)
    }

    fn update_state(&self, account: &AccountName) -> Result<Option<UpdateState>, StoreError> {
        self.read_update_state(account)
    }

    fn begin_updates(&self, account: &AccountName, state: &UpdateState) -> Result<(), StoreError> {
        self.put_update_state(account, state)
    }

    fn commit_updates(
        &self,
        account: &AccountName,
        step: &UpdateStep,
        events: &[Event],
    ) -> Result<Cursor, StoreError> {
        self.put_updates(account, step, events)
    }

    fn save_peers(&self, account: &AccountName, peers: &[PeerRecord]) -> Result<(), StoreError> {
        self.put_peers(account, peers)
    }

    fn peer(
        &self,
        account: &AccountName,
        kind: PeerKind,
        id: i64,
    ) -> Result<Option<PeerRecord>, StoreError> {
        self.find_peer(account, kind, id)
    }

    fn peer_by_username(
        &self,
        account: &AccountName,
        username: &str,
    ) -> Result<Option<PeerRecord>, StoreError> {
        self.find_peer_by_username(account, username)
    }

    fn peer_by_phone(
        &self,
        account: &AccountName,
        phone: &str,
    ) -> Result<Option<PeerRecord>, StoreError> {
        self.find_peer_by_phone(account, phone)
    }

    fn save_rotation(&self, rotation: &RotationRecord) -> Result<(), StoreError> {
        self.put_rotation(rotation)
    }

    fn rotations(&self, account: &AccountName) -> Result<Vec<RotationRecord>, StoreError> {
        self.account_rotations(account)
    }

    fn rotation(&self, id: &str) -> Result<Option<RotationRecord>, StoreError> {
        self.find_rotation(id)
    }
}
