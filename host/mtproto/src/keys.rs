//! The public keys of Telegram's own data centers.

use crate::rsa::PublicKey;

/// The keys of the production data centers.
pub fn production() -> &'static [PublicKey] {
    todo!()
}

/// The keys of the test data centers.
pub fn test() -> &'static [PublicKey] {
    todo!()
}
