use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::{AccountKind, AccountState, DeviceIdentity, Environment, RotationStatus, TlObject};

/// An account, as `GET /api/accounts` lists it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountView {
    /// Its name.
    pub name: String,
    /// User or bot.
    pub kind: AccountKind,
    /// What it does.
    pub state: AccountState,
    /// Why.
    pub state_reason: Option<String>,
    /// Proven by a probe.
    pub connected: bool,
    /// The Telegram it lives on.
    pub environment: Environment,
    /// The api_id it signs in with; null when there is none.
    pub api_id: Option<i32>,
    /// What it says of itself.
    pub device: DeviceIdentity,
    /// The proxy its links leave by; null when they go straight.
    pub proxy: Option<ProxyView>,
    /// Telegram's id of it, once signed in.
    pub user_id: Option<String>,
    /// When it was made here.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Whether requests that name no account mean this one.
    pub default: bool,
}

/// A proxy, without what it wants to know.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProxyView {
    /// `socks5`, `http` or `mtproxy`.
    pub kind: String,
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Whether it is the account's own; else it is the configuration's.
    pub own: bool,
}

/// `GET /api/telegram-auth/status`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatusView {
    /// Proven by a probe.
    pub connected: bool,
    /// The end of the last probe.
    #[schema(format = DateTime)]
    pub last_checked: Option<String>,
    /// What the account does.
    pub state: AccountState,
    /// Why.
    pub state_reason: Option<String>,
    /// Which account.
    pub account: String,
}

/// `{success, message}`: the answer of disconnect, connect and log-out.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DoneView {
    /// Always true; failures are problems.
    pub success: bool,
    /// What was done.
    pub message: String,
}

/// The answer of every step of a sign-in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignInView {
    /// Which account.
    pub account: String,
    /// The state the step led to.
    pub state: AccountState,
    /// Why.
    pub state_reason: Option<String>,
    /// The code that was sent, while one is awaited.
    pub code: Option<CodeView>,
    /// The second factor, while it is awaited.
    pub password: Option<PasswordView>,
    /// The QR token, while it is awaited.
    pub qr: Option<QrView>,
    /// Who signed in, as Telegram's `User`.
    pub user: Option<TlObject>,
    /// What the operator should know (a code may go to another session, …).
    pub warnings: Option<Vec<String>>,
}

/// How a code was sent.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CodeView {
    /// `app`, `sms`, `call`, `flash_call`, `missed_call`, `email`, `fragment`, …
    pub kind: String,
    /// How many characters it has; null when unknown.
    pub length: Option<i32>,
    /// How `resend-code` would send it; null when it cannot.
    pub next_kind: Option<String>,
    /// Seconds after which `resend-code` is allowed.
    pub resend_after: Option<i32>,
}

/// What is known of the second factor.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PasswordView {
    /// The hint its owner chose.
    pub hint: Option<String>,
    /// Whether it can be recovered by e-mail (in Telegram's own applications).
    pub has_recovery: bool,
}

/// A QR token to show.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QrView {
    /// `tg://login?token=…`
    pub url: String,
    /// When it ends; a new one is pushed as a `login_qr` event before.
    #[schema(format = DateTime)]
    pub expires_at: String,
    /// The code as a picture.
    pub svg: String,
}

/// A rotation, as `GET /api/telegram-auth/rotations/{id}` shows it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RotationView {
    /// UUID.
    pub rotation_id: String,
    /// Whose.
    pub account: String,
    /// How far.
    pub status: RotationStatus,
    /// What was done, in order.
    pub steps: Vec<StepView>,
    /// Why it failed.
    pub error: Option<String>,
    /// Nothing was changed: only the checks were made.
    pub dry_run: Option<bool>,
}

/// A step of a rotation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepView {
    /// Its name.
    pub name: String,
    /// When it was begun.
    #[schema(format = DateTime)]
    pub at: String,
}

/// How a check went.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    /// As it should be.
    Ok,
    /// Worth a look.
    Warn,
    /// Broken.
    Fail,
    /// Nothing is known.
    Unknown,
}

/// One check of a session.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckView {
    /// Its name.
    pub name: String,
    /// How it went.
    pub status: CheckStatus,
    /// In words.
    pub detail: String,
    /// When it was last looked at; null if never.
    #[schema(format = DateTime)]
    pub checked_at: Option<String>,
}

/// `GET /api/telegram-auth/session-health`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthView {
    /// 0 (dead) to 100.
    pub score: u64,
    /// What the account does.
    pub state: AccountState,
    /// The checks behind the score.
    pub checks: Vec<CheckView>,
    /// The session.
    pub session: SessionView,
}

