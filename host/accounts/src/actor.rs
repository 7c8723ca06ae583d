//! The task of one account: reads its links' events, keeps its updates in order, probes.
//!
//! Never waits for Telegram in its loop: what it asks runs beside it as a job, because the link
//! that brings the answer also brings the updates that only this loop takes away.

use core::panic::AssertUnwindSafe;
use core::time::Duration;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use serde_json::{Map, Value};
use sluice_domain::{AccountState, AuthorizationId, Category, EventBody, Failure};
use sluice_links::{MainState, PoolEvent};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::account::Account;
use crate::follow::Follow;
use crate::jobs::{self, Probed};
use crate::json::int;
use crate::monitoring;
use crate::session::{PoolEvents, Session};
use crate::updates::{Fetch, FetchFailure};

/// Inputs that wait for the actor. Calls wait when it is full, which they do within their deadline.
pub(crate) const INBOX: usize = 256;

/// Updates taken at once before anything else gets its turn.
const BURST: usize = 256;

/// Between two attempts at something that failed: the task itself, the first probe.
const AGAIN: Duration = Duration::from_secs(2);

/// `pool_status` is sent at most once in this time.
const POOL_STATUS_EVERY: Duration = Duration::from_secs(1);

/// What others tell the actor.
pub(crate) enum Input {
    /// Serve this session from now on. `fresh` is its qts and seq when it is a new one.
    Serve {
        session: Arc<Session>,
        events: PoolEvents,
        fresh: Option<(i32, i32)>,
    },
    /// Let go of this session.
    Retire(AuthorizationId),
    /// This session's links were closed; say so when it is seen.
    Closed(AuthorizationId, oneshot::Sender<()>),
    /// Try the authorization now.
    Probe,
    /// A call answered with updates.
    Updates(Value),
    /// A call answered with `updateShortSentMessage`; its parameters complete it.
    Sent(Value, Map<String, Value>),
    /// A call moved a pts.
    Affected {
        channel: Option<i64>,
        pts: i32,
        count: i32,
    },
}

/// The session that is served. Survives a panic of the loop.
pub(crate) struct Serving {
    session: Arc<Session>,
    events: PoolEvents,
    fresh: Option<(i32, i32)>,
}

enum Done {
    Fetched(AuthorizationId, Fetch, Result<Value, Failure>),
    Probed(AuthorizationId, Probed),
}

/// Runs the actor until the account ends; a panic is reported and the loop begun anew.
pub(crate) async fn supervise(account: Arc<Account>, mut inbox: mpsc::Receiver<Input>) {
    let mut serving = None;
    loop {
        let run = run(&account, &mut inbox, &mut serving);
        if AssertUnwindSafe(run).catch_unwind().await.is_ok() {
            return;
        }
        tracing::error!(account = %account.name, "the account's task panicked and is begun anew");
        let error = EventBody::Error {
            message: format!(
                "the task of account {} failed and was begun anew",
                account.name
            ),
            code: "INTERNAL".into(),
            category: Category::Internal,
        };
        account.shared.log(&account.name, vec![error]).await;
        tokio::time::sleep(AGAIN).await;
    }
}

async fn run(
    account: &Arc<Account>,
    inbox: &mut mpsc::Receiver<Input>,
    serving: &mut Option<Serving>,
) {
    let mut actor = Actor::new(Arc::clone(account));
    if let Some(serving) = serving.as_mut() {
        actor.begin(serving).await;
    }
    loop {
        let wake = actor.wake(serving.is_some());
        tokio::select! {
            () = account.stop.cancelled() => {
                if let Some(serving) = serving.take() {
                    serving.session.pool.close().await;
                }
                return;
            }
            input = inbox.recv() => match input {
                Some(input) => actor.input(input, serving).await,
                None => return,
            },
            event = next_event(serving), if actor.follow.ready() => match event {
                Some(event) => actor.event(event, serving).await,
                // The pool ended by itself; the account is told to connect again.
                None => *serving = None,
            },
            Some(done) = actor.jobs.next(), if !actor.jobs.is_empty() => {
                actor.done(done).await;
            }
            () = actor.follow.committed() => {}
            () = tokio::time::sleep_until(wake) => {}
        }
        actor.advance(serving.as_ref()).await;
    }
}

async fn next_event(serving: &mut Option<Serving>) -> Option<PoolEvent> {
    match serving {
        Some(serving) => serving.events.recv().await,
        None => core::future::pending().await,
    }
}

struct Actor {
    account: Arc<Account>,
    follow: Follow,
    jobs: FuturesUnordered<BoxFuture<'static, Done>>,
    connected: bool,
    probing: bool,
    probe_at: Instant,
    pool_changed: bool,
    pool_published: Option<Instant>,
}

impl Actor {
    fn new(account: Arc<Account>) -> Self {
        Self {
            follow: Follow::new(Arc::clone(&account)),
            account,
            jobs: FuturesUnordered::new(),
            connected: false,
            probing: false,
            probe_at: Instant::now(),
            pool_changed: false,
            pool_published: None,
        }
    }

