//! The way of one call: completed, encoded, held back by known waits, sent, and, when it fails,
//! named and decided about by the policies.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use sluice_domain::{
    AccountState, Attempt, Category, Decision, Execution, Failure, Layer, Problem,
};
use sluice_links::{CallError, Target};
use sluice_telemetry::CallOutcome;
use sluice_tl::{Combinator, Schema, Type};
use tokio::time::Instant;

use crate::account::Account;
use crate::actor::Input;
use crate::fill;
use crate::flood::wait_of;
use crate::json::{constructor, int};
use crate::session::{Session, failure};
use crate::{CallOptions, peers, problems};

/// Hops to other data centers within one call. One is normal, more is a loop.
const MAX_HOPS: u32 = 3;

/// A wait that ends so soon is slept even by the impatient: clocks differ by that much.
const SOON_MS: u64 = 50;

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
    let mut call = Call {
        account,
        target: first_target(combinator.name, &session),
        session,
        method: combinator,
        deadline: began + options.timeout,
        began,
        patience: options.patience,
        slept: Duration::ZERO,
        attempts: 0,
        waits: 0,
        same_id: false,
        hops: 0,
        params,
        chat: None,
    };
    let result = call.run(options).await;
    let outcome = CallOutcome {
        latency: began.elapsed(),
        error: result.as_ref().err().map(|problem| problem.category),
        retries: call.attempts.saturating_sub(1),
        waits: call.waits,
    };
    let calls = account.shared.deps.telemetry.calls();
    calls.record(&account.name, combinator.name, &outcome);
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
            let why = reason.unwrap_or("it makes no calls until somebody acts");
            let problem = problems::not_connected(&account.name, standing.state, why);
            let left = standing
                .until
                .map(|until| until.since(account.shared.now()));
            Err(match left {
                Some(left) => problem.after(left.div_ceil(1_000)),
                None => problem,
            })
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
fn first_target(method: &str, session: &Session) -> Target {
    if method.starts_with("upload.") {
        Target::Media(session.pool.home_dc())
    } else {
        Target::Main
    }
}

struct Call<'a> {
    account: &'a Arc<Account>,
    session: Arc<Session>,
    method: &'static Combinator,
    deadline: Instant,
    began: Instant,
    patience: Duration,
    slept: Duration,
    attempts: u32,
    waits: u32,
    /// An attempt with this very random_id may have reached Telegram.
    same_id: bool,
    hops: u32,
    target: Target,
    params: Map<String, Value>,
    /// The chat the call is about, for slow mode.
    chat: Option<String>,
}

