//! The connections of one authorization to Telegram: one supervised main link, media links, foreign
//! data centers, behind a [`Pool`].
//!
//! An authorization is never in two places: there is exactly one main link, its MTProto session
//! outlives its sockets, and the old socket is closed before the next one is opened. Everything else
//! (media, other data centers) goes over links of its own, wrapped in `invokeWithoutUpdates`.
//!
//! Every wait has a deadline, every queue a bound, every task a supervisor. Time is tokio's, so
//! that tests can pause it; the wall clock is [`sluice_domain::Clock`].
//!
//! # How it hangs together
//!
//! A [`Pool`] holds a table of links, one per *seat* (data center; the ordinary lane, or one of those for media), each with a bounded
//! inbox. A supervisor task sits on the seat: it waits until whoever sat there before has closed its
//! socket, takes the seat's MTProto session, runs the link's task, and starts it again after a panic.
//! The link connects (limits, back-off, key exchange if there is no key), then converses: calls
//! from the inbox into the session, packets to and from the socket, events to the account.
//! Callers wait with their own deadline, so that whatever happens to a link, every call ends.
//! All links leave by one way (straight, or through a proxy), which every socket holds: when the way
//! changes, all sockets are closed before the first one is opened on the new way, and the sessions go
//! on. The account's events go through an outbox that never makes a link wait.
//!
//! # Metrics
//!
//! With the labels `dc` and `role`, summed over all accounts: `sluice_link_connected` and
//! `sluice_link_in_flight` (gauges), `sluice_link_connects_total`, `sluice_link_failures_total` (by `kind`),
//! `sluice_link_calls_total` (by `outcome`), `sluice_link_violations_total` (by `kind`),
//! `sluice_link_received_bytes_total`, `sluice_link_sent_bytes_total` (counters),
//! `sluice_link_call_seconds` and `sluice_link_ping_seconds` (histograms). Without labels:
//! `sluice_link_overflows_total`, updates dropped because the account did not read its events.

mod addresses;
mod board;
mod connect;
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
mod proxy;
mod queue;
mod shared;
mod status;
mod supervise;
mod turn;
mod ways;
mod wire;
mod wrap;

pub use error::{CallError, PoolError};
pub use gate::ConnectGate;
pub use params::{DcAddress, Limits, PoolParams, Topology};
pub use pool::Pool;
pub use status::{
    Cleanup, DestroyedKey, LinkRole, LinkState, LinkStatus, MainState, PoolEvent, PoolState, Target,
};
