//! A data center and a gateway in this process, on free ports and in a directory of their own, with
//! clients that wait for what they expect instead of sleeping. For `tests/it`.

mod answer;
mod binary;
mod events;
mod harness;

pub use answer::Answer;
pub use binary::binary;
pub use events::{Ended, Events};
pub use harness::{Harness, Setup};
pub use sluice_datacenter as datacenter;
