//! The pool against a small server made of the core's server role. Time is tokio's, paused: nothing
//! here waits for real.
#![allow(
    clippy::disallowed_methods,
    reason = "the test server spawns its own tasks"
)]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of the tests fail as tests do"
)]

mod calls;
mod failures;
mod keys;
mod pool;
mod server;
mod store;
mod world;
