//! Connections: ports, packets, sessions, and the way of a call from the wire to the world and
//! back.

mod bend;
mod bomb;
mod calls;
mod connection;
mod layers;
mod link;
mod listener;
mod peek;
mod pushes;
mod saving;
mod session;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use sluice_domain::{Clock, Random};
use sluice_mtproto::{AuthKey, Now, rsa::PrivateKey};
use sluice_tl::Schema;
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub(crate) use listener::Door;
pub use pushes::{PushCounts, PushFaults};

use crate::{
    disk::Disk,
    journal::{Journal, JournalEntry, Outcome},
    options::DcInfo,
    rules::{Action, Rules, Stage, Subject},
    world::{Push, To, World, authorization::Standing},
};
use link::Link;
use pushes::Pushes;
use session::{KeyCell, Session};

/// What all connections share.
///
/// Locks are taken in this order: world, keys, pushes, a key's sessions, a key's salts, a session's
/// state.
pub(crate) struct Hub {
    pub(crate) world: Mutex<World>,
    pub(crate) rules: Mutex<Rules>,
    pushes: Mutex<Pushes>,
    journal: Mutex<Journal>,
    /// Moves whenever an entry is finished.
    finished: watch::Sender<u64>,
    keys: Mutex<HashMap<u64, Arc<KeyCell>>>,
    server_keys: Arc<[PrivateKey]>,
    clock: Arc<dyn Clock>,
    /// Both clocks when the data center began.
    begun: Now,
    /// How many seconds the protocol's time is off.
    clock_off: AtomicI64,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) dcs: Vec<DcInfo>,
    /// Where clients are told to go.
    pub(crate) announced: Mutex<Arc<[DcInfo]>>,
    links: AtomicU64,
    pub(crate) tracker: TaskTracker,
    /// Where the world is kept, if it is.
    disk: Option<Disk>,
    /// Everything ends.
    pub(crate) ending: CancellationToken,
}

impl Hub {
    pub(crate) fn new(
        world: World,
        dcs: Vec<DcInfo>,
        server_keys: Arc<[PrivateKey]>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        disk: Option<Disk>,
    ) -> Self {
        Self {
            world: Mutex::new(world),
            rules: Mutex::default(),
            pushes: Mutex::default(),
            journal: Mutex::default(),
            finished: watch::Sender::new(0),
            keys: Mutex::default(),
            server_keys,
            begun: Now::read(&*clock),
            clock_off: AtomicI64::new(0),
            clock,
            random,
            announced: Mutex::new(dcs.clone().into()),
            dcs,
            links: AtomicU64::new(0),
            tracker: TaskTracker::new(),
            disk,
            ending: CancellationToken::new(),
        }
    }

    /// The protocol's time: the real one, unless [`set_clock_off`](Self::set_clock_off). Finer than the wall clock's
    /// milliseconds and never going back: a session that is forgotten and begun anew within one
    /// millisecond must not repeat message ids, which the client would drop as replayed.
    fn now(&self) -> Now {
        let mono = self.clock.monotonic();
        let right = self.begun.unix + mono.saturating_sub(self.begun.mono);
        let off = self.clock_off.load(Ordering::Relaxed);
        let by = Duration::from_secs(off.unsigned_abs());
        let unix = if off < 0 {
            right.saturating_sub(by)
        } else {
            right.saturating_add(by)
        };
        Now { unix, mono }
    }

    /// Puts the protocol's clock so many seconds off the right time. Going back, all sessions are
    /// forgotten and their connections cut, as by a server that starts with a wrong clock: a
    /// session's message ids cannot shrink.
    pub(crate) fn set_clock_off(&self, seconds: i64) {
        let before = self.clock_off.swap(seconds, Ordering::Relaxed);
        if seconds < before {
            let keys: Vec<_> = self.keys.lock().values().cloned().collect();
            for key in keys {
                key.forget_sessions();
            }
        }
    }

    /// The time of day in seconds.
    pub(crate) fn unix(&self) -> u64 {
        self.now().unix.as_secs()
    }

    /// What a rule says about something on a connection.
    fn decide(
        &self,
        stage: Stage,
        link: &Link,
        account: Option<i64>,
        methods: &[&str],
    ) -> Option<Action> {
        let mut rules = self.rules.lock();
        let subject = Subject {
            methods,
            account,
            dc: link.dc,
            media: link.media,
        };
        rules.decide(stage, &subject, &*self.random)
    }

