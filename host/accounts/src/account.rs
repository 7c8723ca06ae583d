//! One account: its record, its state, its session.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use serde_json::Value;
use sluice_domain::{
    AccountKind, AccountName, AccountRecord, AccountState, AuthorizationId, AuthorizationRecord,
    AuthorizationRole, Category, Environment, EventBody, Failure, Layer, Problem, Secret,
    StoreError, UnixMillis,
};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::actor::Input;
use crate::health::Listing;
use crate::peers::Seen;
use crate::probe::Probe;
use crate::recent::Recent;
use crate::session::{PoolEvents, Session};
use crate::shared::{Shared, store_problem};
use crate::sign_in::SignIn;
use crate::{AccountView, StatusView, problems};

/// What an account does, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) state: AccountState,
    pub(crate) reason: Option<String>,
    /// When a parking ends by itself.
    pub(crate) until: Option<UnixMillis>,
}

/// One account.
pub(crate) struct Account {
    pub(crate) name: AccountName,
    pub(crate) shared: Arc<Shared>,
    record: Mutex<AccountRecord>,
    standing: watch::Sender<Standing>,
    /// Changes of state are stored in the order in which they happen.
    storing: tokio::sync::Mutex<()>,
    session: Mutex<Option<Arc<Session>>>,
    /// Sign-in, connecting, disconnecting, log-out: one at a time.
    pub(crate) turn: tokio::sync::Mutex<SignIn>,
    pub(crate) inbox: mpsc::Sender<Input>,
    pub(crate) probe: Mutex<Probe>,
    pub(crate) recent: Mutex<Recent>,
    pub(crate) seen: Seen,
    /// How Telegram listed the authorization when it was last asked.
    pub(crate) listing: Mutex<Option<Listing>>,
    pub(crate) in_flight: AtomicUsize,
    /// A rotation is under way.
    pub(crate) rotating: AtomicBool,
    /// Ends the account's tasks: it was deleted, or the gateway ends.
    pub(crate) stop: CancellationToken,
}

impl Account {
    pub(crate) fn new(
        shared: Arc<Shared>,
        record: AccountRecord,
        inbox: mpsc::Sender<Input>,
    ) -> Arc<Self> {
        let standing = Standing {
            state: record.state,
            reason: record.state_reason.clone(),
            until: None,
        };
        Arc::new(Self {
            name: record.name.clone(),
            stop: shared.stop.child_token(),
            shared,
            record: Mutex::new(record),
            standing: watch::Sender::new(standing),
            storing: tokio::sync::Mutex::new(()),
            session: Mutex::new(None),
            turn: tokio::sync::Mutex::new(SignIn::None),
            inbox,
            probe: Mutex::new(Probe::default()),
            recent: Mutex::new(Recent::default()),
            seen: Seen::default(),
            listing: Mutex::new(None),
            in_flight: AtomicUsize::new(0),
            rotating: AtomicBool::new(false),
        })
    }

