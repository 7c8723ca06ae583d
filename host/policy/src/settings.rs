use core::time::Duration;
use std::path::PathBuf;

use crate::Rollback;

/// Where plugins live and what they may cost.
#[derive(Debug, Clone)]
pub struct PolicySettings {
    /// The operator's directory of plugins, made when it is missing, watched by
    /// [`watch`](crate::Policies::watch).
    pub dir: PathBuf,
    /// Components shipped with the gateway. A component of the same name in `dir` takes the place
    /// of one here. May be missing: the native library answers then.
    pub bundled: Option<PathBuf>,
    /// Where compiled code is kept between starts (made with mode 0700); none for no cache.
    pub cache_dir: Option<PathBuf>,
    /// Where earlier generations are kept (made with mode 0700), to be rolled back to also after a
    /// restart; none for no archive.
    pub archive_dir: Option<PathBuf>,
    /// Bytes of all components in the archive. What may have to serve again is kept beyond it.
    pub archive_bytes: u64,
    /// When a new generation is taken back by itself.
    pub rollback: Rollback,
    /// What a plugin may cost and how far its answers may go.
    pub limits: Limits,
}

/// Bytes of components in the archive: a dozen made from Python, thousands made from Rust.
const ARCHIVE: u64 = 256 << 20;

impl PolicySettings {
    /// A directory alone, at default bounds: nothing shipped, no cache, no archive.
    pub fn of(dir: PathBuf) -> Self {
        Self {
            dir,
            bundled: None,
            cache_dir: None,
            archive_dir: None,
            archive_bytes: ARCHIVE,
            rollback: Rollback::default(),
            limits: Limits::default(),
        }
    }
}

/// Bounds of every plugin. A sidecar can only lower them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Largest component file. A Rust component has 20 kB, a JavaScript one 12 MB, a Python one 18 MB.
    pub max_file_bytes: u64,
    /// Memory of one instance, summed over all of its linear memories.
    pub max_memory_bytes: usize,
    /// Time of one verdict or decision. These take microseconds; a thread that the system
    /// schedules away must not look like a runaway loop.
    pub decision_deadline: Duration,
    /// Time of one export. It runs off the path of calls.
    pub export_deadline: Duration,
    /// Attempts of one call, the first included.
    pub max_attempts: u32,
    /// Time one call may spend waiting between attempts, whatever its deadline is.
    pub max_wait: Duration,
    /// Longest time an account may be parked for.
    pub max_park: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_file_bytes: 32 << 20,
            max_memory_bytes: 64 << 20,
            decision_deadline: Duration::from_millis(10),
            export_deadline: Duration::from_millis(250),
            max_attempts: 5,
            max_wait: Duration::from_mins(5),
            max_park: Duration::from_hours(24),
        }
    }
}
