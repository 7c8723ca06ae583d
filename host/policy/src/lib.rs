//! The component runtime: admits policies from a directory, runs them inside limits, swaps them
//! while calls are under way, and answers from the native library when they do not.
//!
//! Owns wasmtime. Refuses to own what policies decide about: nothing here waits, sends or
//! remembers on a policy's behalf.

#[allow(dead_code, reason = "until the runtime uses it")]
mod envelope;
mod error;
mod policies;
mod settings;
mod view;

pub use error::PolicyError;
pub use policies::{OnEvent, Policies};
pub use settings::{Limits, PolicySettings};
pub use view::{Kind, Mode, Origin, PluginView, Served};
