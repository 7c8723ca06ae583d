//! The component runtime: admits policies from a directory, runs them inside limits, swaps them
//! while calls are under way, and answers from the native library when they do not.
//!
//! Owns wasmtime. Refuses to own what policies decide about: nothing here waits, sends or
//! remembers on a policy's behalf.

mod admit;
mod answer;
mod ask;
mod breaker;
mod candidate;
mod contract;
mod envelope;
mod error;
mod exports;
mod golden;
mod plugin;
mod policies;
mod registry;
mod runtime;
mod scan;
mod settings;
mod sidecar;
mod table;
mod view;
mod watch;

pub use answer::{Answer, Answerer, Decided, Judged};
pub use candidate::{Candidate, Workbench};
pub use error::PolicyError;
pub use policies::{OnEvent, Policies};
pub use runtime::{Fault, Spent};
pub use settings::{Limits, PolicySettings};
pub use view::{Kind, Mode, Origin, PluginView, Served};
