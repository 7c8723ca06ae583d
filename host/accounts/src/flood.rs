//! Known waits: what Telegram asked to wait for is answered here until it is over, and Telegram
//! is not bothered. In memory; kept by account and method, for slow mode by chat too.
//!
//! Telegram speaks of the method "with the given input parameters", so by method is the careful
//! reading.

use std::collections::HashMap;

use parking_lot::Mutex;
use sluice_domain::{AccountName, Category, Failure, Problem, TelegramError, UnixMillis};

use crate::LimitView;

/// What the number in a name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Seconds,
    Minutes,
    Unix,
}

/// What a wait holds back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// The method, whatever its parameters.
    Method,
    /// The method in this chat.
    Chat,
    /// Only what this call names; nothing is kept.
    Call,
}

/// Name patterns that carry a wait. Matched by name and not by code; an unknown name carries none.
/// The last column: whether the gateway may sleep it for a caller, however patient.
const WAITS: [(&str, Unit, Holds, bool); 13] = [
    ("FLOOD_WAIT_%d", Unit::Seconds, Holds::Method, true),
    ("FLOOD_PREMIUM_WAIT_%d", Unit::Seconds, Holds::Method, true),
    (
        "FLOOD_TEST_PHONE_WAIT_%d",
        Unit::Seconds,
        Holds::Method,
        true,
    ),
    ("SLOWMODE_WAIT_%d", Unit::Seconds, Holds::Chat, true),
    ("TAKEOUT_INIT_DELAY_%d", Unit::Seconds, Holds::Method, false),
    ("2FA_CONFIRM_WAIT_%d", Unit::Seconds, Holds::Method, false),
    ("SESSION_TOO_FRESH_%d", Unit::Seconds, Holds::Method, false),
    ("PASSWORD_TOO_FRESH_%d", Unit::Seconds, Holds::Method, false),
    (
        "STORY_SEND_FLOOD_WEEKLY_%d",
        Unit::Seconds,
        Holds::Method,
        false,
    ),
    (
        "STORY_SEND_FLOOD_MONTHLY_%d",
        Unit::Seconds,
        Holds::Method,
        false,
    ),
    (
        "STARGIFT_TRANSFER_TOO_EARLY_%d",
        Unit::Seconds,
        Holds::Call,
        false,
    ),
    (
        "PREMIUM_SUB_ACTIVE_UNTIL_%d",
        Unit::Unix,
        Holds::Call,
        false,
    ),
    (
        "PREVIOUS_CHAT_IMPORT_ACTIVE_WAIT_%dMIN",
        Unit::Minutes,
        Holds::Call,
        false,
    ),
];

/// Waits kept at most. A gateway that holds more has long stopped being useful to its callers.
const MAX_WAITS: usize = 10_000;

/// The wait a failure carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wait {
    /// When it ends.
    pub(crate) until: UnixMillis,
    /// Whether it may be slept.
    pub(crate) may_sleep: bool,
    holds: Holds,
}

/// The wait a failure carries, by its name; None for names without one.
pub(crate) fn wait_of(failure: &Failure, now: UnixMillis) -> Option<Wait> {
    let number = u64::try_from(failure.number?).ok()?;
    let (_, unit, holds, may_sleep) = WAITS
        .into_iter()
        .find(|(pattern, ..)| *pattern == failure.pattern)?;
    let until = match unit {
        // FLOOD_WAIT_0 means: soon, not now.
        Unit::Seconds => now.plus(number.max(1).saturating_mul(1_000)),
        Unit::Minutes => now.plus(number.max(1).saturating_mul(60_000)),
        Unit::Unix => UnixMillis::from_seconds(number),
    };
    Some(Wait {
        until,
        may_sleep,
        holds,
    })
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    account: AccountName,
    method: String,
    chat: Option<String>,
}

struct Entry {
    id: u64,
    code: i32,
    name: String,
    wait: Wait,
}

/// A wait that stands in the way of a call.
pub(crate) struct Standing {
    /// Milliseconds left.
    pub(crate) left_ms: u64,
    /// Whether it may be slept.
    pub(crate) may_sleep: bool,
    /// Telegram's code for it.
    pub(crate) code: i32,
    /// What Telegram would call it now, with the seconds left. Only right where it may be slept.
    pub(crate) name: String,
    /// What the caller is told if it is not slept.
    pub(crate) problem: Problem,
}

