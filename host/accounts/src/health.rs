//! The health of a session: checks, and a score made of them.

use core::time::Duration;
use std::sync::Arc;

use serde_json::json;
use sluice_domain::{AccountKind, AccountState, AuthorizationId, RotationStatus, UnixMillis};

use crate::account::Account;
use crate::json::{flag, list, long};
use crate::{CheckStatus, CheckView, HealthView, SessionView, monitoring};

/// A round trip beyond this is worth a look; Telegram answers within a few hundred milliseconds
/// from anywhere.
const SLOW: Duration = Duration::from_millis(1_500);

/// A session younger than this can neither be rotated nor remove others.
pub(crate) const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// Updates behind Telegram that are normal while they are on their way.
const NORMAL_LAG: i64 = 10;

/// What each check counts for, out of 100 when all are known.
const WEIGHTS: [(&str, u32); 7] = [
    ("link", 30),
    ("authorized_call", 30),
    ("update_lag", 10),
    ("latency", 5),
    ("errors", 10),
    ("authorization_listed", 10),
    ("session_age", 5),
];

/// How the account's own authorization is listed by Telegram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Listed {
    /// It is there, made at this time.
    Since(UnixMillis),
    /// It is not.
    Missing,
    /// Nothing is known, for this reason.
    Unknown(String),
}

/// An answer of Telegram, and where and when it was given.
#[derive(Debug, Clone)]
pub(crate) struct Listing {
    session: AuthorizationId,
    asked: Duration,
    at: UnixMillis,
    listed: Listed,
}

/// How long a listing is good for: dashboards ask often, Telegram should not be.
const LISTING_FOR: Duration = Duration::from_mins(1);

/// The authorization's entry in the account's list of devices, and when Telegram was asked.
async fn listed(account: &Arc<Account>) -> (Listed, UnixMillis) {
    let now = account.shared.deps.clock.monotonic();
    let session = account.session().map(|session| session.id);
    let known = account.listing.lock().clone();
    if let Some(known) = known
        && Some(known.session) == session
        && now.saturating_sub(known.asked) < LISTING_FOR
    {
        return (known.listed, known.at);
    }
    let (listed, at) = (ask_listed(account).await, account.shared.now());
    let listing = session.filter(|_| !matches!(listed, Listed::Unknown(_)));
    *account.listing.lock() = listing.map(|session| Listing {
        session,
        asked: now,
        at,
        listed: listed.clone(),
    });
    (listed, at)
}

async fn ask_listed(account: &Arc<Account>) -> Listed {
    if account.kind() == AccountKind::Bot {
        return Listed::Unknown("bots cannot list their authorizations".into());
    }
    let Some(session) = account.session().filter(|_| account.connected()) else {
        return Listed::Unknown("the account is not connected".into());
    };
    match account
        .ask(&session, "account.getAuthorizations", json!({}))
        .await
    {
        Ok(all) => list(&all, "authorizations")
            .iter()
            .find(|entry| flag(entry, "current"))
            .map_or(Listed::Missing, |entry| {
                let seconds = long(entry, "date_created").unwrap_or_default();
                Listed::Since(UnixMillis::from_seconds(
                    u64::try_from(seconds).unwrap_or(0),
                ))
            }),
        Err(problem) => Listed::Unknown(problem.detail),
    }
}

/// The whole health, with Telegram asked for what only it knows.
pub(crate) async fn health(account: &Arc<Account>) -> HealthView {
    let (listed, at) = listed(account).await;
    let mut checks = checks(account);
    checks.extend(listed_checks(&listed, at));
    let score = score(account.state(), &checks);
    HealthView {
        score,
        state: account.state(),
        checks,
        session: session(account, score).await,
    }
}

/// The score without asking Telegram.
pub(crate) fn quick_score(account: &Account) -> u8 {
    score(account.state(), &checks(account))
}

