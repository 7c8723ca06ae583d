use serde::{Deserialize, Serialize};

use super::{
    AccountKind, AccountName, AccountState, Cursor, DeviceIdentity, Environment, Event,
    RotationStatus, Secret, UnixMillis,
};

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk is full, read-only or failing. Nothing was changed.
    #[error("the store cannot write: {0}")]
    Unavailable(String),
    /// What is stored cannot be read back: truncated, altered, or sealed with another key.
    #[error("stored data is damaged: {0}")]
    Damaged(String),
    /// A name is taken.
    #[error("{0} already exists")]
    Exists(String),
    /// There is no such row.
    #[error("{0} does not exist")]
    Missing(String),
}

/// An account as it is kept.
#[derive(Clone)]
pub struct AccountRecord {
    /// Its name.
    pub name: AccountName,
    /// User or bot.
    pub kind: AccountKind,
    /// Its own api_id and api_hash, if it does not use the configuration's.
    pub api: Option<(i32, Secret<String>)>,
    /// Its own environment, if it does not use the configuration's.
    pub environment: Option<Environment>,
    /// What it says of itself.
    pub device: DeviceIdentity,
    /// State to come back in: only `SignedOut`, `Disconnected` (by the operator), `Parked`, `Frozen`,
    /// `SessionLost` and `Ready` (connect at start) are kept.
    pub state: AccountState,
    /// Why it is in that state.
    pub state_reason: Option<String>,
    /// The Telegram user id once signed in.
    pub user_id: Option<i64>,
    /// When it was made here.
    pub created_at: UnixMillis,
    /// A bot's token, sealed: rotation of a bot signs in with it again.
    pub bot_token: Option<Secret<String>>,
    /// Its own proxy as it was given, sealed; `direct` for none, whatever the configuration says.
    pub proxy: Option<Secret<String>>,
}

/// Names one authorization (a set of keys that Telegram lists as one device).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AuthorizationId(pub i64);

/// What an authorization is to its account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuthorizationRole {
    /// Serves.
    Current,
    /// Being made by a rotation or a sign-in.
    Next,
    /// Replaced, to be logged out and destroyed.
    Old,
}

/// One authorization of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationRecord {
    /// Which.
    pub id: AuthorizationId,
    /// Its account.
    pub account: AccountName,
    /// What it is to the account.
    pub role: AuthorizationRole,
    /// The data center it is at home on.
    pub home_dc: i32,
    /// When its home key was made.
    pub created_at: UnixMillis,
}

/// An auth key of an authorization on one data center.
#[derive(Clone)]
pub struct DcKey {
    /// The data center.
    pub dc: i32,
    /// The 256 bytes. Sealed at rest.
    pub key: Secret<Vec<u8>>,
    /// The server's salt last known.
    pub salt: i64,
    /// Server's clock minus ours, in seconds.
    pub time_offset: i32,
    /// Whether the authorization was imported there. On the home data center: whether somebody
    /// signed in with it, or may have, because Telegram's answer was not seen.
    pub authorized: bool,
    /// The MTProto session that last used it over an ordinary connection: the next process, which
    /// begins another, has it destroyed.
    pub session: Option<i64>,
}

/// How far the updates of an account were taken.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct UpdateState {
    /// Common sequence.
    pub pts: i32,
    /// Secret-independent sequence.
    pub qts: i32,
    /// Date of the state, Unix seconds.
    pub date: i32,
    /// Sequence of whole updates.
    pub seq: i32,
    /// pts by channel id.
    pub channels: Vec<(i64, i32)>,
}

/// How far the updates of an account got with one commit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UpdateStep {
    /// Common sequence.
    pub pts: i32,
    /// Secret-independent sequence.
    pub qts: i32,
    /// Date of the state, Unix seconds.
    pub date: i32,
    /// Sequence of whole updates.
    pub seq: i32,
    /// Channels that moved, with their pts; None for one that is followed no more.
    pub channels: Vec<(i64, Option<i32>)>,
}

/// What a peer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PeerKind {
    /// A user or bot.
    User,
    /// A basic group.
    Chat,
    /// A channel or supergroup.
    Channel,
}

/// A peer an account has met, with what is needed to address it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerRecord {
    /// Its kind.
    pub kind: PeerKind,
    /// Its id, without the marks of the Bot API.
    pub id: i64,
    /// Its access hash for this authorization; 0 for a basic group.
    pub access_hash: i64,
    /// Its username without `@`, lower case.
    pub username: Option<String>,
    /// Its phone number, digits only.
    pub phone: Option<String>,
}

/// A rotation as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationRecord {
    /// UUID.
    pub id: String,
    /// Whose.
    pub account: AccountName,
    /// How far.
    pub status: RotationStatus,
    /// Steps taken with their times.
    pub steps: Vec<(String, UnixMillis)>,
    /// Why it failed.
    pub error: Option<String>,
}

/// An API key as it is kept. The secret itself is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyRecord {
    /// The public half, base62.
    pub id: String,
    /// For people.
    pub name: String,
    /// HMAC-SHA256 of the secret half with the store's pepper.
    pub hash: Vec<u8>,
    /// `read`, `call`, `admin`, `dangerous`.
    pub scopes: Vec<String>,
    /// Accounts it is limited to; empty for all.
    pub accounts: Vec<AccountName>,
    /// Method patterns (`messages.*`) it is limited to; empty for all.
    pub methods: Vec<String>,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it ends.
    pub expires_at: Option<UnixMillis>,
    /// When it was revoked.
    pub revoked_at: Option<UnixMillis>,
}

