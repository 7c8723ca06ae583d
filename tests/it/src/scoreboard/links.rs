//! Links: cut, silent, refused.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::future::{join_all, try_join_all};
use serde_json::json;
use sluice_config::Config;
use sluice_domain::UnixMillis;
use sluice_harness::chaos::{Dice, Mode, Plan, Seed, Weather};
use sluice_harness::datacenter::{JournalFilter, Options, Outcome};
use sluice_harness::scoreboard::{Row, count, report, soak};
use sluice_harness::{Answer, Harness, Setup};

const PART: &str = "Telegram side";
/// Nothing here takes longer, however busy the machine is.
const PATIENCE: Duration = Duration::from_mins(2);

fn name(index: usize) -> String {
    match index {
        0 => "demo".to_owned(),
        _ => format!("demo-{}", index + 1),
    }
}

async fn with(accounts: u64) -> anyhow::Result<Harness> {
    configured(accounts, Config::default()).await
}

async fn configured(accounts: u64, config: Config) -> anyhow::Result<Harness> {
    Harness::with(Setup {
        config,
        accounts: usize::try_from(accounts)?,
        chaos: Some(Seed::choose()),
        datacenter: Options {
            dcs: 2,
            ..Options::default()
        },
        ..Setup::default()
    })
    .await
}

/// The value that so many of 100 do not exceed.
fn percentile(times: &mut [Duration], of_hundred: usize) -> Duration {
    times.sort_unstable();
    let at = (times.len() * of_hundred).div_ceil(100).max(1) - 1;
    times[at]
}

async fn timed(
    gateway: &Harness,
    account: &str,
    method: &str,
    params: serde_json::Value,
    seconds: u64,
) -> anyhow::Result<(Duration, Answer)> {
    let path = format!("/api/telegram/call/{method}?account={account}");
    let request = gateway.request(reqwest::Method::POST, &path);
    let request = request.header("x-timeout", seconds).json(&params);
    let start = Instant::now();
    let answer = Answer::read(request.send().await?).await?;
    Ok((start.elapsed(), answer))
}

/// Sends by `random_id`: how often each was carried out, and all names of errors.
fn sends(gateway: &Harness) -> (Vec<usize>, Vec<String>) {
    let mut done = BTreeMap::<String, usize>::new();
    let mut errors = Vec::new();
    for entry in gateway.datacenter.journal(&JournalFilter::default()) {
        match entry.outcome {
            Outcome::Ok => {
                if let Some(id) = entry.random_id {
                    *done.entry(id).or_default() += 1;
                }
            }
            Outcome::Error(name) => errors.push(name),
            _ => {}
        }
    }
    (done.into_values().collect(), errors)
}

/// The time, as the gateway in this process reads it too.
fn now() -> UnixMillis {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    UnixMillis(since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0)))
}

/// Since when the main link of each account stands; those that are away are left out.
async fn connected_since(gateway: &Harness) -> anyhow::Result<BTreeMap<String, UnixMillis>> {
    let status = gateway.get("/api/telegram/connection-pool/status").await?;
    let status = status.expect(200)?;
    let links = status["connections"].as_array();
    let main = links
        .into_iter()
        .flatten()
        .filter(|link| link["role"] == "main");
    let since = main.filter_map(|link| {
        let account = link["account"].as_str()?.to_owned();
        let since = serde_json::from_value(link["metrics"]["connectedSince"].clone());
        Some((account, since.ok()?))
    });
    Ok(since.collect())
}