/// One row of `GET /api/monitoring/sessions`; also `session` of the health.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    /// Whose.
    pub account: String,
    /// What the account does.
    pub state: AccountState,
    /// Proven by a probe.
    pub connected: bool,
    /// The home data center.
    pub dc: Option<i32>,
    /// The layer spoken.
    pub layer: Option<i32>,
    /// The id of the home auth key, hex. Not secret: every packet shows it.
    pub key_fingerprint: Option<String>,
    /// Age of the home auth key in seconds.
    pub key_age: Option<u64>,
    /// When a rotation last completed.
    #[schema(format = DateTime)]
    pub last_rotation: Option<String>,
    /// When an update last came.
    #[schema(format = DateTime)]
    pub last_update: Option<String>,
    /// How many updates Telegram has that were not taken yet, at the last probe.
    pub pts_lag: Option<i64>,
    /// Open links.
    pub links: u64,
    /// As session-health says.
    pub score: u64,
}

/// `GET /api/monitoring/sessions`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MonitoringSessionsView {
    /// One row per account.
    pub sessions: Vec<SessionView>,
}

/// `GET /api/telegram/connection-pool/status`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PoolStatusView {
    /// Every link.
    pub connections: Vec<ConnectionView>,
    /// Sums over them.
    pub totals: PoolTotalsView,
}

/// A link.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionView {
    /// Names it as long as it stands.
    pub id: String,
    /// Whose.
    pub account: String,
    /// Data center.
    pub dc: i32,
    /// `main` or `media`.
    pub role: String,
    /// `active`, `idle` or `error`.
    pub status: String,
    /// Measurements.
    pub metrics: ConnectionMetricsView,
}

/// Measurements of a link.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionMetricsView {
    /// Round trip of the last ping, milliseconds.
    pub latency: Option<u64>,
    /// Failures since it was made.
    pub errors: u64,
    /// When it last carried a call.
    #[schema(format = DateTime)]
    pub last_used: Option<String>,
    /// Calls without an answer yet.
    pub in_flight: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
    /// Since when the socket stands; null while it does not.
    #[schema(format = DateTime)]
    pub connected_since: Option<String>,
}

/// Sums over links.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PoolTotalsView {
    /// Links.
    pub connections: u64,
    /// Active ones.
    pub active: u64,
    /// Idle ones.
    pub idle: u64,
    /// Broken ones.
    pub error: u64,
    /// Calls without an answer yet.
    pub in_flight: u64,
}

/// `POST /api/telegram/connection-pool/cleanup`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CleanupView {
    /// Links that were closed (an idle main link is opened again).
    pub closed: Vec<String>,
    /// How many were left alone.
    pub kept: u64,
}

/// `GET /api/monitoring/telegram`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MonitoringTelegramView {
    /// One entry per account.
    pub accounts: Vec<AccountTrafficView>,
    /// Since when is counted.
    #[schema(format = DateTime)]
    pub since: String,
}

/// An account's traffic.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountTrafficView {
    /// Whose.
    pub account: String,
    /// By method.
    pub methods: Vec<MethodTrafficView>,
    /// Waits in force.
    pub limits: Vec<LimitView>,
    /// Bytes received from Telegram.
    pub bytes_in: u64,
    /// Bytes sent to Telegram.
    pub bytes_out: u64,
    /// Updates logged.
    pub updates: u64,
    /// Gaps logged.
    pub gaps: u64,
}

/// Calls of one method.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MethodTrafficView {
    /// The method.
    pub method: String,
    /// How often it was called.
    pub calls: u64,
    /// Failed calls by category.
    pub errors: BTreeMap<String, u64>,
    /// Latency of answered calls.
    pub latency_ms: QuantilesView,
    /// Repeats after a failure.
    pub retries: u64,
    /// Waits slept or answered with 429.
    pub waits: u64,
}

/// Quantiles in milliseconds; null without a measurement.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuantilesView {
    /// Median.
    pub p50: Option<f64>,
    /// 95 in 100 are below.
    pub p95: Option<f64>,
    /// 99 in 100 are below.
    pub p99: Option<f64>,
}

/// A wait in force, as `GET /api/telegram/limits` lists it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LimitView {
    /// Names it, for its removal.
    pub id: String,
    /// Whose.
    pub account: String,
    /// The method held back; null for the whole account.
    pub method: Option<String>,
    /// The chat held back, when it is only one.
    pub chat: Option<String>,
    /// The error as Telegram named it.
    pub name: String,
    /// When it ends.
    #[schema(format = DateTime)]
    pub until: String,
    /// Whole seconds left.
    pub retry_after: u64,
}

/// `GET /api/telegram/limits`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LimitsView {
    /// Waits in force.
    pub limits: Vec<LimitView>,
}
