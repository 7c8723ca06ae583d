//! One numbered sequence (pts, qts, seq or a channel's pts): what is next, old, or early.

use core::time::Duration;
use std::collections::BTreeMap;

/// How long an early update waits for those before it. Telegram: "wait up to 0.5 s".
pub(super) const GAP_WAIT: Duration = Duration::from_millis(500);

/// Early updates held per sequence. Beyond this the difference is cheaper than holding on.
const MAX_HELD: usize = 1_000;

/// Differences that may leave a hole open before it is believed: a server that lags behind its
/// neighbour fills it a moment later.
const MAX_UNFILLED: u32 = 4;

/// A numbered sequence with the items that came too early.
#[derive(Debug)]
pub(super) struct Sequence<T> {
    /// The number reached.
    at: i32,
    /// By the numbers before and after; one that counts nothing may stand beside others like it.
    held: BTreeMap<(i32, i32, u32), Held<T>>,
    arrivals: u32,
    overflowed: bool,
    asked: Duration,
    unfilled: u32,
    rest: Duration,
}

#[derive(Debug)]
struct Held<T> {
    since: Duration,
    item: T,
}

impl<T> Sequence<T> {
    pub(super) const fn new(at: i32) -> Self {
        Self {
            at,
            held: BTreeMap::new(),
            arrivals: 0,
            overflowed: false,
            asked: Duration::ZERO,
            unfilled: 0,
            rest: Duration::ZERO,
        }
    }

    pub(super) const fn at(&self) -> i32 {
        self.at
    }

    /// Takes an item that moves the sequence by `count` to `at`; what is due goes to `out` in
    /// order. With `hold` (a difference is on its way) it is kept until [`Self::moved`].
    pub(super) fn offer(
        &mut self,
        now: Duration,
        hold: bool,
        (at, count): (i32, i32),
        item: T,
        out: &mut Vec<T>,
    ) {
        let before = at.saturating_sub(count);
        if before < self.at {
            return; // already taken
        }
        if before == self.at && !hold {
            self.at = at;
            out.push(item);
            self.release(out);
            return;
        }
        let place = if count == 0 {
            self.arrivals = self.arrivals.wrapping_add(1);
            (before, at, self.arrivals)
        } else {
            (before, at, 0)
        };
        if self.held.len() >= MAX_HELD {
            return self.overflow();
        }
        self.held.entry(place).or_insert(Held { since: now, item });
    }

    /// How many are held back.
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    /// Too much is held back: it is dropped, and the difference brings it again.
    pub(super) fn overflow(&mut self) {
        self.held.clear();
        self.overflowed = true;
    }

    /// The difference is being asked for: it will cover all that came until now.
    pub(super) const fn asked(&mut self, now: Duration) {
        self.asked = now;
        self.overflowed = false;
    }

    /// The sequence begins anew where Telegram says that it stands.
    pub(super) fn reset(&mut self, at: i32, out: &mut Vec<T>) {
        self.at = at;
        self.unfilled = 0;
        self.release(out);
    }

    /// A difference led to `at`: what was held is looked at again. After the last part a hole may
    /// still be there. It is asked for a few times more; then Telegram is believed that there is
    /// nothing in it, and the numbers before and after it are given back.
    pub(super) fn moved(
        &mut self,
        now: Duration,
        at: i32,
        last: bool,
        out: &mut Vec<T>,
    ) -> Option<(i32, i32)> {
        // A server that lags behind must not bring back what was taken.
        self.at = self.at.max(at);
        self.release(out);
        if !last {
            return None;
        }
        let hole = |this: &Self| {
            let ((before, ..), held) = this.held.first_key_value()?;
            (held.since < this.asked).then_some(*before)
        };
        let Some(end) = hole(self) else {
            self.unfilled = 0;
            return None;
        };
        self.unfilled += 1;
        if self.unfilled < MAX_UNFILLED {
            self.rest = now.saturating_add(GAP_WAIT.saturating_mul(1 << self.unfilled));
            return None;
        }
        self.unfilled = 0;
        let lost = (self.at, end);
        self.at = end;
        self.release(out);
        Some(lost)
    }

    /// Hands out what is next, as far as it goes.
    fn release(&mut self, out: &mut Vec<T>) {
        while let Some(first) = self.held.first_entry() {
            let (before, at, _) = *first.key();
            if before > self.at {
                return;
            }
            let held = first.remove();
            if before == self.at {
                self.at = at;
                out.push(held.item);
            }
        }
    }

    /// Nothing is held back or missing.
    pub(super) fn whole(&self) -> bool {
        self.held.is_empty() && !self.overflowed
    }

    /// When the wait for a gap ends: only the difference helps then. The hole stands before the
    /// first that is held, and was seen at the latest when that one came.
    pub(super) fn deadline(&self) -> Option<Duration> {
        if self.overflowed {
            return Some(self.rest);
        }
        let (_, first) = self.held.first_key_value()?;
        Some(first.since.saturating_add(GAP_WAIT).max(self.rest))
    }

    /// The wait for a gap is over, or too much was held.
    pub(super) fn expired(&self, now: Duration) -> bool {
        self.deadline().is_some_and(|at| at <= now)
    }
}
