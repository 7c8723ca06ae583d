//! Policies over a directory of their own, with a clock that tests move and events that they read.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sluice_domain::{
    AccountKind, AccountName, Attempt, Clock, Decision, EventBody, Failure, UnixMillis,
};
use sluice_policy::{Limits, PluginView, Policies, PolicySettings};
use tempfile::TempDir;

/// Longest a test waits for an event. A passing test never waits that long.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct TestClock(AtomicU64);

impl Clock for TestClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(1_800_000_000_000 + self.0.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }
}

impl TestClock {
    pub fn advance(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap();
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

pub struct Fixture {
    pub policies: Arc<Policies>,
    pub clock: Arc<TestClock>,
    dir: TempDir,
    events: Mutex<Receiver<EventBody>>,
}

impl Fixture {
    /// Without shipped components.
    pub fn bare() -> Self {
        Self::with(None)
    }

    /// The same for tests in which no question may be cut off, however busy the machine is.
    pub fn unhurried() -> Self {
        Self::of(None, Duration::from_secs(10))
    }

    pub fn with(bundled: Option<PathBuf>) -> Self {
        // Unoptimised test builds on a busy machine are slow; what is never answered is cut off all
        // the same.
        Self::of(bundled, Duration::from_millis(250))
    }

    fn of(bundled: Option<PathBuf>, decision_deadline: Duration) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock(AtomicU64::new(1_000)));
        let (told, events) = channel();
        let settings = PolicySettings {
            bundled,
            archive_dir: Some(dir.path().join("archive")),
            limits: Limits {
                decision_deadline,
                export_deadline: Duration::from_secs(5),
                ..Limits::default()
            },
            ..PolicySettings::of(dir.path().join("plugins"))
        };
        let told = Mutex::new(told);
        let on_event = Box::new(move |event| {
            // The test may be over.
            let _ = told.lock().unwrap().send(event);
        });
        let policies = Policies::open(settings, clock.clone(), on_event).unwrap();
        Self {
            policies,
            clock,
            dir,
            events: Mutex::new(events),
        }
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join("plugins").join(file)
    }

    /// As people should do it: written elsewhere, renamed into place.
    pub fn drop_in(&self, file: &str, bytes: &[u8]) {
        let part = self.dir.path().join("part");
        std::fs::write(&part, bytes).unwrap();
        std::fs::rename(part, self.path(file)).unwrap();
    }

    /// Drops it in and looks, without the watcher.
    pub fn admit(&self, file: &str, bytes: &[u8]) -> PluginView {
        self.drop_in(file, bytes);
        self.policies.refresh();
        self.plugin(file.split('.').next().unwrap())
    }

    pub fn plugin(&self, name: &str) -> PluginView {
        let found = self
            .policies
            .plugins()
            .into_iter()
            .find(|view| view.name == name);
        found.unwrap_or_else(|| panic!("no plugin {name}"))
    }

    /// Waits for the event of a plugin; its generation and error.
    pub fn told(&self, name: &str, action: &str) -> (u64, Option<String>) {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let event = self.events.lock().unwrap().recv_timeout(left);
            match event.unwrap_or_else(|_| panic!("no event {action} of {name}")) {
                EventBody::Plugin {
                    name: of,
                    action: what,
                    generation,
                    error,
                    ..
                } if of == name && what == action => return (generation, error),
                _ => {}
            }
        }
    }

    pub fn decide(&self, attempt: &Attempt) -> Decision {
        self.policies.decide(attempt, &account())
    }
}

pub fn account() -> AccountName {
    "demo".parse().unwrap()
}

/// A first attempt that met FLOOD_WAIT_7, by a caller with a minute and no patience.
pub fn flood() -> Attempt {
    attempt(Failure::telegram(
        420,
        "FLOOD_WAIT_7",
        "messages.sendMessage",
        AccountKind::User,
    ))
}

pub fn attempt(failure: Failure) -> Attempt {
    Attempt {
        verdict: sluice_standard_categorize::categorize(&failure),
        failure,
        attempt: 1,
        elapsed_ms: 20,
        slept_ms: 0,
        deadline_left_ms: 60_000,
        patience_left_ms: 0,
        idempotent: false,
        recent_failures: 1,
        recent_calls: 10,
        recent_retries: 0,
        entropy: 42,
    }
}

pub fn waits(decision: Decision) -> Option<u64> {
    match decision {
        Decision::Retry { after_ms, .. } => Some(after_ms),
        _ => None,
    }
}
