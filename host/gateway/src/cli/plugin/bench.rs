//! `sluice plugin bench`: what an answer costs.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use clap::Args;
use sluice_policy::{Candidate, Fault};
use toml::Table;

use super::ground::Ground;
use super::question::Question;
use super::subject::Subject;
use crate::cli::print;
use crate::cli::table::table;

/// Longest that one row is measured: a Python component would take minutes for all its calls.
const LONGEST: Duration = Duration::from_secs(5);
/// Calls before the ones that count.
const WARM_UP: u32 = 50;

#[derive(Args)]
pub(in crate::cli) struct Bench {
    /// The plugin's folder, or a component.
    #[arg(default_value = ".")]
    plugin: PathBuf,
    /// Calls of each row, fewer where they take longer than 5 seconds.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    calls: u32,
    #[command(flatten)]
    ground: Ground,
}

impl Bench {
    pub fn run(self) -> anyhow::Result<()> {
        let subject = Subject::open(&self.plugin)?;
        let ground = self.ground.open()?;
        let metered = ground.load(&subject, &subject.sidecar)?;
        let question = Question::typical(metered.kind());
        let spent = question.put(&metered)?;
        let mut rows = Vec::new();
        for (name, reuse) in [("reused", true), ("fresh", false)] {
            let candidate = ground.load(&subject, &with(&subject.sidecar, reuse)?)?;
            let served = candidate.as_served().map_err(|why| anyhow!(why))?;
            let mut times = measure(&served, &question, self.calls)?;
            times.sort_unstable();
            rows.push(vec![
                name.to_owned(),
                at(&times, 50),
                at(&times, 99),
                times.len().to_string(),
            ]);
        }
        let fuel = spent.fuel.unwrap_or(0);
        let build = if cfg!(debug_assertions) {
            "(measured with an unoptimised sluice, whose own part of the time is larger)\n"
        } else {
            ""
        };
        print(&format!(
            "{}\n{}fuel      {fuel} units, a fresh instance and its settings included\n\
             memory    {} KiB\n{build}",
            question.what(),
            table(&["INSTANCE", "P50", "P99", "CALLS"], &rows),
            spent.memory / 1024,
        ))
    }
}

/// The sidecar with instances that are used again without an end, or never.
fn with(sidecar: &str, reuse: bool) -> anyhow::Result<String> {
    let mut sidecar: Table = sidecar.parse()?;
    sidecar.remove("reuse");
    if reuse {
        let bounds = [
            ("max_calls", i64::from(u32::MAX)),
            ("max_memory_bytes", i64::from(u32::MAX)),
            ("max_age_s", 86_400),
        ];
        let bounds = bounds.map(|(name, bound)| (name.to_owned(), bound.into()));
        sidecar.insert("reuse".into(), Table::from_iter(bounds).into());
    }
    Ok(sidecar.to_string())
}

/// Nanoseconds of each call.
fn measure(candidate: &Candidate, question: &Question, calls: u32) -> anyhow::Result<Vec<u64>> {
    let began = Instant::now();
    let mut times = Vec::new();
    for call in 0..calls.saturating_add(WARM_UP) {
        let before = Instant::now();
        match question.put(candidate) {
            // One that was scheduled away, or is too slow: its time tells.
            Ok(_) | Err(Fault::Deadline(_)) => {}
            Err(fault) => return Err(fault.into()),
        }
        let took = before.elapsed();
        if call >= WARM_UP {
            times.push(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        }
        if began.elapsed() > LONGEST && !times.is_empty() {
            break;
        }
    }
    Ok(times)
}

/// A percentile of sorted times, as people read it.
fn at(times: &[u64], percent: usize) -> String {
    let index = times.len().saturating_mul(percent) / 100;
    let ns = times.get(index).or(times.last()).copied().unwrap_or(0);
    match ns {
        0..10_000 => format!("{ns} ns"),
        10_000..10_000_000 => format!("{}.{} µs", ns / 1_000, ns % 1_000 / 100),
        _ => format!("{} ms", ns / 1_000_000),
    }
}
