//! Follows the updates of an account: decodes what its link brings, puts it through the gap logic
//! and commits what comes out together with the state it leads to.
//!
//! One commit at a time is under way; what comes meanwhile is decoded and waits for the next one.
//! When too much waits (the store is slow), nothing more is taken: the link's events wait, and what
//! they cannot hold either is fetched by a difference later.

use core::time::Duration;
use std::collections::HashSet;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use sluice_domain::{Event, EventBody, PeerKind, PeerRecord, StoreError};
use sluice_tl::Schema;
use tokio::time::Instant;

use crate::account::Account;
use crate::json::{constructor, take_list};
use crate::updates::{Batch, Fetch, FetchFailure, Gap, Gaps, Output, strangers};

/// Outputs that may wait for the commit under way. Some megabytes at most of what is usual.
const MAX_WAITING: usize = 1_024;

/// Between two attempts at something that failed.
const AGAIN: Duration = Duration::from_secs(2);

/// Strangers remembered as asked about. Beyond this it begins anew: asking twice does no harm.
const MAX_ASKED: usize = 10_000;

pub(crate) struct Follow {
    account: Arc<Account>,
    /// None until the stored state was read.
    gaps: Option<Gaps>,
    load_at: Instant,
    /// Peers that came with updates and are to be stored before them.
    peers: Vec<PeerRecord>,
    commit: Option<Commit>,
    /// Strangers whose difference was fetched once. Who is no better known after it stays strange.
    asked: HashSet<(PeerKind, i64)>,
}

struct Commit {
    task: BoxFuture<'static, Result<(), StoreError>>,
    /// Peers are among it.
    peers: bool,
    updates: u64,
    gaps: u64,
}

impl Follow {
    pub(crate) fn new(account: Arc<Account>) -> Self {
        Self {
            account,
            gaps: None,
            load_at: Instant::now(),
            peers: Vec::new(),
            commit: None,
            asked: HashSet::new(),
        }
    }

    fn now(&self) -> Duration {
        self.account.shared.deps.clock.monotonic()
    }

    /// The common pts reached, if it is known.
    pub(crate) fn pts(&self) -> Option<i32> {
        self.gaps.as_ref().and_then(Gaps::pts)
    }

    /// The session that was followed is no more.
    pub(crate) fn forget(&mut self) {
        self.gaps = None;
    }

    /// Reads how far the updates were taken. While that cannot be read nothing is taken: the
    /// difference brings it later. `fresh` is the qts and seq of a session that is new.
    pub(crate) async fn load(&mut self, fresh: Option<(i32, i32)>) {
        self.gaps = None;
        self.load_at = Instant::now() + AGAIN;
        // What is being committed counts; read before it is, the state would bring it twice.
        if self.commit.is_some() {
            self.committed().await;
        }
        let name = self.account.name.clone();
        let state = self
            .account
            .shared
            .store(move |store| store.update_state(&name))
            .await;
        match state {
            Ok(mut state) => {
                if let (Some(state), Some((qts, seq))) = (state.as_mut(), fresh) {
                    (state.qts, state.seq) = (qts, seq);
                }
                let me = self.account.record().user_id.unwrap_or_default();
                self.gaps = Some(Gaps::new(state.as_ref(), me, self.now()));
            }
            Err(error) => {
                tracing::error!(account = %self.account.name, %error, "the update state cannot be read");
            }
        }
    }

    /// The state could not be read, and it is time to try again.
    pub(crate) fn wants_load(&self) -> bool {
        self.gaps.is_none() && self.load_at <= Instant::now()
    }

    /// When there is something to do without being told.
    pub(crate) fn wake(&self, connected: bool) -> Option<Instant> {
        match &self.gaps {
            None => Some(self.load_at),
            Some(gaps) if connected && self.ready() => {
                let left = gaps.deadline().saturating_sub(self.now());
                Some(Instant::now() + left.min(Duration::from_hours(1)))
            }
            Some(_) => None,
        }
    }

    /// Whether there is room for more.
    pub(crate) fn ready(&self) -> bool {
        self.waiting() < MAX_WAITING
    }

    fn waiting(&self) -> usize {
        self.gaps.as_ref().map_or(0, Gaps::waiting)
    }

