//! The integration tests: one binary, a module per subject.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests fail by panicking, and start processes and tasks of their own"
)]

mod first_light;
mod invariants;
mod keys;
mod messages;
mod problems;
mod streams;
