use std::sync::Arc;

use wasmtime::ResourceLimiter;

use super::{MAX_PARTS, MAX_TABLE};

/// Log lines of one question.
const LINES: u32 = 16;
/// Bytes of a log line.
const LINE: usize = 1024;

/// What the host keeps beside an instance: its bounds.
pub(crate) struct Host {
    plugin: Arc<str>,
    memory_left: usize,
    lines_left: u32,
    denied: bool,
}

impl Host {
    pub(super) fn new(plugin: Arc<str>, memory: usize) -> Self {
        Self {
            plugin,
            memory_left: memory,
            lines_left: LINES,
            denied: false,
        }
    }

    /// Before each question to an instance that is used again.
    pub(super) fn renew(&mut self) {
        self.lines_left = LINES;
    }

    /// Whether memory was asked for beyond the bound.
    pub(super) fn denied(&self) -> bool {
        self.denied
    }

    /// Writes a line of the guest's into the log, as far as lines are left for this question.
    pub(crate) fn log(&mut self, level: u32, message: &str) {
        let Some(left) = self.lines_left.checked_sub(1) else {
            return;
        };
        self.lines_left = left;
        let cut = message.floor_char_boundary(LINE);
        let message = message.get(..cut).unwrap_or_default();
        // Escaped (`?`), so that a plugin cannot forge lines of the gateway's log.
        match level {
            0 => tracing::debug!(plugin = %self.plugin, ?message),
            1 => tracing::info!(plugin = %self.plugin, ?message),
            2 => tracing::warn!(plugin = %self.plugin, ?message),
            _ => tracing::error!(plugin = %self.plugin, ?message),
        }
    }
}

/// A growth that is denied ends the instance: a guest that goes on without memory it counted on is
/// not worth an answer.
#[derive(Debug, thiserror::Error)]
#[error("memory denied")]
struct Denied;

impl ResourceLimiter for Host {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // Summed over all memories, which wasmtime's own limiter does not do.
        let more = desired.saturating_sub(current);
        if let Some(left) = self.memory_left.checked_sub(more) {
            self.memory_left = left;
            Ok(true)
        } else {
            self.denied = true;
            Err(Denied.into())
        }
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired <= MAX_TABLE {
            Ok(true)
        } else {
            self.denied = true;
            Err(Denied.into())
        }
    }

    fn instances(&self) -> usize {
        MAX_PARTS as usize
    }

    fn tables(&self) -> usize {
        MAX_PARTS as usize
    }

    fn memories(&self) -> usize {
        MAX_PARTS as usize
    }
}
