use std::sync::Arc;

use sluice_domain::{Clock, Cursor, EventFilter, EventLog, StoreError};
use tokio::sync::watch;

use crate::{Live, Reader};

/// Where readers of events come from.
pub struct Hub {
    log: Arc<dyn EventLog>,
    live: Live,
    clock: Arc<dyn Clock>,
    newest: watch::Receiver<Cursor>,
}

impl Hub {
    /// A hub over the log; wakes its readers when the log grows or live state changes. Blocks for a
    /// read of the log.
    pub fn new(
        log: Arc<dyn EventLog>,
        live: Live,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, StoreError> {
        let (grow, newest) = watch::channel(Cursor(0));
        let grow = Arc::new(grow);
        let grown = Arc::clone(&grow);
        // First listen, then look: nothing is appended unseen in between.
        log.on_append(Box::new(move |cursor| raise(&grown, cursor)));
        raise(&grow, log.bounds()?.0);
        Ok(Arc::new(Self {
            log,
            live,
            clock,
            newest,
        }))
    }

    /// The newest cursor of the log.
    pub fn newest(&self) -> Cursor {
        *self.newest.borrow()
    }

    /// A reader that goes on after a cursor, or from now. It begins with the live state there is.
    pub fn reader(&self, after: Option<Cursor>, filter: EventFilter) -> Reader {
        Reader::new(
            Arc::clone(&self.log),
            self.live.clone(),
            Arc::clone(&self.clock),
            self.newest.clone(),
            after,
            filter,
        )
    }
}

fn raise(newest: &watch::Sender<Cursor>, cursor: Cursor) {
    newest.send_if_modified(|newest| {
        let higher = cursor > *newest;
        *newest = cursor.max(*newest);
        higher
    });
}
