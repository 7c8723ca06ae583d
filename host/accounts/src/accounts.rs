//! The registry of accounts and the facade the API calls.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;
use serde_json::{Map, Value, json};
use sluice_domain::{
    AccountName, AccountRecord, AccountState, Category, FieldError, Problem, Secret, SessionStore,
    StoreError,
};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::account::Account;
use crate::shared::{Shared, store_problem};
use crate::{
    AccountChange, AccountView, AccountsError, CallOptions, CleanupView, Deps, DoneView, Download,
    HealthView, Incoming, LimitsView, MonitoringSessionsView, MonitoringTelegramView, NewAccount,
    PoolStatusView, RotateRequest, RotationView, SignInView, StatusView, Uploaded, actor, call,
    files, health, lifecycle, monitoring, problems, rotation, sign_in, way,
};

/// Every account of the gateway.
pub struct Accounts {
    shared: Arc<Shared>,
    by_name: RwLock<BTreeMap<AccountName, Arc<Account>>>,
    /// Accounts are made and removed one at a time.
    changing: tokio::sync::Mutex<()>,
}

impl Accounts {
    /// Reads the accounts from the store and connects those that were signed in.
    pub async fn open(deps: Deps) -> Result<Arc<Self>, AccountsError> {
        let shared = Shared::new(deps);
        let records = shared.store(SessionStore::accounts).await?;
        shared.load_waits().await?;
        let all = Arc::new(Self {
            shared,
            by_name: RwLock::default(),
            changing: tokio::sync::Mutex::new(()),
        });
        all.spawn(Arc::clone(&all).follow_settings());
        for record in records {
            let connects = matches!(record.state, AccountState::Ready | AccountState::Frozen);
            let signed_out = record.state == AccountState::SignedOut;
            let account = all.add(record);
            if connects {
                all.spawn(async move {
                    lifecycle::restore(&account).await;
                    rotation::recover(account).await;
                });
            } else if signed_out {
                // A sign-in that was cut off may have been accepted.
                all.spawn(rotation::recover(account));
            }
        }
        Ok(all)
    }

    fn add(&self, record: AccountRecord) -> Arc<Account> {
        let (inbox, inputs) = mpsc::channel(actor::INBOX);
        let account = Account::new(Arc::clone(&self.shared), record, inbox);
        self.spawn(actor::supervise(Arc::clone(&account), inputs));
        let mut accounts = self.by_name.write();
        accounts.insert(account.name.clone(), Arc::clone(&account));
        drop(accounts);
        account.publish_status();
        account
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.shared.deps.tracker.spawn(task);
    }

