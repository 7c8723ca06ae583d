//! Accounts against a Telegram of our own.
#![allow(
    clippy::disallowed_methods,
    reason = "tests hold the machine's clock that the crates are forbidden to read"
)]

mod calls;
mod lifecycle;
mod rotation;
mod sign_in;
mod support;
mod updates;
