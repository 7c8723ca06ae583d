use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use metrics::{Counter, Gauge, counter, gauge};
use sluice_domain::{Clock, Random};
use tokio::time::{Instant, sleep};

use crate::http::Http;
use crate::queue::{Parcel, Queue, Waiting};
use crate::repeat::{OLD, Outcome, TRIES, pause};
use crate::target::{Address, Target};
use crate::udp::Udp;

/// The queue and the counts of one target; its task runs [`run`](Self::run).
pub(crate) struct Worker {
    name: String,
    pub target: Target,
    queue: Queue,
    sent: Counter,
    failed: Counter,
    dropped: Counter,
    waiting: Gauge,
    /// Whether the last parcel failed, so that a receiver that is away is told of once.
    failing: AtomicBool,
}

/// The way to a target.
enum Way {
    Http(Box<Http>),
    Udp(Udp),
}

impl Worker {
    pub fn new(name: &str, target: Target) -> Self {
        let deliveries = |outcome: &'static str| {
            counter!("sluice_export_deliveries_total",
                "target" => name.to_owned(), "outcome" => outcome)
        };
        let waiting = gauge!("sluice_export_waiting", "target" => name.to_owned());
        waiting.set(0.0);
        Self {
            sent: deliveries("sent"),
            failed: deliveries("failed"),
            dropped: deliveries("dropped"),
            waiting,
            name: name.to_owned(),
            target,
            queue: Queue::default(),
            failing: AtomicBool::new(false),
        }
    }

    /// Takes a parcel; never waits.
    pub fn take(&self, parcel: Parcel) {
        let dropped = self.queue.push(parcel, Instant::now());
        self.dropped.increment(dropped);
        self.show();
    }

    /// Counts what is left when the target goes.
    pub fn abandon(&self) {
        self.dropped.increment(self.queue.len() as u64);
        self.waiting.set(0.0);
    }

    /// Sends what there is, one after the other, for ever.
    pub async fn run(self: Arc<Self>, clock: Arc<dyn Clock>, random: Arc<dyn Random>) {
        let mut way = match &self.target.address {
            Address::Udp(address) => Way::Udp(Udp::new(address.clone())),
            Address::Http(url) => match Http::new(url.expose(), &self.target) {
                Ok(http) => Way::Http(Box::new(http)),
                Err(why) => {
                    tracing::error!(
                        target_name = self.name,
                        why,
                        "an export target cannot be used"
                    );
                    loop {
                        self.queue.pop().await;
                        self.failed.increment(1);
                        self.show();
                    }
                }
            },
        };
        loop {
            let waiting = self.queue.pop().await;
            self.show();
            let arrived = match &mut way {
                Way::Udp(udp) => match udp.send(&waiting.parcel.body).await {
                    Outcome::Sent => Ok(()),
                    Outcome::Later(_, why) | Outcome::Refused(why) => Err(why),
                },
                Way::Http(http) => self.post(http, &waiting, &*clock, &*random).await,
            };
            self.note(arrived);
        }
    }

    async fn post(
        &self,
        http: &Http,
        waiting: &Waiting,
        clock: &dyn Clock,
        random: &dyn Random,
    ) -> Result<(), String> {
        for tries in 1.. {
            let (named, why) = match http.send(&waiting.parcel, clock.now()).await {
                Outcome::Sent => return Ok(()),
                Outcome::Refused(why) => return Err(why),
                Outcome::Later(named, why) => (named, why),
            };
            let pause = pause(tries, named, random.u64());
            if tries >= TRIES || waiting.since.elapsed() + pause > OLD {
                return Err(why);
            }
            tracing::debug!(
                target_name = self.name,
                why,
                ?pause,
                "an export is tried again"
            );
            sleep(pause).await;
        }
        Ok(())
    }

    fn note(&self, arrived: Result<(), String>) {
        match arrived {
            Ok(()) => {
                self.sent.increment(1);
                if self.failing.swap(false, Ordering::Relaxed) {
                    tracing::info!(target_name = self.name, "exports arrive again");
                }
            }
            Err(why) => {
                self.failed.increment(1);
                if !self.failing.swap(true, Ordering::Relaxed) {
                    tracing::warn!(target_name = self.name, why, "exports do not arrive");
                }
            }
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "at most some thousand")]
    fn show(&self) {
        self.waiting.set(self.queue.len() as f64);
    }
}
