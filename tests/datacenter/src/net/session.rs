//! Auth keys and the MTProto sessions under them, as connections see them.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use parking_lot::Mutex;
use sluice_domain::Random;
use sluice_mtproto::{
    AuthKey, Now,
    session::{ServerSalts, ServerSession},
};

use super::link::Link;
use crate::{disk::SavedKey, world::Late};

/// Sessions kept per key. Clients use one or a few; what is beyond was abandoned.
const SESSIONS: usize = 64;

/// Updates that may wait for a client that does not read; then it is cut, and fetches the
/// difference when it is back.
const WAITING: usize = 1_000;

/// An auth key with its sessions.
pub(crate) struct KeyCell {
    pub(crate) secret: AuthKey,
    pub(crate) dc: i32,
    pub(crate) salts: Mutex<ServerSalts>,
    /// The layer the client named last, on any session.
    layer: AtomicI32,
    /// Whether it has said what it is.
    pub(crate) initialised: AtomicBool,
    main: Mutex<Main>,
    /// Counts calls.
    calls: AtomicU64,
    sessions: Mutex<HashMap<i64, Arc<Session>>>,
}

/// From where a key's calls come, media connections aside.
#[derive(Default)]
struct Main {
    /// The newest connection that has sent a call.
    link: u64,
    /// The session of the last call.
    session: Option<i64>,
    /// Sessions that called before it, the newest last.
    former: VecDeque<i64>,
}

/// One MTProto session, on whichever connection it was seen last.
pub(crate) struct Session {
    pub(crate) id: i64,
    pub(crate) key: Arc<KeyCell>,
    pub(crate) state: Mutex<State>,
}

pub(crate) struct State {
    pub(crate) protocol: ServerSession,
    /// Where it was seen last. Gone when that connection has ended.
    pub(crate) link: Option<Arc<Link>>,
    /// It was on some connection before.
    pub(crate) met: bool,
    layer: Option<i32>,
    /// The number of its newest call that was not wrapped in `invokeWithoutUpdates`: it wants
    /// updates if there was one.
    wants_updates: Option<u64>,
    /// Updates pushed since packets were last fetched.
    waiting: usize,
    /// What it was told since then to fetch.
    late: HashSet<Late>,
}

impl KeyCell {
    pub(crate) fn new(secret: AuthKey, dc: i32, salt: i64, now: Now) -> Self {
        Self {
            secret,
            dc,
            salts: Mutex::new(ServerSalts::new(salt, now)),
            layer: AtomicI32::new(0),
            initialised: AtomicBool::new(false),
            main: Mutex::default(),
            calls: AtomicU64::new(0),
            sessions: Mutex::new(HashMap::new()),
        }
    }

    /// The key as it is kept.
    pub(crate) fn saved(&self) -> SavedKey {
        let layer = self.layer.load(Ordering::Relaxed);
        let initialised = self.initialised.load(Ordering::Relaxed);
        SavedKey::new(&self.secret, self.dc, layer, initialised)
    }

    /// A key that was kept. Its salts and sessions are new.
    pub(crate) fn restored(saved: &SavedKey, now: Now, rng: &dyn Random) -> Option<Self> {
        let salt = rng.u64().cast_signed();
        let cell = Self::new(saved.secret()?, saved.dc, salt, now);
        cell.layer.store(saved.layer, Ordering::Relaxed);
        cell.initialised.store(saved.initialised, Ordering::Relaxed);
        Some(cell)
    }

    pub(crate) fn id(&self) -> u64 {
        self.secret.id()
    }

    /// The session with this id, made if it is new.
    pub(crate) fn session(self: &Arc<Self>, id: i64, now: Now, rng: &dyn Random) -> Arc<Session> {
        let mut sessions = self.sessions.lock();
        if let Some(session) = sessions.get(&id) {
            return Arc::clone(session);
        }
        if sessions.len() >= SESSIONS {
            let idle = sessions
                .iter()
                .find(|(_, s)| s.state.lock().link.is_none())
                .map(|(id, _)| *id);
            if let Some(idle) = idle {
                sessions.remove(&idle);
            }
        }
        let session = Arc::new(Session {
            id,
            key: Arc::clone(self),
            state: Mutex::new(State {
                protocol: ServerSession::new(self.secret.clone(), id, now, rng),
                link: None,
                met: false,
                layer: None,
                wants_updates: None,
                waiting: 0,
                late: HashSet::new(),
            }),
        });
        sessions.insert(id, Arc::clone(&session));
        session
    }

    /// Forgets a session; says whether there was one.
    pub(crate) fn destroy_session(&self, id: i64) -> bool {
        self.sessions.lock().remove(&id).is_some()
    }

