//! What a decision costs: by the native library, by a component whose instance is used again, and
//! by a fresh instance for each. Needs the components (`make components`).
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "a benchmark fails by panicking"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use sluice_domain::{AccountKind, AccountName, Attempt, Clock, Failure, UnixMillis};
use sluice_policy::{Origin, Policies, PolicySettings};

struct RealClock(Instant);

impl Clock for RealClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(1_800_000_000_000)
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

fn target() -> PathBuf {
    let bench = std::env::current_exe().unwrap();
    let found = bench
        .ancestors()
        .find(|dir| dir.join("plugins/retry.wasm").is_file());
    found.expect("run `make components` first").to_owned()
}

/// Policies with one retry component, with this sidecar; none for the native library.
fn policies(dir: &std::path::Path, sidecar: Option<&str>) -> Arc<Policies> {
    let plugins = dir.join("plugins");
    std::fs::create_dir_all(&plugins).unwrap();
    if let Some(sidecar) = sidecar {
        std::fs::copy(
            target().join("plugins/retry.wasm"),
            plugins.join("retry.wasm"),
        )
        .unwrap();
        std::fs::write(plugins.join("retry.toml"), sidecar).unwrap();
    }
    let settings = PolicySettings {
        cache_dir: Some(dir.join("cache")),
        ..PolicySettings::of(plugins)
    };
    let clock = Arc::new(RealClock(Instant::now()));
    let policies = Policies::open(settings, clock, Box::new(|_| {})).unwrap();
    let expected = if sidecar.is_some() {
        Origin::Directory
    } else {
        Origin::Native
    };
    assert_eq!(policies.plugins().first().unwrap().origin, expected);
    policies
}

fn attempt() -> Attempt {
    let failure = Failure::telegram(
        420,
        "FLOOD_WAIT_7",
        "messages.sendMessage",
        AccountKind::User,
    );
    Attempt {
        verdict: sluice_standard_categorize::categorize(&failure),
        failure,
        attempt: 1,
        elapsed_ms: 20,
        slept_ms: 0,
        deadline_left_ms: 60_000,
        patience_left_ms: 10_000,
        idempotent: false,
        recent_failures: 1,
        recent_calls: 10,
        recent_retries: 0,
        entropy: 42,
    }
}

fn decisions(criterion: &mut Criterion) {
    let account: AccountName = "demo".parse().unwrap();
    let attempt = attempt();
    for (name, sidecar) in [
        ("native", None),
        ("component, reused", Some("reuse = { max_calls = 1000000 }")),
        ("component, fresh", Some("")),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let policies = policies(dir.path(), sidecar);
        criterion.bench_function(&format!("decision/{name}"), |bencher| {
            bencher.iter(|| policies.decide(&attempt, &account));
        });
        let failures: u64 = policies.plugins().iter().map(|view| view.failures).sum();
        assert_eq!(failures, 0, "{name}");
    }
}

/// From a file renamed into place to the policy serving, cold and from the cache of compiled code.
fn renamed_in(criterion: &mut Criterion) {
    let component = std::fs::read(target().join("plugins/retry.wasm")).unwrap();
    for (name, cached) in [("cold", false), ("cached", true)] {
        let dir = tempfile::tempdir().unwrap();
        let plugins = dir.path().join("plugins");
        let settings = PolicySettings {
            cache_dir: cached.then(|| dir.path().join("cache")),
            ..PolicySettings::of(plugins.clone())
        };
        let clock = Arc::new(RealClock(Instant::now()));
        let (told, events) = std::sync::mpsc::sync_channel(100);
        let on_event = Box::new(move |event| told.try_send(event).unwrap());
        let policies = Policies::open(settings, clock, on_event).unwrap();
        policies.watch().unwrap();
        let mut priority = 0;
        criterion.bench_function(&format!("renamed in to serving/{name}"), |bencher| {
            bencher.iter(|| {
                // Other words in the sidecar, so that it is not the file that serves already.
                priority += 1;
                let sidecar = format!("priority = {priority}");
                std::fs::write(dir.path().join("sidecar"), sidecar).unwrap();
                std::fs::write(dir.path().join("component"), &component).unwrap();
                std::fs::rename(dir.path().join("sidecar"), plugins.join("retry.toml")).unwrap();
                std::fs::rename(dir.path().join("component"), plugins.join("retry.wasm")).unwrap();
                events.recv_timeout(Duration::from_secs(10)).unwrap()
            });
        });
        assert_eq!(policies.plugins().first().unwrap().last_error, None);
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(50).measurement_time(Duration::from_secs(3));
    targets = decisions, renamed_in
}
criterion_main!(benches);
