//! The waits in force.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::collections::HashMap;

use parking_lot::Mutex;
use sluice_domain::{
    AccountKind, AccountName, Category, Failure, Problem, TelegramError, UnixMillis, WaitRecord,
};

use super::line::{Line, PACE, Pass};
use super::meaning::{Holds, may_sleep, wait_of};
use crate::LimitView;

/// Waits kept at most, over all accounts. A gateway that holds more has long stopped being useful
/// to its callers; then those that end soonest are forgotten.
const MAX_WAITS: usize = 10_000;

/// A wait that is known already is stored and told again only if it grew by more than this: many
/// calls in flight are refused with the same wait.
const SAME_MS: u64 = 1_000;

/// The method in whose name files are held back, in both directions.
const MEDIA: &str = "upload.*";

/// What a wait holds back.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(super) account: AccountName,
    /// None for the whole account.
    pub(super) method: Option<String>,
    pub(super) chat: Option<String>,
}

pub(super) struct Entry {
    pub(super) id: String,
    pub(super) code: i32,
    pub(super) name: String,
    pub(super) until: UnixMillis,
    pub(super) may_sleep: bool,
}

/// What stands in the way of a call: a wait, or calls that waited for it and go first.
pub(crate) struct Standing {
    /// What holds it back, whose line it may stand in.
    pub(crate) key: Key,
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
    pub(super) inner: Mutex<Inner>,
    /// Waits and lines; while there are none, calls go by without taking the lock.
    pub(super) busy: AtomicUsize,
}

#[derive(Default)]
pub(super) struct Inner {
    pub(super) waits: HashMap<Key, Entry>,
    pub(super) lines: HashMap<Key, Line>,
    pub(super) last_ticket: u64,
}

impl FloodLedger {
    /// Takes what an earlier run of the gateway kept.
    pub(crate) fn load(&self, kept: Vec<WaitRecord>) {
        let mut inner = self.inner.lock();
        for wait in kept {
            let key = Key {
                account: wait.account,
                method: wait.method,
                chat: wait.chat,
            };
            // Only the name's number depends on who called what.
            let failure = Failure::telegram(wait.code, &wait.name, "", AccountKind::User);
            let entry = Entry {
                id: wait.id,
                code: wait.code,
                may_sleep: may_sleep(&failure.pattern),
                name: wait.name,
                until: wait.until,
            };
            inner.waits.insert(key, entry);
        }
        self.count(&inner);
    }

    /// Takes note of a failure. What is to be stored and told, if it holds back something that was
    /// not known. Calls that were leaving a line for it are back to waiting.
    pub(crate) fn note(
        &self,
        account: &AccountName,
        chat: Option<&str>,
        failure: &Failure,
        now: UnixMillis,
        new_id: impl FnOnce() -> String,
    ) -> Option<WaitRecord> {
        let wait = wait_of(failure, now)?;
        let method = failure.method.as_str();
        let (method, chat) = match (wait.holds, chat) {
            (Holds::Chat, Some(chat)) => (Some(method), Some(chat)),
            // Slow mode without a chat to hold on to must not hold back every other chat.
            (Holds::Chat, None) | (Holds::Call, _) => return None,
            (Holds::Media, _) if method.starts_with("upload.") => (Some(MEDIA), None),
            (Holds::Method | Holds::Media, _) => (Some(method), None),
            (Holds::Account, _) => (None, None),
        };
        let key = Key {
            account: account.clone(),
            method: method.map(str::to_owned),
            chat: chat.map(str::to_owned),
        };
        let mut inner = self.inner.lock();
        inner.waits.retain(|_, entry| entry.until > now);
        if let Some(line) = inner.lines.get_mut(&key) {
            line.waits_again(&failure.name, failure.code);
        }
        let known = inner.waits.get(&key);
        // Of two answers the longer one is believed: it can only be wrong on the safe side.
        if known.is_some_and(|known| wait.until.since(known.until) <= SAME_MS) {
            return None;
        }
        let id = known.map_or_else(new_id, |known| known.id.clone());
        if known.is_none() && inner.waits.len() >= MAX_WAITS {
            forget_soonest(&mut inner.waits);
        }
        let record = WaitRecord {
            id: id.clone(),
            account: key.account.clone(),
            method: key.method.clone(),
            chat: key.chat.clone(),
            code: failure.code,
            name: failure.name.clone(),
            until: wait.until,
        };
        let entry = Entry {
            id,
            code: failure.code,
            name: failure.name.clone(),
            until: wait.until,
            may_sleep: wait.may_sleep,
        };
        inner.waits.insert(key, entry);
        self.count(&inner);
        Some(record)
    }

    /// What stands in the way of a call. One that holds the pass of a line need not wait for the
    /// line.
    pub(crate) fn standing(
        &self,
        account: &AccountName,
        method: &str,
        chat: Option<&str>,
        now: UnixMillis,
        pass: Option<&Pass>,
    ) -> Option<Standing> {
        if self.busy.load(Ordering::Acquire) == 0 {
            return None;
        }
        let inner = self.inner.lock();
        keys(account, method, chat)
            .filter_map(|key| inner.standing(key, method, now, pass))
            .max_by_key(|standing| standing.left_ms)
    }

