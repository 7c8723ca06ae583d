//! One numbered sequence (pts, qts, seq or a channel's pts): what is next, old, or early.

use core::time::Duration;

/// How long an early update waits for those before it. Telegram: "wait up to 0.5 s".
pub(super) const GAP_WAIT: Duration = Duration::from_millis(500);

/// Early updates held per sequence. Beyond this the difference is cheaper than holding on.
const MAX_HELD: usize = 1_000;

/// A numbered sequence with the items that came too early.
#[derive(Debug)]
pub(super) struct Sequence<T> {
    /// The number reached.
    at: i32,
    held: Vec<Held<T>>,
    gap_since: Option<Duration>,
    overflowed: bool,
    asked: Duration,
}

#[derive(Debug)]
struct Held<T> {
    since: Duration,
    at: i32,
    count: i32,
    item: T,
}

impl<T> Held<T> {
    const fn before(&self) -> i32 {
        self.at.saturating_sub(self.count)
    }
}

impl<T> Sequence<T> {
    pub(super) const fn new(at: i32) -> Self {
        Self {
            at,
            held: Vec::new(),
            gap_since: None,
            overflowed: false,
            asked: Duration::ZERO,
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
        let expected = self.at.saturating_add(count);
        if expected > at {
            return; // already taken
        }
        if expected == at && !hold && self.held.is_empty() {
            self.at = at;
            out.push(item);
            return;
        }
        if self.held.len() >= MAX_HELD {
            // The difference brings them again.
            self.held.clear();
            self.overflowed = true;
            return;
        }
        self.held.push(Held {
            since: now,
            at,
            count,
            item,
        });
        if !hold {
            self.release(now, out);
        }
    }

    /// The difference is being asked for: it will cover all that came until now.
    pub(super) const fn asked(&mut self, now: Duration) {
        self.asked = now;
        self.overflowed = false;
    }

    /// The sequence was set by a difference: what was held is looked at again. After the last
    /// part, whatever came before the question and still seems early is taken as it is: Telegram
    /// says that there is nothing in between, and asking again would go on for ever.
    pub(super) fn moved(&mut self, now: Duration, at: i32, last: bool, out: &mut Vec<T>) {
        self.at = at;
        self.gap_since = None;
        self.release(now, out);
        while last
            && let Some(held) = self.held.first()
            && held.since < self.asked
        {
            self.at = held.before();
            self.release(now, out);
        }
    }

    fn release(&mut self, now: Duration, out: &mut Vec<T>) {
        // One that counts comes before those that count nothing at the same number.
        self.held.sort_by_key(|held| (held.before(), held.at));
        let mut early = Vec::new();
        for held in self.held.drain(..) {
            if held.before() < self.at {
                continue; // already taken
            }
            if held.before() == self.at {
                self.at = held.at;
                out.push(held.item);
            } else {
                early.push(held);
            }
        }
        self.held = early;
        if self.held.is_empty() {
            self.gap_since = None;
        } else {
            self.gap_since.get_or_insert(now);
        }
    }

    /// When the wait for a gap ends.
    pub(super) fn deadline(&self) -> Option<Duration> {
        if self.overflowed {
            return Some(Duration::ZERO);
        }
        self.gap_since.map(|since| since.saturating_add(GAP_WAIT))
    }

    /// The wait for a gap is over (or too much is held): only the difference helps.
    pub(super) fn expired(&self, now: Duration) -> bool {
        self.deadline().is_some_and(|at| at <= now)
    }
}
