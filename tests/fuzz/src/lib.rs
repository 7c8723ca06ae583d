//! What the fuzz targets do with their bytes: each takes anything and must neither panic, nor stay
//! busy, nor take memory beyond what its bytes can claim. libFuzzer calls them (`fuzz_targets/`),
//! and `tests/it` does, over the committed corpus and mutations of it.

mod blobs;
mod exchange;
mod framing;
mod input;
mod schema;
mod sealed;
mod session;

pub use blobs::{gzip, keys};
pub use exchange::{client_exchange, server_exchange};
pub use framing::{framing, tls};
pub use input::{Dice, Input, key};
pub use schema::{schema_decode, schema_encode};
pub use sealed::{packet, seal_plaintext};
pub use session::{Client, Server, client_session, server_session};

/// A fuzz target: its name, its body, and what one input costs: how many of them `make test` runs.
pub struct Target {
    /// As in `fuzz_targets/` and `corpus/`.
    pub name: &'static str,
    /// Takes the bytes.
    pub run: fn(&[u8]),
    /// Mutations in `make test`.
    pub mutations: u64,
}

const fn target(name: &'static str, run: fn(&[u8]), mutations: u64) -> Target {
    Target {
        name,
        run,
        mutations,
    }
}

/// All of them.
pub const TARGETS: [Target; 11] = [
    target("client_session", client_session, 1500),
    target("server_session", server_session, 1500),
    target("packet", packet, 2000),
    // Big numbers: some ms each.
    target("client_exchange", client_exchange, 60),
    target("server_exchange", server_exchange, 60),
    target("framing", framing, 3000),
    target("tls", tls, 1000),
    target("schema_decode", schema_decode, 3000),
    target("schema_encode", schema_encode, 1500),
    target("gzip", gzip, 1000),
    target("keys", keys, 1000),
];
