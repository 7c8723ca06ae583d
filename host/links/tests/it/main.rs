//! The pool against a small server made of the core's server role, with time paused: nothing there
//! waits for real. And against the whole data center, in real time.
#![allow(
    clippy::disallowed_methods,
    reason = "the test server spawns its own tasks, and the data center has a real clock"
)]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of the tests fail as tests do"
)]

mod calls;
mod datacenter;
mod failures;
mod keys;
mod pool;
mod server;
mod store;
mod ways;
mod world;