/// The waits of every account.
#[derive(Default)]
pub(crate) struct FloodLedger {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    waits: HashMap<Key, Entry>,
    last_id: u64,
}

impl FloodLedger {
    /// Takes note of a failure. The wait it carries, if it holds anything back.
    pub(crate) fn note(
        &self,
        account: &AccountName,
        chat: Option<&str>,
        failure: &Failure,
        now: UnixMillis,
    ) -> Option<Wait> {
        let wait = wait_of(failure, now)?;
        let chat = match (wait.holds, chat) {
            (Holds::Chat, Some(chat)) => Some(chat.to_owned()),
            // Slow mode without a chat to hold on to must not hold back every other chat.
            (Holds::Chat, None) | (Holds::Call, _) => return None,
            (Holds::Method, _) => None,
        };
        let key = Key {
            account: account.clone(),
            method: failure.method.clone(),
            chat,
        };
        let mut inner = self.inner.lock();
        inner.waits.retain(|_, entry| entry.wait.until > now);
        if inner.waits.len() >= MAX_WAITS {
            return Some(wait);
        }
        inner.last_id += 1;
        let id = inner.last_id;
        inner.waits.insert(
            key,
            Entry {
                id,
                code: failure.code,
                name: failure.name.clone(),
                wait,
            },
        );
        Some(wait)
    }

    /// What stands in the way of a call.
    pub(crate) fn standing(
        &self,
        account: &AccountName,
        method: &str,
        chat: Option<&str>,
        now: UnixMillis,
    ) -> Option<Standing> {
        let inner = self.inner.lock();
        let mut key = Key {
            account: account.clone(),
            method: method.to_owned(),
            chat: None,
        };
        let by_method = inner.waits.get(&key);
        key.chat = chat.map(str::to_owned);
        let by_chat = key.chat.is_some().then(|| inner.waits.get(&key)).flatten();
        let entry = by_method
            .into_iter()
            .chain(by_chat)
            .filter(|entry| entry.wait.until > now)
            .max_by_key(|entry| entry.wait.until)?;
        let left_ms = entry.wait.until.since(now);
        Some(Standing {
            left_ms,
            may_sleep: entry.wait.may_sleep,
            code: entry.code,
            name: format!("{}_{}", stem(&entry.name), left_ms.div_ceil(1_000)),
            problem: problem(entry, account, method, left_ms),
        })
    }

    /// Waits in force, of one account or of all, the longest first.
    pub(crate) fn list(&self, account: Option<&AccountName>, now: UnixMillis) -> Vec<LimitView> {
        let inner = self.inner.lock();
        let mut limits: Vec<LimitView> = inner
            .waits
            .iter()
            .filter(|(key, _)| account.is_none_or(|account| *account == key.account))
            .filter(|(_, entry)| entry.wait.until > now)
            .map(|(key, entry)| LimitView {
                id: entry.id.to_string(),
                account: key.account.clone(),
                method: Some(key.method.clone()),
                chat: key.chat.clone(),
                name: entry.name.clone(),
                until: entry.wait.until,
                retry_after: entry.wait.until.since(now).div_ceil(1_000),
            })
            .collect();
        limits.sort_by(|a, b| b.until.cmp(&a.until).then_with(|| a.id.cmp(&b.id)));
        limits
    }

    /// Forgets a wait; false when there is none of that name.
    pub(crate) fn remove(&self, id: &str) -> bool {
        let mut inner = self.inner.lock();
        let before = inner.waits.len();
        inner.waits.retain(|_, entry| entry.id.to_string() != id);
        inner.waits.len() < before
    }

    /// Forgets an account.
    pub(crate) fn forget(&self, account: &AccountName) {
        self.inner
            .lock()
            .waits
            .retain(|key, _| key.account != *account);
    }
}

/// A name without its number: `FLOOD_WAIT` of `FLOOD_WAIT_37`.
fn stem(name: &str) -> &str {
    name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_')
}

