//! Tells callers whom to ask about an account that Telegram has limited for spam. On everything
//! else it has no opinion, and the next categorizer answers.

use sluice_plugin::categorize::Verdict;
use sluice_plugin::{Categorizer, Category, Failure, Settings, Severity, WaitScope};

struct Policy {
    /// Whom to ask.
    contact: String,
}

impl Categorizer for Policy {
    fn configure(settings: &mut Settings) -> Result<Self, String> {
        Ok(Self {
            contact: settings.text("contact", "the operator of this gateway")?,
        })
    }

    fn categorize(&self, failure: &Failure) -> Option<Verdict> {
        if failure.pattern != "PEER_FLOOD" {
            return None;
        }
        let advice = format!(
            "Telegram limits this account for spam. Stop writing to strangers and ask {}.",
            self.contact
        );
        Some(Verdict {
            wait_scope: WaitScope::Account,
            severity: Severity::Error,
            ..Verdict::new(Category::Permission, "ACCOUNT_LIMITED", 403, &advice)
        })
    }
}

sluice_plugin::export!(Policy: Categorizer);

#[cfg(test)]
mod tests {
    use sluice_plugin::testing;

    use super::*;

    #[test]
    fn a_limited_account_is_named() {
        let policy: Policy = testing::categorizer([("contact", "#telegram-ops")]).unwrap();
        let verdict = policy.categorize(&testing::failure("PEER_FLOOD")).unwrap();
        assert_eq!((verdict.code.as_str(), verdict.status), ("ACCOUNT_LIMITED", 403));
        assert!(verdict.advice.contains("#telegram-ops"));
    }

    #[test]
    fn other_errors_are_left_to_others() {
        let policy: Policy = testing::categorizer([]).unwrap();
        assert_eq!(policy.categorize(&testing::failure("FLOOD_WAIT_37")), None);
    }
}
