use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sluice_domain::DcKey;
use sluice_mtproto::{
    AuthKey,
    session::{CallId, ClientSession},
};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use crate::dial::{DialError, dial};
use crate::gate::Pacer;
use crate::queue::{Call, Cleaned, Command};
use crate::shared::{Line, Shared};
use crate::wire::{Wire, WireError};
use crate::{MainState, PoolEvent};

/// How often Telegram has to refuse a key before it is believed.
const REFUSALS: u32 = 3;

/// One link: what lives as long as its task, over all its connections.
pub(crate) struct Link {
    pub(crate) shared: Arc<Shared>,
    pub(crate) line: Arc<Line>,
    pub(crate) session: Option<ClientSession>,
    /// The session's id as it was last kept.
    pub(crate) kept_session: Option<i64>,
    /// Calls the session has, by its name for them.
    pub(crate) calls: BTreeMap<CallId, Call>,
    /// Those of them that have not left.
    pub(crate) unsent: Vec<CallId>,
    /// The main link's own first call, until it is answered.
    pub(crate) greeting: Option<CallId>,
    /// Whether that call is still to be made.
    pub(crate) greet: bool,
    pub(crate) probes: Vec<oneshot::Sender<Duration>>,
    pub(crate) destroying: Option<oneshot::Sender<bool>>,
    pacer: Pacer,
    attempts: usize,
    /// -404: how often, and since when.
    unknown: Option<(u32, Instant)>,
    lost: bool,
}

/// Why a connection, or the link, is over.
pub(crate) enum End {
    /// The pool closes the link.
    Closed,
    /// A media link that nobody needs; who asked, and the name to tell.
    Idle(Option<(oneshot::Sender<Cleaned>, String)>),
    /// Closed to be opened again.
    Recycled(oneshot::Sender<Cleaned>, String),
    /// It broke.
    Broken(Broken),
}

/// How a connection broke.
pub(crate) struct Broken {
    pub(crate) kind: &'static str,
    pub(crate) reason: String,
    /// Telegram's transport error.
    pub(crate) code: Option<i32>,
    /// How long Telegram had been answering.
    pub(crate) stood: Option<Duration>,
}

impl Broken {
    pub(crate) fn new(kind: &'static str, reason: impl Into<String>) -> Self {
        Self {
            kind,
            reason: reason.into(),
            code: None,
            stood: None,
        }
    }
}

impl From<&WireError> for Broken {
    fn from(error: &WireError) -> Self {
        let mut broken = Self::new(error.kind(), error.to_string());
        if let WireError::Transport(code) = error {
            broken.code = Some(*code);
        }
        broken
    }
}

impl From<DialError> for Broken {
    fn from(error: DialError) -> Self {
        match &error {
            DialError::Wire(wire) => wire.into(),
            _ => Self::new(error.kind(), error.to_string()),
        }
    }
}

/// Why a rest ended.
enum Wake {
    Due,
    Retry,
    /// Somebody waits for the link.
    Awaited,
    End(End),
}

impl Link {
    pub(crate) fn new(
        shared: Arc<Shared>,
        line: Arc<Line>,
        session: Option<ClientSession>,
    ) -> Self {
        let pacer = Pacer::new(shared.limits.backoff);
        Self {
            shared,
            line,
            session,
            kept_session: None,
            calls: BTreeMap::new(),
            unsent: Vec::new(),
            greeting: None,
            greet: true,
            probes: Vec::new(),
            destroying: None,
            pacer,
            attempts: 0,
            unknown: None,
            lost: false,
        }
    }

    /// Runs until the link is closed or retires. Gives back the session, for the next link here.
    pub(crate) async fn run(mut self) -> Option<ClientSession> {
        loop {
            let end = match self.open().await {
                // The socket is closed when this returns.
                Ok(wire) => self.converse(wire).await,
                Err(end) => end,
            };
            match end {
                End::Closed => break,
                End::Idle(asked) => {
                    self.line.board.closed();
                    if let Some((done, id)) = asked {
                        let _ = done.send(Cleaned::Closed(id));
                    }
                    break;
                }
                End::Recycled(done, id) => {
                    self.down("recycled");
                    let _ = done.send(Cleaned::Closed(id));
                }
                End::Broken(broken) => self.broke(broken).await,
            }
        }
        self.line.board.closed();
        self.fail_calls("the link was closed");
        self.shared.changed();
        self.session
    }