    /// The link stands: what was missed is fetched.
    pub(crate) fn stands(&mut self) {
        let now = self.now();
        if let Some(gaps) = &mut self.gaps {
            gaps.want_difference(now);
            gaps.hurry(now);
        }
    }

    /// The session is new to Telegram, or updates were dropped on their way.
    pub(crate) fn lost(&mut self) {
        let now = self.now();
        if let Some(gaps) = &mut self.gaps {
            gaps.want_everything(now);
        }
    }

    /// An update as it was pushed.
    pub(crate) async fn pushed(&mut self, bytes: &[u8]) {
        let decoded = Schema::newest().decode_boxed("Updates", bytes);
        match decoded {
            Ok(updates) => {
                self.peers.extend(self.account.seen.fresh(&updates));
                self.account.sends.lock().learn(&updates);
                if let Some(updates) = self.complete(updates).await {
                    let now = self.now();
                    if let Some(gaps) = &mut self.gaps {
                        gaps.updates(now, updates);
                    }
                }
            }
            Err(error) => {
                tracing::warn!(account = %self.account.name, %error, "an update does not fit the schema");
                self.lost();
            }
        }
    }

    /// Takes out what speaks of peers that cannot be addressed: the difference introduces them.
    async fn complete(&mut self, mut updates: Value) -> Option<Value> {
        match constructor(&updates) {
            "updates" | "updatesCombined" => {
                let list = take_list(&mut updates, "updates");
                let mut complete = Vec::with_capacity(list.len());
                for update in list {
                    if self.introduced(&update).await {
                        complete.push(update);
                    } else {
                        self.incomplete(&update);
                    }
                }
                if let Some(field) = updates.get_mut("updates") {
                    *field = Value::Array(complete);
                }
            }
            "updateShortMessage" | "updateShortChatMessage" if !self.introduced(&updates).await => {
                self.incomplete(&updates);
                return None;
            }
            _ => {}
        }
        Some(updates)
    }

    fn incomplete(&mut self, update: &Value) {
        let now = self.now();
        if let Some(gaps) = &mut self.gaps {
            gaps.incomplete(now, update);
        }
    }

    /// Whether everybody an update speaks of was met, or asked about before in vain.
    async fn introduced(&mut self, update: &Value) -> bool {
        for (kind, id) in strangers(update) {
            let me = kind == PeerKind::User && self.account.record().user_id == Some(id);
            if me || self.account.seen.met(kind, id) || self.asked.contains(&(kind, id)) {
                continue;
            }
            let name = self.account.name.clone();
            let known = self
                .account
                .shared
                .store(move |store| store.peer(&name, kind, id))
                .await;
            match known {
                Ok(None) => {}
                Ok(Some(peer)) => {
                    self.account.seen.found(&peer);
                    continue;
                }
                // A store that cannot be read says nothing; the update is good as it is.
                Err(_) => continue,
            }
            if self.asked.len() >= MAX_ASKED {
                self.asked.clear();
            }
            self.asked.insert((kind, id));
            return false;
        }
        true
    }

    /// A call answered with updates.
    pub(crate) fn answered(&mut self, updates: Value) {
        self.fed(|gaps, now| gaps.updates(now, updates));
    }

    /// A call answered with `updateShortSentMessage`; its parameters complete it.
    pub(crate) fn sent(&mut self, sent: &Value, params: &Map<String, Value>) {
        self.fed(|gaps, now| gaps.sent(now, sent, params));
    }

    /// A call moved a pts.
    pub(crate) fn affected(&mut self, channel: Option<i64>, pts: i32, count: i32) {
        self.fed(|gaps, now| gaps.affected(now, channel, pts, count));
    }

    /// What calls bring cannot wait outside. With no room for it, the difference brings it later.
    fn fed(&mut self, feed: impl FnOnce(&mut Gaps, Duration)) {
        let (now, ready) = (self.now(), self.ready());
        match &mut self.gaps {
            Some(gaps) if ready => feed(gaps, now),
            Some(gaps) => gaps.want_everything(now),
            None => {}
        }
    }

    /// The answer to a fetch.
    pub(crate) fn fetched(&mut self, fetch: &Fetch, answer: Result<Value, FetchFailure>) {
        if let Ok(answer) = &answer {
            self.peers.extend(self.account.seen.fresh(answer));
            self.account.sends.lock().learn(answer);
        }
        let now = self.now();
        if let Some(gaps) = &mut self.gaps {
            gaps.fetched(now, fetch, answer);
        }
    }

