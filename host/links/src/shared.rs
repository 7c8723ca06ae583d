use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use sluice_domain::{AccountName, AuthorizationId, Clock, Random, SessionStore};
use sluice_mtproto::{Now, session::ClientSession};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::addresses::Addresses;
use crate::board::Board;
use crate::keys::Keys;
use crate::outbox::Outbox;
use crate::queue::Inbox;
use crate::ways::Ways;
use crate::wrap::Wrapping;
use crate::{Limits, LinkRole, MainState, PoolEvent, PoolState, Topology, supervise};

/// What a link is to the pool. The ordinary seat at the home data center is the main link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seat {
    pub(crate) dc: i32,
    pub(crate) lane: Lane,
}

/// One of the connections to a data center.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lane {
    /// The only one to an ordinary address.
    Calls,
    /// `upload.*` only, to an address for media: one of several, from 0.
    Media(u8),
}

impl Seat {
    /// The ordinary connection to a data center.
    pub(crate) const fn calls(dc: i32) -> Self {
        Self {
            dc,
            lane: Lane::Calls,
        }
    }

    /// The n-th connection for media.
    pub(crate) const fn media(dc: i32, lane: u8) -> Self {
        Self {
            dc,
            lane: Lane::Media(lane),
        }
    }

    /// Whether it carries `upload.*` only.
    pub(crate) const fn is_media(self) -> bool {
        matches!(self.lane, Lane::Media(_))
    }
}

/// A link as the pool holds it.
pub(crate) struct Line {
    pub(crate) seat: Seat,
    pub(crate) main: bool,
    pub(crate) inbox: Inbox,
    pub(crate) board: Arc<Board>,
    pub(crate) cancel: CancellationToken,
}

/// The MTProto session of a seat, which outlives the links that sit there one after the other.
/// Whoever holds the lock is the only one with a socket for it.
pub(crate) type Berth = Arc<tokio::sync::Mutex<Option<ClientSession>>>;

#[derive(Default)]
pub(crate) struct Table {
    pub(crate) open: bool,
    pub(crate) home_dc: i32,
    pub(crate) links: BTreeMap<Seat, (Arc<Line>, JoinHandle<()>)>,
    pub(crate) berths: BTreeMap<Seat, Berth>,
}

/// What the pool and its links share.
pub(crate) struct Shared {
    pub(crate) account: AccountName,
    pub(crate) authorization: AuthorizationId,
    pub(crate) topology: Arc<Topology>,
    pub(crate) addresses: Addresses,
    pub(crate) store: Arc<dyn SessionStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) tracker: TaskTracker,
    pub(crate) ways: Ways,
    pub(crate) limits: Limits,
    pub(crate) keys: Keys,
    pub(crate) wrapping: Wrapping,
    pub(crate) table: Mutex<Table>,
    pub(crate) outbox: Outbox,
    pub(crate) state: watch::Sender<PoolState>,
    pub(crate) epoch: Instant,
    /// The gateway ends: a link that breaks is not waited for any more.
    pub(crate) leaving: AtomicBool,
    pub(crate) end: CancellationToken,
}

impl Shared {
    /// Both clocks: the wall clock passed in, and tokio's, which tests can pause.
    pub(crate) fn now(&self) -> Now {
        Now {
            unix: std::time::Duration::from_millis(self.clock.now().0),
            mono: self.epoch.elapsed(),
        }
    }

    /// The link of a seat, started if there is none. Under the table's lock, so that no link
    /// retires meanwhile.
    pub(crate) fn line(self: &Arc<Self>, table: &mut Table, seat: Seat) -> Arc<Line> {
        if let Some((line, _)) = table.links.get(&seat) {
            return Arc::clone(line);
        }
        let main = seat == main_seat(table);
        let role = if main {
            LinkRole::Main
        } else {
            LinkRole::Media
        };
        let (account, kind, dc) = (&self.account, role.as_str(), seat.dc);
        let name = match seat.lane {
            Lane::Calls if main => format!("{account}-{kind}-{dc}"),
            Lane::Calls => format!("{account}-{kind}-calls-{dc}"),
            Lane::Media(0) => format!("{account}-{kind}-{dc}"),
            Lane::Media(lane) => format!("{account}-{kind}-{dc}.{lane}"),
        };
        let line = Arc::new(Line {
            seat,
            main,
            inbox: Inbox::new(self.limits.queue),
            board: Arc::new(Board::new(seat, role, name)),
            cancel: self.end.child_token(),
        });
        let berth = Arc::clone(table.berths.entry(seat).or_default());
        let task = self.tracker.spawn(supervise::supervise(
            Arc::clone(self),
            Arc::clone(&line),
            berth,
        ));
        table.links.insert(seat, (Arc::clone(&line), task));
        line
    }

    /// Takes an idle link out of the table, unless a call or an order has come for it.
    pub(crate) fn retire(&self, line: &Arc<Line>) -> bool {
        let mut table = self.table.lock();
        if !line.inbox.is_empty() {
            return false;
        }
        if let Some((present, _)) = table.links.get(&line.seat)
            && Arc::ptr_eq(present, line)
        {
            table.links.remove(&line.seat);
        }
        true
    }

    pub(crate) fn leaving(&self) -> bool {
        self.leaving.load(Ordering::Acquire)
    }

    pub(crate) fn set_main(&self, main: MainState) {
        self.state.send_modify(|state| {
            state.main = main;
            state.changes += 1;
        });
    }

    /// Tells that a link was opened, closed, broken or mended.
    pub(crate) fn changed(&self) {
        self.state.send_modify(|state| state.changes += 1);
        self.outbox.push(PoolEvent::PoolChanged);
    }
}

pub(crate) const fn main_seat(table: &Table) -> Seat {
    Seat::calls(table.home_dc)
}
