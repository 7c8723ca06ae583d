//! The way of one call: completed, encoded, held back by known waits, sent, and, when it fails,
//! named and decided about by the policies.

mod attempts;
mod decide;
mod duplicate;
mod hold;

use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use serde_json::{Map, Value};
use sluice_domain::{AccountState, Category, Problem};
use sluice_links::Target;
use sluice_telemetry::CallOutcome;
use sluice_tl::{Combinator, Schema};
use tokio::time::Instant;

use crate::account::Account;
use crate::session::Session;
use crate::{CallOptions, problems};
use attempts::Call;

/// Methods that are the gateway's own business: called from outside they would change what a
/// session is behind its back.
const RESERVED: [&str; 6] = [
    "auth.logOut",
    "auth.bindTempAuthKey",
    "auth.importAuthorization",
    "auth.importLoginToken",
    "auth.importBotAuthorization",
    "auth.importWebTokenAuthorization",
];

/// Calls a method of the schema for a caller of the API.
pub(crate) async fn call(
    account: &Arc<Account>,
    method: &str,
    params: Map<String, Value>,
    options: &CallOptions,
) -> Result<Value, Problem> {
    call_at(account, method, params, options, None).await
}

/// The same; a file is asked for at this data center, where it is known to be.
pub(crate) async fn call_at(
    account: &Arc<Account>,
    method: &str,
    params: Map<String, Value>,
    options: &CallOptions,
    file_dc: Option<i32>,
) -> Result<Value, Problem> {
    let began = Instant::now();
    let schema = Schema::newest();
    let Some(combinator) = schema.method(method) else {
        let error = schema.encode_call(method, &Map::new()).err();
        return Err(error.map_or_else(
            || problems::unknown_method(method, None),
            |error| problems::encoding(error, &account.name),
        ));
    };
    reserved(account, combinator)?;
    let session = usable(account)?;
    let _slot = Slot::take(account)?;
    let mut call = Call::new(
        account, session, combinator, params, began, options, file_dc,
    );
    let result = call.run(options).await;
    let outcome = CallOutcome {
        latency: began.elapsed(),
        error: result.as_ref().err().map(|problem| problem.category),
        retries: call.attempts.saturating_sub(1),
        waits: call.waits,
    };
    let calls = account.shared.deps.telemetry.calls();
    calls.record(&account.name, combinator.name, &outcome);
    let policies = &account.shared.deps.policies;
    policies.ended(&account.name, outcome.error.is_some());
    if let Err(problem) = &result {
        tracing::debug!(
            account = %account.name,
            method,
            request = options.request_id,
            code = problem.code,
            attempts = call.attempts,
            "call failed"
        );
    }
    result
}

fn reserved(account: &Account, method: &Combinator) -> Result<(), Problem> {
    if !method.generic && !RESERVED.contains(&method.name) {
        return Ok(());
    }
    Err(Problem::new(
        409,
        "METHOD_RESERVED",
        Category::Conflict,
        format!("{} is the gateway's own business", method.name),
    )
    .advise("Wrappers, sign-in and log-out have their own paths under /api/telegram-auth.")
    .of(&account.name))
}

/// The session a call can go over now, connected or about to be.
fn usable(account: &Account) -> Result<Arc<Session>, Problem> {
    let standing = account.standing();
    let reason = standing.reason.as_deref();
    match standing.state {
        AccountState::Ready | AccountState::Connecting | AccountState::Frozen => {
            account.session().ok_or_else(|| {
                let why = reason.unwrap_or("its links are not open yet");
                problems::not_connected(&account.name, standing.state, why)
            })
        }
        AccountState::Disconnected => {
            let why = reason.unwrap_or("its links are closed");
            Err(problems::not_connected(&account.name, standing.state, why))
        }
        AccountState::Parked => {
            if let Some(until) = standing.until {
                let why = reason.unwrap_or("a policy lets it rest");
                let left = until.since(account.shared.now()).div_ceil(1_000);
                Err(problems::not_connected(&account.name, standing.state, why).after(left))
            } else {
                let why = reason.unwrap_or("it makes no calls until somebody acts");
                Err(problems::parked(&account.name, why))
            }
        }
        AccountState::SessionLost => {
            let why = reason.unwrap_or("Telegram ended it");
            Err(problems::session_lost(&account.name, why))
        }
        AccountState::SignedOut
        | AccountState::AwaitingCode
        | AccountState::AwaitingQr
        | AccountState::AwaitingPassword => {
            Err(problems::not_signed_in(&account.name, standing.state))
        }
    }
}

/// Ends when the account makes no calls any more, with what its callers are told.
async fn unusable(account: &Account) -> Problem {
    let mut standing = account.follow();
    loop {
        let ended = standing.wait_for(|standing| !standing.state.takes_calls());
        if ended.await.is_err() {
            core::future::pending::<()>().await;
        }
        if let Err(problem) = usable(account) {
            return problem;
        }
    }
}

/// A place among the account's calls in flight.
struct Slot<'a>(&'a AtomicUsize);

impl<'a> Slot<'a> {
    fn take(account: &'a Account) -> Result<Self, Problem> {
        let limit = account.shared.settings().max_in_flight;
        let slot = Self(&account.in_flight);
        if slot.0.fetch_add(1, Ordering::AcqRel) < limit {
            return Ok(slot);
        }
        Err(Problem::new(
            503,
            "OVERLOADED",
            Category::Network,
            format!(
                "account {} has {limit} calls in flight already",
                account.name
            ),
        )
        .after(1)
        .of(&account.name))
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Files go over media links; everything else over the main link.
fn first_target(method: &str, session: &Session, file_dc: Option<i32>) -> Target {
    if method.starts_with("upload.") {
        Target::Media(file_dc.unwrap_or_else(|| session.pool.home_dc()))
    } else {
        Target::Main
    }
}