    /// Runs what must not end half-way when the caller goes away.
    async fn finish<T: Send + 'static>(
        &self,
        task: impl Future<Output = Result<T, Problem>> + Send + 'static,
    ) -> Result<T, Problem> {
        let run = self.shared.deps.tracker.spawn(task);
        run.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a step of an account failed");
            Err(Problem::new(
                500,
                "INTERNAL",
                Category::Internal,
                "the gateway failed at this",
            ))
        })
    }

    fn get(&self, name: &AccountName) -> Result<Arc<Account>, Problem> {
        let accounts = self.by_name.read();
        let found = accounts.get(name).map(Arc::clone);
        found.ok_or_else(|| problems::unknown_account(name.as_str()))
    }

    fn chosen(&self, name: Option<&AccountName>) -> Result<Vec<Arc<Account>>, Problem> {
        match name {
            Some(name) => Ok(vec![self.get(name)?]),
            None => Ok(self.by_name.read().values().map(Arc::clone).collect()),
        }
    }

    /// The gateway is about to end: no call waits for a connection any more. Calls on links that
    /// stand go on until [`shutdown`](Self::shutdown).
    pub fn leave(&self) {
        for account in self.by_name.read().values() {
            if let Some(session) = account.session() {
                session.pool.leave();
            }
        }
    }

    /// Closes every link and ends every task of the accounts.
    pub async fn shutdown(&self) {
        self.shared.stop.cancel();
        let accounts: Vec<_> = self.by_name.read().values().map(Arc::clone).collect();
        let ending = accounts.iter().map(|account| account.end());
        futures_util::future::join_all(ending).await;
    }

    /// Every account, by name.
    pub fn list(&self) -> Vec<AccountView> {
        self.by_name
            .read()
            .values()
            .map(|account| account.view())
            .collect()
    }

    /// One account.
    pub fn view(&self, name: &AccountName) -> Result<AccountView, Problem> {
        Ok(self.get(name)?.view())
    }

    /// Makes an account, signed out.
    pub async fn create(&self, new: NewAccount) -> Result<AccountView, Problem> {
        let api = api_of(&new)?;
        new.proxy.as_ref().map_or(Ok(()), way::check)?;
        let _changing = self.changing.lock().await;
        if self.by_name.read().contains_key(&new.name) {
            return Err(Problem::new(
                409,
                "ALREADY_EXISTS",
                Category::Conflict,
                format!("there is an account named {} already", new.name),
            )
            .of(&new.name));
        }
        let record = AccountRecord {
            name: new.name,
            kind: new.kind,
            api,
            environment: new.environment,
            device: new.device.unwrap_or_default(),
            state: AccountState::SignedOut,
            state_reason: None,
            user_id: None,
            created_at: self.shared.now(),
            bot_token: None,
            proxy: new.proxy,
        };
        let kept = record.clone();
        self.shared
            .store(move |store| store.insert_account(&kept))
            .await
            .map_err(|error| store_problem(&error).of(&record.name))?;
        Ok(self.add(record).view())
    }

    /// Changes an account. Its links leave by the new way when this returns, or are being opened
    /// there.
    pub async fn change(
        &self,
        name: &AccountName,
        change: AccountChange,
    ) -> Result<AccountView, Problem> {
        let account = self.get(name)?;
        if let Some(proxy) = change.proxy {
            proxy.as_ref().map_or(Ok(()), way::check)?;
            let changed = Arc::clone(&account);
            self.finish(async move {
                changed.amend(|record| record.proxy = proxy).await?;
                changed.take_way().await;
                Ok(())
            })
            .await?;
        }
        Ok(account.view())
    }

    /// The settings were changed: what is not read afresh at every use is done now.
    pub fn settings_changed(&self) {
        self.shared.changed.notify_one();
    }

    /// Has the links of all accounts leave as the settings say, whenever they change.
    async fn follow_settings(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = self.shared.changed.notified() => {}
                () = self.shared.stop.cancelled() => return,
            }
            let accounts: Vec<_> = self.by_name.read().values().map(Arc::clone).collect();
            for account in accounts {
                self.spawn(async move { account.take_way().await });
            }
        }
    }

    /// Closes an account and removes it. Its sealed key is kept 30 days; with `purge` the
    /// authorization is ended at Telegram and all of it removed.
    pub async fn delete(&self, name: &AccountName, purge: bool) -> Result<(), Problem> {
        let _changing = self.changing.lock().await;
        let account = self.get(name)?;
        let ending = Arc::clone(&account);
        self.finish(async move { lifecycle::end(&ending, purge).await })
            .await?;
        let (gone, at) = (name.clone(), self.shared.now());
        self.shared
            .store(move |store| store.delete_account(&gone, purge, at))
            .await
            .map_err(|error| store_problem(&error).of(name))?;
        self.by_name.write().remove(name);
        self.shared.ledger.forget(name);
        self.shared.deps.live.forget(name);
        self.shared.deps.telemetry.calls().forget(name);
        Ok(())
    }

    /// The account a request means: the one it names, or the default account. 404 for others.
    pub fn resolve(&self, name: Option<&str>) -> Result<AccountName, Problem> {
        let Some(name) = name else {
            let name = self.shared.settings().default_account.clone();
            return self.get(&name).map(|_| name).map_err(|problem| {
                problem.advise(
                    "Name one by ?account=NAME, or make the default account: POST /api/accounts.",
                )
            });
        };
        let parsed: AccountName = name.parse().map_err(|_| problems::unknown_account(name))?;
        self.get(&parsed).map(|_| parsed)
    }

    /// What the last probe saw.
    pub fn status(&self, name: &AccountName) -> Result<StatusView, Problem> {
        Ok(self.get(name)?.status())
    }

    /// Opens the links of an account that has a session. Also ends parking.
    pub async fn connect(&self, name: &AccountName) -> Result<DoneView, Problem> {
        let account = self.get(name)?;
        self.finish(async move { lifecycle::connect(&account).await })
            .await
    }

    /// Closes the links and keeps the session.
    pub async fn disconnect(&self, name: &AccountName) -> Result<DoneView, Problem> {
        let account = self.get(name)?;
        self.finish(async move { lifecycle::disconnect(&account).await })
            .await
    }

    /// Ends the authorization at Telegram and removes the key.
    pub async fn log_out(&self, name: &AccountName) -> Result<DoneView, Problem> {
        let account = self.get(name)?;
        self.finish(async move { lifecycle::log_out(&account).await })
            .await
    }

    /// Asks Telegram to send a code to this phone number.
    pub async fn send_code(&self, name: &AccountName, phone: &str) -> Result<SignInView, Problem> {
        let account = self.get(name)?;
        let phone = phone.to_owned();
        self.finish(async move { sign_in::send_code(&account, &phone).await })
            .await
    }

    /// Has the code sent again by the next means.
    pub async fn resend_code(&self, name: &AccountName) -> Result<SignInView, Problem> {
        let account = self.get(name)?;
        self.finish(async move { sign_in::resend_code(&account).await })
            .await
    }

    /// Takes the code back.
    pub async fn cancel_code(&self, name: &AccountName) -> Result<SignInView, Problem> {
        let account = self.get(name)?;
        self.finish(async move { sign_in::cancel(&account).await })
            .await
    }

    /// Signs in with the code.
    pub async fn sign_in(
        &self,
        name: &AccountName,
        code: Secret<String>,
    ) -> Result<SignInView, Problem> {
        let account = self.get(name)?;
        self.finish(async move { sign_in::sign_in(&account, &code).await })
            .await
    }

    /// Gives the password of the second factor.
    pub async fn password(
        &self,
        name: &AccountName,
        password: Secret<String>,
    ) -> Result<SignInView, Problem> {
        let account = self.get(name)?;
        self.finish(async move { sign_in::password(&account, &password).await })
            .await
    }

    /// A QR token; renewed and pushed as `login_qr` events until it is accepted.
    pub async fn qr(&self, name: &AccountName) -> Result<SignInView, Problem> {
        let account = self.get(name)?;
        self.finish(async move { sign_in::qr(&account).await })
            .await
    }

    /// Signs a bot in.
    pub async fn bot(
        &self,
        name: &AccountName,
        token: Secret<String>,
    ) -> Result<SignInView, Problem> {
        let account = self.get(name)?;
        self.finish(async move { sign_in::bot(&account, token).await })
            .await
    }

    /// The account's own user, asked of Telegram now.
    pub async fn me(&self, name: &AccountName, options: CallOptions) -> Result<Value, Problem> {
        let Value::Object(params) = json!({"id": [{"_": "inputUserSelf"}]}) else {
            return Ok(Value::Null);
        };
        let users = self.call(name, "users.getUsers", params, options).await?;
        Ok(users.get(0).cloned().unwrap_or_default())
    }

    /// Calls a method of Telegram's schema.
    pub async fn call(
        &self,
        name: &AccountName,
        method: &str,
        params: Map<String, Value>,
        options: CallOptions,
    ) -> Result<Value, Problem> {
        let account = self.get(name)?;
        call::call(&account, method, params, &options).await
    }

    /// Uploads a file as it comes in. `options.timeout` is for each part of it.
    pub async fn upload(
        &self,
        name: &AccountName,
        file_name: &str,
        size: Option<u64>,
        incoming: Incoming<'_>,
        options: &CallOptions,
    ) -> Result<Uploaded, Problem> {
        let account = self.get(name)?;
        files::upload(&account, file_name, size, incoming, options).await
    }

    /// Finds the file of a message. `options.timeout` is for each stretch of it.
    pub async fn file(
        &self,
        name: &AccountName,
        peer: &str,
        message: i32,
        options: &CallOptions,
    ) -> Result<Download, Problem> {
        let account = self.get(name)?;
        files::open(&account, peer, message, options).await
    }

    /// Begins a rotation of the session (or, as a dry run, checks whether one could begin). The
    /// answer's status is `started`, or `completed` for a dry run.
    pub async fn rotate(
        &self,
        name: &AccountName,
        request: RotateRequest,
    ) -> Result<RotationView, Problem> {
        let account = self.get(name)?;
        self.finish(async move { rotation::begin(&account, request).await })
            .await
    }

    /// A rotation by its id.
    pub async fn rotation(&self, id: &str) -> Result<RotationView, Problem> {
        rotation::one(&self.shared, id).await
    }

    /// An account's rotations, newest first.
    pub async fn rotations(&self, name: &AccountName) -> Result<Vec<RotationView>, Problem> {
        rotation::all(self.get(name)?.as_ref()).await
    }

    /// Waits until a rotation has ended; one that failed is a problem, as is the deadline.
    pub async fn await_rotation(
        &self,
        id: &str,
        deadline: Instant,
    ) -> Result<RotationView, Problem> {
        rotation::await_end(&self.shared, id, deadline).await
    }

    /// Score and checks of the session.
    pub async fn session_health(&self, name: &AccountName) -> Result<HealthView, Problem> {
        Ok(health::health(&self.get(name)?).await)
    }

    /// Links of one account, or of all.
    pub fn pool_status(&self, name: Option<&AccountName>) -> Result<PoolStatusView, Problem> {
        let links = self.chosen(name)?;
        let links = links
            .iter()
            .flat_map(|account| monitoring::connections(account));
        Ok(monitoring::pool_status(links.collect()))
    }

    /// Closes idle and broken links of one account, or of all; with `force` also busy ones.
    pub async fn pool_cleanup(
        &self,
        name: Option<&AccountName>,
        force: bool,
    ) -> Result<CleanupView, Problem> {
        let mut view = CleanupView {
            closed: Vec::new(),
            kept: 0,
        };
        for account in self.chosen(name)? {
            // A closed account has no links to clean up, and must not get one.
            let Some(session) = account.session() else {
                continue;
            };
            let cleanup = session.pool.cleanup(force).await;
            view.closed.extend(cleanup.closed);
            view.kept += cleanup.kept;
        }
        Ok(view)
    }

    /// Calls, errors, latencies and waits of one account, or of all.
    pub fn monitoring_telegram(
        &self,
        name: Option<&AccountName>,
    ) -> Result<MonitoringTelegramView, Problem> {
        let accounts = self.chosen(name)?;
        Ok(MonitoringTelegramView {
            accounts: accounts
                .iter()
                .map(|account| monitoring::traffic(account))
                .collect(),
            since: self.shared.deps.telemetry.calls().since(),
        })
    }

    /// Sessions of one account, or of all.
    pub async fn monitoring_sessions(
        &self,
        name: Option<&AccountName>,
    ) -> Result<MonitoringSessionsView, Problem> {
        let mut sessions = Vec::new();
        for account in self.chosen(name)? {
            let score = health::quick_score(&account);
            sessions.push(health::session(&account, score).await);
        }
        Ok(MonitoringSessionsView { sessions })
    }

    /// Waits in force.
    pub fn limits(&self, name: Option<&AccountName>) -> Result<LimitsView, Problem> {
        if let Some(name) = name {
            self.get(name)?;
        }
        let limits = self.shared.ledger.list(name, self.shared.now());
        Ok(LimitsView { limits })
    }

    /// Which account a limit belongs to, for the check of scopes.
    pub fn limit_account(&self, id: &str) -> Result<AccountName, Problem> {
        let limits = self.shared.ledger.list(None, self.shared.now());
        let found = limits.into_iter().find(|limit| limit.id == id);
        found
            .map(|limit| limit.account)
            .ok_or_else(|| unknown_limit(id))
    }

    /// Forgets a wait, here and in the store. Calls that wait for it go on in their order.
    pub async fn remove_limit(&self, id: &str) -> Result<(), Problem> {
        // The store first: what it kept would be in force again after a restart.
        let (waits, wanted) = (Arc::clone(&self.shared.deps.waits), id.to_owned());
        self.finish(async move {
            tokio::task::spawn_blocking(move || waits.remove_wait(&wanted))
                .await
                .unwrap_or_else(|_| Err(StoreError::Unavailable("the store's task failed".into())))
                .map_err(|error| store_problem(&error))
        })
        .await?;
        if self.shared.ledger.remove(id) {
            Ok(())
        } else {
            Err(unknown_limit(id))
        }
    }
}

fn unknown_limit(id: &str) -> Problem {
    Problem::new(
        404,
        "LIMIT_NOT_FOUND",
        Category::NotFound,
        format!("there is no wait {id:?} in force"),
    )
}

/// Both halves of the application's identity, or neither.
fn api_of(new: &NewAccount) -> Result<Option<(i32, Secret<String>)>, Problem> {
    match (new.api_id, &new.api_hash) {
        (Some(id), Some(hash)) => Ok(Some((id, hash.clone()))),
        (None, None) => Ok(None),
        (id, _) => {
            let missing = if id.is_some() { "apiHash" } else { "apiId" };
            Err(problems::bad_parameters(vec![FieldError {
                pointer: format!("/{missing}"),
                detail: "apiId and apiHash belong together".into(),
            }]))
        }
    }
}
