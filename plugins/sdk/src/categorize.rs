//! Policies that name failures.

use crate::{Category, Extensions, Failure, Settings, Severity, WaitScope};

/// A categorizer: `sluice:categorize/policy`.
pub trait Categorizer: Sized {
    /// Makes the policy from the operator's settings. The error is shown to the operator, and the
    /// plugin is refused. Settings that nothing here asked for are refused too.
    fn configure(settings: &mut Settings) -> Result<Self, String>;

    /// Names a failure; none to let the next categorizer be asked, the shipped one last.
    fn categorize(&self, failure: &Failure) -> Option<Verdict>;
}

/// What a failure is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The family.
    pub category: Category,
    /// The stable name callers match on: A-Z, 0-9 and `_`, at most 64.
    pub code: String,
    /// The HTTP status callers get, 400 to 599.
    pub status: u16,
    /// Whether the same call can succeed later.
    pub retryable: bool,
    /// Seconds until it can, when known. Never shorter than Telegram's own wait: the gateway
    /// corrects it.
    pub wait: Option<u64>,
    /// What the wait holds back.
    pub wait_scope: WaitScope,
    /// How much an operator should care.
    pub severity: Severity,
    /// What the caller can do, one or two sentences; at most 512 characters.
    pub advice: String,
    /// See [`Extensions`].
    pub extensions: Extensions,
}

impl Verdict {
    /// A verdict that is not retryable, waits for nothing and holds back only its own call.
    pub fn new(category: Category, code: &str, status: u16, advice: &str) -> Self {
        Self {
            category,
            code: code.into(),
            status,
            retryable: false,
            wait: None,
            wait_scope: WaitScope::Call,
            severity: Severity::Info,
            advice: advice.into(),
            extensions: Vec::new(),
        }
    }
}