    /// A call arrives on a main connection, in a session: `false` if it is made in parallel to
    /// another, because a newer connection has called before, or the client had gone over to
    /// another session.
    pub(crate) fn claim_main(&self, link: u64, session: i64) -> bool {
        let mut main = self.main.lock();
        if link < main.link || main.former.contains(&session) {
            return false;
        }
        main.link = link;
        if let Some(former) = main.session.replace(session)
            && former != session
        {
            if main.former.len() == SESSIONS {
                main.former.pop_front();
            }
            main.former.push_back(former);
        }
        true
    }

    /// The session that called before the present one.
    pub(crate) fn former_session(&self) -> Option<i64> {
        self.main.lock().former.back().copied()
    }

    /// Forgets all sessions and cuts their connections.
    pub(crate) fn forget_sessions(&self) {
        let sessions = std::mem::take(&mut *self.sessions.lock());
        for session in sessions.into_values() {
            if let Some(link) = &session.state.lock().link {
                link.cut.cancel();
            }
        }
    }

    /// The session that gets this key's updates: of those on the newest main connection, the one
    /// that called last (an acknowledgement may still come from a session that was given up).
    pub(crate) fn receiver(&self) -> Option<Arc<Session>> {
        let sessions = self.sessions.lock();
        sessions
            .values()
            .filter_map(|session| {
                let state = session.state.lock();
                let link = state.link.as_ref()?;
                let call = state.wants_updates.filter(|_| !link.media)?;
                Some(((link.id, call), Arc::clone(session)))
            })
            .max_by_key(|(newest, _)| *newest)
            .map(|(_, session)| session)
    }

    /// Every connection that carries a session of this key.
    pub(crate) fn links(&self) -> Vec<Arc<Link>> {
        let sessions = self.sessions.lock();
        sessions
            .values()
            .filter_map(|s| s.state.lock().link.clone())
            .collect()
    }
}

impl State {
    /// The session was seen on this connection. Says whether that is news.
    pub(crate) fn attach(&mut self, link: &Arc<Link>, now: Now) -> bool {
        if self.link.as_ref().is_some_and(|l| l.id == link.id) {
            return false;
        }
        self.link = Some(Arc::clone(link));
        if std::mem::replace(&mut self.met, true) {
            self.protocol.reattached(now);
        }
        true
    }
}

impl Session {
    /// The layer to answer in.
    pub(crate) fn layer(&self) -> i32 {
        let own = self.state.lock().layer;
        own.unwrap_or_else(|| self.key.layer.load(Ordering::Relaxed))
    }

    pub(crate) fn set_layer(&self, layer: i32) {
        self.state.lock().layer = Some(layer);
        self.key.layer.store(layer, Ordering::Relaxed);
    }

    /// It made a call and takes updates.
    pub(crate) fn subscribe(&self) {
        let call = self.key.calls.fetch_add(1, Ordering::Relaxed);
        self.state.lock().wants_updates = Some(call);
    }

    /// Whether fewer updates than `bound` wait for it.
    pub(crate) fn keeps_up(&self, bound: usize) -> bool {
        self.state.lock().waiting < bound
    }

    /// It must fetch a history; `false` if it was told so already.
    pub(crate) fn falls_behind(&self, late: Late) -> bool {
        self.state.lock().late.insert(late)
    }

    /// Queues an update and wakes the connection.
    pub(crate) fn push(&self, body: Bytes, now: Now) {
        let mut state = self.state.lock();
        let Some(link) = state.link.clone() else {
            return;
        };
        if state.waiting >= WAITING {
            link.cut.cancel();
            return;
        }
        state.waiting += 1;
        state.protocol.push(body, now);
        link.wake.notify_one();
    }

    /// Wakes the connection, because something was queued.
    pub(crate) fn wake(&self) {
        if let Some(link) = &self.state.lock().link {
            link.wake.notify_one();
        }
    }

    /// Sends everything once more that the client has not acknowledged.
    pub(crate) fn repeat(&self, now: Now) {
        self.state.lock().protocol.reattached(now);
    }

    /// All packets that are ready, if the session is (still) on this connection.
    pub(crate) fn packets(&self, link: u64, now: Now, rng: &dyn Random) -> Option<Vec<Vec<u8>>> {
        let mut salts = self.key.salts.lock();
        let mut state = self.state.lock();
        if state.link.as_ref().is_none_or(|l| l.id != link) {
            return None;
        }
        state.waiting = 0;
        state.late.clear();
        let mut packets = Vec::new();
        while let Some(packet) = state.protocol.poll_packet(&mut salts, now, rng) {
            packets.push(packet);
        }
        Some(packets)
    }
}
