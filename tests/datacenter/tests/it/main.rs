//! The data center from outside: over TCP with the client role of the protocol core, and over its
//! control API.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on has failed; parameters are written as literals"
)]

mod answers;
mod capacity;
mod channels;
mod client;
mod control;
mod exchange;
mod faults;
mod files;
mod histories;
mod kept;
mod layers;
mod packets;
mod people;
mod protocol;
mod pushes;
