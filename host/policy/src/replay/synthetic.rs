//! A day of failures for a journal that has too few: what bots and user accounts meet, by day more
//! than by night.

use sluice_domain::{AccountKind, AccountName, Execution, Failure, Layer};
use sluice_standard_categorize::categorize;

use super::trouble::{Chance, Trouble, first_attempt};

const HOUR_MS: u64 = 3_600_000;
/// Failures of the day.
const CALLS: u64 = 1_000;
/// Accounts they are spread over.
const ACCOUNTS: u64 = 5;
/// Calls of an hour, in relation to each other.
const HOURS: [u64; 24] = [
    2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 10, 10, 11, 10, 10, 10, 10, 11, 12, 12, 10, 8, 5, 3,
];

/// What fails, and how often in relation to each other.
const KINDS: [(u64, &str, i32); 14] = [
    (30, "FLOOD_WAIT_%d", 420),
    (8, "SLOWMODE_WAIT_%d", 420),
    (4, "FLOOD_PREMIUM_WAIT_%d", 420),
    (8, "RPC_CALL_FAIL", 500),
    (4, "INTERNAL", 500),
    (5, "Timeout", -503),
    (8, "CONNECTION_LOST", 0),
    (4, "NOT_CONNECTED", 0),
    (2, "DEADLINE", 0),
    (6, "CHAT_WRITE_FORBIDDEN", 403),
    (6, "PEER_ID_INVALID", 400),
    (6, "USER_IS_BLOCKED", 400),
    (5, "MESSAGE_NOT_MODIFIED", 400),
    (4, "CHANNEL_PRIVATE", 400),
];

const METHODS: [&str; 4] = [
    "messages.sendMessage",
    "messages.getHistory",
    "messages.editMessage",
    "users.getUsers",
];

/// The day of this seed, in the order of time, spread over these accounts, or over made-up ones.
pub(super) fn day(seed: u64, accounts: &[AccountName]) -> Vec<Trouble> {
    let mut calls: Vec<Trouble> = (0..CALLS).filter_map(|n| call(seed, n, accounts)).collect();
    calls.sort_by_key(|call| call.at_ms);
    calls
}

fn call(seed: u64, number: u64, accounts: &[AccountName]) -> Option<Trouble> {
    let mut chance = Chance::new(seed, number);
    let hour = weighted(&mut chance, HOURS.iter().copied())?;
    let at_ms = u64::try_from(hour).ok()? * HOUR_MS + chance.up_to(HOUR_MS - 1);
    let kind = weighted(&mut chance, KINDS.iter().map(|(weight, ..)| *weight))?;
    let (_, name, code) = KINDS.get(kind)?;
    let method = usize::try_from(chance.up_to(3)).ok()?;
    let method = METHODS.get(method)?;
    let failure = if *code == 0 {
        let layer = if *name == "DEADLINE" {
            Layer::Timeout
        } else {
            Layer::Network
        };
        let execution = if *name == "NOT_CONNECTED" {
            Execution::NeverSent
        } else {
            Execution::MaybeExecuted
        };
        Failure::local(layer, name, method, AccountKind::User, execution)
    } else {
        // Most waits are short, some last for minutes.
        let wait = 2 << chance.up_to(6);
        let wait = wait + chance.up_to(wait);
        let name = name.replace("%d", &wait.to_string());
        Failure::telegram(*code, &name, method, AccountKind::User)
    };
    let mut first = first_attempt(failure.clone(), categorize(&failure), chance.next());
    // Every second caller sends X-Wait: 30.
    first.patience_left_ms = chance.up_to(1) * 30_000;
    first.idempotent = !method.contains("edit");
    let one_of = chance.next();
    let account = match u64::try_from(accounts.len()).ok()? {
        0 => format!("synthetic-{}", one_of % ACCOUNTS).parse().ok()?,
        many => accounts.get(usize::try_from(one_of % many).ok()?)?.clone(),
    };
    Some(Trouble {
        at_ms,
        account,
        first,
    })
}

/// An index, by weight.
fn weighted(chance: &mut Chance, weights: impl Iterator<Item = u64> + Clone) -> Option<usize> {
    let all: u64 = weights.clone().sum();
    let mut left = chance.up_to(all.checked_sub(1)?);
    for (index, weight) in weights.enumerate() {
        match left.checked_sub(weight) {
            Some(less) => left = less,
            None => return Some(index),
        }
    }
    None
}
