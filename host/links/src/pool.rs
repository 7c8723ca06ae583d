use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use sluice_mtproto::AuthKey;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::addresses::Addresses;
use crate::keys::Keys;
use crate::outbox::Outbox;
use crate::queue::{Call, Cleaned, Command, Sent};
use crate::shared::{Lane, Line, Seat, Shared, Table, main_seat};
use crate::ways::Ways;
use crate::wrap::Wrapping;
use crate::{
    CallError, Cleanup, DestroyedKey, LinkStatus, MainState, PoolError, PoolEvent, PoolParams,
    PoolState,
};

/// Events that may stand in the channel to the account; more wait in the outbox.
const EVENTS: usize = 64;
/// A link for media with so many calls is busy: one is on its way while the next is asked for.
const BUSY: usize = 2;
/// How long closing may take.
const CLOSE: Duration = Duration::from_millis(1500);
/// How long a link may take to say what it did in a cleanup.
const CLEANUP: Duration = Duration::from_secs(2);

/// The links of one authorization. Cheap to clone. [`Pool::close`] closes the links; dropping the
/// last clone does it too, without waiting.
#[derive(Clone)]
pub struct Pool {
    pub(crate) shared: Arc<Shared>,
    _end: Arc<DropGuard>,
}

impl Pool {
    /// Makes a closed pool from what the store has. [`Pool::open`] opens it.
    pub async fn start(params: PoolParams) -> Result<(Self, mpsc::Receiver<PoolEvent>), PoolError> {
        let wrapping = Wrapping::new(params.api_id, &params.device)?;
        let keys = Keys::load(
            Arc::clone(&params.store),
            params.authorization,
            params.tracker.clone(),
        )
        .await?;
        let end = CancellationToken::new();
        let shared = Arc::new(Shared {
            account: params.account,
            authorization: params.authorization,
            addresses: Addresses::new(&params.topology),
            topology: params.topology,
            store: params.store,
            clock: params.clock,
            random: params.random,
            tracker: params.tracker,
            ways: Ways::new(params.way, params.gate),
            limits: params.limits,
            keys,
            wrapping,
            table: parking_lot::Mutex::new(Table {
                home_dc: params.home_dc,
                ..Table::default()
            }),
            outbox: Outbox::default(),
            state: watch::Sender::new(PoolState {
                main: MainState::Closed,
                changes: 0,
            }),
            epoch: Instant::now(),
            leaving: AtomicBool::new(false),
            end: end.clone(),
        });
        let (to, events) = mpsc::channel(EVENTS);
        let pumped = Arc::clone(&shared);
        shared
            .tracker
            .spawn(async move { pumped.outbox.pump(to, pumped.end.clone()).await });
        let pool = Self {
            shared,
            _end: Arc::new(end.drop_guard()),
        };
        Ok((pool, events))
    }

    /// Opens the main link, and keeps it open. Told again, it tries at once instead of waiting,
    /// and forgets that the key was lost. To be called within tokio's runtime.
    pub fn open(&self) {
        let line = {
            let mut table = self.shared.table.lock();
            table.open = true;
            let seat = main_seat(&table);
            self.shared.line(&mut table, seat)
        };
        if matches!(
            self.shared.state.borrow().main,
            MainState::Closed | MainState::KeyLost
        ) {
            self.shared.set_main(MainState::Connecting {
                failures: 0,
                reason: None,
            });
        }
        line.inbox.order(Command::Retry);
    }

    /// Closes every link and keeps the keys. Calls without an answer end. Returns when the
    /// sockets are closed, in less than 2 s.
    pub async fn close(&self) {
        let links = {
            let mut table = self.shared.table.lock();
            table.open = false;
            std::mem::take(&mut table.links)
        };
        let was_open = !links.is_empty();
        for (line, _) in links.values() {
            line.cancel.cancel();
        }
        let deadline = Instant::now() + CLOSE;
        for (_, (line, task)) in links {
            if timeout_at(deadline, task).await.is_err() {
                tracing::error!(account = %self.shared.account, dc = line.seat.dc, "a link did not close in time");
            }
        }
        let still_closed = !self.shared.table.lock().open;
        if was_open && still_closed {
            self.shared.set_main(MainState::Closed);
            self.shared.changed();
        }
    }

    /// The gateway ends: from now on no call waits for a connection. Links that stand go on until
    /// [`Pool::close`].
    pub fn leave(&self) {
        self.shared.leaving.store(true, Ordering::Release);
        for (line, _) in self.shared.table.lock().links.values() {
            line.inbox.wake();
        }
    }

    /// Whether [`Pool::leave`] was called.
    pub fn leaving(&self) -> bool {
        self.shared.leaving()
    }

