//! What every test stands on: one or two servers, a store, a pool.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value};
use sluice_domain::{AuthorizationId, Clock, DeviceIdentity, Ipv6, Random, UnixMillis, Way};
use sluice_links::{
    CallError, ConnectGate, DcAddress, Limits, Pool, PoolEvent, PoolParams, Target, Topology,
};
use sluice_mtproto::rsa::PrivateKey;
use sluice_tl::Schema;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;

use crate::server::{PRIVATE_PEM, Server};
use crate::store::Memory;

pub const START: Duration = Duration::from_hours(500_000);

/// Repeatable randomness, which can be told to panic.
pub struct Dice {
    seed: u64,
    state: AtomicU64,
    pub broken: AtomicBool,
}

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            state: AtomicU64::new(0),
            broken: AtomicBool::new(false),
        }
    }
}

impl Random for Dice {
    fn fill(&self, bytes: &mut [u8]) {
        let broken = self.broken.swap(false, Ordering::SeqCst);
        assert!(!broken, "the dice are broken, as the test wants");
        for byte in bytes {
            // SplitMix64, one byte at a time: good enough for keys that protect nothing.
            let n = self.state.fetch_add(1, Ordering::SeqCst);
            let mut z = (n ^ self.seed.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *byte = z.to_le_bytes()[7];
        }
    }
}

/// The wall clock, going with tokio's.
pub struct WallClock(pub Instant);

impl Clock for WallClock {
    fn now(&self) -> UnixMillis {
        let passed = START + self.0.elapsed();
        UnixMillis(u64::try_from(passed.as_millis()).unwrap())
    }
    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

pub struct World {
    pub home: Server,
    pub other: Server,
    pub store: Arc<Memory>,
    pub dice: Arc<Dice>,
    pub epoch: Instant,
    pub tracker: TaskTracker,
    pub gate: Arc<ConnectGate>,
}

impl World {
    pub async fn new() -> Self {
        let epoch = Instant::now();
        Self {
            home: Server::start(1, START, epoch).await,
            other: Server::start(2, START, epoch).await,
            store: Arc::default(),
            dice: Arc::new(Dice::new(99)),
            epoch,
            tracker: TaskTracker::new(),
            gate: Arc::default(),
        }
    }

    pub async fn pool(&self) -> (Pool, Events) {
        self.pool_with(Limits::default()).await
    }

    pub async fn pool_with(&self, limits: Limits) -> (Pool, Events) {
        let (store, dice) = (Arc::clone(&self.store), Arc::clone(&self.dice));
        self.pool_of("alice", limits, store, dice).await
    }

    /// The pool of another account, with a store and randomness of its own.
    pub async fn neighbour(&self) -> (Pool, Events) {
        let dice = Arc::new(Dice::new(100));
        self.pool_of("bob", Limits::default(), Arc::default(), dice)
            .await
    }

    async fn pool_of(
        &self,
        account: &str,
        limits: Limits,
        store: Arc<Memory>,
        dice: Arc<Dice>,
    ) -> (Pool, Events) {
        let way = Way::default();
        self.pool_by(account, self.addresses(), way, limits, store, dice)
            .await
    }

    /// A pool that knows these addresses of the home data center.
    pub async fn pool_at(&self, addresses: &[SocketAddr], ipv6: Ipv6) -> (Pool, Events) {
        let dcs = addresses.iter().map(|address| DcAddress {
            id: 1,
            host: address.ip().to_string(),
            port: address.port(),
            media_only: false,
        });
        let way = Way {
            ipv6,
            ..Way::default()
        };
        let (store, dice) = (Arc::clone(&self.store), Arc::clone(&self.dice));
        self.pool_by("alice", dcs.collect(), way, Limits::default(), store, dice)
            .await
    }

    fn addresses(&self) -> Vec<DcAddress> {
        let at = |id, media_only, address: std::net::SocketAddr| DcAddress {
            id,
            host: address.ip().to_string(),
            port: address.port(),
            media_only,
        };
        vec![
            at(1, false, self.home.address),
            at(1, true, self.home.media_address),
            at(2, false, self.other.address),
            at(2, true, self.other.media_address),
        ]
    }

    async fn pool_by(
        &self,
        account: &str,
        dcs: Vec<DcAddress>,
        way: Way,
        limits: Limits,
        store: Arc<Memory>,
        dice: Arc<Dice>,
    ) -> (Pool, Events) {
        let key = PrivateKey::from_pem(PRIVATE_PEM).unwrap().public().to_pem();
        start(PoolParams {
            account: account.parse().unwrap(),
            authorization: AuthorizationId(1),
            api_id: 6,
            device: DeviceIdentity::default(),
            topology: Arc::new(Topology::custom(dcs, &[key], false).unwrap()),
            home_dc: 1,
            store,
            clock: Arc::new(WallClock(self.epoch)),
            random: dice,
            tracker: self.tracker.clone(),
            way,
            gate: Arc::clone(&self.gate),
            limits,
        })
        .await
    }

    /// A pool that is open, connected and signed in.
    pub async fn ready(&self) -> (Pool, Events) {
        self.ready_with(Limits::default()).await
    }

    pub async fn ready_with(&self, limits: Limits) -> (Pool, Events) {
        let (pool, mut events) = self.pool_with(limits).await;
        pool.open();
        events.until(&PoolEvent::Connected).await;
        self.home.authorize_all();
        pool.mark_authorized().await.unwrap();
        (pool, events)
    }
}

pub async fn start(params: PoolParams) -> (Pool, Events) {
    let (pool, events) = Pool::start(params).await.unwrap();
    (pool, Events(events, Mutex::default()))
}

/// The pool's events, with what was passed over kept.
pub struct Events(pub mpsc::Receiver<PoolEvent>, Mutex<Vec<PoolEvent>>);

impl Events {
    pub async fn next(&mut self) -> PoolEvent {
        // Long enough for everything the tests wait for, so that what never comes fails.
        let event = timeout(Duration::from_mins(5), self.0.recv());
        let event = event.await.expect("an event within 5 min").unwrap();
        self.1.lock().unwrap().push(event.clone());
        event
    }

    pub async fn until(&mut self, wanted: &PoolEvent) {
        self.find(|event| event == wanted).await;
    }

    pub async fn find(&mut self, wanted: impl Fn(&PoolEvent) -> bool) -> PoolEvent {
        loop {
            let event = self.next().await;
            if wanted(&event) {
                return event;
            }
        }
    }

    pub fn passed(&self) -> Vec<PoolEvent> {
        self.1.lock().unwrap().clone()
    }
}

pub fn body(method: &str) -> Bytes {
    let params = match method {
        "upload.saveFilePart" => {
            serde_json::json!({"file_id": 1, "file_part": 0, "bytes": "AAAA"})
        }
        _ => Value::Object(Map::new()),
    };
    let params = params.as_object().unwrap();
    Schema::newest().encode_call(method, params).unwrap().into()
}

pub fn within(seconds: u64) -> Instant {
    Instant::now() + Duration::from_secs(seconds)
}

/// A call to the main link, with a minute's patience.
pub async fn call(pool: &Pool, method: &str) -> Result<Bytes, CallError> {
    pool.call(Target::Main, body(method), within(60)).await
}