impl Call<'_> {
    async fn run(&mut self, options: &CallOptions) -> Result<Value, Problem> {
        let name = self.method.name;
        let resolving = peers::resolve(self.account, &self.session, name, &mut self.params);
        tokio::time::timeout_at(self.deadline, resolving)
            .await
            .map_err(|_| self.late())??;
        let source = fill::Source {
            account: &self.account.name,
            method: name,
            key: options.idempotency_key.as_deref(),
            random: self.account.shared.deps.random.as_ref(),
        };
        let filled = fill::random_ids(name, &mut self.params, &source);
        // With the caller's key a repeated request sends what an earlier one may have sent.
        self.same_id = filled && options.idempotency_key.is_some();
        self.chat = fill::chat(&self.params);
        let body = Schema::newest()
            .encode_call(name, &self.params)
            .map_err(|error| problems::encoding(error, &self.account.name))?;
        let body = Bytes::from(body);
        let idempotent = fill::has_random_id(&self.params) || fill::reads_only(name);
        loop {
            self.hold(idempotent).await?;
            self.renew_session();
            self.attempts += 1;
            let now = self.account.shared.deps.clock.monotonic();
            {
                let mut recent = self.account.recent.lock();
                recent.call(now);
                if self.attempts > 1 {
                    recent.retry(now);
                }
            }
            let sent = self
                .session
                .pool
                .call(self.target, body.clone(), self.deadline)
                .await;
            let error = match sent {
                Ok(answer) => return self.answer(&answer).await,
                Err(error) => error,
            };
            if self.hop(&error) {
                self.attempts -= 1;
                continue;
            }
            let failure = failure(error, name, self.session.kind);
            if failure.name == "RANDOM_ID_DUPLICATE" && self.same_id {
                return Ok(json!({"duplicate": true}));
            }
            if failure.execution == Execution::MaybeExecuted {
                self.same_id = true;
            }
            self.decide(failure, idempotent).await?;
        }
    }

    /// Waits out what Telegram asked for, or says how long it lasts. The policy decides which, as
    /// it would if Telegram were asked and said so again.
    async fn hold(&mut self, idempotent: bool) -> Result<(), Problem> {
        loop {
            let account = self.account;
            let standing = account.shared.ledger.standing(
                &account.name,
                self.method.name,
                self.chat.as_deref(),
                account.shared.now(),
            );
            let Some(standing) = standing else {
                return Ok(());
            };
            let left = Duration::from_millis(standing.left_ms);
            let after = if standing.left_ms <= SOON_MS {
                left
            } else if standing.may_sleep {
                let (code, method) = (standing.code, self.method.name);
                let failure = Failure::telegram(code, &standing.name, method, self.session.kind);
                let attempt = self.attempt(failure, idempotent);
                match account.shared.deps.policies.decide(&attempt, &account.name) {
                    // The name speaks of whole seconds; the ledger knows the rest.
                    Decision::Retry { after_ms, .. } => {
                        let rounding = attempt.verdict.wait.unwrap_or(0).saturating_mul(1_000);
                        left + Duration::from_millis(after_ms.saturating_sub(rounding))
                    }
                    Decision::GiveUp | Decision::Park { .. } => return Err(standing.problem),
                }
            } else {
                return Err(standing.problem);
            };
            if Instant::now() + after >= self.deadline {
                return Err(standing.problem);
            }
            self.waits += 1;
            self.sleep(after).await;
        }
    }

    /// A rotation may have put another session in place while the call waited.
    fn renew_session(&mut self) {
        match self.account.session() {
            Some(session) if session.id != self.session.id => {
                self.target = first_target(self.method.name, &session);
                self.session = session;
            }
            _ => {}
        }
    }

    async fn sleep(&mut self, time: Duration) {
        self.slept += time;
        tokio::time::sleep(time).await;
    }

    /// Follows the call to the data center Telegram names.
    fn hop(&mut self, error: &CallError) -> bool {
        let CallError::Rpc { code: 303, message } = error else {
            return false;
        };
        let Some((kind, dc)) = message.rsplit_once('_') else {
            return false;
        };
        let Ok(dc) = dc.parse() else {
            return false;
        };
        if self.hops >= MAX_HOPS {
            return false;
        }
        self.hops += 1;
        if matches!(kind, "FILE_MIGRATE" | "STATS_MIGRATE") {
            // Followed by the pool already: what comes back is a loop.
            return false;
        }
        self.target = Target::Dc(dc);
        true
    }

    async fn decide(&mut self, failure: Failure, idempotent: bool) -> Result<(), Problem> {
        let account = self.account;
        let now = account.shared.deps.clock.monotonic();
        account.recent.lock().failure(now, &failure.method);
        if self.target == Target::Main {
            let chat = self.chat.as_deref();
            account.take_note(&failure, chat, self.session.id).await;
        } else {
            // A refusal on another data center says nothing of the account's own session.
            account.keep_wait(&failure, self.chat.as_deref()).await;
        }
        let attempt = self.attempt(failure, idempotent);
        let decision = account.shared.deps.policies.decide(&attempt, &account.name);
        let problem = || {
            let mut problem =
                Problem::from_verdict(&attempt.failure, &attempt.verdict).of(&account.name);
            let now = account.shared.now();
            if let Some(wait) = wait_of(&attempt.failure, now) {
                problem.retry_after = Some(wait.until.since(now).div_ceil(1_000));
            }
            problem
        };
        match decision {
            Decision::GiveUp => Err(problem()),
            Decision::Park { seconds } => {
                park(account, seconds, &attempt.failure.name).await;
                Err(problem())
            }
            Decision::Retry { after_ms, .. } => {
                let after = Duration::from_millis(after_ms);
                let ends = self.session.pool.leaving();
                if ends || Instant::now() + after >= self.deadline {
                    return Err(problem());
                }
                if attempt.verdict.wait.is_some() {
                    self.waits += 1;
                }
                self.sleep(after).await;
                Ok(())
            }
        }
    }

    /// A failure with all that policies may know of it, the categorizer's verdict included.
    fn attempt(&self, failure: Failure, idempotent: bool) -> Attempt {
        let account = self.account;
        let deps = &account.shared.deps;
        let verdict = deps.policies.categorize(&failure, &account.name);
        let now = deps.clock.monotonic();
        let counts = account.recent.lock().counts(now, &failure.method);
        let may_sleep = wait_of(&failure, account.shared.now()).is_none_or(|wait| wait.may_sleep);
        let patience = if may_sleep {
            self.patience.saturating_sub(self.slept)
        } else {
            Duration::ZERO
        };
        Attempt {
            failure,
            verdict,
            attempt: self.attempts.max(1),
            elapsed_ms: millis(self.began.elapsed()),
            slept_ms: millis(self.slept),
            deadline_left_ms: millis(self.deadline.saturating_duration_since(Instant::now())),
            patience_left_ms: millis(patience),
            idempotent,
            recent_failures: counts.failures,
            recent_calls: counts.calls,
            recent_retries: counts.retries,
            entropy: deps.random.u64(),
        }
    }

    /// Reads the answer; what it says of peers and updates goes where pushed updates go.
    async fn answer(&mut self, answer: &[u8]) -> Result<Value, Problem> {
        let result = Schema::newest()
            .decode_result(self.method.name, answer)
            .map_err(|error| {
                tracing::warn!(method = self.method.name, %error, "an answer does not fit the schema");
                Problem::new(
                    502,
                    "UNREADABLE_ANSWER",
                    Category::Server,
                    format!("Telegram's answer to {} does not fit the schema", self.method.name),
                )
                .of(&self.account.name)
            })?;
        if self.target == Target::Main {
            let (now, at) = (
                self.account.shared.deps.clock.monotonic(),
                self.account.shared.now(),
            );
            self.account.probe.lock().answered(now, at);
        }
        peers::save(self.account, &result).await;
        if let Some(input) = self.moves(&result) {
            // The caller's answer does not depend on it: what does not get through in time is
            // brought by the difference.
            let send = self.account.inbox.send(input);
            let _ = tokio::time::timeout_at(self.deadline, send).await;
        }
        Ok(result)
    }

    /// What the result means for the order of updates.
    fn moves(&self, result: &Value) -> Option<Input> {
        if self.method.result == Type::Boxed("Updates") {
            return Some(if constructor(result) == "updateShortSentMessage" {
                Input::Sent(result.clone(), self.params.clone())
            } else {
                Input::Updates(result.clone())
            });
        }
        let affected = matches!(
            constructor(result),
            "messages.affectedMessages"
                | "messages.affectedHistory"
                | "messages.affectedFoundMessages"
        );
        let (pts, count) = (int(result, "pts")?, int(result, "pts_count")?);
        affected.then(|| Input::Affected {
            channel: fill::channel(&self.params),
            pts,
            count,
        })
    }

    fn late(&self) -> Problem {
        let failure = Failure::local(
            Layer::Timeout,
            "DEADLINE",
            self.method.name,
            self.session.kind,
            Execution::NeverSent,
        );
        self.account.problem(&failure)
    }
}

/// A policy lets the account rest: the links close and open again by themselves.
async fn park(account: &Account, seconds: u64, reason: &str) {
    if account.state() != AccountState::Ready {
        return;
    }
    let until = account.shared.now().plus(seconds.saturating_mul(1_000));
    drop(account.close_links());
    account
        .enter_until(AccountState::Parked, Some(reason.to_owned()), Some(until))
        .await;
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
