//! The engine and what every instance gets: limits on time and memory, and a log.

mod host;
mod runner;
mod ticker;
mod wasi;

use std::path::Path;

use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{
    Cache, CacheConfig, Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel,
    PoolingAllocationConfig,
};

pub(crate) use host::{Host, Moment};
pub(crate) use runner::{Contract, Cost, Meter, Prepared, Reply, Reuse, Runner};
pub use runner::{Fault, Spent};
use ticker::Ticker;
pub(crate) use wasi::is_closed;

use crate::{Limits, PolicyError, contract};

/// Memories and tables one component may be made of. A Rust component has one of each, a JavaScript
/// one a few more.
const MAX_PARTS: u32 = 16;
/// Core instances one component may be made of. They hold nothing that is not bounded by itself. Rust
/// and JavaScript make three; Python's interpreter comes in 38, a library each (counted in what
/// componentize-py makes).
const MAX_CORE_INSTANCES: u32 = 64;
/// Entries of a table: function pointers. Python's interpreter has about 12,000.
const MAX_TABLE: usize = 20_000;
/// Instances at one time: a call holds one only while it runs, so this is threads, not requests,
/// plus what reused plugins keep.
const INSTANCES: u32 = 128;
/// Memory of an instance kept mapped for the next one, instead of being given back each time.
const KEPT_RESIDENT: usize = 64 << 10;

/// The engines of all plugins: one that serves, its questions bounded by time, and one that admits
/// and replays, its questions bounded by fuel and so the same on every machine.
pub(crate) struct Runtime {
    serving: Engine,
    metered: Engine,
    serving_linker: Linker<Host>,
    metered_linker: Linker<Host>,
    ticker: Ticker,
}

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Serving,
    Metered,
}

impl Runtime {
    pub(crate) fn new(limits: &Limits, cache_dir: Option<&Path>) -> Result<Self, PolicyError> {
        let refused = |error: wasmtime::Error| PolicyError::Engine(format!("{error:#}"));
        let cache = cache_dir.and_then(|dir| match open_cache(dir) {
            Ok(cache) => Some(cache),
            Err(error) => {
                tracing::warn!(%error, dir = %dir.display(), "no cache for compiled plugins");
                None
            }
        });
        let metered = metered_engine(cache.clone()).map_err(refused)?;
        // The pool reserves address space for every slot at once; where that is rationed
        // (RLIMIT_AS), instances are slower to make but work.
        let serving = serving_engine(limits, cache.clone(), true).or_else(|error| {
            tracing::warn!(%error, "no pool of instances; plugins will start more slowly");
            serving_engine(limits, cache, false)
        });
        let serving = serving.map_err(refused)?;
        let linker = |engine: &Engine| {
            let mut linker = Linker::new(engine);
            contract::link_log(&mut linker).map_err(refused)?;
            Ok(linker)
        };
        Ok(Self {
            serving_linker: linker(&serving)?,
            metered_linker: linker(&metered)?,
            ticker: Ticker::start(serving.clone()).map_err(PolicyError::Thread)?,
            serving,
            metered,
        })
    }

    pub(crate) fn engine(&self, which: Use) -> &Engine {
        match which {
            Use::Serving => &self.serving,
            Use::Metered => &self.metered,
        }
    }

    pub(crate) fn ticker(&self) -> &Ticker {
        &self.ticker
    }

    /// Gives a component what it imports.
    pub(crate) fn prepare(
        &self,
        which: Use,
        component: &Component,
    ) -> wasmtime::Result<InstancePre<Host>> {
        let mut linker = match which {
            Use::Serving => &self.serving_linker,
            Use::Metered => &self.metered_linker,
        }
        .clone();
        wasi::link(&mut linker, component)?;
        linker.instantiate_pre(component)
    }
}

/// What both engines have in common: whatever a component computes, both compute the same.
fn common(cache: Option<Cache>) -> Config {
    let mut config = Config::new();
    config
        .concurrency_support(false)
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        .wasm_memory64(false)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(16))
        .cache(cache);
    config
}

/// Counts every operation. It is compiled without optimisation, because a candidate is asked some
/// thousand questions once, and fuel is the same either way.
fn metered_engine(cache: Option<Cache>) -> wasmtime::Result<Engine> {
    let mut config = common(cache);
    config
        .consume_fuel(true)
        .cranelift_opt_level(OptLevel::None);
    Engine::new(&config)
}

fn serving_engine(limits: &Limits, cache: Option<Cache>, pool: bool) -> wasmtime::Result<Engine> {
    let mut config = common(cache);
    config.epoch_interruption(true);
    if pool {
        let mut pooling = PoolingAllocationConfig::new();
        pooling
            .total_component_instances(INSTANCES)
            .total_core_instances(INSTANCES * 4)
            .total_memories(INSTANCES)
            .total_tables(INSTANCES)
            .max_core_instances_per_component(MAX_CORE_INSTANCES)
            .max_memories_per_module(MAX_PARTS)
            .max_memories_per_component(MAX_PARTS)
            .max_tables_per_module(MAX_PARTS)
            .max_tables_per_component(MAX_PARTS)
            .table_elements(MAX_TABLE)
            .max_memory_size(limits.max_memory_bytes)
            .linear_memory_keep_resident(KEPT_RESIDENT)
            .table_keep_resident(KEPT_RESIDENT)
            .pagemap_scan(if swap_is_on() {
                Enabled::No
            } else {
                Enabled::Auto
            });
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pooling));
    }
    Engine::new(&config)
}

/// Scanning for touched pages misreads pages that were swapped out
/// (an open report at wasmtime), so it is for machines without swap.
fn swap_is_on() -> bool {
    std::fs::read_to_string("/proc/swaps").is_ok_and(|swaps| swaps.lines().count() > 1)
}

fn open_cache(dir: &Path) -> wasmtime::Result<Cache> {
    use std::os::unix::fs::DirBuilderExt as _;
    // Compiled code is trusted when it is read back, so nobody else may write here.
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)?;
    let mut config = CacheConfig::new();
    config.with_directory(dir.canonicalize()?);
    Cache::new(config)
}

/// Refuses a component whose declared parts are beyond what an instance may have.
pub(crate) fn check_declared(component: &Component, limits: &Limits) -> Result<(), String> {
    let Some(declared) = component.resources_required() else {
        return Err("imports modules, so what it needs cannot be known".into());
    };
    if declared.num_memories > MAX_PARTS || declared.num_tables > MAX_PARTS {
        return Err(format!(
            "has {} memories and {} tables; at most {MAX_PARTS} of each are allowed",
            declared.num_memories, declared.num_tables
        ));
    }
    let pages = declared.max_initial_memory_size.unwrap_or(0);
    let bytes = pages.saturating_mul(64 << 10);
    if bytes > limits.max_memory_bytes as u64 {
        return Err(format!(
            "begins with {bytes} bytes of memory; at most {} are allowed",
            limits.max_memory_bytes
        ));
    }
    let table = declared.max_initial_table_size.unwrap_or(0);
    if table > MAX_TABLE as u64 {
        return Err(format!(
            "begins with a table of {table} entries; at most {MAX_TABLE} are allowed"
        ));
    }
    Ok(())
}
