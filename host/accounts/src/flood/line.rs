//! Calls that wait for the same wait to end stand in a line.
//!
//! They leave it in the order in which they came, and never in a burst, which would earn the next
//! wait at once: the first goes alone, the others when Telegram has let it through, with a pause
//! between them. Another wait meanwhile sends the rest back to waiting, and the one that was
//! refused to its old place.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use sluice_domain::{Clock, UnixMillis};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::ledger::{FloodLedger, Inner, Key, left};

/// Between two calls that leave a line. Telegram publishes no rate; ten a second is below what it
/// was seen to allow for any method, and empties a line of a hundred in ten seconds.
pub(super) const PACE: Duration = Duration::from_millis(100);

/// The line of one wait. While somebody stands in it, nobody overtakes.
pub(super) struct Line {
    /// By the order of their coming. Each is woken when it is the first.
    waiting: BTreeMap<u64, Arc<Notify>>,
    /// The one that went to see whether the wait is over.
    scout: Option<u64>,
    /// A scout was let through.
    proven: bool,
    /// When the next may leave.
    next: Option<Instant>,
    /// The wait it was for.
    pub(super) name: String,
    pub(super) code: i32,
}

/// No more may wait.
#[derive(Debug)]
pub(crate) struct Full;

enum Step {
    Go,
    /// Look again then, or when woken.
    At(Instant),
    /// Only when woken.
    Later,
}

impl Line {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Wakes the first.
    pub(super) fn poke(&self) {
        if let Some(first) = self.waiting.values().next() {
            first.notify_one();
        }
    }

    /// Telegram asked to wait again.
    pub(super) fn waits_again(&mut self, name: &str, code: i32) {
        self.scout = None;
        self.proven = false;
        name.clone_into(&mut self.name);
        self.code = code;
        self.poke();
    }

    fn idle(&self) -> bool {
        self.waiting.is_empty() && self.scout.is_none()
    }
}

impl FloodLedger {
    /// Takes a place in the line of a wait; `ticket` is that of an earlier place, to have it again.
    /// `most` of an account may wait.
    pub(crate) fn join(
        self: &Arc<Self>,
        key: &Key,
        (code, name): (i32, &str),
        ticket: Option<u64>,
        most: usize,
    ) -> Result<Place, Full> {
        let mut inner = self.inner.lock();
        let of_account = |(of, line): (&Key, &Line)| {
            if of.account == key.account {
                line.len()
            } else {
                0
            }
        };
        if inner.lines.iter().map(of_account).sum::<usize>() >= most {
            return Err(Full);
        }
        let ticket = ticket.unwrap_or_else(|| {
            inner.last_ticket += 1;
            inner.last_ticket
        });
        let woken = Arc::new(Notify::new());
        let line = inner.lines.entry(key.clone()).or_insert_with(|| Line {
            waiting: BTreeMap::new(),
            scout: None,
            proven: false,
            next: None,
            name: name.to_owned(),
            code,
        });
        line.waiting.insert(ticket, Arc::clone(&woken));
        self.count(&inner);
        Ok(Place {
            ledger: Arc::clone(self),
            key: key.clone(),
            ticket,
            woken,
        })
    }

    fn step(&self, place: &Place, now: UnixMillis) -> Step {
        let mut inner = self.inner.lock();
        let left = left(&inner, &place.key, now);
        let Some(line) = inner.lines.get_mut(&place.key) else {
            return Step::Go;
        };
        if line.waiting.keys().next() != Some(&place.ticket) {
            return Step::Later;
        }
        if let Some(left) = left {
            return Step::At(Instant::now() + left);
        }
        if !line.proven && line.scout.is_some() {
            return Step::Later;
        }
        if let Some(next) = line.next.filter(|next| *next > Instant::now()) {
            return Step::At(next);
        }
        line.waiting.remove(&place.ticket);
        line.next = Some(Instant::now() + PACE);
        if line.proven {
            line.poke();
        } else {
            line.scout = Some(place.ticket);
        }
        self.tidy(&mut inner, &place.key);
        Step::Go
    }

    fn leave(&self, key: &Key, ticket: u64) {
        let mut inner = self.inner.lock();
        if let Some(line) = inner.lines.get_mut(key)
            && line.waiting.remove(&ticket).is_some()
        {
            line.poke();
        }
        self.tidy(&mut inner, key);
    }

    /// What became of the call that left the line.
    fn report(&self, key: &Key, ticket: u64, through: bool) {
        let mut inner = self.inner.lock();
        if let Some(line) = inner.lines.get_mut(key)
            && line.scout == Some(ticket)
        {
            line.scout = None;
            line.proven = through;
            line.poke();
        }
        self.tidy(&mut inner, key);
    }

    fn tidy(&self, inner: &mut Inner, key: &Key) {
        if inner.lines.get(key).is_some_and(Line::idle) {
            inner.lines.remove(key);
        }
        self.count(inner);
    }
}

/// A place in a line. Dropping it is leaving it.
pub(crate) struct Place {
    ledger: Arc<FloodLedger>,
    key: Key,
    ticket: u64,
    woken: Arc<Notify>,
}

impl Place {
    /// What gives the place back later.
    pub(crate) const fn ticket(&self) -> u64 {
        self.ticket
    }

    /// Waits until it is this call's turn.
    pub(crate) async fn turn(self, clock: &dyn Clock) -> Pass {
        loop {
            match self.ledger.step(&self, clock.now()) {
                Step::Go => {
                    return Pass {
                        ledger: Arc::clone(&self.ledger),
                        key: self.key.clone(),
                        ticket: self.ticket,
                    };
                }
                Step::At(at) => {
                    // At its end or before: whether it is over is for the clock to say.
                    let _ = tokio::time::timeout_at(at, self.woken.notified()).await;
                }
                Step::Later => self.woken.notified().await,
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.ledger.leave(&self.key, self.ticket);
    }
}

/// The right to make one attempt. Dropping it says that nothing was learnt: the next one goes alone.
pub(crate) struct Pass {
    ledger: Arc<FloodLedger>,
    key: Key,
    ticket: u64,
}

impl Pass {
    /// Whose line it was got in.
    pub(super) const fn key(&self) -> &Key {
        &self.key
    }

    /// Telegram let the call through, whatever it answered.
    pub(crate) fn through(self) {
        self.ledger.report(&self.key, self.ticket, true);
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.ledger.report(&self.key, self.ticket, false);
    }
}
