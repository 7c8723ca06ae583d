//! What was decided about failed calls.

pub(crate) mod list;
pub(crate) mod one;

use core::time::Duration;
use std::sync::Arc;

use serde::Serialize;
use sluice_domain::{Cursor, DecisionRecord, StoreError};
use sluice_policy::Journal;

use crate::problem::{ApiError, Result};

/// How long a reader waits for decisions that are on their way to the disk, so that a call that
/// failed just now is found. Beyond it, what is there is answered.
pub(crate) const SOON: Duration = Duration::from_secs(1);

/// A record with its name.
#[derive(Serialize)]
pub(crate) struct Named {
    id: String,
    #[serde(flatten)]
    record: DecisionRecord,
}

impl Named {
    fn new(id: Cursor, record: DecisionRecord) -> Self {
        Self {
            id: id.to_string(),
            record,
        }
    }
}

/// Reads the journal, apart from the async threads.
async fn read<T: Send + 'static>(
    journal: &Arc<Journal>,
    read: impl FnOnce(&Journal) -> Result<T, StoreError> + Send + 'static,
) -> Result<T> {
    let journal = Arc::clone(journal);
    tokio::task::spawn_blocking(move || {
        journal.flush(SOON);
        read(&journal)
    })
    .await
    .map_err(|error| ApiError::internal(&error))?
    .map_err(|error| ApiError::store(&error))
}
