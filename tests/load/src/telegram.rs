//! Many accounts in one gateway: what each of them costs at rest, and what the others cost a call.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use sluice_harness::scoreboard::{Row, report};
use tokio::time::sleep;

use crate::gateway::{Gateway, name};
use crate::media;
use crate::proc::{processor, rss_kib};

const PART: &str = "Telegram side";
/// Goals of one idle account.
const MEMORY_KIB: f64 = 150.0;
const CORE_PERCENT: f64 = 2.0;
/// After sign-ins the gateway is left alone for so long: connects, first pings and differences end.
const SETTLE: Duration = Duration::from_secs(20);
/// The call: small, and the same bytes for every account.
const METHOD: &str = "help.getNearestDc";
/// Calls one after the other, and callers at once with so many calls each.
const IN_TURN: usize = 4_000;
const CALLERS: usize = 64;
const EACH: usize = 500;

/// Runs all of it and reports its rows.
pub async fn run(binary: &Path, accounts: u32, seconds: u64) -> Result<()> {
    let gateway = Gateway::start(binary).await?;
    gateway.sign_in(0..1).await?;
    let alone = calls(&gateway, 1).await?;
    sleep(SETTLE).await;
    let one = rss_kib(gateway.pid())?;
    eprintln!("1 account: {one} KiB");

    let at = Instant::now();
    gateway.sign_in(1..accounts).await?;
    eprintln!("{accounts} accounts signed in after {:.0?}", at.elapsed());
    sleep(SETTLE).await;
    idle(&gateway, one, accounts, seconds).await?;

    let among = calls(&gateway, 1).await?;
    let over_all = calls(&gateway, accounts).await?;
    report(&Row {
        part: PART,
        fault: "calls on one main link: throughput and p99 through REST",
        goal: "(measured)",
        figure: &alone.text(),
        n: u64::try_from(IN_TURN + CALLERS * EACH)?,
        met: true,
    });
    let count = thousands(accounts);
    report(&Row {
        part: PART,
        fault: &format!("the same on one link among {count} idle accounts"),
        goal: "(measured)",
        figure: &among.text(),
        n: u64::try_from(IN_TURN + CALLERS * EACH)?,
        met: true,
    });
    report(&Row {
        part: PART,
        fault: &format!("the same spread over {count} accounts"),
        goal: "(measured)",
        figure: &over_all.text(),
        n: u64::try_from(IN_TURN + CALLERS * EACH)?,
        met: true,
    });
    gateway.stop().await?;
    media::run().await
}

async fn idle(gateway: &Gateway, one: u64, accounts: u32, seconds: u64) -> Result<()> {
    let before = processor(gateway.pid())?;
    let at = Instant::now();
    sleep(Duration::from_secs(seconds)).await;
    let used = processor(gateway.pid())?.saturating_sub(before);
    let share = used.as_secs_f64() / at.elapsed().as_secs_f64() * 100.0;
    let all = rss_kib(gateway.pid())?;
    eprintln!("{accounts} accounts: {all} KiB");
    let more = u32::try_from(all.saturating_sub(one))?;
    let each = f64::from(more) / f64::from(accounts - 1);
    report(&Row {
        part: PART,
        fault: &format!("{} idle accounts", thousands(accounts)),
        goal: "<= 150 KiB each, <= 2% of a core",
        figure: &format!("{each:.0} KiB each, {share:.1}% of a core over {seconds} s"),
        n: u64::from(accounts),
        met: each <= MEMORY_KIB && share <= CORE_PERCENT,
    });
    Ok(())
}

/// How calls went.
struct Calls {
    p50: Duration,
    p99: Duration,
    per_second: f64,
    /// The same with many callers at once.
    busy_p99: Duration,
}

impl Calls {
    fn text(&self) -> String {
        format!(
            "in turn p50 {} / p99 {} µs; {CALLERS} callers {:.0} calls/s, p99 {:.1} ms",
            self.p50.as_micros(),
            self.p99.as_micros(),
            self.per_second,
            self.busy_p99.as_secs_f64() * 1_000.0
        )
    }
}

/// Calls of the first accounts, in turn and from many callers at once.
async fn calls(gateway: &Gateway, accounts: u32) -> Result<Calls> {
    let mut caller = gateway.caller().await?;
    let names: Vec<String> = (0..accounts).map(name).collect();
    let mut whose = names.iter().cycle();
    let mut series = Vec::with_capacity(IN_TURN);
    for number in 0..IN_TURN + IN_TURN / 10 {
        let account = whose.next().context("an account")?;
        let at = Instant::now();
        caller.call_as(account, METHOD).await?;
        if number >= IN_TURN / 10 {
            series.push(at.elapsed());
        }
    }
    let [p50, p99] = quantiles(&mut series);

    let mut callers = Vec::new();
    for _ in 0..CALLERS {
        callers.push(gateway.caller().await?);
    }
    let at = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for (number, mut caller) in callers.into_iter().enumerate() {
        let mut names = names.clone();
        let start = number * names.len() / CALLERS;
        names.rotate_left(start);
        tasks.spawn(async move {
            let mut series = Vec::with_capacity(EACH);
            for account in names.iter().cycle().take(EACH) {
                let at = Instant::now();
                caller.call_as(account, METHOD).await?;
                series.push(at.elapsed());
            }
            anyhow::Ok(series)
        });
    }
    let mut all = Vec::with_capacity(CALLERS * EACH);
    while let Some(done) = tasks.join_next().await {
        all.extend(done??);
    }
    let took = at.elapsed();
    let count = u32::try_from(all.len())?;
    let [_, busy_p99] = quantiles(&mut all);
    Ok(Calls {
        p50,
        p99,
        per_second: f64::from(count) / took.as_secs_f64(),
        busy_p99,
    })
}

/// The 50th and the 99th percentile.
fn quantiles(series: &mut [Duration]) -> [Duration; 2] {
    series.sort_unstable();
    [50, 99].map(|q| {
        let at = series.len() * q / 100;
        series.get(at).copied().unwrap_or_default()
    })
}

/// 1000 as 1,000.
fn thousands(number: u32) -> String {
    match number / 1_000 {
        0 => number.to_string(),
        more => format!("{more},{:03}", number % 1_000),
    }
}
