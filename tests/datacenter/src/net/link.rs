use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::bend::Bend;

/// One accepted connection, as others may touch it.
pub(crate) struct Link {
    /// Counted from 1 over the whole process: a greater one is newer.
    pub(crate) id: u64,
    pub(crate) dc: i32,
    /// On the port that is announced as `media_only`.
    pub(crate) media: bool,
    /// Something was queued in one of its sessions.
    pub(crate) wake: Notify,
    /// Closes it.
    pub(crate) cut: CancellationToken,
    /// What happens to the packets that are sent next.
    pub(crate) bend: Mutex<Option<Bend>>,
}
