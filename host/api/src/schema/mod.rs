//! The shapes of answers, for the OpenAPI document alone: the crates that own the answers do not know
//! of OpenAPI.
#![allow(dead_code, reason = "read by the derive, never made")]

mod accounts;
mod decisions;
mod plugins;

pub use accounts::*;
pub use decisions::*;
pub use plugins::*;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// An error (RFC 9457), with the older basic shape beside.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Where a page about this type is.
    pub r#type: String,
    /// The type in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time.
    pub detail: String,
    /// The request's id.
    pub instance: String,
    /// Always false.
    pub success: bool,
    /// As `detail`.
    pub message: String,
    /// The stable name to match on.
    pub code: String,
    /// Its family.
    pub category: Category,
    /// Whether the same request can succeed later.
    pub retryable: bool,
    /// Seconds until it can; null when unknown.
    #[schema(required)]
    pub retry_after: Option<u64>,
    /// Telegram's own words, when it was Telegram that refused.
    pub telegram: Option<TelegramError>,
    /// The account concerned.
    pub account: Option<String>,
    /// What to do.
    pub advice: Option<String>,
    /// What is wrong where in the body.
    pub errors: Option<Vec<FieldError>>,
}

/// The family of an error.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    RateLimit,
    Auth,
    Permission,
    NotFound,
    InvalidRequest,
    Conflict,
    Migration,
    Network,
    Timeout,
    Server,
    Policy,
    Internal,
}

/// Telegram's own words.
#[derive(Serialize, ToSchema)]
pub struct TelegramError {
    /// Its code.
    pub code: i32,
    /// Its name as sent.
    pub name: String,
    /// The method that was refused.
    pub method: String,
}

/// What is wrong at one place of a body.
#[derive(Serialize, ToSchema)]
pub struct FieldError {
    /// JSON pointer (RFC 6901); empty for the whole.
    pub pointer: String,
    /// What is wrong there.
    pub detail: String,
}

/// An object as in TL: its constructor in `_`, 64-bit numbers as strings, bytes in base64.
#[derive(Serialize, ToSchema)]
#[schema(value_type = Object)]
pub struct TlObject(pub Value);

/// A method of Telegram's schema.
#[derive(Serialize, ToSchema)]
#[schema(value_type = Object)]
pub struct MethodDescription(pub Value);

/// A person's account or a bot.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    User,
    Bot,
}

/// Which Telegram an account lives on.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    Production,
    Test,
    Custom,
}

/// What an account says of itself to Telegram.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeviceIdentity {
    /// Shown in the list of devices.
    pub device_model: Option<String>,
    /// Operating system.
    pub system_version: Option<String>,
    /// Version of the application.
    pub app_version: Option<String>,
    /// Language of the system, ISO 639-1.
    pub system_lang_code: Option<String>,
    /// Language of the interface, ISO 639-1.
    pub lang_code: Option<String>,
}

/// What an account does.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountState {
    SignedOut,
    AwaitingCode,
    AwaitingQr,
    AwaitingPassword,
    Connecting,
    Ready,
    Disconnected,
    Parked,
    Frozen,
    SessionLost,
}

/// How far a rotation got.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RotationStatus {
    Started,
    Completed,
    Failed,
}

/// `GET /api/accounts`.
#[derive(Serialize, ToSchema)]
pub struct AccountList {
    /// The accounts, by name.
    pub accounts: Vec<AccountView>,
}

/// The answer of `rotate-session` without `?wait=true`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RotationBegun {
    /// For `/api/telegram-auth/rotations/{id}`.
    pub rotation_id: String,
}

/// `GET /api/telegram-auth/rotations`.
#[derive(Serialize, ToSchema)]
pub struct Rotations {
    /// Newest first.
    pub rotations: Vec<RotationView>,
}

/// What a key may do.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Looking at state and events.
    Read,
    /// Calls in the name of accounts.
    Call,
    /// Changing accounts, sessions and keys.
    Admin,
    /// Methods that can lose an account, in addition to `call`.
    Dangerous,
}

/// An API key, without its secret.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyView {
    /// Names it.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Accounts it is limited to; empty for all.
    pub accounts: Vec<String>,
    /// Methods it is limited to; empty for all.
    pub methods: Vec<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it ends.
    #[schema(format = DateTime, required)]
    pub expires_at: Option<String>,
    /// When it was revoked.
    #[schema(format = DateTime, required)]
    pub revoked_at: Option<String>,
}

/// A new API key.
#[derive(Serialize, ToSchema)]
pub struct CreatedKey {
    #[serde(flatten)]
    pub view: KeyView,
    /// The key itself, shown this once.
    pub key: String,
}

/// `GET /api/keys`.
#[derive(Serialize, ToSchema)]
pub struct KeyList {
    /// Oldest first.
    pub keys: Vec<KeyView>,
}

/// The answer of an upload.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Uploaded {
    /// Its `InputFile`. Telegram forgets it within a day.
    pub input_file: TlObject,
    /// Bytes.
    pub size: u64,
    /// Parts.
    pub parts: u32,
}

/// An event. Each type has further fields at the top level.
#[derive(Serialize, ToSchema)]
pub struct Event {
    /// Its cursor; absent for live state (`status`, `pool_status`).
    pub id: Option<String>,
    /// Its type.
    pub r#type: String,
    /// Whose; null for the gateway's own.
    #[schema(required)]
    pub account: Option<String>,
    /// When.
    #[schema(format = DateTime)]
    pub at: String,
}

/// The answer of a long poll.
#[derive(Serialize, ToSchema)]
pub struct EventBatch {
    /// What came.
    pub events: Vec<Event>,
    /// For `?after=` of the next poll.
    pub cursor: String,
}