    /// Waits until it may, and connects. The session is ready when this returns.
    async fn open(&mut self) -> Result<Wire, End> {
        self.wait_for_turn().await?;
        self.pacer.tried(Instant::now());
        self.attempts = self.attempts.wrapping_add(1);
        // On the heap, because it is large and over when the link stands, whose task stays.
        let mut dialing = Box::pin(dial(
            Arc::clone(&self.shared),
            self.line.seat,
            self.attempts,
            Arc::clone(&self.line.board),
        ));
        let dialed = loop {
            tokio::select! {
                dialed = &mut dialing => break dialed,
                wake = self.rest(None) => if let Wake::End(end) = wake {
                    return Err(end);
                }
            }
        };
        match dialed {
            Ok((wire, key)) => {
                self.attach(&key).map_err(End::Broken)?;
                Ok(wire)
            }
            Err(error) => Err(End::Broken(error.into())),
        }
    }

    async fn wait_for_turn(&mut self) -> Result<(), End> {
        let began = Instant::now();
        let random = Arc::clone(&self.shared.random);
        let mut at = if self.lost {
            None
        } else {
            let paced = self.pacer.next(began, self.wanted() > 0, &*random);
            Some(match self.refusals() {
                Some((times, since)) => paced.max(since + self.spread(times)),
                None => paced,
            })
        };
        loop {
            if !self.line.main && self.wanted() == 0 && self.shared.retire(&self.line) {
                return Err(End::Idle(None));
            }
            match self.rest(at).await {
                Wake::Due => return Ok(()),
                Wake::Retry => {
                    if std::mem::take(&mut self.lost) {
                        self.unknown = None;
                    }
                    at = Some(self.pacer.soonest(Instant::now()));
                    self.connecting(None);
                }
                // A key that is being refused has its own times.
                Wake::Awaited if self.refusals().is_some() => {}
                Wake::Awaited => {
                    let paced = self.pacer.next(began, true, &*random);
                    at = at.map(|at| at.min(paced));
                }
                Wake::End(end) => return Err(end),
            }
        }
    }

    /// How often the home key was refused, and since when, while that is being found out.
    fn refusals(&self) -> Option<(u32, Instant)> {
        self.unknown.filter(|_| self.guarded())
    }

    /// How long after the first refusal of the key the next try is: evenly over the time that is to
    /// pass before the refusals are believed.
    fn spread(&self, refusals: u32) -> Duration {
        let pauses = REFUSALS - 1;
        self.shared.limits.key_lost * refusals.min(pauses) / pauses
    }

    /// Waits without a connection, and obeys orders meanwhile.
    async fn rest(&mut self, until: Option<Instant>) -> Wake {
        let mut awaited = self.wanted() > 0;
        loop {
            if self.shared.leaving() {
                let reason = "the gateway ends, and there is no connection";
                self.fail_calls(reason);
                self.line.inbox.clear(reason);
            }
            if !std::mem::replace(&mut awaited, self.wanted() > 0) && awaited {
                return Wake::Awaited;
            }
            while let Some(command) = self.line.inbox.command() {
                match command {
                    Command::Probe(reply) => self.probes.push(reply),
                    Command::Destroy(reply) => self.destroying = Some(reply),
                    Command::Retry => return Wake::Retry,
                    Command::Cleanup { force, done } => {
                        let id = self.line.board.id();
                        if self.lost {
                            // A lost key is tried again when a person says so, not by the way.
                            let _ = done.send(Cleaned::Kept);
                            continue;
                        }
                        if self.line.main {
                            let _ = done.send(Cleaned::Closed(id));
                            return Wake::Retry;
                        }
                        if self.wanted() > 0 && !force {
                            let _ = done.send(Cleaned::Kept);
                        } else if self.shared.retire(&self.line) {
                            return Wake::End(End::Idle(Some((done, id))));
                        } else {
                            let _ = done.send(Cleaned::Closed(id));
                            return Wake::Retry;
                        }
                    }
                }
            }
            let forever = Instant::now() + Duration::from_hours(24);
            tokio::select! {
                () = sleep_until(until.unwrap_or(forever)), if until.is_some() => return Wake::Due,
                () = self.line.inbox.woken() => {}
                () = self.line.cancel.cancelled() => return Wake::End(End::Closed),
            }
        }
    }

    /// Readies the session for a new socket: the old one goes on, or a new one is begun.
    fn attach(&mut self, key: &DcKey) -> Result<(), Broken> {
        let bytes: [u8; 256] = key
            .key
            .expose()
            .as_slice()
            .try_into()
            .map_err(|_| Broken::new("key", "the stored key is not 256 bytes long"))?;
        let auth_key = AuthKey::from_bytes(bytes);
        let now = self.shared.now();
        match &mut self.session {
            Some(session) if session.auth_key().id() == auth_key.id() => session.reconnected(now),
            _ => {
                self.give_calls_back();
                self.greet = true;
                let id = self.shared.random.u64().cast_signed();
                let mut session = ClientSession::new(auth_key, key.salt, id, key.time_offset, now);
                session.set_preamble(self.shared.wrapping.preamble());
                // Left by a task that panicked, or by an earlier process.
                let left = key.session.filter(|_| !self.line.seat.is_media());
                if let Some(orphan) = self.line.board.session(id).or(left) {
                    session.destroy_session(orphan);
                }
                self.session = Some(session);
            }
        }
        Ok(())
    }