    pub(crate) fn record(&self) -> MutexGuard<'_, AccountRecord> {
        self.record.lock()
    }

    pub(crate) fn kind(&self) -> AccountKind {
        self.record.lock().kind
    }

    pub(crate) fn environment(&self) -> Environment {
        let own = self.record.lock().environment;
        own.unwrap_or_else(|| self.shared.settings().environment)
    }

    /// api_id and api_hash: its own, else the configuration's.
    pub(crate) fn api(&self) -> Result<(i32, Secret<String>), Problem> {
        let own = self.record.lock().api.clone();
        own.or_else(|| self.shared.settings().api.clone())
            .ok_or_else(|| problems::api_id_missing(&self.name))
    }

    pub(crate) fn standing(&self) -> Standing {
        self.standing.borrow().clone()
    }

    pub(crate) fn state(&self) -> AccountState {
        self.standing.borrow().state
    }

    pub(crate) fn follow(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// The session that serves, connected or not.
    pub(crate) fn session(&self) -> Option<Arc<Session>> {
        self.session.lock().clone()
    }

    /// Whether the account is connected now: proven, not remembered.
    pub(crate) fn connected(&self) -> bool {
        let interval = self.shared.settings().probe_interval;
        let now = self.shared.deps.clock.monotonic();
        self.state() == AccountState::Ready && self.probe.lock().proves(now, interval)
    }

    /// Moves to a state, stores it and logs it. Staying in the state it is in is no event.
    pub(crate) async fn enter(&self, state: AccountState, reason: Option<String>) {
        self.enter_until(state, reason, None).await;
    }

    pub(crate) async fn enter_until(
        &self,
        state: AccountState,
        reason: Option<String>,
        until: Option<UnixMillis>,
    ) {
        let storing = self.storing.lock().await;
        let next = Standing {
            state,
            reason: reason.clone(),
            until,
        };
        let changed = self.standing.send_if_modified(|standing| {
            let changed = *standing != next;
            *standing = next;
            changed
        });
        if !changed {
            return;
        }
        tracing::info!(
            account = %self.name,
            state = state.as_str(),
            reason = reason.as_deref(),
            "account state"
        );
        let record = {
            let mut record = self.record.lock();
            if let Some(kept) = kept(state, until) {
                record.state = kept;
                record.state_reason.clone_from(&reason);
            }
            record.clone()
        };
        let body = EventBody::AccountState {
            state,
            state_reason: reason,
        };
        let event = self.shared.event(&self.name, body);
        let saved = self
            .shared
            .store(move |store| store.save_account(&record, &[event]))
            .await;
        if let Err(error) = saved {
            tracing::error!(account = %self.name, %error, "the state was not stored");
        }
        drop(storing);
        self.publish_status();
    }

    /// Changes what is kept of the account.
    pub(crate) async fn amend(
        &self,
        change: impl FnOnce(&mut AccountRecord),
    ) -> Result<(), Problem> {
        let _storing = self.storing.lock().await;
        let record = {
            let mut record = self.record.lock();
            change(&mut record);
            record.clone()
        };
        self.shared
            .store(move |store| store.save_account(&record, &[]))
            .await
            .map_err(|error| store_problem(&error).of(&self.name))
    }

    /// The authorization that serves, as stored.
    pub(crate) async fn authorization(
        &self,
        role: AuthorizationRole,
    ) -> Result<Option<AuthorizationRecord>, StoreError> {
        let name = self.name.clone();
        let all = self
            .shared
            .store(move |store| store.authorizations(&name))
            .await?;
        Ok(all.into_iter().find(|found| found.role == role))
    }

    /// Hands a session to the actor. `fresh` carries the qts and seq of a session that is new.
    pub(crate) async fn serve(
        &self,
        session: Arc<Session>,
        events: PoolEvents,
        fresh: Option<(i32, i32)>,
    ) {
        *self.session.lock() = Some(Arc::clone(&session));
        let serve = Input::Serve {
            session,
            events,
            fresh,
        };
        if self.inbox.send(serve).await.is_err() {
            tracing::error!(account = %self.name, "the account's actor is gone");
        }
    }

    /// Closes the links for good: the gateway ends. What is under way is left as it is stored.
    pub(crate) async fn end(&self) {
        self.stop.cancel();
        let session = self.session.lock().take();
        if let Some(session) = session {
            session.pool.close().await;
        }
        let left = {
            let mut turn = self.turn.lock().await;
            core::mem::replace(&mut *turn, SignIn::None)
        };
        drop(left);
    }

    /// Takes the session away from the actor. Its pool is the caller's to close.
    pub(crate) async fn retire(&self) -> Option<Arc<Session>> {
        let session = self.session.lock().take()?;
        let _ = self.inbox.send(Input::Retire(session.id)).await;
        *self.probe.lock() = Probe::default();
        Some(session)
    }

    /// A call of the gateway's own, its failure as the caller of the API sees it.
    pub(crate) async fn ask(
        &self,
        session: &Session,
        method: &str,
        params: Value,
    ) -> Result<Value, Problem> {
        let now = self.shared.now();
        if let Some(wait) = self.shared.ledger.standing(&self.name, method, None, now) {
            return Err(wait.problem);
        }
        let within = self.shared.settings().internal_timeout;
        match session.invoke(method, params, within).await {
            Ok(answer) => Ok(answer),
            Err(failure) => {
                self.take_note(&failure, None, session.id).await;
                Err(self.problem(&failure))
            }
        }
    }

    /// The problem of a failure, as the categorizer names it.
    pub(crate) fn problem(&self, failure: &Failure) -> Problem {
        let verdict = self.shared.deps.policies.categorize(failure, &self.name);
        Problem::from_verdict(failure, &verdict).of(&self.name)
    }

    /// Keeps the wait a failure carries, whoever called.
    pub(crate) async fn keep_wait(&self, failure: &Failure, chat: Option<&str>) {
        let now = self.shared.now();
        if let Some(wait) = self.shared.ledger.note(&self.name, chat, failure, now) {
            let flood = EventBody::Flood {
                method: Some(failure.method.clone()),
                name: failure.name.clone(),
                until: wait.until,
            };
            self.shared.log(&self.name, vec![flood]).await;
        }
    }

    /// What a failure on this session means for the account: a wait to keep, a lost session.
    pub(crate) async fn take_note(
        &self,
        failure: &Failure,
        chat: Option<&str>,
        session: AuthorizationId,
    ) {
        if failure.layer != Layer::Telegram {
            return;
        }
        self.keep_wait(failure, chat).await;
        if self.session().is_none_or(|serving| serving.id != session) {
            // A session that is being made, or was replaced, says nothing of the one that serves.
            return;
        }
        match failure.name.as_str() {
            "AUTH_KEY_UNREGISTERED"
            | "AUTH_KEY_INVALID"
            | "AUTH_KEY_PERM_EMPTY"
            | "SESSION_REVOKED"
            | "SESSION_EXPIRED"
            | "USER_DEACTIVATED"
            | "USER_DEACTIVATED_BAN" => {
                self.lose(AccountState::SessionLost, &failure.name).await;
            }
            // One authorization in two places: Telegram ended it, and trying again makes it worse.
            "AUTH_KEY_DUPLICATED" => self.lose(AccountState::Parked, &failure.name).await,
            name if name.starts_with("FROZEN_") && self.state() == AccountState::Ready => {
                self.fault(AccountState::Frozen, name).await;
            }
            _ => {}
        }
    }

    /// Telegram ended the session. The links are closed, the key is kept, nothing is retried. Only
    /// a session that serves can be lost: a sign-in or a rotation looks after its own.
    pub(crate) async fn lose(&self, state: AccountState, name: &str) {
        let serving = matches!(
            self.state(),
            AccountState::Ready | AccountState::Connecting | AccountState::Frozen
        );
        if !serving || self.record().user_id.is_none() {
            return;
        }
        drop(self.close_links());
        self.fault(state, name).await;
    }

    /// Has the actor close the links. What comes back ends when they are closed; the actor itself,
    /// and a call that would wait for its own end, must not wait for it.
    pub(crate) fn close_links(&self) -> oneshot::Receiver<()> {
        let (closed, end) = oneshot::channel();
        if let Some(session) = self.session() {
            let inbox = self.inbox.clone();
            self.shared.deps.tracker.spawn(async move {
                let _ = inbox.send(Input::Close(session.id, closed)).await;
            });
        }
        end
    }

    async fn fault(&self, state: AccountState, name: &str) {
        let category = if name == "USER_DEACTIVATED_BAN" || state == AccountState::Frozen {
            Category::Permission
        } else {
            Category::Auth
        };
        let error = EventBody::Error {
            message: format!(
                "Telegram refuses the session of account {}: {name}",
                self.name
            ),
            code: name.to_owned(),
            category,
        };
        self.shared.log(&self.name, vec![error]).await;
        self.enter(state, Some(name.to_owned())).await;
    }

    /// Refuses what changes the session while a rotation does.
    pub(crate) fn not_rotating(&self) -> Result<(), Problem> {
        if self.rotating.load(Ordering::Acquire) {
            Err(problems::rotating(&self.name))
        } else {
            Ok(())
        }
    }

    pub(crate) fn status(&self) -> StatusView {
        let standing = self.standing();
        StatusView {
            connected: self.connected(),
            last_checked: self.probe.lock().last_checked,
            state: standing.state,
            state_reason: standing.reason,
            account: self.name.clone(),
        }
    }

    pub(crate) fn publish_status(&self) {
        let status = self.status();
        let body = EventBody::Status {
            connected: status.connected,
            last_checked: status.last_checked,
        };
        let event = self.shared.event(&self.name, body);
        self.shared.deps.live.publish(&event);
    }

    pub(crate) fn view(&self) -> AccountView {
        let standing = self.standing();
        let environment = self.environment();
        let connected = self.connected();
        let api_id = self.api().ok().map(|(id, _)| id);
        let record = self.record();
        AccountView {
            name: self.name.clone(),
            kind: record.kind,
            state: standing.state,
            state_reason: standing.reason,
            connected,
            environment,
            api_id,
            device: record.device.clone(),
            user_id: record.user_id.map(|id| id.to_string()),
            created_at: record.created_at,
            default: self.shared.settings().default_account == self.name,
        }
    }
}

/// The state an account comes back in after a restart; None leaves what is stored.
fn kept(state: AccountState, until: Option<UnixMillis>) -> Option<AccountState> {
    match state {
        // Passing states: the account is signed in and comes back.
        AccountState::Connecting => None,
        // A parking that ends by itself is over at the latest when the gateway starts anew.
        AccountState::Parked if until.is_some() => None,
        AccountState::AwaitingCode | AccountState::AwaitingQr | AccountState::AwaitingPassword => {
            Some(AccountState::SignedOut)
        }
        state => Some(state),
    }
}
