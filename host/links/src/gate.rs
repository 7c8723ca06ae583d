use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::Mutex;
use sluice_domain::Random;
use tokio::time::Instant;

const fn per(count: usize, seconds: u64) -> (usize, Duration) {
    (count, Duration::from_secs(seconds))
}

/// While a link fails, and after -429. As TDLib does it.
const FAILING: &[(usize, Duration)] = &[per(1, 1), per(2, 4), per(3, 8)];
/// After a link stood for [`STOOD`]. As TDLib does it.
const HEALTHY: &[(usize, Duration)] = &[per(4, 1), per(5, 5)];
/// All links that leave by one address. As TDLib does it.
const ADDRESS: &[(usize, Duration)] = &[per(20, 1)];
/// From then on a link counts as healthy.
const STOOD: Duration = Duration::from_secs(10);
/// The first pause after a failure.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The pause after a connection that Telegram answered on, so that not all links come at once.
const BROKEN_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause while somebody waits for the link.
const AWAITED: Duration = Duration::from_secs(4);
/// The first pause after -429, and its bound.
const FLOOD_PAUSE: (Duration, Duration) = (Duration::from_secs(4), Duration::from_mins(1));

/// At most so many events in so long, for several windows at once.
#[derive(Debug)]
struct Limiter {
    windows: &'static [(usize, Duration)],
    events: VecDeque<Instant>,
}

impl Limiter {
    const fn new(windows: &'static [(usize, Duration)]) -> Self {
        Self {
            windows,
            events: VecDeque::new(),
        }
    }

    /// When the next event may be, not before `at`.
    fn next(&self, at: Instant) -> Instant {
        self.windows
            .iter()
            .filter_map(|&(count, window)| {
                let oldest = self.events.len().checked_sub(count)?;
                Some(*self.events.get(oldest)? + window)
            })
            .fold(at, Instant::max)
    }

    fn add(&mut self, at: Instant) {
        self.events.push_back(at);
        let kept = self.windows.iter().map(|w| w.0).max().unwrap_or(0);
        while self.events.len() > kept {
            self.events.pop_front();
        }
    }
}

/// The limit on new connections that all accounts behind one address share.
#[derive(Debug)]
pub struct ConnectGate(Mutex<Limiter>);

impl Default for ConnectGate {
    fn default() -> Self {
        Self(Mutex::new(Limiter::new(ADDRESS)))
    }
}

impl ConnectGate {
    /// Waits for the next free place. Places are taken in the order of asking.
    pub(crate) async fn pass(&self) {
        let place = self.reserve(Instant::now());
        tokio::time::sleep_until(place).await;
    }

    fn reserve(&self, now: Instant) -> Instant {
        let mut limiter = self.0.lock();
        let place = limiter.next(now);
        limiter.add(place);
        place
    }
}

/// When one link may connect: exponential pauses with jitter, and TDLib's limits.
#[derive(Debug)]
pub(crate) struct Pacer {
    failing: Limiter,
    healthy: Limiter,
    failures: u32,
    floods: u32,
    /// The last connection was one on which Telegram answered.
    answered: bool,
    longest: Duration,
}

impl Pacer {
    pub(crate) const fn new(longest: Duration) -> Self {
        Self {
            failing: Limiter::new(FAILING),
            healthy: Limiter::new(HEALTHY),
            failures: 0,
            floods: 0,
            answered: false,
            longest,
        }
    }

    /// A connection broke that had stood, in the sense of an answer, for so long.
    pub(crate) const fn broke(&mut self, stood: Duration) {
        if stood.as_nanos() >= STOOD.as_nanos() {
            self.failures = 0;
            self.floods = 0;
        } else {
            self.failed();
        }
        self.answered = true;
    }

