//! Waiting: for what Telegram asked to wait for, and between attempts.

use core::time::Duration;

use sluice_domain::{Decision, Failure, Problem};
use tokio::time::Instant;

use super::attempts::Call;
use super::unusable;
use crate::flood::{Full, Standing};
use crate::problems;

/// A wait that ends so soon is slept even by the impatient: clocks differ by that much.
const SOON_MS: u64 = 50;

/// What a policy adds to a wait so that calls do not come back in one moment. A line spreads them
/// better than chance does; only what goes beyond this is the policy's own wish to wait longer.
const SPREAD: Duration = Duration::from_secs(1);

impl Call<'_> {
    /// Waits out what Telegram asked for, or says how long it lasts. The policy decides which, as
    /// it would if Telegram were asked and said so again.
    pub(super) async fn hold(&mut self, idempotent: bool) -> Result<(), Problem> {
        while let Some(standing) = self.standing() {
            self.pass = None;
            let left = Duration::from_millis(standing.left_ms);
            let after = if standing.left_ms <= SOON_MS {
                left
            } else if standing.may_sleep {
                let (code, method) = (standing.code, self.method.name);
                let failure = Failure::telegram(code, &standing.name, method, self.session.kind);
                let (attempt, named) = self.attempt(failure, idempotent);
                match self.weigh(&attempt, named, true) {
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
            self.wait(standing, after).await?;
        }
        Ok(())
    }

    /// What stands in the call's way now.
    pub(super) fn standing(&self) -> Option<Standing> {
        let account = self.account;
        account.shared.ledger.standing(
            &account.name,
            self.method.name,
            self.chat.as_deref(),
            account.shared.now(),
            self.pass.as_ref(),
        )
    }

    /// Stands in the line of a wait until it is this call's turn.
    pub(super) async fn wait(
        &mut self,
        standing: Standing,
        after: Duration,
    ) -> Result<(), Problem> {
        // Nor does a gateway that ends keep anybody waiting.
        if self.session.pool.leaving() || Instant::now() + after >= self.deadline {
            return Err(standing.problem);
        }
        self.waits += 1;
        let left = Duration::from_millis(standing.left_ms);
        if after > left + SPREAD {
            return self.sleep(after).await;
        }
        let account = self.account;
        // Half of what may be in flight: calls of other methods must find room.
        let most = (account.shared.settings().max_in_flight / 2).max(1);
        let place = account
            .shared
            .ledger
            .join(
                &standing.key,
                (standing.code, &standing.name),
                self.ticket,
                most,
            )
            .map_err(|Full| problems::too_many_waiting(&account.name, most, standing.left_ms))?;
        self.ticket = Some(place.ticket());
        let began = Instant::now();
        // The line may last longer than was seen when it was entered.
        let patience = self.patience.saturating_sub(self.slept).max(left) + SPREAD;
        let until = self.deadline.min(began + patience);
        let clock = account.shared.deps.clock.as_ref();
        let turn = tokio::select! {
            turn = tokio::time::timeout_at(until, place.turn(clock)) => turn,
            problem = unusable(account) => return Err(problem),
        };
        self.slept += began.elapsed();
        match turn {
            Ok(pass) => {
                self.pass = Some(pass);
                Ok(())
            }
            Err(_) => Err(self
                .standing()
                .map_or(standing.problem, |standing| standing.problem)),
        }
    }

    /// Pauses between two attempts. An account that makes no calls any more ends it at once.
    pub(super) async fn sleep(&mut self, time: Duration) -> Result<(), Problem> {
        self.slept += time;
        tokio::select! {
            () = tokio::time::sleep(time) => Ok(()),
            problem = unusable(self.account) => Err(problem),
        }
    }
}
