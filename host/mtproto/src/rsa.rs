//! RSA as the key exchange uses it. Not a general RSA.

use std::sync::Arc;

use num_bigint::BigUint;
use thiserror::Error;

/// A key that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Not PEM, or not base64 inside.
    #[error("not a PEM block")]
    NotPem,
    /// Not an RSA key of a known form.
    #[error("not an RSA key")]
    NotRsa,
    /// Not 2,048 bits.
    #[error("not a 2048-bit RSA key")]
    Size,
}

/// A data center's public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    n: BigUint,
    e: BigUint,
    fingerprint: u64,
}

impl PublicKey {
    /// Reads `RSA PUBLIC KEY` (PKCS#1) or `PUBLIC KEY` (SPKI).
    pub fn from_pem(_pem: &str) -> Result<Self, KeyError> {
        todo!()
    }

    /// Writes `RSA PUBLIC KEY` (PKCS#1).
    pub fn to_pem(&self) -> String {
        todo!()
    }

    /// The 64 lower bits of the SHA-1 of the TL-serialized key.
    pub const fn fingerprint(&self) -> u64 {
        self.fingerprint
    }
}

/// A data center's private key. Only a data center of our own has one: the arithmetic is not
/// constant-time.
#[derive(Clone)]
pub struct PrivateKey {
    inner: Arc<()>,
    public: PublicKey,
}

impl PrivateKey {
    /// Reads `RSA PRIVATE KEY` (PKCS#1) or `PRIVATE KEY` (PKCS#8).
    pub fn from_pem(_pem: &str) -> Result<Self, KeyError> {
        todo!()
    }

    /// The public half.
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }
}
