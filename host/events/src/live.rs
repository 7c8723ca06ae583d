use std::sync::Arc;

use sluice_domain::{AccountName, Event};

/// The live state of every account: the last `status` and `pool_status`. Cheap to clone.
#[derive(Clone, Default)]
pub struct Live {
    _state: Arc<()>,
}

impl Live {
    /// With no state yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the last value of the event's account and type. An event whose body is the same as
    /// the last one's wakes nobody. Events that belong into the log are not taken.
    pub fn publish(&self, _event: &Event) {
        todo!()
    }

    /// Forgets a deleted account.
    pub fn forget(&self, _account: &AccountName) {
        todo!()
    }
}
