//! A data center and a gateway in this process, on free ports and in a directory of their own, with
//! clients that wait for what they expect instead of sleeping. For `tests/it`.

mod answer;
mod binary;
pub mod chaos;
mod client;
mod events;
mod harness;
mod process;
pub mod scoreboard;

pub use answer::Answer;
pub use binary::{binary, example_plugin};
pub use client::Client;
pub use events::{Ended, Events};
pub use harness::{Harness, Served, Setup};
pub use process::Process;
pub use sluice_datacenter as datacenter;
pub use sluice_domain as domain;