fn checks(account: &Account) -> Vec<CheckView> {
    let probe = account.probe.lock().clone();
    let now = account.shared.deps.clock.monotonic();
    let interval = account.shared.settings().probe_interval;
    let state = account.state();
    let ago = |at: Duration| format!("{} s ago", now.saturating_sub(at).as_secs());
    let check = |name: &str, status, detail: String, checked_at| CheckView {
        name: name.to_owned(),
        status,
        detail,
        checked_at,
    };
    let mut checks = Vec::new();
    checks.push(match (&probe.pong_failed, probe.pong) {
        (Some(reason), _) => check(
            "link",
            CheckStatus::Fail,
            reason.clone(),
            probe.last_checked,
        ),
        (None, Some(at)) => {
            let status = if now.saturating_sub(at) <= interval.saturating_mul(2) {
                CheckStatus::Ok
            } else {
                CheckStatus::Fail
            };
            let detail = format!("the main link answered {}", ago(at));
            check("link", status, detail, probe.last_checked)
        }
        (None, None) => {
            let detail = format!("no link was tried yet; the account is {}", state.as_str());
            check("link", CheckStatus::Unknown, detail, probe.last_checked)
        }
    });
    checks.push(match (&probe.authorized_failed, probe.authorized) {
        (Some(name), _) => check(
            "authorized_call",
            CheckStatus::Fail,
            format!("updates.getState failed: {name}"),
            probe.authorized_at,
        ),
        (None, Some(at)) => check(
            "authorized_call",
            CheckStatus::Ok,
            format!("updates.getState worked {}", ago(at)),
            probe.authorized_at,
        ),
        (None, None) => check(
            "authorized_call",
            CheckStatus::Unknown,
            "no authorised call was made since the link was opened".into(),
            probe.authorized_at,
        ),
    });
    checks.push(match probe.pts_lag {
        Some(lag) => check(
            "update_lag",
            if lag <= NORMAL_LAG {
                CheckStatus::Ok
            } else {
                CheckStatus::Warn
            },
            format!("Telegram was {lag} updates ahead"),
            probe.pts_checked,
        ),
        None => check(
            "update_lag",
            CheckStatus::Unknown,
            "not compared with Telegram yet".into(),
            None,
        ),
    });
    checks.push(match probe.latency {
        Some(latency) => check(
            "latency",
            if latency <= SLOW {
                CheckStatus::Ok
            } else {
                CheckStatus::Warn
            },
            format!("the last ping took {} ms", latency.as_millis()),
            probe.last_checked,
        ),
        None => check(
            "latency",
            CheckStatus::Unknown,
            "no ping was answered yet".into(),
            None,
        ),
    });
    checks.push(errors(account, now));
    checks
}

fn errors(account: &Account, now: Duration) -> CheckView {
    let (failures, calls) = account.recent.lock().totals(now);
    let status = if failures == 0 || failures.saturating_mul(10) <= calls {
        CheckStatus::Ok
    } else if failures.saturating_mul(2) <= calls {
        CheckStatus::Warn
    } else {
        CheckStatus::Fail
    };
    CheckView {
        name: "errors".into(),
        // A single call that failed says little.
        status: if failures < 3 {
            CheckStatus::Ok
        } else {
            status
        },
        detail: format!("{failures} of {calls} attempts failed in the last minute"),
        checked_at: Some(account.shared.now()),
    }
}

fn listed_checks(listed: &Listed, at: UnixMillis) -> [CheckView; 2] {
    let (there, there_detail, age, age_detail) = match listed {
        Listed::Since(created) => {
            let age = at.since(*created);
            let hours = age / 3_600_000;
            let (status, detail) = if age >= DAY_MS {
                (CheckStatus::Ok, format!("{hours} hours old"))
            } else {
                let detail = format!(
                    "{hours} hours old: younger than 24 hours, so it cannot be rotated or remove others"
                );
                (CheckStatus::Warn, detail)
            };
            let listed = "Telegram lists the authorization".to_owned();
            (CheckStatus::Ok, listed, status, detail)
        }
        Listed::Missing => (
            CheckStatus::Fail,
            "Telegram does not list the authorization".to_owned(),
            CheckStatus::Unknown,
            "not listed".to_owned(),
        ),
        Listed::Unknown(why) => (
            CheckStatus::Unknown,
            why.clone(),
            CheckStatus::Unknown,
            why.clone(),
        ),
    };
    let checked_at = (there != CheckStatus::Unknown).then_some(at);
    [
        CheckView {
            name: "authorization_listed".into(),
            status: there,
            detail: there_detail,
            checked_at,
        },
        CheckView {
            name: "session_age".into(),
            status: age,
            detail: age_detail,
            checked_at,
        },
    ]
}

