//! grammers-client, unchanged, against our data center. Its server keys are constants, so it cannot
//! make an auth key here: the data center issues one, already signed in.

#![allow(
    clippy::disallowed_methods,
    clippy::large_futures,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the client's own runner is spawned as its documentation says, and its futures are \
              large; a test that cannot go on has failed"
)]

mod content;
mod faults;
mod world;
