//! Making an authorization key.
//!
//! Source: <https://core.telegram.org/mtproto/auth_key>. Both roles take and give whole packets
//! (plain messages in their envelope), ready for a framing.

mod client;
mod corruption;
mod factor;
mod server;
mod wire;

pub use client::{ClientExchange, ClientStep, ExchangeResult};
pub use corruption::Corruption;
pub use factor::factorize;
pub use server::{ServerExchange, ServerStep};

use thiserror::Error;

/// Why an exchange ended. Nothing of it may be used again; a new one may be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ExchangeError {
    /// Not a message that this step expects.
    #[error("unexpected or malformed message in the key exchange")]
    Malformed,
    /// A nonce that is not the one of this exchange.
    #[error("nonce does not match")]
    Nonce,
    /// The other side knows none of our keys.
    #[error("no known server key")]
    UnknownKey,
    /// `pq` is not the product of two different primes, or the factors are wrong.
    #[error("wrong pq or factors")]
    Factors,
    /// RSA or AES data whose hash does not match.
    #[error("encrypted data does not match its hash")]
    Hash,
    /// The prime or generator is not safe.
    #[error("unsafe prime or generator")]
    Group,
    /// A public value outside of the safe range.
    #[error("public value out of range")]
    Range,
    /// The server gave up.
    #[error("the server refused the exchange")]
    Refused,
    /// A step taken out of order by the caller.
    #[error("step taken out of order")]
    Order,
}

#[cfg(test)]
mod tests;