/// Which events a reader wants.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Types; empty for all.
    pub types: Vec<String>,
    /// Accounts; empty for all. Events of the gateway itself (no account) always pass.
    pub accounts: Vec<AccountName>,
}

/// Accounts, authorizations, keys, update state, peers, rotations. Calls block for the length of a
/// SQLite transaction; async callers go through `spawn_blocking`.
pub trait SessionStore: Send + Sync + 'static {
    /// Every account that is not deleted.
    fn accounts(&self) -> Result<Vec<AccountRecord>, StoreError>;
    /// Adds an account.
    fn insert_account(&self, account: &AccountRecord) -> Result<(), StoreError>;
    /// Replaces what is kept of an account and, in the same transaction, logs the events.
    fn save_account(&self, account: &AccountRecord, events: &[Event]) -> Result<(), StoreError>;
    /// Marks an account as deleted (its keys are kept 30 days), or removes all of it.
    fn delete_account(
        &self,
        name: &AccountName,
        purge: bool,
        at: UnixMillis,
    ) -> Result<(), StoreError>;

    /// The authorizations of an account.
    fn authorizations(&self, account: &AccountName)
    -> Result<Vec<AuthorizationRecord>, StoreError>;
    /// Makes an authorization.
    fn create_authorization(
        &self,
        account: &AccountName,
        role: AuthorizationRole,
        home_dc: i32,
        at: UnixMillis,
    ) -> Result<AuthorizationRecord, StoreError>;
    /// Moves an authorization to another home data center.
    fn set_home_dc(&self, id: AuthorizationId, dc: i32) -> Result<(), StoreError>;
    /// In one transaction: `next` becomes current, what was current becomes old. Update state and
    /// peers stay.
    fn promote_authorization(&self, next: AuthorizationId) -> Result<(), StoreError>;
    /// Removes an authorization and wipes its keys.
    fn remove_authorization(&self, id: AuthorizationId) -> Result<(), StoreError>;

    /// The keys of an authorization, unsealed.
    fn keys(&self, id: AuthorizationId) -> Result<Vec<DcKey>, StoreError>;
    /// Adds a key, or replaces salt, time offset, mark and session of a key that is the same. An authorized
    /// key is never overwritten by a different one: that is `Exists`.
    fn save_key(&self, id: AuthorizationId, key: &DcKey) -> Result<(), StoreError>;
    /// Removes a key on a foreign data center.
    fn remove_key(&self, id: AuthorizationId, dc: i32) -> Result<(), StoreError>;

    /// Update state of an account; None before the first.
    fn update_state(&self, account: &AccountName) -> Result<Option<UpdateState>, StoreError>;
    /// Replaces the update state of an account as a whole.
    fn begin_updates(&self, account: &AccountName, state: &UpdateState) -> Result<(), StoreError>;
    /// In one transaction: the events into the log and the state they lead to. Returns the cursor
    /// of the last event.
    fn commit_updates(
        &self,
        account: &AccountName,
        step: &UpdateStep,
        events: &[Event],
    ) -> Result<Cursor, StoreError>;

    /// Adds or renews peers. A peer without access hash never replaces one that has it.
    fn save_peers(&self, account: &AccountName, peers: &[PeerRecord]) -> Result<(), StoreError>;
    /// A peer by id.
    fn peer(
        &self,
        account: &AccountName,
        kind: PeerKind,
        id: i64,
    ) -> Result<Option<PeerRecord>, StoreError>;
    /// A peer by username (lower case, without `@`).
    fn peer_by_username(
        &self,
        account: &AccountName,
        username: &str,
    ) -> Result<Option<PeerRecord>, StoreError>;
    /// A peer by phone number (digits).
    fn peer_by_phone(
        &self,
        account: &AccountName,
        phone: &str,
    ) -> Result<Option<PeerRecord>, StoreError>;

    /// Keeps a rotation, before the step is taken.
    fn save_rotation(&self, rotation: &RotationRecord) -> Result<(), StoreError>;
    /// Rotations of an account, newest first.
    fn rotations(&self, account: &AccountName) -> Result<Vec<RotationRecord>, StoreError>;
    /// A rotation by id.
    fn rotation(&self, id: &str) -> Result<Option<RotationRecord>, StoreError>;
}

/// The log every reader of events reads.
pub trait EventLog: Send + Sync + 'static {
    /// Appends events; returns the cursor of the last.
    fn append(&self, events: &[Event]) -> Result<Cursor, StoreError>;
    /// Up to `limit` events after the cursor that pass the filter, as JSON texts that carry `id`,
    /// each with its cursor; and the cursor up to which the log was searched.
    fn read(
        &self,
        after: Cursor,
        filter: &EventFilter,
        limit: usize,
    ) -> Result<(Vec<(Cursor, String)>, Cursor), StoreError>;
    /// The newest cursor, and the oldest that is still kept.
    fn bounds(&self) -> Result<(Cursor, Cursor), StoreError>;
    /// Calls this with the newest cursor after every commit that added events. Must be cheap.
    fn on_append(&self, wake: Box<dyn Fn(Cursor) + Send + Sync>);
}
