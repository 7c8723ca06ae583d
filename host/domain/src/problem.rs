use serde::Serialize;

use super::{AccountName, Category, Failure, Verdict};

/// What is wrong at one place of a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) to the place; empty for the whole body.
    pub pointer: String,
    /// What is wrong there and what is expected.
    pub detail: String,
}

/// Telegram's own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TelegramError {
    /// Its code.
    pub code: i32,
    /// Its name as sent.
    pub name: String,
    /// The method that was refused.
    pub method: String,
}

/// An error as a caller sees it (RFC 9457 problem details). The API adds `type`, `instance`,
/// `success` and `message` when it writes it out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Problem {
    /// HTTP status.
    pub status: u16,
    /// Stable name callers match on, `SCREAMING_SNAKE`.
    pub code: String,
    /// Family.
    pub category: Category,
    /// One sentence for people, about this occurrence. Never internals.
    pub detail: String,
    /// What to do.
    pub advice: Option<String>,
    /// Whether the same request can succeed later.
    pub retryable: bool,
    /// Seconds until it can, when known; also sent as `Retry-After`.
    pub retry_after: Option<u64>,
    /// Telegram's own words, when it was Telegram that refused.
    pub telegram: Option<TelegramError>,
    /// The account concerned.
    pub account: Option<AccountName>,
    /// What is wrong where in the body.
    pub errors: Vec<FieldError>,
}

impl Problem {
    /// A problem with the given essentials; the rest empty.
    pub fn new(status: u16, code: &str, category: Category, detail: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            category,
            detail: detail.into(),
            advice: None,
            retryable: matches!(
                category,
                Category::RateLimit | Category::Network | Category::Timeout | Category::Server
            ),
            retry_after: None,
            telegram: None,
            account: None,
            errors: Vec::new(),
        }
    }

    /// With advice.
    #[must_use]
    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// With the time after which it is worth another try.
    #[must_use]
    pub const fn after(mut self, seconds: u64) -> Self {
        self.retryable = true;
        self.retry_after = Some(seconds);
        self
    }

    /// About this account.
    #[must_use]
    pub fn of(mut self, account: &AccountName) -> Self {
        self.account = Some(account.clone());
        self
    }

    /// The problem for a failed call, as the categorizer named it.
    pub fn from_verdict(failure: &Failure, verdict: &Verdict) -> Self {
        let telegram = matches!(failure.layer, super::Layer::Telegram);
        Self {
            status: verdict.status,
            code: verdict.code.clone(),
            category: verdict.category,
            detail: if telegram {
                format!("Telegram refused {}: {}", failure.method, failure.name)
            } else {
                format!("{} failed: {}", failure.method, failure.name)
            },
            advice: (!verdict.advice.is_empty()).then(|| verdict.advice.clone()),
            retryable: verdict.retryable,
            retry_after: verdict.wait,
            telegram: telegram.then(|| TelegramError {
                code: failure.code,
                name: failure.name.clone(),
                method: failure.method.clone(),
            }),
            account: None,
            errors: Vec::new(),
        }
    }
}