    /// Whether any rule acts at a stage: else what it would be asked about need not be found out.
    fn has_rules(&self, stage: Stage) -> bool {
        self.rules.lock().any(stage)
    }

    fn next_link(&self) -> u64 {
        self.links.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Takes in a new auth key of a data center.
    pub(crate) fn add_key(&self, secret: AuthKey, dc: i32, salt: i64) {
        let cell = Arc::new(KeyCell::new(secret, dc, salt, self.now()));
        let mut world = self.world.lock();
        world.add_key(cell.id(), dc);
        self.keys.lock().insert(cell.id(), cell);
        self.keep_soon();
    }

    /// The key with this id, if it is of this data center.
    fn key(&self, id: u64, dc: i32) -> Option<Arc<KeyCell>> {
        let keys = self.keys.lock();
        keys.get(&id).filter(|key| key.dc == dc).cloned()
    }

    /// Forgets a key and cuts its connections. Says whether there was one.
    pub(crate) fn forget_key(&self, id: u64) -> bool {
        let mut world = self.world.lock();
        let known = world.forget_key(id);
        let cell = self.keys.lock().remove(&id);
        self.keep_soon();
        drop(world);
        for link in cell.iter().flat_map(|cell| cell.links()) {
            link.cut.cancel();
        }
        known
    }

    pub(crate) fn journal(&self) -> parking_lot::MutexGuard<'_, Journal> {
        self.journal.lock()
    }

    fn record(&self, entry: JournalEntry) -> u64 {
        self.journal.lock().add(entry)
    }

    fn executed(&self, entry: u64) {
        self.journal.lock().executed(entry);
    }

    fn finish(&self, entry: u64, outcome: Outcome) {
        self.journal.lock().finish(entry, outcome);
        self.finished.send_modify(|count| *count += 1);
    }

    /// Moves whenever a call was finished.
    pub(crate) fn watch_journal(&self) -> watch::Receiver<u64> {
        self.finished.subscribe()
    }

    /// Gives everybody what the world wants to tell. The world stays locked, so that a receiver
    /// sees changes in the order in which they happened.
    fn deliver(&self, world: &mut World, except: Option<&Session>) {
        for push in world.take_outbox() {
            for key in receivers(world, &push) {
                let Some(cell) = self.keys.lock().get(&key).cloned() else {
                    continue;
                };
                let Some(session) = cell.receiver() else {
                    continue;
                };
                let own = except.is_some_and(|s| s.id == session.id && s.key.id() == key);
                if !own {
                    self.push(world, &session, &push);
                }
            }
        }
    }

    fn push(&self, world: &World, session: &Arc<Session>, push: &Push) {
        let schema = Schema::for_layer(session.layer());
        let encode = |body| layers::updates(schema, body);
        let send = |session: &Session, body| session.push(body, self.now());
        let To::User(user) = push.to else {
            // A QR code that was accepted: no update of an account.
            if let Some(body) = encode(&push.body) {
                send(session, body);
            }
            return;
        };
        if session.keeps_up(world.bounds.waiting) {
            if let Some(body) = encode(&push.body) {
                self.pushes.lock().pass(user, session, body, send);
            }
        } else if let Some(late) = push.late.filter(|late| session.falls_behind(*late))
            && let Some(body) = encode(&late.body(world.clock.date()))
        {
            send(session, body);
        }
    }

    /// Sets or ends what happens to updates on their way.
    pub(crate) fn fault_pushes(&self, faults: Option<PushFaults>) {
        let send = |session: &Session, body| session.push(body, self.now());
        self.pushes.lock().set(faults, send);
    }

    pub(crate) fn push_counts(&self) -> PushCounts {
        self.pushes.lock().counts()
    }

    /// Changes the world from outside of any call, and tells whoever must know.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let mut world = self.world.lock();
        let result = change(&mut world);
        self.keep_soon();
        self.deliver(&mut world, None);
        result
    }
}

/// The keys whose sessions a push is for.
fn receivers(world: &World, push: &Push) -> Vec<u64> {
    match push.to {
        To::Key(key) => vec![key],
        To::User(user) => world
            .sessions_of(user)
            .filter_map(|(_, a)| a.home)
            .filter(|key| {
                let key = world.keys.get(key);
                key.is_some_and(|k| matches!(k.standing, Standing::SignedIn(_)))
            })
            .collect(),
    }
}
