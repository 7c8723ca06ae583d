//! The integration tests: one binary, a module per subject.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests fail by panicking, and start processes and tasks of their own"
)]

mod asked_for_paths;
mod bad_input;
mod calls;
mod chaos;
mod config_reload;
mod decisions;
mod document;
mod events;
mod files;
mod flood;
mod fuzz;
mod hostile;
mod invariants;
mod keys;
mod messages;
mod modes;
mod outage;
mod plugins;
mod problems;
mod restart;
mod rotation;
mod scoreboard;
mod sign_in;
mod streams;
mod ways;
