//! The event log as streams: readers by cursor, and the live state beside them.
//!
//! Owns no queue of logged events: a reader reads the log itself, so nothing can be lost between the
//! log and a reader, and a slow reader costs nothing but its own position. Live state (`status`,
//! `pool_status`) is kept as its last value only.

mod hub;
mod live;
mod reader;

#[cfg(test)]
mod tests;

pub use hub::Hub;
pub use live::Live;
pub use reader::{Reader, ReaderItem};
