//! Plugins that loop, take memory, trap or are none.
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "figures for people, and numbers below the length of a file"
)]

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use sluice_config::Config;
use sluice_datacenter::{Action, Match, Rule};
use sluice_domain::Decision;
use sluice_harness::scoreboard::{Row, count, report, soak};
use sluice_harness::{Harness, Setup, example_plugin};

use crate::hostile::{Desk, SPITEFUL, attempt, memory, retry};

const LOOP: &str = "help.getNearestDc";
const TRAP: &str = "help.getSupport";
const DEADLINE: Duration = Duration::from_millis(10);

fn instances() -> usize {
    2 * std::thread::available_parallelism().map_or(2, usize::from)
}

/// The next calls of a method meet a fault of the server, which the native policy repeats.
fn faults(datacenter: &sluice_datacenter::DataCenter, method: &str, times: u64) {
    datacenter.add_rule(Rule {
        matches: Match {
            method: Some(method.into()),
            times: Some(times),
            ..Match::default()
        },
        action: Action::RpcError {
            code: 500,
            name: "INTERNAL".into(),
        },
    });
}

fn percentile(sorted: &[Duration], part: usize) -> Duration {
    let at = (sorted.len() * part / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or_default()
}

/// Breaks when a loop outlasts its deadline, holds others up, or costs the call its answer.
#[tokio::test(flavor = "multi_thread")]
async fn runaway_loops() -> anyhow::Result<()> {
    let rounds = count(50, 3);
    let spiteful = retry(SPITEFUL)?;
    // How late each is cut off, by itself.
    let desk = Desk::open()?;
    let view = desk.admit("spiteful.wasm", &spiteful)?;
    anyhow::ensure!(view.last_error.is_none(), "{view:?}");
    let question = attempt(LOOP);
    let native = sluice_standard_retry::decide(&question);
    let mut latest = Duration::ZERO;
    for _ in 0..rounds {
        let took = tokio::task::block_in_place(|| {
            std::thread::scope(|scope| {
                let threads: Vec<_> = (0..instances())
                    .map(|_| {
                        scope.spawn(|| {
                            let began = Instant::now();
                            let decision = desk.decide(&question);
                            (began.elapsed(), decision)
                        })
                    })
                    .collect();
                let ended = threads.into_iter().map(std::thread::ScopedJoinHandle::join);
                ended.collect::<Result<Vec<_>, _>>()
            })
        });
        for (elapsed, decision) in took.expect("no thread panics") {
            assert_eq!(decision, native);
            latest = latest.max(elapsed.saturating_sub(DEADLINE));
        }
        // So that its faults are not taken for a row of them.
        desk.clock.advance(Duration::from_mins(1));
    }

    // What others see of it meanwhile.
    let gateway = Harness::with(Setup {
        config: Config::default(),
        components: true,
        ..Setup::default()
    })
    .await?;
    let mut events = gateway.events("types=plugin").await?;
    let calls = instances() as u64;
    let mut pings = Vec::new();
    for round in 0..rounds {
        // A new generation each time: the breaker of the last one may be open.
        let sidecar = format!("priority = {}", 1_000 + round);
        std::fs::write(gateway.plugins_dir().join("spiteful.toml"), sidecar)?;
        if round == 0 {
            std::fs::write(gateway.dir().join("new"), &spiteful)?;
            let to = gateway.plugins_dir().join("spiteful.wasm");
            std::fs::rename(gateway.dir().join("new"), to)?;
        }
        events
            .until(|event| event["name"] == "spiteful" && event["action"] == "loaded")
            .await?;
        faults(&gateway.datacenter, LOOP, calls);
        let loops = join_all((0..calls).map(|_| gateway.call("demo", LOOP, json!({}))));
        tokio::pin!(loops);
        let answers = loop {
            let began = Instant::now();
            let ping = gateway.admin_request(Method::GET, "/livez").send();
            tokio::pin!(ping);
            tokio::select! {
                answers = &mut loops => break answers,
                alive = &mut ping => {
                    anyhow::ensure!(alive?.status() == 200);
                    pings.push(began.elapsed());
                }
            }
        };
        for answer in answers {
            answer?.expect(200)?;
        }
    }
    let view = gateway.get("/api/plugins/spiteful").await?.expect(200)?;
    assert!(
        view["lastError"]
            .as_str()
            .is_some_and(|why| why.contains("cut off"))
    );
    events.close().await?;
    gateway.stop().await;
    pings.sort_unstable();
    let livez = percentile(&pings, 99);
    let n = rounds * calls;
    report(&Row {
        part: "Plugins",
        fault: "runaway loop in 2 x cores instances",
        goal: "killed <= 20 ms past the deadline; /livez p99 <= 50 ms meanwhile; the call gets the native answer",
        figure: &format!(
            "killed {:.1} ms past the deadline at most; /livez p99 {:.1} ms; {n} of {n} calls got the native answer",
            latest.as_secs_f64() * 1e3,
            livez.as_secs_f64() * 1e3
        ),
        n: 2 * n,
        met: latest <= Duration::from_millis(20) && livez <= Duration::from_millis(50),
    });
    // Unoptimised, and beside other tests, a thread may wait longer for its turn.
    let slack = if soak() { 1 } else { 20 };
    assert!(latest <= Duration::from_millis(20) * slack, "{latest:?}");
    assert!(livez <= Duration::from_millis(50) * slack, "{livez:?}");
    Ok(())
}

/// Breaks when an instance can take more than its bound, whichever way it asks for memory.
#[test]
fn memory_bombs() -> anyhow::Result<()> {
    let rounds = count(20, 2);
    // Filling so much takes longer than a decision may, and this is not about time.
    let desk = Desk::patient(Duration::from_secs(30))?;
    let view = desk.admit("spiteful.wasm", &retry(SPITEFUL)?)?;
    anyhow::ensure!(view.last_error.is_none(), "{view:?}");
    let mut worst = BTreeMap::new();
    for _ in 0..rounds {
        for (bomb, method) in [
            ("memory", "help.getInviteText"),
            ("many memories", "account.getPassword"),
            ("tables", "help.getCountriesList"),
        ] {
            let question = attempt(method);
            // The most from here on.
            std::fs::write("/proc/self/clear_refs", "5")?;
            let before = memory("self", "VmRSS")?;
            let decision = desk.decide(&question);
            let most = memory("self", "VmHWM")?.saturating_sub(before);
            assert_eq!(decision, sluice_standard_retry::decide(&question), "{bomb}");
            let known: &mut u64 = worst.entry(bomb).or_default();
            *known = most.max(*known);
            let why = desk.look("spiteful")?.last_error.unwrap_or_default();
            anyhow::ensure!(why.contains("wanted more than"), "{bomb}: {why}");
            // So that its faults are not taken for a row of them.
            desk.clock.advance(Duration::from_mins(1));
        }
    }
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let figures: Vec<_> = worst
        .iter()
        .map(|(bomb, most)| format!("{bomb} {:.1} MiB", mib(*most)))
        .collect();
    let most = worst.values().copied().max().unwrap_or_default();
    report(&Row {
        part: "Plugins",
        fault: "memory bomb, many memories, table bomb",
        goal: "<= 64 MiB per instance in total",
        figure: &format!("resident at most, above before: {}", figures.join(", ")),
        n: rounds * 3,
        met: mib(most) <= 64.5,
    });
    // Other tests take memory of this process too, unless it is the whole run.
    assert!(!soak() || mib(most) <= 64.5, "{worst:?}");
    Ok(())
}

/// Breaks when a policy that traps without end costs memory, or a call its answer.
#[test]
fn traps() -> anyhow::Result<()> {
    const PER_SECOND: u64 = 1_000;
    let seconds = count(60, 2);
    let desk = Desk::open()?;
    let view = desk.admit("spiteful.wasm", &retry(SPITEFUL)?)?;
    anyhow::ensure!(view.last_error.is_none(), "{view:?}");
    let (bad, good) = (attempt(TRAP), attempt("messages.sendMessage"));
    let native = sluice_standard_retry::decide(&bad);
    let trapped = || -> anyhow::Result<u64> { Ok(desk.look("spiteful")?.failures) };
    let mut before = 0;
    let mut asked = 0_u64;
    let began = Instant::now();
    while trapped()? < PER_SECOND * seconds {
        // Ten in a row, and the breaker opens; the next is not asked of it. A rest, a good answer,
        // and it is trusted again.
        for _ in 0..11 {
            assert_eq!(desk.decide(&bad), native);
        }
        desk.clock.advance(Duration::from_secs(11));
        assert_eq!(desk.decide(&good), sluice_standard_retry::decide(&good));
        asked += 12;
        if asked == 1_200 {
            before = memory("self", "VmRSS")?;
        }
        let due = Duration::from_millis(trapped()? * 1_000 / PER_SECOND);
        std::thread::sleep(due.saturating_sub(began.elapsed()));
    }
    let traps = trapped()?;
    let rate = traps as f64 / began.elapsed().as_secs_f64();
    let grown = memory("self", "VmRSS")?.saturating_sub(before) as f64 / f64::from(1 << 20);
    let opened = desk.disabled.load(Ordering::SeqCst);
    report(&Row {
        part: "Plugins",
        fault: "traps 1,000/s for 60 s",
        goal: "memory flat, breaker opens, every call answered",
        figure: &format!(
            "{rate:.0} traps/s, {asked} of {asked} questions answered, the breaker opened {opened} times, memory +{grown:.1} MiB"
        ),
        n: traps,
        met: rate >= 990.0 && grown <= 2.0 && opened > 0,
    });
    assert_eq!(opened, traps / 10);
    // Other tests run in this process too, unless it is the whole run.
    assert!(!soak() || grown <= 8.0, "{grown}");
    Ok(())
}

/// The next number of a sequence (SplitMix64).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn mutant(good: &[u8], state: &mut u64) -> Vec<u8> {
    let mut bytes = good.to_vec();
    let at = |state: &mut u64, length: usize| (next(state) % length as u64) as usize;
    match next(state) % 6 {
        0 => bytes.truncate(at(state, good.len())),
        1 => {
            let from = at(state, good.len());
            let to = (from + 1 + at(state, 64)).min(good.len());
            bytes.drain(from..to);
        }
        2 => {
            let from = at(state, good.len());
            let to = (from + 1 + at(state, 64)).min(good.len());
            let copy = bytes[from..to].to_vec();
            let here = at(state, good.len());
            bytes.splice(here..here, copy);
        }
        3 => bytes.extend((0..at(state, 1_000)).map(|at| at as u8)),
        several => {
            for _ in 0..if several == 4 { 1 } else { 16 } {
                let here = at(state, good.len());
                bytes[here] ^= 1 << (next(state) % 8);
            }
        }
    }
    bytes
}

