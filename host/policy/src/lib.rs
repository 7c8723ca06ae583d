//! The component runtime: admits policies from a directory, runs them inside limits, swaps them
//! while calls are under way, and answers from the native library when they do not.
//!
//! Owns wasmtime. Refuses to own what policies decide about: nothing here waits, sends or
//! remembers on a policy's behalf.

mod admit;
mod answer;
mod archive;
mod ask;
mod breaker;
mod canary;
mod candidate;
mod changes;
mod contract;
mod diff;
mod entry;
mod envelope;
mod error;
mod evidence;
mod exports;
mod figures;
mod golden;
mod journal;
mod mode;
mod phrases;
mod plugin;
mod policies;
mod quiet;
mod registry;
mod replay;
mod rewrite;
mod runtime;
mod scan;
mod settings;
mod shadow;
mod sidecar;
mod table;
mod tally;
mod view;
mod watch;

pub use answer::{Answer, Answerer, Decided, Judged, Source};
pub use canary::ArmView;
pub use candidate::{Candidate, Workbench};
pub use changes::ChangeError;
pub use diff::{ComparisonView, Example, GroupView};
pub use error::PolicyError;
pub use evidence::Rollback;
pub use exports::{Carrier, Outgoing};
pub use journal::{Again, Bounds, Explanation, Journal, Noted, Reexecution};
pub use mode::Mode;
pub use policies::{OnEvent, Policies};
pub use replay::{
    Breach, Changed, Day, DayTally, Fuel, FuelChange, Replay, ReplayError, ReplayRequest, SwapDiff,
};
pub use runtime::{Fault, Spent};
pub use settings::{Limits, PolicySettings};
pub use tally::TimeView;
pub use view::{CanaryView, DiffView, Kind, Origin, PluginView, RolledBackView, Served};
