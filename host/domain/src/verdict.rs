use super::Category;

/// What a known wait holds back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "host", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "host", serde(rename_all = "snake_case"))]
pub enum WaitScope {
    /// This call only.
    Call,
    /// The method in this chat.
    Chat,
    /// The method for this account.
    Method,
    /// The whole account.
    Account,
    /// The whole data center.
    Datacenter,
}

impl WaitScope {
    /// Every scope, in the order of the WIT contract's constants.
    pub const ALL: [Self; 5] = [
        Self::Call,
        Self::Chat,
        Self::Method,
        Self::Account,
        Self::Datacenter,
    ];

    /// The number of this scope in the contracts of policies.
    pub const fn code(self) -> u32 {
        self as u32
    }
}

/// How much an operator should care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "host", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "host", serde(rename_all = "snake_case"))]
pub enum Severity {
    /// Normal running.
    Info,
    /// Worth a look.
    Warning,
    /// Something is broken.
    Error,
    /// An account is lost or about to be.
    Critical,
}

impl Severity {
    /// Every severity, in the order of the WIT contract's constants.
    pub const ALL: [Self; 4] = [Self::Info, Self::Warning, Self::Error, Self::Critical];

    /// The number of this severity in the contracts of policies.
    pub const fn code(self) -> u32 {
        self as u32
    }
}

/// What a categorizer says of a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "host", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "host", serde(rename_all = "camelCase"))]
pub struct Verdict {
    /// The family.
    pub category: Category,
    /// The stable name callers match on: the pattern without its number (`FLOOD_WAIT`).
    pub code: String,
    /// The HTTP status of the problem, 400..=599.
    pub status: u16,
    /// Whether the same call can succeed later.
    pub retryable: bool,
    /// Seconds to wait before the same call can succeed, when known.
    pub wait: Option<u64>,
    /// What the wait holds back.
    pub wait_scope: WaitScope,
    /// How much an operator should care.
    pub severity: Severity,
    /// What the caller can do, one or two sentences.
    pub advice: String,
}
