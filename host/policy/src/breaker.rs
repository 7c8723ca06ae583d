use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

/// Faults within [`WINDOW`] after which a plugin is left alone for [`REST`]. A plugin that runs
/// into its deadline each time then costs its callers a hundredth of the time at most.
const FAULTS: u32 = 10;
const WINDOW: Duration = Duration::from_secs(10);
const REST: Duration = Duration::from_secs(10);

/// Stops asking a plugin that keeps failing. After its rest it is asked again; the first fault then
/// sends it back.
#[derive(Default)]
pub(crate) struct Breaker {
    /// Milliseconds of the monotonic clock until which it rests.
    rests_until: AtomicU64,
    window: Mutex<Window>,
}

#[derive(Default)]
struct Window {
    began: Duration,
    faults: u32,
}

impl Breaker {
    /// Whether the plugin may be asked.
    pub(crate) fn closed(&self, now: impl Fn() -> Duration) -> bool {
        let until = self.rests_until.load(Ordering::Relaxed);
        until == 0 || millis(now()) >= until
    }

    /// Notes a fault; true when it opened the breaker.
    pub(crate) fn fault(&self, now: Duration) -> bool {
        let mut window = self.window.lock();
        if now.saturating_sub(window.began) > WINDOW {
            let rested = self.rests_until.load(Ordering::Relaxed) != 0;
            *window = Window {
                began: now,
                // It used its trust up: one more fault is enough.
                faults: if rested { FAULTS - 1 } else { 0 },
            };
        }
        window.faults += 1;
        let opened = window.faults >= FAULTS && self.closed(|| now);
        if opened {
            self.rests_until
                .store(millis(now + REST).max(1), Ordering::Relaxed);
            window.began = now;
        }
        opened
    }

    /// Notes an answer: trust is restored.
    pub(crate) fn answered(&self) {
        if self.rests_until.load(Ordering::Relaxed) != 0 {
            *self.window.lock() = Window::default();
            self.rests_until.store(0, Ordering::Relaxed);
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_after_faults_in_a_window_and_closes_after_a_rest() {
        let breaker = Breaker::default();
        let at = Duration::from_secs;
        let closed = |s: u64| breaker.closed(|| at(s));
        for _ in 1..FAULTS {
            assert!(!breaker.fault(at(100)));
        }
        assert!(closed(100));
        assert!(breaker.fault(at(101)));
        assert!(!closed(101) && !closed(110));
        assert!(closed(111), "it is tried again after its rest");
        assert!(breaker.fault(at(112)), "and one fault is enough");
        assert!(!closed(113));
        assert!(closed(122));
        breaker.answered();
        assert!(!breaker.fault(at(123)), "an answer restores it");
    }

    #[test]
    fn rare_faults_never_open_it() {
        let breaker = Breaker::default();
        for minute in 0..100 {
            assert!(!breaker.fault(Duration::from_secs(minute * 60)));
        }
    }
}
