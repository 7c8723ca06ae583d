//! The shipped categorizer: names every failure from the catalogue in `plugins/data`, else by the
//! shape of its name, else by its code. No I/O; the component and the gateway link the same code.

mod catalogue;
mod shape;

pub use catalogue::{Number, Row, catalogue, find};

use sluice_domain::{Category, Failure, Layer, Severity, Verdict, WaitScope};

/// Longest code a verdict carries. Telegram's longest name has 40 characters; what is longer is
/// free text of a server fault.
const MAX_CODE: usize = 64;

/// Names a failure.
///
/// ```
/// use sluice_domain::{AccountKind, Category, Failure};
/// let f = Failure::telegram(420, "FLOOD_WAIT_37", "messages.sendMessage", AccountKind::User);
/// let v = sluice_standard_categorize::categorize(&f);
/// assert_eq!((v.category, v.code.as_str(), v.status, v.wait), (Category::RateLimit, "FLOOD_WAIT", 429, Some(37)));
/// ```
pub fn categorize(failure: &Failure) -> Verdict {
    let rule = rule_for(failure);
    Verdict {
        category: rule.category,
        code: stable_code(&failure.pattern),
        status: rule.status,
        retryable: rule.retryable,
        wait: seconds(failure, rule.number),
        wait_scope: rule.scope,
        severity: rule.severity,
        advice: rule.advice.to_owned(),
    }
}

/// The wait Telegram itself imposed with this failure, in seconds. No policy may repeat earlier.
pub fn imposed_wait(failure: &Failure) -> Option<u64> {
    seconds(failure, rule_for(failure).number)
}

/// What applies to a failure, wherever it was found.
#[derive(Debug, Clone, Copy)]
struct Rule {
    category: Category,
    status: u16,
    retryable: bool,
    number: Number,
    scope: WaitScope,
    severity: Severity,
    advice: &'static str,
}

fn rule_for(failure: &Failure) -> Rule {
    if let Some(row) = find(&failure.pattern) {
        return Rule {
            category: row.category,
            status: row.status,
            retryable: row.retryable,
            number: row.number,
            scope: row.scope,
            severity: row.severity,
            advice: row.advice,
        };
    }
    match failure.layer {
        Layer::Telegram => shape::rule(&failure.pattern, failure.code),
        Layer::Network => shape::of(Category::Network),
        Layer::Timeout => shape::of(Category::Timeout),
        Layer::Gateway => shape::of(Category::Internal),
    }
}

fn seconds(failure: &Failure, number: Number) -> Option<u64> {
    let value = u64::try_from(failure.number?).ok()?;
    let unit = match number {
        Number::Seconds => 1,
        Number::Minutes => 60,
        Number::Days => 86_400,
        Number::Unix | Number::Dc | Number::Index | Number::Count | Number::Id | Number::None => {
            return None;
        }
    };
    Some(value.saturating_mul(unit))
}

/// `FILE_PART_%d_MISSING` to `FILE_PART_MISSING`, `Timeout` to `TIMEOUT`: upper case, digits and
/// underscores only, so that callers can match on it whatever a server writes.
fn stable_code(pattern: &str) -> String {
    let plain = pattern.replace("_%dMIN", "").replace("_%d", "");
    let code: String = plain
        .chars()
        .take(MAX_CODE)
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_uppercase()
            } else {
                '_'
            }
        })
        .collect();
    if code.is_empty() {
        "UNKNOWN".to_owned()
    } else {
        code
    }
}

#[cfg(test)]
mod tests;