/// Breaks when an answer is lost with its connection, a send is carried out twice, an authorization
/// is seen in two places, or a cut link comes back late.
#[tokio::test(flavor = "multi_thread")]
async fn connections_cut_at_a_random_byte_in_mid_call() -> anyhow::Result<()> {
    /// Accounts that are cut at the same time: one address makes at most 20 connections a second.
    const AT_ONCE: usize = 6;
    let (accounts, wanted) = (count(100, 24), count(1_000, 60));
    let gateway = with(accounts).await?;
    let chaos = gateway.chaos()?;
    let mut dice: Dice = chaos.seed().dice(1 << 60);
    let names: Vec<String> = (0..usize::try_from(accounts)?).map(name).collect();
    let mut calls = 0_usize;
    let mut over_cuts = Vec::new();
    let began = Instant::now();
    let mut next = 0;
    while chaos.ended(None) < wanted {
        assert!(began.elapsed() < PATIENCE * 10, "the cuts do not come");
        // A call and its answer are some hundred bytes.
        chaos.set(
            None,
            Mode::Once(Weather {
                cut: 100,
                cut_within: 300 + dice.below(300),
                ..Weather::default()
            }),
        );
        let gateway = &gateway;
        let round = (0..AT_ONCE).map(|turn| {
            let account = &names[(next + turn) % names.len()];
            let message = format!("message {} of {account}", calls + turn);
            let message = json!({ "peer": "@demo", "message": message });
            async move {
                let made = now();
                let call = timed(gateway, account, "messages.sendMessage", message, 30);
                let (took, answer) = call.await?;
                let answered = now();
                answer.expect(200)?;
                anyhow::Ok((account, made..=answered, took))
            }
        });
        let round = try_join_all(round).await?;
        calls += round.len();
        let since = connected_since(gateway).await?;
        // A connection that came up while the call was on its way: it came or was in flight while
        // its account was away.
        let away = round.iter().filter(|(account, during, _)| {
            since
                .get(*account)
                .is_some_and(|since| during.contains(since))
        });
        over_cuts.extend(away.map(|(_, _, took)| *took));
        next += AT_ONCE;
    }
    chaos.clear();
    let cuts = chaos.ended(None);
    let (sent, errors) = sends(&gateway);
    let doubled = sent.iter().filter(|times| **times > 1).count();
    assert_eq!((sent.len(), doubled), (calls, 0));
    let duplicated = |name: &&String| *name == "AUTH_KEY_DUPLICATED";
    assert_eq!(errors.iter().filter(duplicated).count(), 0);
    let over = over_cuts.len();
    assert!(over > 0, "no call met a cut");
    let p99 = percentile(&mut over_cuts, 99);
    report(&Row {
        part: PART,
        fault: "TCP cut at a random byte mid-call, 1,000 times over 100 accounts",
        goal: "0 answers lost, 0 sends doubled (the data center counts random_id), 0 AUTH_KEY_DUPLICATED, back in <= 2 s p99",
        figure: &format!(
            "{cuts} cuts over {accounts} accounts: 0 of {calls} answers lost, 0 doubled, 0 AUTH_KEY_DUPLICATED; the {over} calls that met their account away were answered in {p99:.2?} p99"
        ),
        n: cuts,
        met: p99 <= Duration::from_secs(2),
    });
    gateway.stop().await;
    Ok(())
}

/// Breaks when a data center that accepts and says nothing holds a caller beyond the deadline, or
/// is felt by accounts elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn a_data_center_that_accepts_and_is_silent() -> anyhow::Result<()> {
    const DEADLINE: u64 = 2;
    let calls = count(4_000, 300);
    let gateway = with(2).await?;
    let chaos = gateway.chaos()?;
    let me = || json!({ "id": [{ "_": "inputUserSelf" }] });
    let measure = async || -> anyhow::Result<Duration> {
        let mut times = Vec::new();
        for _ in 0..calls {
            let (took, answer) = timed(&gateway, "demo", "users.getUsers", me(), 30).await?;
            answer.expect(200)?;
            times.push(took);
        }
        Ok(percentile(&mut times, 99))
    };
    measure().await?;
    let before = measure().await?;
    // demo-2 is at home on data center 2.
    chaos.set(Some(2), Mode::Planned(Plan::black_hole()));
    let mut late = Vec::new();
    let mut silent = async || -> anyhow::Result<()> {
        for _ in 0..count(20, 3) {
            let call = timed(&gateway, "demo-2", "users.getUsers", me(), DEADLINE);
            let (took, answer) = call.await?;
            assert_eq!(answer.status, 504, "{:#}", answer.body);
            assert!(took >= Duration::from_secs(DEADLINE), "{took:?}");
            late.push(took.saturating_sub(Duration::from_secs(DEADLINE)));
        }
        Ok(())
    };
    let (meanwhile, silent) = tokio::join!(measure(), silent());
    silent?;
    let meanwhile = meanwhile?;
    chaos.clear();
    let moved = (meanwhile.as_secs_f64() / before.as_secs_f64() - 1.0) * 100.0;
    let (waited, late) = (late.len(), percentile(&mut late, 100));
    assert!(late < Duration::from_secs(DEADLINE), "{late:?}");
    report(&Row {
        part: PART,
        fault: "a data center that accepts and is silent",
        goal: "the caller gets 504 at its deadline; other accounts' p99 moves <= 10%",
        figure: &format!(
            "{waited} of {waited} calls answered 504, at most {late:.1?} after the deadline; another account's p99 {before:.2?} before, {meanwhile:.2?} meanwhile ({moved:+.0}%)"
        ),
        n: calls,
        met: moved <= 10.0,
    });
    let (_, healed) = timed(&gateway, "demo-2", "users.getUsers", me(), 60).await?;
    healed.expect(200)?;
    gateway.stop().await;
    Ok(())
}