    fn now(&self) -> Duration {
        self.account.shared.deps.clock.monotonic()
    }

    async fn begin(&mut self, serving: &mut Serving) {
        self.jobs = FuturesUnordered::new();
        self.probing = false;
        self.pool_changed = true;
        // Counts once: begun anew after a panic, what is stored is newer.
        self.follow.load(serving.fresh.take()).await;
        if serving.session.pool.main_connected() {
            self.stands();
        }
    }

    /// When there is something to do without being told.
    fn wake(&self, serving: bool) -> Instant {
        let soon = |after: Duration| Instant::now() + after.min(Duration::from_hours(1));
        let mut wake = soon(Duration::from_mins(1));
        if self.connected && !self.probing {
            wake = wake.min(self.probe_at);
        }
        if serving && let Some(next) = self.follow.wake(self.connected) {
            wake = wake.min(next);
        }
        if self.pool_changed {
            let next = self.pool_published.map(|at| at + POOL_STATUS_EVERY);
            wake = wake.min(next.unwrap_or_else(Instant::now));
        }
        if let Some(until) = self.account.standing().until {
            let left = until.since(self.account.shared.now());
            wake = wake.min(soon(Duration::from_millis(left)));
        }
        wake
    }

    async fn input(&mut self, input: Input, serving: &mut Option<Serving>) {
        match input {
            Input::Serve {
                session,
                events,
                fresh,
            } => {
                self.connected = false;
                let next = serving.insert(Serving {
                    session,
                    events,
                    fresh,
                });
                self.begin(next).await;
            }
            Input::Retire(id) => {
                if serving.as_ref().is_some_and(|old| old.session.id == id) {
                    *serving = None;
                    self.connected = false;
                    self.follow.forget();
                    self.jobs = FuturesUnordered::new();
                    self.pool_changed = true;
                }
            }
            Input::Closed(id, closed) => {
                if let Some(old) = serving.as_ref().filter(|old| old.session.id == id) {
                    self.closed(&old.session);
                }
                let _ = closed.send(());
            }
            Input::Probe => self.probe_at = Instant::now(),
            Input::Updates(updates) => {
                self.heard();
                self.follow.answered(updates);
            }
            Input::Sent(sent, params) => self.follow.sent(&sent, &params),
            Input::Affected {
                channel,
                pts,
                count,
            } => self.follow.affected(channel, pts, count),
        }
    }

    async fn event(&mut self, event: PoolEvent, serving: &mut Option<Serving>) {
        let mut next = Some(event);
        for left in (0..BURST).rev() {
            let Some(event) = next else {
                break;
            };
            self.one_event(event).await;
            next = serving
                .as_mut()
                .filter(|_| left > 0 && self.follow.ready())
                .and_then(|serving| serving.events.try_recv().ok());
        }
    }

    async fn one_event(&mut self, event: PoolEvent) {
        match event {
            PoolEvent::Update(bytes) => {
                self.heard();
                self.follow.pushed(&bytes).await;
            }
            PoolEvent::Connected => self.stands(),
            PoolEvent::Disconnected { reason } => self.broke(reason).await,
            PoolEvent::NewSession => self.follow.lost(),
            PoolEvent::KeyLost { .. } => {
                self.connected = false;
                if let Some(session) = self.account.session() {
                    let lost = AccountState::SessionLost;
                    self.account.lose(&session, lost, "AUTH_KEY_UNKNOWN").await;
                }
            }
            PoolEvent::Refused { code, message } => {
                let kind = self.account.kind();
                let failure = Failure::telegram(code, &message, "initConnection", kind);
                let id = self.account.session().map(|session| session.id);
                if let Some(id) = id {
                    self.account.take_note(&failure, None, id).await;
                }
            }
            PoolEvent::PoolChanged => {
                self.pool_changed = true;
                self.explain().await;
            }
        }
    }

    /// The main link stands: the difference is fetched, and the authorization is tried.
    fn stands(&mut self) {
        self.connected = true;
        self.probe_at = Instant::now();
        self.follow.stands();
    }

    async fn broke(&mut self, reason: String) {
        self.connected = false;
        let at = self.account.shared.now();
        self.account.probe.lock().broken(at, reason.clone());
        // A frozen account stays frozen, whatever its links do.
        self.account
            .enter_from(
                &[AccountState::Ready],
                AccountState::Connecting,
                Some(reason),
            )
            .await;
        self.account.publish_status();
        self.pool_changed = true;
    }

    /// The links were closed, unless they were opened again since.
    fn closed(&mut self, session: &Session) {
        self.connected = session.pool.main_connected();
        if !self.connected {
            let at = self.account.shared.now();
            self.account.probe.lock().broken(at, "closed".into());
        }
        self.account.publish_status();
        self.pool_changed = true;
    }

