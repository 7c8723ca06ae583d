//! One account: its record, its state, its session.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use core::time::Duration;
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
use crate::sends::Sends;
use crate::session::{PoolEvents, Session};
use crate::shared::{Shared, store_problem};
use crate::sign_in::SignIn;
use crate::way::Leaving;
use crate::{AccountView, StatusView, fate, problems};

/// How long the answer to a call waits for the store to keep a wait.
const KEEPING: Duration = Duration::from_millis(250);

/// A limit of the whole account is told again after this.
const LIMITED_AGAIN: Duration = Duration::from_hours(1);

/// What an account does, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) state: AccountState,
    pub(crate) reason: Option<String>,
    /// When a parking ends by itself.
    pub(crate) until: Option<UnixMillis>,
}

/// Links that are being closed.
pub(crate) struct Closing {
    /// Told when the sockets are closed.
    pub(crate) sockets: oneshot::Receiver<()>,
    /// Told when the actor has seen it, which must not wait for itself.
    pub(crate) seen: oneshot::Receiver<()>,
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
    /// How the links leave, those of sessions that are being made among them.
    pub(crate) leaving: Leaving,
    /// Sign-in, connecting, disconnecting, log-out: one at a time.
    pub(crate) turn: tokio::sync::Mutex<SignIn>,
    pub(crate) inbox: mpsc::Sender<Input>,
    pub(crate) probe: Mutex<Probe>,
    pub(crate) recent: Mutex<Recent>,
    pub(crate) seen: Seen,
    /// How Telegram listed the authorization when it was last asked.
    pub(crate) listing: Mutex<Option<Listing>>,
    pub(crate) in_flight: AtomicUsize,
    /// What its last sends became.
    pub(crate) sends: Mutex<Sends>,
    /// The limit of the whole account that was told last, and when.
    limited: Mutex<Option<(String, Duration)>>,
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
            leaving: Leaving::default(),
            turn: tokio::sync::Mutex::new(SignIn::None),
            inbox,
            probe: Mutex::new(Probe::default()),
            recent: Mutex::new(Recent::default()),
            seen: Seen::default(),
            listing: Mutex::new(None),
            in_flight: AtomicUsize::new(0),
            sends: Mutex::default(),
            limited: Mutex::default(),
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
        let next = Standing {
            state,
            reason,
            until,
        };
        self.change(None, next, || None).await;
    }

    /// Moves to a state only from one of these; says whether it did. What others saw and did
    /// meanwhile is not undone.
    pub(crate) async fn enter_from(
        &self,
        from: &[AccountState],
        state: AccountState,
        reason: Option<String>,
    ) -> bool {
        let next = Standing {
            state,
            reason,
            until: None,
        };
        self.change(Some(from), next, || None).await
    }

    /// The one place where the state changes: seen at once, and stored with its events in the
    /// order in which it happened. `changed` is run when it is seen and before it is stored; it may
    /// give an event of its own to be logged first.
    async fn change(
        &self,
        from: Option<&[AccountState]>,
        next: Standing,
        changed: impl FnOnce() -> Option<EventBody>,
    ) -> bool {
        let storing = self.storing.lock().await;
        let moved = self.standing.send_if_modified(|standing| {
            let moves = *standing != next && from.is_none_or(|from| from.contains(&standing.state));
            if moves {
                standing.clone_from(&next);
            }
            moves
        });
        if !moved {
            return false;
        }
        let Standing {
            state,
            reason,
            until,
        } = next;
        let own = changed();
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
        let events: Vec<_> = own
            .into_iter()
            .chain([body])
            .map(|body| self.shared.event(&self.name, body))
            .collect();
        let saved = self
            .shared
            .store(move |store| store.save_account(&record, &events))
            .await;
        if let Err(error) = saved {
            tracing::error!(account = %self.name, %error, "the state was not stored");
        }
        drop(storing);
        self.publish_status();
        true
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
        let ledger = &self.shared.ledger;
        if let Some(wait) = ledger.standing(&self.name, method, None, now, None) {
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

    /// Keeps the wait a failure carries, whoever called. Calls know of it before this returns; the
    /// store too, unless it is slow: what is answered does not depend on it.
    pub(crate) async fn keep_wait(&self, failure: &Failure, chat: Option<&str>) {
        if failure.layer != Layer::Telegram {
            return;
        }
        let shared = &self.shared;
        let now = shared.now();
        let noted = shared
            .ledger
            .note(&self.name, chat, failure, now, || shared.uuid());
        let Some(record) = noted else {
            return;
        };
        let flood = EventBody::Flood {
            method: record.method.clone(),
            name: record.name.clone(),
            until: record.until,
        };
        let event = shared.event(&self.name, flood);
        let waits = Arc::clone(&shared.deps.waits);
        let name = self.name.clone();
        let kept = shared.deps.tracker.spawn_blocking(move || {
            if let Err(error) = waits.save_wait(&record, now, &[event]) {
                tracing::error!(account = %name, %error, "a wait was not stored");
            }
        });
        let _ = tokio::time::timeout(KEEPING, kept).await;
    }

    /// What a failure on this session means for the account: a wait to keep, a lost session.
    pub(crate) async fn take_note(
        &self,
        failure: &Failure,
        chat: Option<&str>,
        session: AuthorizationId,
    ) {
        self.keep_wait(failure, chat).await;
        let serving = self.session().filter(|serving| serving.id == session);
        let Some(session) = serving else {
            // A session that is being made, or was replaced, says nothing of the one that serves.
            return;
        };
        match fate::of(failure) {
            Some(AccountState::Frozen) => {
                let from = [AccountState::Ready, AccountState::Connecting];
                let next = Standing {
                    state: AccountState::Frozen,
                    reason: Some(failure.name.clone()),
                    until: None,
                };
                self.change(Some(&from), next, || {
                    Some(self.fault(AccountState::Frozen, &failure.name))
                })
                .await;
            }
            Some(state) => self.lose(&session, state, &failure.name).await,
            None => self.limited(failure).await,
        }
    }

    /// A limit of the whole account without a time is told to operators, not with every call.
    pub(crate) async fn limited(&self, failure: &Failure) {
        if !fate::limits_account(&failure.name) {
            return;
        }
        let now = self.shared.deps.clock.monotonic();
        {
            let mut limited = self.limited.lock();
            let told = limited.as_ref().is_some_and(|(name, at)| {
                *name == failure.name && now.saturating_sub(*at) < LIMITED_AGAIN
            });
            if told {
                return;
            }
            *limited = Some((failure.name.clone(), now));
        }
        let error = EventBody::Error {
            message: format!(
                "Telegram limits account {} with {}: {}",
                self.name, failure.method, failure.name
            ),
            code: failure.name.clone(),
            category: self.problem(failure).category,
        };
        self.shared.log(&self.name, vec![error]).await;
    }

    /// Telegram ended the session. The links are closed, the key is kept, nothing is retried. Only
    /// a session that serves can be lost: a sign-in or a rotation looks after its own.
    pub(crate) async fn lose(&self, session: &Session, state: AccountState, name: &str) {
        if self.record().user_id.is_none() {
            return;
        }
        let from = [
            AccountState::Ready,
            AccountState::Connecting,
            AccountState::Frozen,
        ];
        self.leave_service(session, &from, state, name, None).await;
    }

    /// From one of these states to one without calls: seen and the links closed at once, then
    /// stored. Without an end it is a fault, which is told as one. The sockets are closed when this
    /// returns.
    pub(crate) async fn leave_service(
        &self,
        session: &Session,
        from: &[AccountState],
        state: AccountState,
        reason: &str,
        until: Option<UnixMillis>,
    ) {
        let next = Standing {
            state,
            reason: Some(reason.to_owned()),
            until,
        };
        let mut closing = None;
        self.change(Some(from), next, || {
            closing = Some(self.close_links(session));
            until.is_none().then(|| self.fault(state, reason))
        })
        .await;
        if let Some(Closing { sockets, .. }) = closing {
            // Not longer than the pool lets it take.
            let _ = sockets.await;
        }
    }

    /// Closes the links: no call gets through from here on.
    pub(crate) fn close_links(&self, session: &Session) -> Closing {
        let (shut, sockets) = oneshot::channel();
        let (closed, seen) = oneshot::channel();
        let (pool, id, inbox) = (session.pool.clone(), session.id, self.inbox.clone());
        let mut closing = Box::pin(async move { pool.close().await });
        // The first step, up to the first socket that takes time, is taken here and now, so that
        // whoever opens the links after this is not closed by it.
        let done = futures_util::FutureExt::now_or_never(closing.as_mut()).is_some();
        self.shared.deps.tracker.spawn(async move {
            if !done {
                closing.await;
            }
            // Mostly nobody waits.
            let _ = shut.send(());
            let _ = inbox.send(Input::Closed(id, closed)).await;
        });
        Closing { sockets, seen }
    }

    /// Has the authorization tried on the main link now: something threw doubt on it.
    pub(crate) fn doubt(&self) {
        self.probe.lock().doubted = true;
        // A full inbox is a busy actor, which looks at the probe anyway.
        let _ = self.inbox.try_send(Input::Probe);
    }

    fn fault(&self, state: AccountState, name: &str) -> EventBody {
        let category = if name == "USER_DEACTIVATED_BAN" || state == AccountState::Frozen {
            Category::Permission
        } else {
            Category::Auth
        };
        EventBody::Error {
            message: format!(
                "Telegram refuses the session of account {}: {name}",
                self.name
            ),
            code: name.to_owned(),
            category,
        }
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
        let calls = self.shared.deps.telemetry.calls();
        calls.connected(&self.name, status.connected);
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
        let proxy = self.proxy();
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
            proxy,
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
