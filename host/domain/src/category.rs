use core::fmt;
use core::str::FromStr;

/// The family an error belongs to, as callers see it in `category`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "host", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "host", serde(rename_all = "snake_case"))]
pub enum Category {
    /// Telegram or the gateway asks to wait.
    RateLimit,
    /// The account is not signed in, or its authorization ended.
    Auth,
    /// The account may not do this.
    Permission,
    /// What the call names does not exist.
    NotFound,
    /// The call itself is wrong and will be wrong again.
    InvalidRequest,
    /// The state it would change is not as the call assumes.
    Conflict,
    /// Another data center has to be asked.
    Migration,
    /// The connection failed.
    Network,
    /// No answer in time.
    Timeout,
    /// Telegram failed.
    Server,
    /// A policy refused.
    Policy,
    /// The gateway failed.
    Internal,
}

impl Category {
    /// Every category, in the order of the WIT contract's constants (its `u32` is the index).
    pub const ALL: [Self; 12] = [
        Self::RateLimit,
        Self::Auth,
        Self::Permission,
        Self::NotFound,
        Self::InvalidRequest,
        Self::Conflict,
        Self::Migration,
        Self::Network,
        Self::Timeout,
        Self::Server,
        Self::Policy,
        Self::Internal,
    ];

    /// The name callers see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RateLimit => "rate_limit",
            Self::Auth => "auth",
            Self::Permission => "permission",
            Self::NotFound => "not_found",
            Self::InvalidRequest => "invalid_request",
            Self::Conflict => "conflict",
            Self::Migration => "migration",
            Self::Network => "network",
            Self::Timeout => "timeout",
            Self::Server => "server",
            Self::Policy => "policy",
            Self::Internal => "internal",
        }
    }

    /// The number of this category in the contracts of policies.
    pub const fn code(self) -> u32 {
        self as u32
    }

    /// The category with this number, if there is one.
    pub fn from_code(code: u32) -> Option<Self> {
        Self::ALL.get(usize::try_from(code).ok()?).copied()
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// No category has this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown category")]
pub struct UnknownCategory;

impl FromStr for Category {
    type Err = UnknownCategory;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|c| c.as_str() == name)
            .ok_or(UnknownCategory)
    }
}