fn problem(entry: &Entry, account: &AccountName, method: &str, left_ms: u64) -> Problem {
    let seconds = left_ms.div_ceil(1_000);
    let mut problem = Problem::new(
        429,
        stem(&entry.name),
        Category::RateLimit,
        format!("Telegram asked to wait with {method}; {seconds} s are left"),
    )
    .after(seconds)
    .advise("Wait as long as Retry-After says, or send X-Wait with your patience in seconds.")
    .of(account);
    problem.telegram = Some(TelegramError {
        code: entry.code,
        name: entry.name.clone(),
        method: method.to_owned(),
    });
    problem
}

#[cfg(test)]
mod tests {
    use sluice_domain::AccountKind;

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000_000_000);

    fn failure(code: i32, name: &str) -> Failure {
        Failure::telegram(code, name, "messages.sendMessage", AccountKind::User)
    }

    fn account(name: &str) -> AccountName {
        name.parse().unwrap()
    }

    #[test]
    fn the_number_is_read_by_name() {
        let left = |code, name| {
            wait_of(&failure(code, name), NOW).map(|wait| (wait.until.since(NOW), wait.may_sleep))
        };
        assert_eq!(left(420, "FLOOD_WAIT_37"), Some((37_000, true)));
        assert_eq!(left(420, "FLOOD_WAIT_0"), Some((1_000, true)));
        assert_eq!(
            left(400, "PREVIOUS_CHAT_IMPORT_ACTIVE_WAIT_5MIN"),
            Some((300_000, false))
        );
        assert_eq!(
            left(400, "PREMIUM_SUB_ACTIVE_UNTIL_1000100"),
            Some((100_000, false))
        );
        assert_eq!(left(400, "SESSION_TOO_FRESH_60"), Some((60_000, false)));
        assert_eq!(left(420, "2FA_CONFIRM_WAIT_60"), Some((60_000, false)));
        for name in [
            "PHONE_MIGRATE_2",
            "FILE_REFERENCE_3_EXPIRED",
            "FILE_PART_3_MISSING",
            "MD5_CHECKSUM_INVALID",
            "EMAIL_UNCONFIRMED_6",
            "SOMETHING_NEW_5",
        ] {
            assert_eq!(left(420, name), None, "{name}");
        }
    }

    #[test]
    fn a_wait_holds_back_its_method_and_account_until_it_is_over() {
        let ledger = FloodLedger::default();
        let (one, two) = (account("one"), account("two"));
        ledger.note(&one, Some("channel:1"), &failure(420, "FLOOD_WAIT_7"), NOW);
        let standing = |who, method, at| ledger.standing(who, method, Some("channel:2"), at);
        let stands = standing(&one, "messages.sendMessage", NOW.plus(500)).unwrap();
        assert_eq!(stands.left_ms, 6_500);
        assert_eq!(stands.problem.status, 429);
        assert_eq!(stands.problem.code, "FLOOD_WAIT");
        assert_eq!(stands.problem.retry_after, Some(7));
        assert!(standing(&two, "messages.sendMessage", NOW).is_none());
        assert!(standing(&one, "messages.getHistory", NOW).is_none());
        assert!(standing(&one, "messages.sendMessage", NOW.plus(7_000)).is_none());
    }

    #[test]
    fn slow_mode_holds_back_one_chat() {
        let ledger = FloodLedger::default();
        let one = account("one");
        ledger.note(
            &one,
            Some("channel:1"),
            &failure(420, "SLOWMODE_WAIT_30"),
            NOW,
        );
        let standing = |chat| ledger.standing(&one, "messages.sendMessage", chat, NOW);
        assert!(standing(Some("channel:1")).is_some());
        assert!(standing(Some("channel:2")).is_none());
        assert!(standing(None).is_none());
    }

    #[test]
    fn limits_are_listed_and_removed() {
        let ledger = FloodLedger::default();
        let one = account("one");
        ledger.note(&one, None, &failure(420, "FLOOD_WAIT_7"), NOW);
        let limits = ledger.list(Some(&one), NOW);
        assert_eq!(limits.len(), 1);
        assert_eq!(limits[0].retry_after, 7);
        assert!(ledger.list(Some(&account("two")), NOW).is_empty());
        assert!(ledger.remove(&limits[0].id));
        assert!(!ledger.remove(&limits[0].id));
        assert!(
            ledger
                .standing(&one, "messages.sendMessage", None, NOW)
                .is_none()
        );
    }
}
