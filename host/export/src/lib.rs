//! Deliveries of exporters on their way to the targets that the configuration names: a queue and a
//! task for each, with repeats, TLS and an end to what may wait.
//!
//! Owns the sockets of exports. Encodes nothing, decides nothing about what is measured, and never
//! holds anybody up: what does not fit into a queue pushes out the oldest in it, which is counted.

mod courier;
mod http;
mod queue;
mod repeat;
mod target;
mod tls;
mod udp;
mod worker;

pub use courier::{Courier, Deps};
pub use queue::Parcel;
pub use target::{Address, Target};