/// Checks of which nothing is known count neither for nor against.
fn score(state: AccountState, checks: &[CheckView]) -> u8 {
    let cap = match state {
        AccountState::Ready => 100,
        // It will come back, but does not serve now.
        AccountState::Connecting | AccountState::Frozen => 40,
        AccountState::Disconnected | AccountState::Parked => 20,
        AccountState::SignedOut
        | AccountState::AwaitingCode
        | AccountState::AwaitingQr
        | AccountState::AwaitingPassword
        | AccountState::SessionLost => 0,
    };
    let (mut reached, mut possible) = (0, 0);
    for check in checks {
        let weight = WEIGHTS
            .iter()
            .find(|(name, _)| *name == check.name)
            .map_or(0, |(_, weight)| *weight);
        let points = match check.status {
            CheckStatus::Ok => weight * 2,
            CheckStatus::Warn => weight,
            CheckStatus::Fail => 0,
            CheckStatus::Unknown => continue,
        };
        reached += points;
        possible += weight * 2;
    }
    let percent = (reached * 100).checked_div(possible).unwrap_or(0);
    u8::try_from(percent.min(cap)).unwrap_or(100)
}

/// The session as monitoring shows it.
pub(crate) async fn session(account: &Arc<Account>, score: u8) -> SessionView {
    let current = account.session();
    let name = account.name.clone();
    let rotations = account
        .shared
        .store(move |store| store.rotations(&name))
        .await
        .unwrap_or_default();
    let last_rotation = rotations
        .iter()
        .find(|rotation| rotation.status == RotationStatus::Completed)
        .and_then(|rotation| rotation.steps.last().map(|(_, at)| *at));
    let probe = account.probe.lock().clone();
    SessionView {
        account: account.name.clone(),
        state: account.state(),
        connected: account.connected(),
        dc: current.as_ref().map(|session| session.pool.home_dc()),
        layer: current.as_ref().map(|session| session.pool.layer()),
        key_fingerprint: current
            .as_ref()
            .and_then(|session| session.pool.key_fingerprint()),
        key_age: current
            .as_ref()
            .map(|session| account.shared.now().since(session.created_at) / 1_000),
        last_rotation,
        last_update: probe.last_update,
        pts_lag: probe.pts_lag,
        links: monitoring::connections(account).len(),
        score,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checks(statuses: &[(&str, CheckStatus)]) -> Vec<CheckView> {
        statuses
            .iter()
            .map(|(name, status)| CheckView {
                name: (*name).into(),
                status: *status,
                detail: String::new(),
                checked_at: None,
            })
            .collect()
    }

    #[test]
    fn the_score_is_what_the_known_checks_reach() {
        let good = checks(&[
            ("link", CheckStatus::Ok),
            ("authorized_call", CheckStatus::Ok),
        ]);
        assert_eq!(score(AccountState::Ready, &good), 100);
        assert_eq!(score(AccountState::Connecting, &good), 40);
        assert_eq!(score(AccountState::SessionLost, &good), 0);
        let half = checks(&[
            ("link", CheckStatus::Fail),
            ("authorized_call", CheckStatus::Ok),
        ]);
        assert_eq!(score(AccountState::Ready, &half), 50);
        let unknown = checks(&[("link", CheckStatus::Unknown)]);
        assert_eq!(score(AccountState::Ready, &unknown), 0);
        assert_eq!(WEIGHTS.iter().map(|(_, weight)| weight).sum::<u32>(), 100);
    }
}