    /// After the connection broke: what it means, and when to try again.
    async fn broke(&mut self, broken: Broken) {
        let Broken {
            kind,
            reason,
            code,
            stood,
        } = broken;
        let reason = self.shared.ways.tell(reason);
        tracing::info!(
            account = %self.shared.account, dc = self.line.seat.dc, main = self.line.main, kind, reason,
            "link broken"
        );
        match stood {
            // What Telegram says wrong, it would say wrong again at once.
            Some(stood) if kind != "violation" => self.pacer.broke(stood),
            _ => self.pacer.failed(),
        }
        self.line.board.broke(kind, &reason);
        match code {
            Some(404) => self.refused().await,
            Some(429) => self.pacer.flooded(),
            _ => {}
        }
        self.down(&reason);
    }

    /// Telegram does not know the key.
    async fn refused(&mut self) {
        if let Some(destroying) = self.destroying.take() {
            let _ = destroying.send(true);
        }
        let now = Instant::now();
        let (times, since) = self.unknown.map_or((1, now), |(n, since)| (n + 1, since));
        self.unknown = Some((times, since));
        if times < REFUSALS {
            return;
        }
        if self.guarded() {
            if now >= since + self.shared.limits.key_lost {
                self.lost = true;
                self.fail_calls("telegram does not know the key");
                self.line.inbox.clear("telegram does not know the key");
            }
            return;
        }
        let dc = self.line.seat.dc;
        let home = dc == self.shared.table.lock().home_dc;
        if home && !self.line.main {
            // The main link finds out what is true of the home key.
            return;
        }
        // Not authorized, or a foreign one whose authorization can be exported again.
        self.unknown = None;
        self.give_calls_back();
        self.session = None;
        self.greet = true;
        if let Err(error) = self.shared.keys.forget(dc, home).await {
            tracing::warn!(dc, %error, "a key could not be dropped");
        }
    }

    /// Whether this is the main link and its key must never be replaced.
    fn guarded(&self) -> bool {
        self.line.main && self.shared.keys.authorized(self.line.seat.dc)
    }

    /// The main link does not stand any more.
    fn down(&mut self, reason: &str) {
        self.line.board.closed();
        if self.line.main {
            let stood = matches!(self.shared.state.borrow().main, MainState::Connected { .. });
            // The state first: whoever reads the event must find it.
            if self.lost {
                self.shared.set_main(MainState::KeyLost);
            } else {
                self.connecting(Some(reason.to_owned()));
            }
            if stood {
                self.shared.outbox.push(PoolEvent::Disconnected {
                    reason: reason.to_owned(),
                });
            }
            if self.lost {
                let dc = self.line.seat.dc;
                self.shared.outbox.push(PoolEvent::KeyLost { dc });
            }
        }
        self.shared.changed();
    }

    fn connecting(&self, reason: Option<String>) {
        if self.line.main {
            let failures = self.pacer.failures();
            self.shared
                .set_main(MainState::Connecting { failures, reason });
        }
    }

    /// Telegram answered: whatever was held against the connection is forgotten.
    pub(crate) fn stands(&mut self) {
        self.unknown = None;
        self.pacer.answered();
        self.line.board.answered(self.shared.clock.now());
        if self.line.main {
            let since = self.shared.clock.now();
            self.shared.set_main(MainState::Connected { since });
            self.shared.outbox.push(PoolEvent::Connected);
        }
        self.shared.changed();
    }

    /// Calls that somebody still waits for.
    pub(crate) fn wanted(&self) -> usize {
        let held = self.calls.values().filter(|c| !c.reply.is_closed());
        held.count()
            + self.line.inbox.waiting()
            + self.probes.iter().filter(|p| !p.is_closed()).count()
            + usize::from(self.destroying.is_some())
    }

    /// The session is of no use any more: what did not leave waits for the next one, what left may
    /// have been executed.
    fn give_calls_back(&mut self) {
        self.greeting = None;
        self.unsent.clear();
        for (_, call) in std::mem::take(&mut self.calls).into_iter().rev() {
            if call.sent.get() {
                self.line.board.lost_call("lost");
                call.fail("the session ended before the answer");
            } else {
                self.line.inbox.push_front(call);
            }
        }
    }

    fn fail_calls(&mut self, reason: &str) {
        for (id, call) in std::mem::take(&mut self.calls) {
            if let Some(session) = &mut self.session {
                session.forget(id);
            }
            self.line.board.lost_call("lost");
            call.fail(reason);
        }
        if let (Some(session), Some(greeting)) = (&mut self.session, self.greeting.take()) {
            session.forget(greeting);
        }
        self.unsent.clear();
        self.probes.clear();
    }
}
