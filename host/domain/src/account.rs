use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// The name of an account: `[a-z0-9][a-z0-9-]{0,31}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct AccountName(String);

/// Not a name for an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an account's name is 1 to 32 of a-z, 0-9 and '-', and does not begin with '-'")]
pub struct BadAccountName;

impl AccountName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for AccountName {
    /// `default`, the account of a gateway that has one.
    fn default() -> Self {
        Self("default".to_owned())
    }
}

impl FromStr for AccountName {
    type Err = BadAccountName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let fits = (1..=32).contains(&name.len())
            && !name.starts_with('-')
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if fits {
            Ok(Self(name.to_owned()))
        } else {
            Err(BadAccountName)
        }
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for AccountName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <std::borrow::Cow<'de, str>>::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// What an account is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountState {
    /// No authorization.
    SignedOut,
    /// A code was sent.
    AwaitingCode,
    /// A QR token waits to be accepted.
    AwaitingQr,
    /// The second factor is asked for.
    AwaitingPassword,
    /// The main link is being opened.
    Connecting,
    /// The main link stands and the authorization was seen to work.
    Ready,
    /// The main link is down, or the operator closed it.
    Disconnected,
    /// The gateway makes no calls until a person acts or the time is up.
    Parked,
    /// Telegram froze the account: it may read.
    Frozen,
    /// Telegram no longer knows the authorization. The sealed key is kept.
    SessionLost,
}

impl AccountState {
    /// The name callers see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::AwaitingCode => "awaiting_code",
            Self::AwaitingQr => "awaiting_qr",
            Self::AwaitingPassword => "awaiting_password",
            Self::Connecting => "connecting",
            Self::Ready => "ready",
            Self::Disconnected => "disconnected",
            Self::Parked => "parked",
            Self::Frozen => "frozen",
            Self::SessionLost => "session_lost",
        }
    }

    /// Whether calls may go to Telegram, now or when the links stand. A frozen account reads on.
    pub const fn takes_calls(self) -> bool {
        matches!(self, Self::Connecting | Self::Ready | Self::Frozen)
    }
}

/// Which Telegram an account lives on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// The real one.
    #[default]
    Production,
    /// Telegram's test data centers.
    Test,
    /// Addresses and server keys from the configuration.
    Custom,
}

/// What the account says of itself in `initConnection`. Chosen once and kept, rotations included:
/// a device that changes its name looks stolen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DeviceIdentity {
    /// Shown in the list of devices.
    pub device_model: String,
    /// Operating system.
    pub system_version: String,
    /// Version of the application.
    pub app_version: String,
    /// Language of the system, ISO 639-1.
    pub system_lang_code: String,
    /// Language of the interface, ISO 639-1.
    pub lang_code: String,
}

impl Default for DeviceIdentity {
    fn default() -> Self {
        Self {
            device_model: "Sluice".into(),
            system_version: "Linux".into(),
            app_version: env!("CARGO_PKG_VERSION").into(),
            system_lang_code: "en".into(),
            lang_code: "en".into(),
        }
    }
}
