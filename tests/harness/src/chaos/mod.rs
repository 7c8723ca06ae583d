//! A network that cuts, lies and stalls: TCP proxies in this process, between the gateway and the
//! addresses of a data center. What they do is drawn from a seed, or said by the test, and can be
//! changed while connections stand.
//!
//! Owns bytes and sockets. Knows nothing of what they mean.

mod plan;
mod proxy;
mod relay;
mod seed;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use sluice_datacenter::{DataCenter, DcInfo};

pub use plan::{Cut, Ending, Mode, Plan, Way, Weather};
pub use relay::Piece;
pub use seed::{Dice, Seed};

/// The proxies before all data centers. The data center announces their addresses as its own, so
/// that nobody finds a way around them.
pub struct Chaos {
    seed: Seed,
    before: Vec<(i32, Arc<proxy::Shared>)>,
}

impl Chaos {
    /// Opens a proxy before every address; everything passes at first.
    pub fn before(telegram: &DataCenter, seed: Seed) -> std::io::Result<Self> {
        let mut before = Vec::new();
        let mut announced = Vec::new();
        for dc in telegram.dcs() {
            let shared = Arc::new(proxy::Shared::new(seed));
            announced.push(DcInfo {
                id: dc.id,
                address: proxy::open(&shared, dc.id, false, dc.address)?,
                media_address: proxy::open(&shared, dc.id, true, dc.media_address)?,
            });
            before.push((dc.id, shared));
        }
        telegram.announce(announced);
        Ok(Self { seed, before })
    }

    /// Where the randomness comes from.
    pub const fn seed(&self) -> Seed {
        self.seed
    }

    fn at(&self, dc: Option<i32>) -> impl Iterator<Item = &Arc<proxy::Shared>> {
        let here = move |id: i32| dc.is_none_or(|dc| dc == id);
        self.before
            .iter()
            .filter_map(move |(id, shared)| here(*id).then_some(shared))
    }

    /// What is done from now on before one data center, or before all of them.
    pub fn set(&self, dc: Option<i32>, mode: Mode) {
        self.at(dc).for_each(|shared| {
            shared.modes.send_modify(|(count, present)| {
                *count += 1;
                *present = mode;
            });
        });
    }

    /// Everything passes again.
    pub fn clear(&self) {
        self.set(None, Mode::CLEAR);
    }

    /// Ends the connections of now; new ones are let in.
    pub fn cut(&self, dc: Option<i32>, ending: Ending) {
        self.at(dc).for_each(|shared| {
            shared.cuts.send_replace(ending);
        });
    }

    /// Has a function change bytes on their way, before the mode is applied.
    pub fn mutate(&self, mutation: impl Fn(Piece<'_>) + Send + Sync + 'static) {
        let mutation: Arc<proxy::Mutation> = Arc::new(mutation);
        for shared in self.at(None) {
            *shared.mutation.write() = Some(Arc::clone(&mutation));
        }
    }

    /// Lets the bytes be.
    pub fn mutate_nothing(&self) {
        for shared in self.at(None) {
            *shared.mutation.write() = None;
        }
    }

    /// Connections let in so far.
    pub fn accepted(&self, dc: Option<i32>) -> u64 {
        self.at(dc)
            .map(|shared| shared.accepted.load(Ordering::Relaxed))
            .sum()
    }

    /// Connections ended here so far, by plan or by [`cut`](Self::cut).
    pub fn ended(&self, dc: Option<i32>) -> u64 {
        self.at(dc).map(|shared| *shared.cut.borrow()).sum()
    }

    /// Waits until so many connections before this data center were ended here.
    pub async fn until_ended(&self, dc: i32, count: u64) {
        for shared in self.at(Some(dc)) {
            relay::until(&mut shared.cut.subscribe(), |cut| *cut >= count).await;
        }
    }

    /// Ends all proxies and waits for their tasks.
    pub async fn stop(&self) {
        for shared in self.at(None) {
            shared.end.cancel();
            shared.tasks.close();
            shared.tasks.wait().await;
        }
    }
}
