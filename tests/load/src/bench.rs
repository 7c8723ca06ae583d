//! A call through REST against the same call on a bare link, calls per second in parallel, cold start
//! and memory at rest: against `sluice demo`.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::{bare, child, figures, proc, rest};

/// Calls of one series, after the warm-up.
const CALLS: usize = 4_000;
/// The two ways take turns in blocks of this size, so that noise of the machine meets both.
const BLOCK: usize = 200;
const WARM_UP: usize = 400;
const PARALLEL: usize = 64;
/// The call: small, needs no authorization, and the same bytes on both ways.
const METHOD: &str = "help.getNearestDc";

/// Runs all of it and prints one JSON line per figure.
pub async fn run(binary: &Path) -> Result<()> {
    let demo = child::Demo::start(binary).await?;
    figures::print("demo_start_ms", &demo.started_in);
    let link = Arc::new(bare::Link::open(&demo.ready).await?);
    let url = demo.text("/url")?;
    let key = demo.text("/admin_key")?;
    let mut rest = rest::Caller::open(&url, &key).await?;

    for _ in 0..WARM_UP {
        link.call(METHOD).await?;
        rest.call(METHOD).await?;
    }
    let (mut through_rest, mut on_link) = (Vec::new(), Vec::new());
    while on_link.len() < CALLS {
        for _ in 0..BLOCK {
            let at = Instant::now();
            link.call(METHOD).await?;
            on_link.push(at.elapsed());
        }
        for _ in 0..BLOCK {
            let at = Instant::now();
            rest.call(METHOD).await?;
            through_rest.push(at.elapsed());
        }
    }
    figures::latency("bare_link_call", &mut on_link);
    figures::latency("rest_call", &mut through_rest);

    figures::rate(
        "bare_link_parallel",
        PARALLEL,
        CALLS,
        bare_parallel(&link).await?,
    );
    figures::rate(
        "rest_parallel",
        PARALLEL,
        CALLS,
        rest_parallel(&url, &key).await?,
    );

    figures::print("demo_rss_kib", &proc::rss_kib(demo.pid())?);
    drop(demo);
    child::serve_figures(binary).await
}

async fn bare_parallel(link: &Arc<bare::Link>) -> Result<Duration> {
    let at = Instant::now();
    let workers: Vec<_> = (0..PARALLEL)
        .map(|_| {
            let link = Arc::clone(link);
            tokio::spawn(async move {
                for _ in 0..CALLS / PARALLEL {
                    link.call(METHOD).await?;
                }
                anyhow::Ok(())
            })
        })
        .collect();
    for worker in workers {
        worker.await??;
    }
    Ok(at.elapsed())
}

async fn rest_parallel(url: &str, key: &str) -> Result<Duration> {
    let mut callers = Vec::new();
    for _ in 0..PARALLEL {
        callers.push(rest::Caller::open(url, key).await?);
    }
    let at = Instant::now();
    let workers: Vec<_> = callers
        .into_iter()
        .map(|mut caller| {
            tokio::spawn(async move {
                for _ in 0..CALLS / PARALLEL {
                    caller.call(METHOD).await?;
                }
                anyhow::Ok(())
            })
        })
        .collect();
    for worker in workers {
        worker.await??;
    }
    Ok(at.elapsed())
}