/// Failed connections and links, by account.
async fn failures(gateway: &Harness, names: &[String]) -> anyhow::Result<Vec<u64>> {
    let status = gateway.get("/api/telegram/connection-pool/status").await?;
    let status = status.expect(200)?;
    let links = status["connections"].as_array();
    let links = links.map(Vec::as_slice).unwrap_or_default();
    let of = |name: &String| {
        let own = links.iter().filter(|link| link["account"] == name.as_str());
        own.filter_map(|link| link["metrics"]["errors"].as_u64())
            .sum()
    };
    Ok(names.iter().map(of).collect())
}

/// Breaks when a data center that is down is hammered, or when accounts do not come back by
/// themselves.
#[tokio::test(flavor = "multi_thread")]
async fn a_data_center_that_is_down_refuses_or_hears_nothing() -> anyhow::Result<()> {
    let accounts = count(100, 4);
    let outage = Duration::from_secs(count(60, 5));
    let mut config = Config::default();
    if !soak() {
        // Of a line that goes silent the account learns by a ping.
        config.probe.interval = Duration::from_secs(1);
    }
    let gateway = configured(accounts, config).await?;
    let chaos = gateway.chaos()?;
    let names: Vec<String> = (0..usize::try_from(accounts)?).map(name).collect();
    let one_way = Plan {
        mute: true,
        ..Plan::clear()
    };
    let mut figures = Vec::new();
    let mut met = true;
    for (what, mode) in [
        ("down", None),
        ("refused", Some(Mode::Refused)),
        ("one-way", Some(Mode::Planned(one_way))),
    ] {
        match mode {
            None => gateway.datacenter.stop().await,
            Some(mode) => chaos.set(None, mode),
        }
        let all = join_all(names.iter().map(|name| gateway.connected(name, false)));
        tokio::time::timeout(PATIENCE, all)
            .await?
            .into_iter()
            .collect::<anyhow::Result<()>>()?;
        let before = failures(&gateway, &names).await?;
        let let_in = chaos.accepted(None);
        let start = Instant::now();
        tokio::time::sleep(outage).await;
        let let_in = chaos.accepted(None) - let_in;
        let after = failures(&gateway, &names).await?;
        let seconds = start.elapsed().as_secs_f64();
        let tries = after
            .iter()
            .zip(&before)
            .map(|(after, before)| after - before);
        let most = tries.max().unwrap_or(0);
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        let rate = most as f64 / seconds;
        assert!(
            most <= outage.as_secs() + 2,
            "{what}: {most} in {seconds} s"
        );
        match mode {
            None => gateway.datacenter.restart().await?,
            Some(_) => chaos.clear(),
        }
        let back = Instant::now();
        let all = join_all(names.iter().map(|name| gateway.connected(name, true)));
        tokio::time::timeout(PATIENCE, all)
            .await?
            .into_iter()
            .collect::<anyhow::Result<()>>()?;
        let back = back.elapsed();
        // Where nobody is let in, nobody can count but the gateway itself.
        let bound = accounts * (outage.as_secs() + 2);
        assert!(let_in <= bound, "{what}: {let_in} in {seconds} s");
        met &= rate <= 1.0 && back <= Duration::from_secs(30);
        figures.push(format!(
            "{what} for {seconds:.0} s after it was noticed: at most {rate:.2} failures/s of one account, {let_in} connects of all seen, all back in {back:.1?}"
        ));
    }
    report(&Row {
        part: PART,
        fault: "data center down, refused, one-way",
        goal: "<= 1 connect/s per account with jitter; all 100 accounts back <= 30 s after it returns",
        figure: &figures.join("; "),
        n: accounts,
        met,
    });
    assert!(met || !soak(), "{figures:?}");
    gateway.stop().await;
    Ok(())
}
