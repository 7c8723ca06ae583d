//! The component runtime through its public face. Needs the components (`make components`).
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests fail by panicking, and helpers here are tests too"
)]

mod contract;
mod exports;
mod fixture;
mod guests;
mod hostile;
mod journal;
mod modes;
mod releases;
mod reload;
mod shipped;
mod wasi;
