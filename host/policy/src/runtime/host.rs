use std::sync::Arc;

use wasmtime::component::Resource;
use wasmtime::{ResourceLimiter, bail};

use super::{MAX_CORE_INSTANCES, MAX_PARTS, MAX_TABLE};

/// Log lines of one question.
const LINES: u32 = 16;
/// Bytes of a log line.
const LINE: usize = 1024;
/// Calls of the gateway in one question that cost it anything. They take time that fuel does not
/// count, so a guest that makes them without end must not be metered by fuel alone.
const CALLS: u32 = 10_000;
/// Handles of WASI that an instance may hold at one time: a language's library opens a handful.
const HANDLES: u32 = 1_024;

/// What a question may know of the world around it. Everything a policy could take for time or
/// chance comes from here, so that the same question has the same answer whenever it is put.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// From which WASI's random numbers are drawn.
    pub seed: u64,
}

/// What the host keeps beside an instance: its bounds.
pub(crate) struct Host {
    plugin: Arc<str>,
    memory: usize,
    memory_left: usize,
    lines_left: u32,
    calls_left: u32,
    denied: bool,
    moment: Moment,
    handles: u32,
    /// What was printed since the last end of a line.
    output: Vec<u8>,
    /// The same on standard error.
    errors: Vec<u8>,
    /// The last thing the guest said was wrong with this question.
    complaint: Option<String>,
}

impl Host {
    pub(super) fn new(plugin: Arc<str>, memory: usize, moment: Moment) -> Self {
        Self {
            plugin,
            memory,
            memory_left: memory,
            lines_left: LINES,
            calls_left: CALLS,
            denied: false,
            moment,
            handles: 0,
            output: Vec::new(),
            errors: Vec::new(),
            complaint: None,
        }
    }

    /// Before each question.
    pub(super) fn renew(&mut self, moment: Moment) {
        self.lines_left = LINES;
        self.calls_left = CALLS;
        self.moment = moment;
        self.complaint = None;
    }

    /// After each question: what was printed without an end of line is a line too.
    pub(super) fn close(&mut self) {
        for error in [false, true] {
            self.end_line(error);
        }
    }

    /// Whether memory was asked for beyond the bound.
    pub(super) fn denied(&self) -> bool {
        self.denied
    }

    /// Bytes of memory the instance has.
    pub(super) fn memory(&self) -> usize {
        self.memory - self.memory_left
    }

    /// What the guest said was wrong, when it said so: a panic's message.
    pub(super) fn complaint(&self) -> Option<&str> {
        self.complaint.as_deref()
    }

    pub(super) fn at_ms(&self) -> u64 {
        self.moment.at_ms
    }

    /// The next of the question's random numbers (Steele, Lea and Flood's SplitMix64).
    pub(super) fn chance(&mut self) -> u64 {
        self.moment.seed = self.moment.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.moment.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Before anything that a guest makes the host do.
    pub(super) fn called(&mut self) -> wasmtime::Result<()> {
        let Some(left) = self.calls_left.checked_sub(1) else {
            bail!("calls the gateway more than {CALLS} times");
        };
        self.calls_left = left;
        Ok(())
    }

    /// A handle of WASI for the guest; it can hold so many, because each takes the host's memory.
    pub(super) fn handle(&mut self, stands_for: u32) -> wasmtime::Result<Resource<()>> {
        if self.handles == HANDLES {
            bail!("holds {HANDLES} handles and wants another");
        }
        self.called()?;
        self.handles += 1;
        Ok(Resource::new_own(stands_for))
    }

    pub(super) fn dropped(&mut self) {
        self.handles = self.handles.saturating_sub(1);
    }

    /// Takes what the guest prints; each line of it becomes one of the log's.
    pub(super) fn print(&mut self, error: bool, bytes: &[u8]) -> wasmtime::Result<()> {
        self.called()?;
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let line = self.printed(error);
            let room = LINE.saturating_sub(line.len());
            line.extend_from_slice(part.get(..room).unwrap_or(part));
            if part.ends_with(b"\n") {
                self.end_line(error);
            }
        }
        Ok(())
    }

    fn printed(&mut self, error: bool) -> &mut Vec<u8> {
        if error {
            &mut self.errors
        } else {
            &mut self.output
        }
    }

    fn end_line(&mut self, error: bool) {
        if self.printed(error).is_empty() {
            return;
        }
        let line = std::mem::take(self.printed(error));
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        // The lines of a traceback are indented; what went wrong stands at the margin.
        if error && line.starts_with(|c: char| !c.is_whitespace()) {
            self.complaint = Some(line.to_owned());
        }
        self.line(if error { 2 } else { 1 }, line);
    }

    /// Writes a line of the guest's into the log, as far as lines are left for this question.
    pub(crate) fn log(&mut self, level: u32, message: &str) -> wasmtime::Result<()> {
        self.called()?;
        if level >= 3 {
            self.complaint = Some(clip(message).to_owned());
        }
        self.line(level, message);
        Ok(())
    }

    /// Takes memory for the instance, from the one budget of its memories and tables.
    fn take(&mut self, more: usize) -> wasmtime::Result<bool> {
        if let Some(left) = self.memory_left.checked_sub(more) {
            self.memory_left = left;
            Ok(true)
        } else {
            self.denied = true;
            Err(Denied.into())
        }
    }

    fn line(&mut self, level: u32, message: &str) {
        let Some(left) = self.lines_left.checked_sub(1) else {
            return;
        };
        self.lines_left = left;
        let message = clip(message);
        // Escaped (`?`), so that a plugin cannot forge lines of the gateway's log.
        match level {
            0 => tracing::debug!(plugin = %self.plugin, ?message),
            1 => tracing::info!(plugin = %self.plugin, ?message),
            2 => tracing::warn!(plugin = %self.plugin, ?message),
            _ => tracing::error!(plugin = %self.plugin, ?message),
        }
    }
}

fn clip(text: &str) -> &str {
    text.get(..text.floor_char_boundary(LINE))
        .unwrap_or_default()
}

/// Bytes of a table's entry.
const ENTRY: usize = size_of::<usize>();

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
        self.take(desired.saturating_sub(current))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired > MAX_TABLE {
            self.denied = true;
            return Err(Denied.into());
        }
        self.take(desired.saturating_sub(current).saturating_mul(ENTRY))
    }

    fn instances(&self) -> usize {
        MAX_CORE_INSTANCES as usize
    }

    fn tables(&self) -> usize {
        MAX_PARTS as usize
    }

    fn memories(&self) -> usize {
        MAX_PARTS as usize
    }
}
