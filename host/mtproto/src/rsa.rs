//! RSA as the key exchange uses it: 2,048 bits, Telegram's own padding. Not a general RSA.

mod der;
mod pad;

use std::sync::Arc;

use num_bigint::BigUint;
use sha1::{Digest, Sha1};
use thiserror::Error;

use crate::{dh::padded, wire::Writer};

pub(crate) use pad::{Unpadded, encrypt};

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
    pub(crate) fn new(n: BigUint, e: BigUint) -> Result<Self, KeyError> {
        if n.bits() != 2048 || !n.bit(0) {
            return Err(KeyError::Size);
        }
        let serialized = Writer::default()
            .bytes(&n.to_bytes_be())
            .bytes(&e.to_bytes_be())
            .finish();
        let digest: [u8; 20] = Sha1::digest(serialized).into();
        let fingerprint = digest
            .last_chunk()
            .map_or(0, |lower| u64::from_le_bytes(*lower));
        Ok(Self { n, e, fingerprint })
    }

    /// Reads `RSA PUBLIC KEY` (PKCS#1) or `PUBLIC KEY` (SPKI).
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let (n, e) = der::public(pem)?;
        Self::new(n, e)
    }

    /// Writes `RSA PUBLIC KEY` (PKCS#1).
    pub fn to_pem(&self) -> String {
        der::write_public(&self.n, &self.e)
    }

    /// The 64 lower bits of the SHA-1 of the TL-serialized key.
    pub const fn fingerprint(&self) -> u64 {
        self.fingerprint
    }
}

/// The secret numbers of a key, with its factors: exponentiation modulo each is four times as fast.
struct Numbers {
    p: BigUint,
    q: BigUint,
    d_p: BigUint,
    d_q: BigUint,
    q_inverse: BigUint,
}

/// A data center's private key. Only a data center of our own has one: the arithmetic is not
/// constant-time.
#[derive(Clone)]
pub struct PrivateKey {
    numbers: Arc<Numbers>,
    public: PublicKey,
}

impl PrivateKey {
    /// Reads `RSA PRIVATE KEY` (PKCS#1) or `PRIVATE KEY` (PKCS#8).
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let (n, e, numbers) = der::private(pem)?;
        if &numbers.p * &numbers.q != n {
            return Err(KeyError::NotRsa);
        }
        Ok(Self {
            numbers: Arc::new(numbers),
            public: PublicKey::new(n, e)?,
        })
    }

    /// The public half.
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Raw RSA. `None` if the number is not below the modulus.
    fn decrypt_raw(&self, encrypted: &[u8]) -> Option<[u8; 256]> {
        let Numbers {
            p,
            q,
            d_p,
            d_q,
            q_inverse,
        } = &*self.numbers;
        let number = BigUint::from_bytes_be(encrypted);
        if number >= self.public.n {
            return None;
        }
        let m_p = number.modpow(d_p, p);
        let m_q = number.modpow(d_q, q);
        // Garner's formula; adding p keeps the difference positive.
        let h = q_inverse * (m_p + p - &m_q % p) % p;
        padded(&(m_q + h * q))
    }

    /// Undoes either padding. `None` if the number is not below the modulus.
    pub(crate) fn decrypt(&self, encrypted: &[u8]) -> Option<Unpadded> {
        self.decrypt_raw(encrypted).map(pad::unpad)
    }
}

#[cfg(test)]
pub(crate) mod tests;
