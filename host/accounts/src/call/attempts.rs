//! The attempts of one call.

use core::time::Duration;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};
use sluice_domain::{Category, Execution, Failure, Layer, Problem};
use sluice_links::{CallError, Target};
use sluice_tl::{Combinator, Schema, Type};
use tokio::time::Instant;

use super::{duplicate, first_target, usable};
use crate::account::Account;
use crate::actor::Input;
use crate::fill;
use crate::flood::Pass;
use crate::json::constructor;
use crate::session::{Session, failure};
use crate::updates::{affects, carried};
use crate::{CallOptions, peers, problems};

/// Hops to other data centers within one call. One is normal, more is a loop.
const MAX_HOPS: u32 = 3;

/// One call of a caller of the API.
pub(super) struct Call<'a> {
    pub(super) account: &'a Arc<Account>,
    pub(super) session: Arc<Session>,
    pub(super) method: &'static Combinator,
    pub(super) deadline: Instant,
    pub(super) began: Instant,
    pub(super) patience: Duration,
    pub(super) request_id: String,
    pub(super) slept: Duration,
    pub(super) attempts: u32,
    pub(super) waits: u32,
    /// An attempt with this very random_id may have reached Telegram.
    same_id: bool,
    hops: u32,
    pub(super) target: Target,
    /// Where the file is, if it is known.
    file_dc: Option<i32>,
    pub(super) params: Map<String, Value>,
    /// The chat the call is about, for slow mode.
    pub(super) chat: Option<String>,
    /// Its place in the line of a wait, and the right to leave it.
    pub(super) ticket: Option<u64>,
    pub(super) pass: Option<Pass>,
}

impl<'a> Call<'a> {
    pub(super) fn new(
        account: &'a Arc<Account>,
        session: Arc<Session>,
        method: &'static Combinator,
        params: Map<String, Value>,
        began: Instant,
        options: &CallOptions,
        file_dc: Option<i32>,
    ) -> Self {
        Self {
            account,
            target: first_target(method.name, &session, file_dc),
            file_dc,
            session,
            method,
            deadline: began + options.timeout,
            began,
            patience: options.patience,
            request_id: options.request_id.clone(),
            slept: Duration::ZERO,
            attempts: 0,
            waits: 0,
            same_id: false,
            hops: 0,
            params,
            chat: None,
            ticket: None,
            pass: None,
        }
    }

    pub(super) async fn run(&mut self, options: &CallOptions) -> Result<Value, Problem> {
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
        let idempotent = fill::has_random_id(&self.params) || fill::repeatable(name);
        loop {
            self.hold(idempotent).await?;
            self.renew_session()?;
            self.attempts += 1;
            self.count_attempt();
            let sent = self
                .session
                .pool
                .call(self.target, body.clone(), self.deadline)
                .await;
            let error = match sent {
                Ok(answer) => {
                    if let Some(pass) = self.pass.take() {
                        pass.through();
                    }
                    return self.answer(&answer).await;
                }
                Err(error) => error,
            };
            if self.hop(&error) {
                self.attempts -= 1;
                continue;
            }
            let failure = failure(error, name, self.session.kind);
            if failure.name == "RANDOM_ID_DUPLICATE" && self.same_id {
                return Ok(duplicate::answer(self.account, &self.params, self.deadline).await);
            }
            if failure.execution == Execution::MaybeExecuted {
                self.same_id = true;
            }
            self.decide(failure, idempotent).await?;
        }
    }

    fn count_attempt(&self) {
        let now = self.account.shared.deps.clock.monotonic();
        let mut recent = self.account.recent.lock();
        recent.call(now);
        if self.attempts > 1 {
            recent.retry(now);
        }
    }

    /// A rotation may have put another session in place while the call waited, or the account may
    /// make no calls any more.
    fn renew_session(&mut self) -> Result<(), Problem> {
        let session = usable(self.account)?;
        if session.id != self.session.id {
            self.target = first_target(self.method.name, &session, self.file_dc);
            self.session = session;
        }
        Ok(())
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
        if self.method.result == Type::Boxed("Updates") {
            self.account
                .sends
                .lock()
                .learn_answer(&result, &self.params);
        }
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
        if let Some(updates) = carried(result) {
            return Some(if constructor(updates) == "updateShortSentMessage" {
                Input::Sent(updates.clone(), self.params.clone())
            } else {
                Input::Updates(updates.clone())
            });
        }
        let (pts, count) = affects(result)?;
        Some(Input::Affected {
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