    /// A try failed before there was an answer.
    pub(crate) const fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
        self.answered = false;
    }

    /// Telegram said -429.
    pub(crate) const fn flooded(&mut self) {
        self.floods = self.floods.saturating_add(1);
    }

    /// Telegram answered.
    pub(crate) const fn answered(&mut self) {
        self.floods = 0;
    }

    pub(crate) const fn failures(&self) -> u32 {
        self.failures
    }

    /// When to connect next: sooner if somebody waits for it.
    pub(crate) fn next(&self, now: Instant, awaited: bool, random: &dyn Random) -> Instant {
        if awaited && self.answered && self.floods == 0 {
            // Telegram is there, and the network between us breaks connections: whoever waits is
            // served by the limits of a healthy link, which still are five in 5 s.
            return self.healthy.next(now + jitter(BROKEN_PAUSE, random));
        }
        let longest = if awaited {
            self.longest.min(AWAITED)
        } else {
            self.longest
        };
        let pause = doubled(FIRST_PAUSE, self.failures, longest);
        let pause = pause.max(doubled(FLOOD_PAUSE.0, self.floods, FLOOD_PAUSE.1));
        self.soonest(now + jitter(pause, random))
    }

    /// When the limits alone allow to connect, not before `at`.
    pub(crate) fn soonest(&self, at: Instant) -> Instant {
        if self.failures == 0 && self.floods == 0 {
            self.healthy.next(at)
        } else {
            self.failing.next(at)
        }
    }

    /// A connection is tried now.
    pub(crate) fn tried(&mut self, now: Instant) {
        self.healthy.add(now);
        self.failing.add(now);
    }
}

/// `first` after one, twice that after two, and so on.
fn doubled(first: Duration, times: u32, longest: Duration) -> Duration {
    match times.checked_sub(1) {
        None => Duration::ZERO,
        Some(doublings) => first
            .saturating_mul(1_u32.checked_shl(doublings).unwrap_or(u32::MAX))
            .min(longest),
    }
}

/// Between half of it and all of it.
pub(crate) fn jitter(whole: Duration, random: &dyn Random) -> Duration {
    let part = u32::try_from(random.u64() >> 33).unwrap_or(0); // 31 bits
    whole / 2 + (whole / 2).mul_f64(f64::from(part) / f64::from(1_u32 << 31))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Least;
    impl Random for Least {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_failing_link_connects_at_most_once_a_second() {
        let mut pacer = Pacer::new(Duration::from_secs(16));
        let start = Instant::now();
        let mut tries = Vec::new();
        let mut now = start;
        for _ in 0..6 {
            now = pacer.next(now, false, &Least);
            pacer.tried(now);
            pacer.failed();
            tries.push((now - start).as_secs_f64());
        }
        // Half of 1, 2, 4, 8, 16 s with this jitter; the windows 1/1 s, 2/4 s, 3/8 s hold back.
        assert_eq!(tries, [0.0, 1.0, 4.0, 8.0, 12.0, 20.0]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_link_that_is_waited_for_keeps_trying_within_the_limits() {
        let mut pacer = Pacer::new(Duration::from_secs(16));
        let start = Instant::now();
        let mut tries = Vec::new();
        let mut now = start;
        for _ in 0..6 {
            now = pacer.next(now, true, &Least);
            pacer.tried(now);
            pacer.failed();
            tries.push((now - start).as_secs_f64());
        }
        // Half of 1, 2, 4, 4, 4 s; the window 3/8 s holds back.
        assert_eq!(tries, [0.0, 1.0, 4.0, 8.0, 10.0, 12.0]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_link_that_stood_reconnects_at_once_and_a_flood_slows_it() {
        let mut pacer = Pacer::new(Duration::from_secs(16));
        let now = Instant::now();
        pacer.tried(now);
        pacer.failed();
        pacer.broke(Duration::from_secs(11));
        assert!(pacer.next(now, true, &Least) <= now + BROKEN_PAUSE);
        assert_eq!(pacer.next(now, false, &Least), now);
        pacer.flooded();
        let next = pacer.next(now, true, &Least);
        assert!(next >= now + Duration::from_secs(2), "{next:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn one_address_makes_at_most_twenty_connections_a_second() {
        let gate = ConnectGate::default();
        let now = Instant::now();
        let places: Vec<Instant> = (0..41).map(|_| gate.reserve(now)).collect();
        assert_eq!(places[19], now);
        assert_eq!(places[20], now + Duration::from_secs(1));
        assert_eq!(places[40], now + Duration::from_secs(2));
    }
}