    /// While the main link is not up: why the last try failed.
    async fn explain(&mut self) {
        let Some(session) = self.account.session() else {
            return;
        };
        let main = session.pool.watch().borrow().main.clone();
        let MainState::Connecting {
            reason: Some(reason),
            ..
        } = main
        else {
            return;
        };
        if self.account.state() == AccountState::Connecting {
            self.account
                .enter(AccountState::Connecting, Some(reason))
                .await;
        }
    }

    fn heard(&self) {
        self.account.probe.lock().last_update = Some(self.account.shared.now());
    }

    async fn done(&mut self, done: Done) {
        match done {
            Done::Fetched(id, fetch, answer) => self.fetched(id, &fetch, answer).await,
            Done::Probed(id, probed) => self.probed(id, probed).await,
        }
    }

    async fn fetched(
        &mut self,
        id: AuthorizationId,
        fetch: &Fetch,
        answer: Result<Value, Failure>,
    ) {
        let answer = match answer {
            Ok(answer) => Ok(answer),
            Err(failure) => {
                tracing::debug!(account = %self.account.name, name = failure.name, ?fetch, "no difference");
                self.account.take_note(&failure, None, id).await;
                let wait = jobs::held(&self.account, jobs::method(fetch));
                Err(FetchFailure {
                    name: failure.name,
                    wait,
                })
            }
        };
        self.follow.fetched(fetch, answer);
    }

    async fn probed(&mut self, id: AuthorizationId, probed: Probed) {
        self.probing = false;
        let (now, at) = (self.now(), self.account.shared.now());
        let interval = self.account.shared.settings().probe_interval;
        self.probe_at = Instant::now() + interval;
        match probed.pong {
            Ok(round_trip) => {
                let mut probe = self.account.probe.lock();
                probe.answered(now, at);
                probe.latency = Some(round_trip);
            }
            Err(error) => {
                let mut probe = self.account.probe.lock();
                probe.last_checked = Some(at);
                probe.pong_failed = Some(error.to_string());
            }
        }
        if let Some(state) = probed.state {
            self.authorized(id, state).await;
        }
        if self.account.state() == AccountState::Connecting {
            if self.account.probe.lock().proves(now, interval) {
                let from = [AccountState::Connecting];
                self.account
                    .enter_from(&from, AccountState::Ready, None)
                    .await;
            } else {
                self.probe_at = Instant::now() + AGAIN;
            }
        }
        if self.account.probe.lock().doubted {
            // Thrown while this probe was under way.
            self.probe_at = Instant::now();
        }
        self.account.publish_status();
        self.pool_changed = true;
    }

    async fn authorized(&mut self, id: AuthorizationId, state: Result<Value, Failure>) {
        let (now, at) = (self.now(), self.account.shared.now());
        match state {
            Ok(state) => {
                let lag = self
                    .follow
                    .pts()
                    .zip(int(&state, "pts"))
                    .map(|(ours, theirs)| i64::from(theirs).saturating_sub(i64::from(ours)).max(0));
                let mut probe = self.account.probe.lock();
                probe.authorized(now, at);
                probe.pts_lag = lag;
                probe.pts_checked = Some(at);
            }
            Err(failure) => {
                self.account.take_note(&failure, None, id).await;
                let mut probe = self.account.probe.lock();
                // A wait is asked of accounts that are signed in.
                if failure.code == 420 {
                    probe.authorized(now, at);
                } else {
                    probe.authorized_failed = Some(failure.name);
                }
            }
        }
    }

    /// After every turn of the loop: commits what is due, asks what is wanted.
    async fn advance(&mut self, serving: Option<&Serving>) {
        self.end_parking().await;
        if let Some(serving) = serving {
            if self.follow.wants_load() {
                self.follow.load(None).await;
            }
            self.follow.advance();
            if self.connected {
                self.ask(&serving.session);
            }
        }
        let due = self
            .pool_published
            .is_none_or(|at| at + POOL_STATUS_EVERY <= Instant::now());
        if self.pool_changed && due {
            self.pool_changed = false;
            self.pool_published = Some(Instant::now());
            monitoring::publish_pool(&self.account);
        }
    }

    async fn end_parking(&mut self) {
        let until = self.account.standing().until;
        if until.is_some_and(|until| until <= self.account.shared.now()) {
            let from = [AccountState::Parked];
            let ended = self
                .account
                .enter_from(&from, AccountState::Connecting, None)
                .await;
            if let Some(session) = self.account.session().filter(|_| ended) {
                session.pool.open();
            }
        }
    }

    fn ask(&mut self, session: &Arc<Session>) {
        while let Some(fetch) = self.follow.next_fetch() {
            let (account, session) = (Arc::clone(&self.account), Arc::clone(session));
            self.jobs.push(Box::pin(async move {
                let answer = jobs::fetch(&account, &session, &fetch).await;
                Done::Fetched(session.id, fetch, answer)
            }));
        }
        if !self.probing && self.probe_at <= Instant::now() {
            self.probing = true;
            let (account, session) = (Arc::clone(&self.account), Arc::clone(session));
            self.jobs.push(Box::pin(async move {
                Done::Probed(session.id, jobs::probe(&account, &session).await)
            }));
        }
    }
}
