//! The connections of one authorization to Telegram: one supervised main link, media links, foreign
//! data centers, behind a [`Pool`].
//!
//! An authorization is never in two places: there is exactly one main link, its MTProto session
//! outlives its sockets, and the old socket is closed before the next one is opened. Everything else
//! (media, other data centers) goes over links of its own, wrapped in `invokeWithoutUpdates`.
//!
//! Every wait has a deadline, every queue a bound, every task a supervisor. Time is tokio's, so
//! that tests can pause it; the wall clock is [`sluice_domain::Clock`].

mod board;
mod converse;
mod dial;
mod error;
mod foreign;
mod gate;
mod keys;
mod link;
mod outbox;
mod params;
mod pool;
mod queue;
mod shared;
mod status;
mod supervise;
mod wire;
mod wrap;

pub use error::{CallError, PoolError};
pub use gate::ConnectGate;
pub use params::{DcAddress, Limits, PoolParams, Topology};
pub use pool::Pool;
pub use status::{
    Cleanup, DestroyedKey, LinkRole, LinkState, LinkStatus, MainState, PoolEvent, PoolState, Target,
};