    /// Hands a call to the link of a seat and waits for its answer, until the deadline.
    pub(crate) async fn submit(
        &self,
        seat: Seat,
        body: Bytes,
        deadline: Instant,
    ) -> Result<Bytes, CallError> {
        let (reply, answer) = oneshot::channel();
        let sent = Sent::default();
        self.check_key()?;
        let line = {
            let mut table = self.shared.table.lock();
            let line = self.line_for_call(&mut table, seat)?;
            line.inbox.push(Call {
                body,
                sent: sent.clone(),
                reply,
                at: Instant::now(),
                inits: 0,
            })?;
            line
        };
        match timeout_at(deadline, answer).await {
            Ok(Ok(result)) => result,
            Ok(Err(_dropped)) => Err(sent.died("the link's task failed")),
            Err(_) => Err(line.late(&sent)),
        }
    }

    /// Apart from the table: the lock of the watched state is never taken under the table's, because
    /// whoever looks at the one may ask for the other.
    fn check_key(&self) -> Result<(), CallError> {
        if self.shared.state.borrow().main == MainState::KeyLost {
            return Err(not_connected("telegram does not know the key"));
        }
        Ok(())
    }

    fn line_for_call(&self, table: &mut Table, seat: Seat) -> Result<Arc<Line>, CallError> {
        if !table.open {
            return Err(not_connected("the links are closed"));
        }
        if !self.shared.addresses.has(seat) {
            return Err(not_connected(&format!(
                "no address is known for data center {}",
                seat.dc
            )));
        }
        let seat = match seat.lane {
            Lane::Calls => seat,
            Lane::Media(_) => self.media_seat(table, seat.dc),
        };
        Ok(self.shared.line(table, seat))
    }

    /// The least loaded of the links for media; another one while all of them are busy and more may
    /// be opened.
    fn media_seat(&self, table: &Table, dc: i32) -> Seat {
        let mut unused = None;
        let mut best: Option<(usize, Seat)> = None;
        for lane in 0..self.shared.limits.media_links.max(1) {
            let seat = Seat::media(dc, lane);
            match table.links.get(&seat) {
                None => unused = unused.or(Some(seat)),
                Some((line, _)) => {
                    let load = line.board.load() + line.inbox.waiting();
                    if best.is_none_or(|(least, _)| load < least) {
                        best = Some((load, seat));
                    }
                }
            }
        }
        match (best, unused) {
            (Some((load, _)), Some(unused)) if load >= BUSY => unused,
            (Some((_, seat)), _) | (None, Some(seat)) => seat,
            (None, None) => Seat::media(dc, 0),
        }
    }

    /// Pings over the main link and returns the round trip.
    pub async fn probe(&self, deadline: Instant) -> Result<Duration, CallError> {
        self.check_key()?;
        let (reply, answer) = oneshot::channel();
        let line = {
            let mut table = self.shared.table.lock();
            let seat = main_seat(&table);
            let line = self.line_for_call(&mut table, seat)?;
            line.inbox.order(Command::Probe(reply));
            line
        };
        match timeout_at(deadline, answer).await {
            Ok(Ok(rtt)) => Ok(rtt),
            Ok(Err(_)) | Err(_) => Err(line.late(&Sent::default())),
        }
    }

    /// Every link, main first.
    pub fn status(&self) -> Vec<LinkStatus> {
        let table = self.shared.table.lock();
        let mut all: Vec<LinkStatus> = table
            .links
            .values()
            .map(|(line, _)| line.board.status(line.inbox.waiting()))
            .collect();
        all.sort_by_key(|link| (link.role, link.dc));
        all
    }

    /// Closes idle media links and broken links, and recycles the main link: closed, then opened
    /// again in the same MTProto session. Links with calls in flight are kept, unless forced; then
    /// they are recycled, and their calls go on.
    pub async fn cleanup(&self, force: bool) -> Cleanup {
        let asked: Vec<_> = {
            let table = self.shared.table.lock();
            let ask = |(line, _): &(Arc<Line>, _)| {
                let (done, told) = oneshot::channel();
                line.inbox.order(Command::Cleanup { force, done });
                told
            };
            table.links.values().map(ask).collect()
        };
        let mut cleanup = Cleanup::default();
        let deadline = Instant::now() + CLEANUP;
        for told in asked {
            match timeout_at(deadline, told).await {
                Ok(Ok(Cleaned::Closed(id))) => cleanup.closed.push(id),
                _ => cleanup.kept += 1,
            }
        }
        cleanup
    }

