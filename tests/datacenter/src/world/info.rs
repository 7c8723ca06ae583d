//! What the handle and the control API say and are told.

use serde::{Deserialize, Serialize};

/// A user or bot to be made.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NewAccount {
    /// `99966XYYYY` lives on data center X and gets the code X five times.
    pub phone: Option<String>,
    /// First name; made from the phone when absent.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Without `@`.
    pub username: Option<String>,
    /// Two-step verification.
    pub password: Option<String>,
    /// A bot; then there is no phone, and `AccountInfo` tells the token.
    pub bot: bool,
    /// The home data center of a bot, or of a user whose phone does not say; 1 when absent.
    pub dc: Option<i32>,
}

/// A channel or supergroup to be made.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NewChannel {
    /// Its title.
    pub title: String,
    /// What it says of itself.
    pub about: String,
    /// A channel in which only administrators write; else a supergroup.
    pub broadcast: bool,
    /// Without `@`; makes it public.
    pub username: Option<String>,
    /// Who is in from the beginning, besides its creator.
    pub with: Vec<i64>,
}

/// A user or bot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountInfo {
    /// Telegram's id.
    pub id: i64,
    /// The phone number, digits only.
    pub phone: Option<String>,
    /// Without `@`.
    pub username: Option<String>,
    /// First name.
    pub first_name: String,
    /// The home data center.
    pub dc: i32,
    /// A bot's token.
    pub token: Option<String>,
}

/// One place where an account is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizationInfo {
    /// As in `account.getAuthorizations` of another session (never 0).
    pub hash: String,
    /// The account.
    pub account: i64,
    /// Unix time of the sign-in, by the world's clock.
    pub created: i64,
    /// What the client says it is.
    pub device: String,
    /// The client's api_id.
    pub api_id: i32,
    /// Its auth key on the home data center, 16 hexadecimal digits.
    pub auth_key_id: String,
}

/// Why something asked of the world is impossible.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorldError {
    /// A phone number of another shape, or of a data center that is not here.
    #[error("{0} is not a phone number of the form 99966XYYYY with an existing data center X")]
    Phone(String),
    /// The number or name has an owner already.
    #[error("{0} is taken")]
    Taken(String),
    /// No account has this id.
    #[error("there is no account {0}")]
    UnknownAccount(i64),
    /// No data center has this number.
    #[error("there is no data center {0}")]
    UnknownDc(i32),
    /// No such receiver.
    #[error("there is no peer {0}")]
    UnknownPeer(i64),
    /// The request says something impossible.
    #[error("{0}")]
    Invalid(String),
}
