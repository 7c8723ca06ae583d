//! The MTProto 2.0 protocol core, both roles, without I/O.
//!
//! Owns Telegram's bytes: transport framings, plain and encrypted messages, RSA, the key exchange,
//! sessions (ids, numbers, salts, acknowledgements, containers) and SRP. Time and randomness are
//! passed in. It refuses to own sockets, timers, storage and the API's schema: the bodies of calls,
//! answers and updates pass through as bytes.
//!
//! Everything that comes from a network is hostile until checked: a broken rule is a [`Violation`],
//! an [`exchange::ExchangeError`] or a [`transport::FramingError`], never a panic.

mod auth_key;
mod envelope;
mod msg_id;
mod now;
mod violation;

pub mod dh;
pub mod exchange;
pub mod gzip;
pub mod keys;
pub mod plain;
pub mod rsa;
pub mod session;
pub mod srp;
pub mod transport;
pub mod wire;

pub use auth_key::AuthKey;
pub use envelope::{Header, Opened, Sender, encrypt, open, packet_key_id, seal};
pub use now::Now;
pub use violation::Violation;

#[cfg(test)]
mod testing;
