//! The registry of accounts and the facade the API calls.
#![allow(unused_variables, clippy::unused_async, clippy::todo)]

use std::sync::Arc;

use serde_json::{Map, Value};
use sluice_domain::{AccountName, Problem, Secret};
use tokio::time::Instant;

use crate::{
    AccountView, AccountsError, CallOptions, CleanupView, Deps, DoneView, HealthView, LimitsView,
    MonitoringSessionsView, MonitoringTelegramView, NewAccount, PoolStatusView, RotateRequest,
    RotationView, SignInView, StatusView,
};

/// Every account of the gateway.
pub struct Accounts {
    deps: Deps,
}

impl Accounts {
    /// Reads the accounts from the store and connects those that were signed in.
    pub async fn open(deps: Deps) -> Result<Arc<Self>, AccountsError> {
        Ok(Arc::new(Self { deps }))
    }

    /// Closes every link and ends every task of the accounts.
    pub async fn shutdown(&self) {
        todo!()
    }

    /// Every account, by name.
    pub fn list(&self) -> Vec<AccountView> {
        todo!()
    }

    /// One account.
    pub fn view(&self, name: &AccountName) -> Result<AccountView, Problem> {
        todo!()
    }

    /// Makes an account, signed out.
    pub async fn create(&self, new: NewAccount) -> Result<AccountView, Problem> {
        todo!()
    }

    /// Closes an account and removes it. Its sealed key is kept 30 days unless `purge`.
    pub async fn delete(&self, name: &AccountName, purge: bool) -> Result<(), Problem> {
        todo!()
    }

    /// The account a request means: the one it names, or the default account. 404 for others.
    pub fn resolve(&self, name: Option<&str>) -> Result<AccountName, Problem> {
        todo!()
    }

    /// What the last probe saw.
    pub fn status(&self, name: &AccountName) -> Result<StatusView, Problem> {
        todo!()
    }

    /// Opens the links of an account that has a session. Also ends parking.
    pub async fn connect(&self, name: &AccountName) -> Result<DoneView, Problem> {
        todo!()
    }

    /// Closes the links and keeps the session.
    pub async fn disconnect(&self, name: &AccountName) -> Result<DoneView, Problem> {
        todo!()
    }

    /// Ends the authorization at Telegram and removes the key.
    pub async fn log_out(&self, name: &AccountName) -> Result<DoneView, Problem> {
        todo!()
    }

    /// Asks Telegram to send a code to this phone number.
    pub async fn send_code(&self, name: &AccountName, phone: &str) -> Result<SignInView, Problem> {
        todo!()
    }

    /// Has the code sent again by the next means.
    pub async fn resend_code(&self, name: &AccountName) -> Result<SignInView, Problem> {
        todo!()
    }

    /// Takes the code back.
    pub async fn cancel_code(&self, name: &AccountName) -> Result<SignInView, Problem> {
        todo!()
    }

    /// Signs in with the code.
    pub async fn sign_in(
        &self,
        name: &AccountName,
        code: Secret<String>,
    ) -> Result<SignInView, Problem> {
        todo!()
    }

    /// Gives the password of the second factor.
    pub async fn password(
        &self,
        name: &AccountName,
        password: Secret<String>,
    ) -> Result<SignInView, Problem> {
        todo!()
    }

    /// A QR token; renewed and pushed as `login_qr` events until it is accepted.
    pub async fn qr(&self, name: &AccountName) -> Result<SignInView, Problem> {
        todo!()
    }

    /// Signs a bot in.
    pub async fn bot(
        &self,
        name: &AccountName,
        token: Secret<String>,
    ) -> Result<SignInView, Problem> {
        todo!()
    }

    /// The account's own user, asked of Telegram now.
    pub async fn me(&self, name: &AccountName) -> Result<Value, Problem> {
        todo!()
    }

    /// Calls a method of Telegram's schema.
    pub async fn call(
        &self,
        name: &AccountName,
        method: &str,
        params: Map<String, Value>,
        options: CallOptions,
    ) -> Result<Value, Problem> {
        todo!()
    }

    /// Begins a rotation of the session (or, as a dry run, checks whether one could begin). The
    /// answer's status is `started`, or `completed` for a dry run.
    pub async fn rotate(
        &self,
        name: &AccountName,
        request: RotateRequest,
    ) -> Result<RotationView, Problem> {
        todo!()
    }

    /// A rotation by its id.
    pub async fn rotation(&self, id: &str) -> Result<RotationView, Problem> {
        todo!()
    }

    /// An account's rotations, newest first.
    pub async fn rotations(&self, name: &AccountName) -> Result<Vec<RotationView>, Problem> {
        todo!()
    }

    /// Waits until a rotation has ended; one that failed is a problem, as is the deadline.
    pub async fn await_rotation(
        &self,
        id: &str,
        deadline: Instant,
    ) -> Result<RotationView, Problem> {
        todo!()
    }

    /// Score and checks of the session.
    pub async fn session_health(&self, name: &AccountName) -> Result<HealthView, Problem> {
        todo!()
    }

    /// Links of one account, or of all.
    pub fn pool_status(&self, name: Option<&AccountName>) -> Result<PoolStatusView, Problem> {
        todo!()
    }

    /// Closes idle and broken links of one account, or of all; with `force` also busy ones.
    pub async fn pool_cleanup(
        &self,
        name: Option<&AccountName>,
        force: bool,
    ) -> Result<CleanupView, Problem> {
        todo!()
    }

    /// Calls, errors, latencies and waits of one account, or of all.
    pub fn monitoring_telegram(
        &self,
        name: Option<&AccountName>,
    ) -> Result<MonitoringTelegramView, Problem> {
        todo!()
    }

    /// Sessions of one account, or of all.
    pub async fn monitoring_sessions(
        &self,
        name: Option<&AccountName>,
    ) -> Result<MonitoringSessionsView, Problem> {
        todo!()
    }

    /// Waits in force.
    pub fn limits(&self, name: Option<&AccountName>) -> Result<LimitsView, Problem> {
        todo!()
    }

    /// Which account a limit belongs to, for the check of scopes.
    pub fn limit_account(&self, id: &str) -> Result<AccountName, Problem> {
        todo!()
    }

    /// Forgets a wait.
    pub fn remove_limit(&self, id: &str) -> Result<(), Problem> {
        todo!()
    }
}
