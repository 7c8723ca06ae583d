//! What a generation did since it was swapped in, and whether that is reason to take it back.

use std::time::Duration;

use parking_lot::Mutex;
use sluice_domain::{PluginEvidence, UnixMillis};

use crate::plugin::Plugin;
use crate::tally::Counts;

/// When a new generation is taken back by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollback {
    /// Whether it is at all.
    pub automatic: bool,
    /// How long after its swap. Later its faults are more likely to come from the machine than
    /// from the swap, and only the breaker acts.
    pub within: Duration,
    /// Over how long it is counted.
    pub window: Duration,
    /// Traps, deadlines and memory denials within the window that are too many. The breaker leaves
    /// a plugin alone at ten in ten seconds, so more would take long to come together.
    pub faults: u32,
    /// Answers corrected by the envelope that are too many, if they are also a tenth of all: a
    /// policy may leave a bound to the host now and then.
    pub clamps: u32,
    /// How many times the attempts of a failing call may multiply against the generation before.
    /// Three, because of five attempts that a call has at most, a policy that asks for all of them
    /// where the one before asked for none is at five.
    pub amplification: u32,
    /// Failing calls below which attempts are not compared: few calls say nothing.
    pub min_calls: u32,
}

impl Default for Rollback {
    fn default() -> Self {
        Self {
            automatic: true,
            within: Duration::from_hours(1),
            window: Duration::from_mins(1),
            faults: 10,
            clamps: 20,
            amplification: 3,
            min_calls: 20,
        }
    }
}

/// Where the window began that is being counted.
#[derive(Default)]
pub(crate) struct Window(Mutex<(Duration, Counts)>);

impl Window {
    /// What came in the window; a new one begins when it is over.
    fn turn(&self, now: Duration, counts: Counts, length: Duration) -> Counts {
        let mut window = self.0.lock();
        let within = counts.since(window.1);
        if now.saturating_sub(window.0) > length {
            *window = (now, counts);
        }
        within
    }
}

impl Plugin {
    /// Why this generation is to be taken back, if it is. `earlier` is what the one before it did.
    pub(crate) fn fails(
        &self,
        earlier: Option<Counts>,
        bounds: &Rollback,
        now: UnixMillis,
        monotonic: Duration,
    ) -> Option<(String, PluginEvidence)> {
        let within = u64::try_from(bounds.within.as_millis()).unwrap_or(u64::MAX);
        let counts = self
            .window
            .turn(monotonic, self.tally.counts(), bounds.window);
        if !bounds.automatic || !self.sidecar.mode.serves() || now.since(self.since) > within {
            return None;
        }
        let evidence = self.evidence(counts, earlier, bounds.min_calls);
        why(counts, &evidence, bounds).map(|why| (why, evidence))
    }

    /// What it did in all.
    pub(crate) fn evidence(
        &self,
        counts: Counts,
        earlier: Option<Counts>,
        min_calls: u32,
    ) -> PluginEvidence {
        let enough = |counts: &Counts| counts.failing_calls >= u64::from(min_calls.max(1));
        PluginEvidence {
            generation: self.generation,
            hash: self.hash.to_string(),
            calls: counts.calls,
            traps: counts.traps,
            deadlines: counts.deadlines,
            denials: counts.denials,
            clamps: counts.clamps,
            failing_calls: counts.failing_calls,
            retries: counts.retries,
            attempts_per_call: rounded(counts.attempts(counts.retries)),
            // What the native library makes of the same questions knows of an outage that the
            // generation before did not see.
            earlier_attempts_per_call: rounded(
                earlier
                    .filter(enough)
                    .map_or(1.0, |earlier| earlier.attempts(earlier.retries))
                    .max(counts.attempts(counts.native_retries)),
            ),
        }
    }
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn why(counts: Counts, evidence: &PluginEvidence, bounds: &Rollback) -> Option<String> {
    let Counts {
        calls,
        traps,
        deadlines,
        denials,
        clamps,
        failing_calls,
        ..
    } = counts;
    if counts.failures() >= u64::from(bounds.faults.max(1)) {
        return Some(format!(
            "{traps} traps, {deadlines} deadlines and {denials} memory denials at {calls} questions"
        ));
    }
    if clamps >= u64::from(bounds.clamps.max(1)) && clamps.saturating_mul(10) >= calls {
        return Some(format!(
            "{clamps} of {calls} answers had to be corrected by the envelope"
        ));
    }
    let (now, before) = (
        evidence.attempts_per_call,
        evidence.earlier_attempts_per_call,
    );
    let enough = failing_calls >= u64::from(bounds.min_calls.max(1));
    (enough && now > before * f64::from(bounds.amplification.max(1))).then(|| {
        format!("{now} attempts for each of {failing_calls} failing calls, where {before} were made before")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(counts: Counts, before: f64) -> PluginEvidence {
        PluginEvidence {
            generation: 2,
            hash: String::new(),
            calls: counts.calls,
            traps: counts.traps,
            deadlines: counts.deadlines,
            denials: counts.denials,
            clamps: counts.clamps,
            failing_calls: counts.failing_calls,
            retries: counts.retries,
            attempts_per_call: counts.attempts(counts.retries),
            earlier_attempts_per_call: before,
        }
    }

    /// Breaks when a bound moves by one.
    #[test]
    fn each_bound_holds_by_itself() {
        let told = |counts, before| why(counts, &evidence(counts, before), &Rollback::default());
        let counts = |traps, deadlines, denials, clamps, calls| Counts {
            calls,
            traps,
            deadlines,
            denials,
            clamps,
            ..Counts::default()
        };
        assert_eq!(told(counts(3, 3, 3, 0, 10), 1.0), None);
        let faults = told(counts(3, 3, 4, 0, 10), 1.0).unwrap();
        assert!(
            faults.starts_with("3 traps, 3 deadlines and 4 memory"),
            "{faults}"
        );
        assert_eq!(told(counts(0, 0, 0, 19, 19), 1.0), None);
        assert_eq!(told(counts(0, 0, 0, 20, 201), 1.0), None);
        assert!(told(counts(0, 0, 0, 20, 200), 1.0).is_some());
        let storm = |failing_calls, retries| Counts {
            calls: 100,
            failing_calls,
            retries,
            ..Counts::default()
        };
        assert_eq!(told(storm(19, 95), 1.0), None);
        assert_eq!(told(storm(20, 40), 1.0), None, "three times is allowed");
        assert!(told(storm(20, 41), 1.0).is_some());
        assert_eq!(told(storm(20, 80), 2.0), None, "so did the one before");
    }

    #[test]
    fn a_window_forgets() {
        let window = Window::default();
        let at = Duration::from_secs;
        let traps = |traps| Counts {
            traps,
            ..Counts::default()
        };
        let minute = at(60);
        assert_eq!(window.turn(at(10), traps(4), minute).traps, 4);
        assert_eq!(window.turn(at(61), traps(9), minute).traps, 9);
        assert_eq!(window.turn(at(62), traps(11), minute).traps, 2);
    }
}
