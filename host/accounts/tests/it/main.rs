//! Accounts against a Telegram of our own.
#![allow(
    clippy::disallowed_methods,
    reason = "tests hold the machine's clock that the crates are forbidden to read"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod calls;
mod endings;
mod lifecycle;
mod panics;
mod rotation;
mod sign_in;
mod support;
mod updates;
mod waits;
