//! What is done about a failed attempt.

use core::time::Duration;

use sluice_domain::{AccountState, Attempt, Decision, Execution, Failure, Layer, Problem, Verdict};
use sluice_links::Target;
use sluice_policy::{Noted, Source};
use tokio::time::Instant;

use super::attempts::Call;
use super::usable;
use crate::account::Account;
use crate::fate;
use crate::flood::wait_of;

impl Call<'_> {
    pub(super) async fn decide(
        &mut self,
        failure: Failure,
        idempotent: bool,
    ) -> Result<(), Problem> {
        let account = self.account;
        let now = account.shared.deps.clock.monotonic();
        account.recent.lock().failure(now, &failure.method);
        self.take_note(&failure).await;
        let waits = wait_of(&failure, account.shared.now()).is_some();
        // Not before the wait is noted: until then the line believes that it is over.
        if let Some(pass) = self.pass.take()
            && failure.layer == Layer::Telegram
            && !waits
        {
            pass.through();
        }
        if failure.layer != Layer::Telegram
            && let Err(problem) = usable(account)
        {
            return Err(cut_off(problem, failure.execution));
        }
        let (attempt, named) = self.attempt(failure, idempotent);
        match self.weigh(&attempt, named, false) {
            Decision::GiveUp => Err(self.problem(&attempt)),
            Decision::Park { seconds } => {
                park(account, seconds, &attempt.failure.name).await;
                Err(self.problem(&attempt))
            }
            Decision::Retry { after_ms, .. } => {
                let after = Duration::from_millis(after_ms);
                let ends = self.session.pool.leaving();
                if ends || Instant::now() + after >= self.deadline {
                    return Err(self.problem(&attempt));
                }
                match self.standing().filter(|_| waits) {
                    Some(standing) if Duration::from_millis(standing.left_ms) <= after => {
                        self.wait(standing, after).await
                    }
                    // What stands in the way now is longer: it is decided about anew.
                    Some(_) => Ok(()),
                    None => {
                        if attempt.verdict.wait.is_some() {
                            self.waits += 1;
                        }
                        self.sleep(after).await
                    }
                }
            }
        }
    }

    /// Has the policies decide, and notes what they did. `standing`: a known wait is the failure.
    pub(super) fn weigh(
        &self,
        attempt: &Attempt,
        named: Source<Verdict>,
        standing: bool,
    ) -> Decision {
        let account = self.account;
        let deps = &account.shared.deps;
        let (decision, decided) = if fate::no_repeat(&attempt.failure.name) {
            (Decision::GiveUp, None)
        } else {
            let (decision, by) = deps.policies.weigh(attempt, &account.name).take();
            (decision, Some(by))
        };
        deps.journal.note(Noted {
            at: account.shared.now(),
            account: account.name.clone(),
            request_id: self.request_id.clone(),
            standing,
            attempt: attempt.clone(),
            named,
            decision,
            decided,
        });
        decision
    }

    /// What the failure says of waits and of the account itself.
    async fn take_note(&self, failure: &Failure) {
        let account = self.account;
        if self.target == Target::Main && !failure.method.starts_with("stats.") {
            let chat = self.chat.as_deref();
            account.take_note(failure, chat, self.session.id).await;
            return;
        }
        account.keep_wait(failure, self.chat.as_deref()).await;
        if fate::of(failure).is_some() {
            // It may come from another data center, which says nothing of the account's own
            // session: the main link is asked.
            account.doubt();
        }
    }

    fn problem(&self, attempt: &Attempt) -> Problem {
        let account = self.account;
        let problem = Problem::from_verdict(&attempt.failure, &attempt.verdict).of(&account.name);
        let now = account.shared.now();
        match wait_of(&attempt.failure, now) {
            Some(wait) => {
                let seconds = wait.until.since(now).div_ceil(1_000);
                problem.after(seconds)
            }
            None => problem,
        }
    }

    /// A failure with all that policies may know of it, the categorizer's verdict included, and
    /// where that comes from.
    pub(super) fn attempt(&self, failure: Failure, idempotent: bool) -> (Attempt, Source<Verdict>) {
        let account = self.account;
        let deps = &account.shared.deps;
        let (verdict, named) = deps.policies.judge(&failure, &account.name).take();
        let now = deps.clock.monotonic();
        let counts = account.recent.lock().counts(now, &failure.method);
        let may_sleep = wait_of(&failure, account.shared.now()).is_none_or(|wait| wait.may_sleep);
        let patience = if may_sleep {
            self.patience.saturating_sub(self.slept)
        } else {
            Duration::ZERO
        };
        let attempt = Attempt {
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
        };
        (attempt, named)
    }
}

/// The account ended while the call was under way: why it ended is what the caller has to know, and
/// what may have become of the call.
fn cut_off(mut problem: Problem, execution: Execution) -> Problem {
    if execution == Execution::MaybeExecuted {
        problem
            .detail
            .push_str("; this call may have been carried out");
    }
    problem
}

/// A policy lets the account rest: the links close and open again by themselves.
async fn park(account: &Account, seconds: u64, reason: &str) {
    let until = account.shared.now().plus(seconds.saturating_mul(1_000));
    let Some(session) = account.session() else {
        return;
    };
    account
        .leave_service(
            &session,
            &[AccountState::Ready],
            AccountState::Parked,
            reason,
            Some(until),
        )
        .await;
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
