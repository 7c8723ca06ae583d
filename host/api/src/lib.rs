//! The HTTP side: routes, keys, problems, streams of events, the accept loop, the OpenAPI document.
//!
//! Owns axum and every socket to callers. Refuses to own what an answer means: handlers check the
//! caller, ask the crate that knows, and write out what it says. One file per operation.

mod app;
mod auth;
mod events;
mod extract;
mod finish;
mod openapi;
mod ops;
mod problem;
mod routes;
mod schema;
mod serve;
mod socket;
mod tickets;

pub use app::{App, Parts};
pub use openapi::document;
pub use problem::ApiError;
pub use routes::{Face, router};
pub use serve::{Listener, ServeOptions, serve};
