use std::sync::Arc;
use std::time::Duration;

use sluice_domain::{Clock, Cursor, EventFilter, EventLog, StoreError};

use crate::Live;

/// Where readers of events come from.
pub struct Hub {
    _log: Arc<dyn EventLog>,
}

/// One thing for a reader, as the JSON text to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReaderItem {
    /// An event of the log; the text carries the cursor as `id`.
    Logged(Cursor, String),
    /// Live state; no `id`.
    Live(String),
    /// Events between the reader's cursor and this one are no longer kept; the text is a `gap` event
    /// with this cursor as `id`. What follows is what is still kept.
    Gap(Cursor, String),
}

/// One reader's place in the log.
pub struct Reader {
    position: Cursor,
}

impl Hub {
    /// A hub over the log; wakes its readers when the log grows or live state changes.
    pub fn new(
        _log: Arc<dyn EventLog>,
        _live: Live,
        _clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, StoreError> {
        todo!()
    }

    /// The newest cursor of the log.
    pub fn newest(&self) -> Cursor {
        todo!()
    }

    /// A reader that goes on after a cursor, or from now. It begins with the live state there is.
    pub fn reader(&self, _after: Option<Cursor>, _filter: EventFilter) -> Reader {
        todo!()
    }
}

impl Reader {
    /// The cursor to resume from: everything up to it was handed out.
    pub const fn position(&self) -> Cursor {
        self.position
    }

    /// The next item. Cancel-safe: dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<ReaderItem, StoreError> {
        todo!()
    }

    /// For long polls: waits up to `wait` for a first item, then takes what is there, up to `limit`.
    pub async fn batch(
        &mut self,
        _limit: usize,
        _wait: Duration,
    ) -> Result<Vec<ReaderItem>, StoreError> {
        todo!()
    }
}