    /// Waits in force, of one account or of all, the longest first.
    pub(crate) fn list(&self, account: Option<&AccountName>, now: UnixMillis) -> Vec<LimitView> {
        let inner = self.inner.lock();
        let mut limits: Vec<LimitView> = inner
            .waits
            .iter()
            .filter(|(key, _)| account.is_none_or(|account| *account == key.account))
            .filter(|(_, entry)| entry.until > now)
            .map(|(key, entry)| LimitView {
                id: entry.id.clone(),
                account: key.account.clone(),
                method: key.method.clone(),
                chat: key.chat.clone(),
                name: entry.name.clone(),
                until: entry.until,
                retry_after: entry.until.since(now).div_ceil(1_000),
            })
            .collect();
        limits.sort_by(|a, b| b.until.cmp(&a.until).then_with(|| a.id.cmp(&b.id)));
        limits
    }

    /// Forgets a wait, and lets go those who wait for it, in their order; false when there is none
    /// of that name.
    pub(crate) fn remove(&self, id: &str) -> bool {
        let mut inner = self.inner.lock();
        let found = inner.waits.iter().find(|(_, entry)| entry.id == id);
        let Some(key) = found.map(|(key, _)| key.clone()) else {
            return false;
        };
        inner.waits.remove(&key);
        if let Some(line) = inner.lines.get(&key) {
            line.poke();
        }
        self.count(&inner);
        true
    }

    /// Forgets an account.
    pub(crate) fn forget(&self, account: &AccountName) {
        let mut inner = self.inner.lock();
        inner.waits.retain(|key, _| key.account != *account);
        for (key, line) in &inner.lines {
            if key.account == *account {
                line.poke();
            }
        }
        self.count(&inner);
    }

    pub(super) fn count(&self, inner: &Inner) {
        let busy = inner.waits.len() + inner.lines.len();
        self.busy.store(busy, Ordering::Release);
    }
}

impl Inner {
    fn standing(
        &self,
        key: Key,
        method: &str,
        now: UnixMillis,
        pass: Option<&Pass>,
    ) -> Option<Standing> {
        let entry = self.waits.get(&key).filter(|entry| entry.until > now);
        let line = self.lines.get(&key).filter(|line| line.len() > 0);
        let line = line.filter(|_| pass.is_none_or(|pass| *pass.key() != key));
        // Those who wait already go first, also when the wait itself is over.
        let ahead = line.map_or(0, |line| ahead(line.len()));
        let (left_ms, may_sleep, code, name) = match (entry, line) {
            (Some(entry), _) => {
                let left = entry.until.since(now).saturating_add(ahead);
                (left, entry.may_sleep, entry.code, entry.name.as_str())
            }
            (None, Some(line)) => (ahead, true, line.code, line.name.as_str()),
            (None, None) => return None,
        };
        Some(Standing {
            left_ms,
            may_sleep,
            code,
            name: format!("{}_{}", stem(name), left_ms.div_ceil(1_000)),
            problem: problem(&key.account, method, (code, name), left_ms),
            key,
        })
    }
}

/// How long so many calls take to leave a line, in milliseconds.
pub(super) fn ahead(calls: usize) -> u64 {
    let pace = u64::try_from(PACE.as_millis()).unwrap_or(u64::MAX);
    pace.saturating_mul(u64::try_from(calls).unwrap_or(u64::MAX))
}

/// Whatever could hold back a call.
fn keys<'a>(
    account: &'a AccountName,
    method: &'a str,
    chat: Option<&'a str>,
) -> impl Iterator<Item = Key> + 'a {
    let key = |method: Option<&str>, chat: Option<&str>| Key {
        account: account.clone(),
        method: method.map(str::to_owned),
        chat: chat.map(str::to_owned),
    };
    let media = method
        .starts_with("upload.")
        .then(|| key(Some(MEDIA), None));
    [key(None, None), key(Some(method), None)]
        .into_iter()
        .chain(media)
        .chain(chat.map(|chat| key(Some(method), Some(chat))))
}

fn forget_soonest(waits: &mut HashMap<Key, Entry>) {
    let soonest = waits.iter().min_by_key(|(_, entry)| entry.until);
    if let Some(key) = soonest.map(|(key, _)| key.clone()) {
        waits.remove(&key);
    }
}

/// A name without its number: `FLOOD_WAIT` of `FLOOD_WAIT_37`.
fn stem(name: &str) -> &str {
    name.trim_end_matches("MIN")
        .trim_end_matches(|c: char| c.is_ascii_digit() || c == '_')
}

fn problem(
    account: &AccountName,
    method: &str,
    (code, name): (i32, &str),
    left_ms: u64,
) -> Problem {
    let seconds = left_ms.div_ceil(1_000).max(1);
    let mut problem = Problem::new(
        429,
        stem(name),
        Category::RateLimit,
        format!("Telegram asked to wait with {method}; {seconds} s are left"),
    )
    .after(seconds)
    .advise("Wait as long as Retry-After says, or send X-Wait with your patience in seconds.")
    .of(account);
    problem.telegram = Some(TelegramError {
        code,
        name: name.to_owned(),
        method: method.to_owned(),
    });
    problem
}

/// A wait as it is slept.
pub(super) fn left(inner: &Inner, key: &Key, now: UnixMillis) -> Option<Duration> {
    let entry = inner.waits.get(key).filter(|entry| entry.until > now)?;
    Some(Duration::from_millis(entry.until.since(now)))
}