/// Breaks when a broken file serves badly, takes long to be refused, or takes the place of the
/// generation that serves.
#[test]
fn invalid_files() -> anyhow::Result<()> {
    const QUESTION: &str = "messages.sendMessage";
    let mutants = count(10_000, 60);
    let desk = Desk::open()?;
    let good = example_plugin("patient-retry")?;
    let view = desk.admit("mine.wasm", &good)?;
    anyhow::ensure!(view.last_error.is_none(), "{view:?}");
    let mut question = attempt(QUESTION);
    question.failure = sluice_domain::Failure::telegram(
        420,
        "FLOOD_WAIT_7",
        QUESTION,
        sluice_domain::AccountKind::User,
    );
    question.verdict = sluice_standard_categorize::categorize(&question.failure);
    let sound = desk.decide(&question);
    assert!(
        matches!(
            sound,
            Decision::Retry {
                after_ms: 7_042,
                ..
            }
        ),
        "{sound:?}"
    );
    let mut longest = Duration::ZERO;
    let mut harmless = 0;
    let mut state = 0x5eed;
    for number in 0..mutants {
        let bytes = mutant(&good, &mut state);
        let before = desk.look("mine.wasm")?.generation;
        let began = Instant::now();
        let view = desk.admit("mine.wasm", &bytes)?;
        let took = began.elapsed();
        let decision = desk.decide(&question);
        if view
            .last_error
            .as_deref()
            .is_some_and(|why| why.starts_with("newest file refused"))
        {
            longest = longest.max(took);
            assert_eq!(view.generation, before, "mutant {number}");
            assert_eq!(decision, sound, "mutant {number}");
        } else {
            // What was changed makes no difference to the golden cases: it may serve, in bounds.
            harmless += 1;
            if let Decision::Retry { after_ms, .. } = decision {
                assert!((7_000..30_000).contains(&after_ms), "mutant {number}");
            }
            desk.admit("mine.wasm", &good)?;
            assert_eq!(desk.decide(&question), sound, "mutant {number}");
        }
    }
    let refused = mutants - harmless;
    // Files that are something else, under a name of their own and under that of the good one.
    let huge = desk.path("huge.wasm");
    std::fs::File::create(&huge)?.set_len(1 << 30)?;
    let core = wat::parse_str("(module)")?;
    let world =
        wat::parse_str("(component (instance $i) (export \"wasi:cli/run@0.2.0\" (instance $i)))")?;
    let mut others = 0;
    for (name, bytes) in [
        ("huge", None),
        ("zip", Some(b"PK\x03\x04 and so on".to_vec())),
        ("core", Some(core)),
        ("world", Some(world)),
    ] {
        let file = format!("{name}.wasm");
        let began = Instant::now();
        let view = match &bytes {
            Some(bytes) => desk.admit(&file, bytes)?,
            None => desk.look(&file)?,
        };
        longest = longest.max(began.elapsed());
        anyhow::ensure!(
            view.generation == 0 && view.last_error.is_some(),
            "{view:?}"
        );
        if let Some(bytes) = &bytes {
            desk.admit("mine.wasm", bytes)?;
        }
        assert_eq!(desk.decide(&question), sound, "{name}");
        others += 1;
    }
    std::fs::remove_file(huge)?;
    report(&Row {
        part: "Plugins",
        fault: "invalid files, 10,000 mutants; 1 GB file; zip; core module; wrong world",
        goal: "0 bad, refused <= 1 s, previous generation serves",
        figure: &format!(
            "{refused} of {mutants} mutants refused, {harmless} let in that answer within bounds, 0 bad; {others} of 4 other files refused; the longest took {:.0} ms; the previous generation served throughout",
            longest.as_secs_f64() * 1e3
        ),
        n: mutants + others,
        met: longest <= Duration::from_secs(1),
    });
    assert!(!soak() || longest <= Duration::from_secs(1), "{longest:?}");
    Ok(())
}