    /// Moves an authorization that is not signed in yet to another data center (after
    /// PHONE_MIGRATE, USER_MIGRATE, NETWORK_MIGRATE or a MigrateTo): the old main link is closed, a
    /// new one opened there, with a new key if there is none.
    pub async fn set_home_dc(&self, dc: i32) -> Result<(), PoolError> {
        let shared = &self.shared;
        if !shared.addresses.has(Seat::calls(dc)) {
            return Err(PoolError::UnknownDc(dc));
        }
        if self.home_dc() == dc {
            return Ok(());
        }
        if self.authorized() {
            return Err(PoolError::Authorized);
        }
        let (store, id) = (Arc::clone(&shared.store), shared.authorization);
        shared
            .tracker
            .spawn_blocking(move || store.set_home_dc(id, dc))
            .await
            .map_err(|_| PoolError::StoreTask)??;
        let moved = {
            let mut table = shared.table.lock();
            let old = main_seat(&table);
            table.home_dc = dc;
            // A link to the new home that was none of the main one's kind goes too.
            let new = main_seat(&table);
            [table.links.remove(&old), table.links.remove(&new)]
        };
        for (line, task) in moved.into_iter().flatten() {
            line.cancel.cancel();
            // The new main link waits for the old socket only if it sits on the same seat.
            let _ = timeout(CLOSE, task).await;
        }
        let open = shared.table.lock().open;
        if open {
            shared.set_main(MainState::Connecting {
                failures: 0,
                reason: None,
            });
            self.open();
        }
        Ok(())
    }

    /// Where the authorization lives.
    pub fn home_dc(&self) -> i32 {
        self.shared.table.lock().home_dc
    }

    /// Marks the home key as signed in, in the store: from then on it is never replaced.
    pub async fn mark_authorized(&self) -> Result<(), PoolError> {
        self.shared.keys.mark(self.home_dc(), true).await
    }

    /// For before a call that may sign the home key in: from now on the key is never replaced, even
    /// if the answer is never seen. Waits for the key until the deadline.
    pub async fn about_to_sign_in(&self, deadline: Instant) -> Result<(), PoolError> {
        let mut state = self.watch();
        let stands = state.wait_for(|state| matches!(state.main, MainState::Connected { .. }));
        // Without a connection there may be a key all the same.
        let _ = timeout_at(deadline, stands).await;
        self.mark_authorized().await
    }

    /// Telegram has said that the home key is not signed in.
    pub async fn not_signed_in(&self) -> Result<(), PoolError> {
        self.shared.keys.mark(self.home_dc(), false).await
    }

    /// Whether the home key is marked as signed in, or as one that may be.
    pub fn authorized(&self) -> bool {
        self.shared.keys.authorized(self.home_dc())
    }

    /// The id of the home key in hexadecimal, once there is one.
    pub fn key_fingerprint(&self) -> Option<String> {
        let key = self.shared.keys.get(self.home_dc())?;
        let bytes = key.key.expose().as_slice().try_into().ok()?;
        Some(format!("{:016x}", AuthKey::from_bytes(bytes).id()))
    }

    /// Whether the main link stands.
    pub fn main_connected(&self) -> bool {
        matches!(self.shared.state.borrow().main, MainState::Connected { .. })
    }

    /// Follows the state of the links.
    pub fn watch(&self) -> watch::Receiver<PoolState> {
        self.shared.state.subscribe()
    }

    /// Has Telegram destroy each key of the authorization, over its own link, then closes the
    /// pool. For after `auth.logOut`.
    pub async fn destroy_keys(&self, deadline: Instant) -> Vec<DestroyedKey> {
        let asked: Vec<_> = {
            let mut table = self.shared.table.lock();
            table.open = true;
            let ask = |dc| {
                let line = self.shared.line(&mut table, Seat::calls(dc));
                let (done, told) = oneshot::channel();
                line.inbox.order(Command::Destroy(done));
                (dc, line, told)
            };
            self.shared.keys.dcs().into_iter().map(ask).collect()
        };
        let mut destroyed = Vec::with_capacity(asked.len());
        for (dc, line, told) in asked {
            let result = match timeout_at(deadline, told).await {
                Ok(Ok(true)) => Ok(()),
                Ok(Ok(false)) => Err(CallError::Rpc {
                    code: 500,
                    message: "DESTROY_AUTH_KEY_FAIL".to_owned(),
                }),
                Ok(Err(_)) | Err(_) => Err(line.late(&Sent::default())),
            };
            destroyed.push(DestroyedKey { dc, result });
        }
        self.close().await;
        destroyed
    }

    /// The schema's layer in which the pool speaks.
    pub fn layer(&self) -> i32 {
        self.shared.wrapping.layer()
    }
}

fn not_connected(reason: &str) -> CallError {
    CallError::NotConnected {
        reason: reason.to_owned(),
    }
}

impl Line {
    /// The error of a call whose deadline passed.
    fn late(&self, sent: &Sent) -> CallError {
        match self.board.refusal() {
            Some(reason) if !sent.get() => CallError::NotConnected { reason },
            _ => CallError::Deadline { sent: sent.get() },
        }
    }
}
