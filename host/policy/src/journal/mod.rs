//! The decision journal: every decision about a failed call becomes a record on the disk, off the
//! path of calls; a record can be explained, and decided again.

mod again;
mod explain;
mod metered;
mod queue;
mod record;

pub use again::{Again, Reexecution};
pub(crate) use explain::explain;
pub use explain::{Bounds, Explanation};
pub(crate) use metered::Metered;
pub use queue::Journal;
pub use record::Noted;
