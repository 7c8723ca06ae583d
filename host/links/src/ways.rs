use std::sync::Arc;

use parking_lot::Mutex;
use sluice_domain::Way;
use tokio::sync::{OwnedRwLockReadGuard, RwLock, watch};

use crate::ConnectGate;

/// The way out of one pool's links, and what is held by everybody who has a socket on it.
pub(crate) struct Ways {
    current: Arc<RwLock<Exit>>,
    /// How often the way was to be changed. Grows before the change: dials under way give up.
    turns: watch::Sender<u64>,
    /// The way that was last chosen.
    chosen: Mutex<Way>,
}

/// A way out, and the limit on connects of all that leave by it.
pub(crate) struct Exit {
    pub(crate) way: Way,
    pub(crate) gate: Arc<ConnectGate>,
    turn: u64,
}

impl Exit {
    /// Which way this is, of those that were taken one after the other.
    pub(crate) const fn turn(&self) -> u64 {
        self.turn
    }
}

/// As long as this is held, the way stays. Held from before a socket is opened until it is closed.
pub(crate) type Hold = OwnedRwLockReadGuard<Exit>;

impl Ways {
    pub(crate) fn new(way: Way, gate: Arc<ConnectGate>) -> Self {
        Self {
            chosen: Mutex::new(way.clone()),
            current: Arc::new(RwLock::new(Exit { way, gate, turn: 0 })),
            turns: watch::Sender::new(0),
        }
    }

    /// Whether this is the way.
    pub(crate) fn is(&self, way: &Way) -> bool {
        *self.chosen.lock() == *way
    }

    /// The way to be taken now. Waits while it is being changed.
    pub(crate) async fn hold(&self) -> Hold {
        Arc::clone(&self.current).read_owned().await
    }

    /// Returns when the way of this turn is to be left.
    pub(crate) async fn left(&self, turn: u64) {
        // The sender lives as long as this.
        let _ = self.turns.subscribe().wait_for(|now| *now != turn).await;
    }

    /// Has dials under way give up. To be called before [`turn`](Self::turn).
    pub(crate) fn announce(&self) {
        self.turns.send_modify(|turns| *turns += 1);
    }

    /// Changes the way when nobody holds it any more. Who wants to hold it meanwhile waits, from
    /// the first poll of this on.
    pub(crate) async fn turn(&self, way: &Way, gate: &Arc<ConnectGate>) {
        let mut current = self.current.write().await;
        *self.chosen.lock() = way.clone();
        *current = Exit {
            way: way.clone(),
            gate: Arc::clone(gate),
            turn: *self.turns.borrow(),
        };
    }

    /// A reason, with the proxy that may be the cause.
    pub(crate) fn tell(&self, reason: String) -> String {
        match &self.chosen.lock().proxy {
            None => reason,
            Some(proxy) => format!("{reason} (by way of {proxy})"),
        }
    }
}
