//! Files: in parts on their way in, in stretches on their way out, over the media links
//! (<https://core.telegram.org/api/files>).
//!
//! Nothing is kept: a file passes through with a few parts of it in memory, as fast as the slower
//! of both sides takes it. Waits that Telegram asks for are waited out within the deadline, which
//! is each part's, because a file as a whole may take as long as it takes. Content delivery networks
//! are not announced, so Telegram never sends a download there.

mod download;
mod upload;

pub use download::{Download, FileInfo};
pub use upload::{BrokenOff, Incoming, Uploaded};

pub(crate) use download::open;
pub(crate) use upload::upload;

use crate::CallOptions;

/// Parts of one file on their way at once: one for each media link of a data center.
const PARALLEL: usize = 4;

/// How each part is called: it may wait as long as it may take.
fn part_options(options: &CallOptions) -> CallOptions {
    CallOptions {
        patience: options.timeout,
        idempotency_key: None,
        ..options.clone()
    }
}
