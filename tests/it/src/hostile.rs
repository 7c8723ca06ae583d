//! Policies of their own, without a gateway, for plugins that mean harm.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sluice_domain::{
    AccountKind, AccountName, Attempt, Clock, Decision, EventBody, Failure, UnixMillis,
};
use sluice_policy::{Limits, PluginView, Policies, PolicySettings, Rollback};
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Has no opinion on `messages.sendMessage`, and does harm on other methods.
pub const SPITEFUL: &str = include_str!("../../guests/spiteful.wat");

/// A core module of `tests/guests` as a retry policy.
pub fn retry(text: &str) -> anyhow::Result<Vec<u8>> {
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let mut resolve = Resolve::default();
    let mut package = None;
    for file in ["core/core.wit", "host/host.wit", "retry/retry.wit"] {
        let text = std::fs::read_to_string(wit.join(file))?;
        package = Some(resolve.push_str(file, &text)?);
    }
    let package = package.expect("the contract of retry");
    let world = resolve.select_world(&[package], Some("retry-policy"))?;
    let mut module = wat::parse_str(text)?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)?;
    sluice_componentize::componentize(&module)
}

/// A failed attempt that the native policy repeats, of a method.
pub fn attempt(method: &str) -> Attempt {
    let failure = Failure::telegram(500, "INTERNAL", method, AccountKind::User);
    Attempt {
        verdict: sluice_standard_categorize::categorize(&failure),
        failure,
        attempt: 1,
        elapsed_ms: 20,
        slept_ms: 0,
        deadline_left_ms: 30_000,
        patience_left_ms: 0,
        idempotent: true,
        recent_failures: 1,
        recent_calls: 10,
        recent_retries: 0,
        entropy: 42,
    }
}

/// A clock that only the test moves.
#[derive(Default)]
pub struct Hand(AtomicU64);

impl Hand {
    pub fn advance(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn now(&self) -> UnixMillis {
        UnixMillis(1_800_000_000_000 + self.0.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }
}

pub struct Desk {
    pub policies: Arc<Policies>,
    pub clock: Arc<Hand>,
    /// How often a breaker opened.
    pub disabled: Arc<AtomicU64>,
    dir: tempfile::TempDir,
}

impl Desk {
    pub fn open() -> anyhow::Result<Self> {
        Self::patient(Limits::default().decision_deadline)
    }

    /// With so much time for a decision.
    pub fn patient(decision_deadline: Duration) -> anyhow::Result<Self> {
        let dir = tempfile::Builder::new().prefix("sluice-test-").tempdir()?;
        let clock = Arc::new(Hand::default());
        let disabled = Arc::new(AtomicU64::new(0));
        let on_event = Box::new({
            let disabled = disabled.clone();
            move |event| {
                if matches!(event, EventBody::Plugin { ref action, .. } if action == "disabled") {
                    disabled.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        let settings = PolicySettings {
            limits: Limits {
                decision_deadline,
                ..Limits::default()
            },
            // What is measured here has to stay in force.
            rollback: Rollback {
                automatic: false,
                ..Rollback::default()
            },
            ..PolicySettings::of(dir.path().join("plugins"))
        };
        let policies = Policies::open(settings, clock.clone(), on_event)?;
        Ok(Self {
            policies,
            clock,
            disabled,
            dir,
        })
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join("plugins").join(file)
    }

    /// Renames a file into place and looks.
    pub fn admit(&self, file: &str, bytes: &[u8]) -> anyhow::Result<PluginView> {
        let part = self.dir.path().join("part");
        std::fs::write(&part, bytes)?;
        std::fs::rename(part, self.path(file))?;
        self.look(file)
    }

    pub fn look(&self, file: &str) -> anyhow::Result<PluginView> {
        self.policies.refresh();
        let name = file.split('.').next();
        let mut views = self.policies.plugins().into_iter();
        let view = views.find(|view| Some(view.name.as_str()) == name);
        view.ok_or_else(|| anyhow::anyhow!("no plugin {file}"))
    }

    pub fn decide(&self, attempt: &Attempt) -> Decision {
        let account: AccountName = "demo".parse().expect("a name");
        self.policies.decide(attempt, &account)
    }
}

/// A line of `/proc/PID/status`, in bytes.
pub fn memory(process: &str, line: &str) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let found = status.lines().find_map(|text| text.strip_prefix(line));
    let kilobytes = found.and_then(|text| text.split_whitespace().nth(1));
    let kilobytes = kilobytes.ok_or_else(|| anyhow::anyhow!("no {line}"))?;
    Ok(kilobytes.parse::<u64>()? << 10)
}
