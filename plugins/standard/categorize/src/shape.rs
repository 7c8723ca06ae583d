use sluice_domain::{Category, Severity, WaitScope};

use super::{Number, Rule};

/// Endings that say what an error is when its name is new to the catalogue. The first that fits
/// decides.
const ENDINGS: &[(&str, Category)] = &[
    ("_MIGRATE_%d", Category::Migration),
    ("_WAIT_%d", Category::RateLimit),
    ("_WAIT_%dMIN", Category::RateLimit),
    ("_DELAY_%d", Category::RateLimit),
    ("_TOO_FRESH_%d", Category::RateLimit),
    ("_TOO_EARLY_%d", Category::RateLimit),
    ("_FLOOD", Category::RateLimit),
    ("_TIMEOUT", Category::Timeout),
    ("_NOT_FOUND", Category::NotFound),
    ("_NOT_MODIFIED", Category::Conflict),
    ("_OCCUPIED", Category::Conflict),
    ("_DUPLICATE", Category::Conflict),
    ("_EXPIRED", Category::Conflict),
    ("_TOO_MUCH", Category::Conflict),
    ("_TOO_MANY", Category::Conflict),
    ("_FORBIDDEN", Category::Permission),
    ("_RESTRICTED", Category::Permission),
    ("_PRIVATE", Category::Permission),
    ("_NOT_ALLOWED", Category::Permission),
    ("_DISABLED", Category::Permission),
    ("_REQUIRED", Category::Permission),
    ("_INVALID", Category::InvalidRequest),
    ("_EMPTY", Category::InvalidRequest),
    ("_MISSING", Category::InvalidRequest),
    ("_TOO_LONG", Category::InvalidRequest),
    ("_TOO_SHORT", Category::InvalidRequest),
    ("_TOO_BIG", Category::InvalidRequest),
    ("_TOO_SMALL", Category::InvalidRequest),
    ("_UNSUPPORTED", Category::InvalidRequest),
    ("_NOT_SUPPORTED", Category::InvalidRequest),
];

/// What an error is that the catalogue does not know. Telegram's own code outranks the ending
/// where it is unmistakable: a 420 is a wait and a 5xx is a fault of the server, whatever the name.
pub(super) fn rule(pattern: &str, code: i32) -> Rule {
    let unmistakable = match code {
        420 => Some(Category::RateLimit),
        303 => Some(Category::Migration),
        401 => Some(Category::Auth),
        -503 => Some(Category::Timeout),
        500..=599 | ..0 => Some(Category::Server),
        _ => None,
    };
    let by_ending = || {
        ENDINGS
            .iter()
            .find(|(ending, _)| pattern.ends_with(ending))
            .map(|(_, category)| *category)
    };
    let category = unmistakable.or_else(by_ending).unwrap_or(match code {
        403 | 406 => Category::Permission,
        404 => Category::NotFound,
        400..=499 => Category::InvalidRequest,
        _ => Category::Server,
    });
    let mut rule = of(category);
    if category == Category::RateLimit {
        rule.number = if pattern.ends_with("_%dMIN") {
            Number::Minutes
        } else {
            Number::Seconds
        };
        rule.scope = WaitScope::Method;
    }
    rule
}

/// What holds for a whole category.
pub(super) fn of(category: Category) -> Rule {
    let (status, retryable, severity) = match category {
        Category::RateLimit => (429, true, Severity::Warning),
        Category::Auth | Category::Conflict => (409, false, Severity::Info),
        Category::Permission | Category::Policy => (403, false, Severity::Info),
        Category::NotFound => (404, false, Severity::Info),
        Category::InvalidRequest => (400, false, Severity::Info),
        Category::Migration => (503, true, Severity::Info),
        Category::Network => (503, true, Severity::Warning),
        Category::Timeout => (504, true, Severity::Warning),
        Category::Server => (502, true, Severity::Warning),
        Category::Internal => (500, false, Severity::Error),
    };
    Rule {
        category,
        status,
        retryable,
        number: Number::None,
        scope: WaitScope::Call,
        severity,
        advice: advice(category),
    }
}

/// What helps with an error of which no more is known than its family.
const fn advice(category: Category) -> &'static str {
    match category {
        Category::RateLimit => {
            "Wait for the time given before calling this method again; without one, call it less often."
        }
        Category::Auth => {
            "The account's authorization is not what Telegram wants here; /api/telegram-auth/status says how it stands."
        }
        Category::Permission | Category::Policy => {
            "This account may not do this here; use an account with the right, or ask an administrator for it."
        }
        Category::NotFound => {
            "What the call names is not there for this account; list it again and take the id from there."
        }
        Category::InvalidRequest => {
            "A value of the call is wrong, and the error's name says which; /api/telegram/methods shows what the method takes."
        }
        Category::Conflict => {
            "Things are not as the call takes them to be; read the present state, then decide anew."
        }
        Category::Migration => {
            "Another data center has this, which the gateway asks by itself; repeat the call."
        }
        Category::Network => {
            "The way to Telegram failed; repeat the call, and look at /api/telegram-auth/status if it stays so."
        }
        Category::Timeout => {
            "No answer came in time. Read the state before repeating what must not happen twice."
        }
        Category::Server => "Telegram failed inside; repeat the call in a moment.",
        Category::Internal => "The gateway failed; its log says more under the request's id.",
    }
}