    /// What to ask of Telegram now. Nothing while peers wait to be stored: a channel is addressed
    /// with what is stored of it.
    pub(crate) fn next_fetch(&mut self) -> Option<Fetch> {
        let storing = self.commit.as_ref().is_some_and(|commit| commit.peers);
        if storing || !self.peers.is_empty() || !self.ready() {
            return None;
        }
        let now = self.now();
        self.gaps.as_mut()?.next_fetch(now)
    }

    /// Time has passed, and something may have come: begins a commit if there is what to commit and
    /// none is under way.
    pub(crate) fn advance(&mut self) {
        let now = self.now();
        if let Some(gaps) = &mut self.gaps {
            gaps.tick(now);
        }
        if self.commit.is_some() {
            return;
        }
        let batch = self.gaps.as_mut().and_then(Gaps::take_batch);
        if batch.is_none() && self.peers.is_empty() {
            return;
        }
        let peers = core::mem::take(&mut self.peers);
        self.commit = Some(self.begin(peers, batch));
    }

    fn begin(&self, peers: Vec<PeerRecord>, batch: Option<Batch>) -> Commit {
        let (mut updates, mut gaps) = (0, 0);
        let write = batch.map(|batch| {
            let events: Vec<Event> = batch
                .outputs
                .into_iter()
                .map(|output| {
                    match output {
                        Output::Update { .. } => updates += 1,
                        Output::Gap(_) => gaps += 1,
                    }
                    self.account.shared.event(&self.account.name, body(output))
                })
                .collect();
            (batch.step, events)
        });
        let account = Arc::clone(&self.account);
        let with_peers = !peers.is_empty();
        let task = async move {
            let name = account.name.clone();
            let (kept, written) = account
                .shared
                .store(move |store| {
                    let kept = if peers.is_empty() {
                        Ok(())
                    } else {
                        store.save_peers(&name, &peers)
                    };
                    let written = match write {
                        None => Ok(()),
                        Some((step, events)) => {
                            store.commit_updates(&name, &step, &events).map(drop)
                        }
                    };
                    Ok((kept, written))
                })
                .await?;
            if let Err(error) = kept {
                // Costs only a later look-up.
                account.seen.forget();
                tracing::warn!(account = %account.name, %error, "peers were not saved");
            }
            written
        };
        Commit {
            // Spawned, so that it goes on while the account does something else.
            task: spawned(&self.account, task),
            peers: with_peers,
            updates,
            gaps,
        }
    }

    /// Waits for the end of the commit under way; never ends if there is none. Cancel-safe.
    pub(crate) async fn committed(&mut self) {
        let Some(commit) = &mut self.commit else {
            return core::future::pending().await;
        };
        let written = (&mut commit.task).await;
        let (updates, gaps) = (commit.updates, commit.gaps);
        self.commit = None;
        match written {
            Ok(()) => {
                let calls = self.account.shared.deps.telemetry.calls();
                calls.count_updates(&self.account.name, updates);
                for _ in 0..gaps {
                    calls.count_gap(&self.account.name);
                }
            }
            Err(error) => {
                // Begin again from what is stored: the difference brings these once more.
                tracing::error!(account = %self.account.name, %error, "updates were not stored");
                self.gaps = None;
                self.load_at = Instant::now() + AGAIN;
            }
        }
    }
}

fn spawned(
    account: &Account,
    task: impl Future<Output = Result<(), StoreError>> + Send + 'static,
) -> BoxFuture<'static, Result<(), StoreError>> {
    let running = account.shared.deps.tracker.spawn(task);
    let failed = || StoreError::Unavailable("the commit's task failed".into());
    running
        .map(move |ended| ended.unwrap_or_else(|_| Err(failed())))
        .boxed()
}

fn body(output: Output) -> EventBody {
    match output {
        Output::Update {
            update,
            users,
            chats,
        } => EventBody::Update {
            update,
            users,
            chats,
        },
        Output::Gap(Gap {
            reason,
            channel,
            from,
            to,
        }) => EventBody::Gap {
            reason: reason.to_owned(),
            channel: channel.map(|id| id.to_string()),
            from_pts: from,
            to_pts: to,
        },
    }
}
