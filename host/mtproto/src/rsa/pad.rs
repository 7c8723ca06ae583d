//! `RSA_PAD`, and the padding that older clients still use.
//!
//! Source: <https://core.telegram.org/mtproto/auth_key#rsa-pad>, step 4.1.

use grammers_crypto::aes::{ige_decrypt, ige_encrypt};
use num_bigint::BigUint;
use sha1::{Digest, Sha1};
use sha2::Sha256;
use sluice_domain::Random;
use subtle::ConstantTimeEq;

use super::PublicKey;
use crate::dh::padded;

/// The longest data that `RSA_PAD` takes.
const MAX_DATA: usize = 144;

/// Encrypts with `RSA_PAD`. `None` for more than 144 bytes.
pub(crate) fn encrypt(data: &[u8], key: &PublicKey, rng: &dyn Random) -> Option<[u8; 256]> {
    if data.len() > MAX_DATA {
        return None;
    }
    let mut with_padding = [0; 192];
    rng.fill(&mut with_padding);
    with_padding.get_mut(..data.len())?.copy_from_slice(data);
    // A modulus has its highest bit set, so half of all numbers or more lie below it.
    loop {
        let mut temp_key = [0; 32];
        rng.fill(&mut temp_key);
        let mut block = Vec::with_capacity(256);
        block.extend_from_slice(&[0; 32]);
        block.extend(with_padding.iter().rev());
        block.extend_from_slice(&hash(&temp_key, &with_padding));
        let (head, body) = block.split_first_chunk_mut::<32>()?;
        ige_encrypt(body, &temp_key, &[0; 32]);
        *head = xor(temp_key, Sha256::digest(&*body).into());
        let number = BigUint::from_bytes_be(&block);
        if number < key.n {
            return padded(&number.modpow(&key.e, &key.n));
        }
    }
}

fn hash(temp_key: &[u8; 32], with_padding: &[u8]) -> [u8; 32] {
    Sha256::new()
        .chain_update(temp_key)
        .chain_update(with_padding)
        .finalize()
        .into()
}

fn xor(mut a: [u8; 32], b: [u8; 32]) -> [u8; 32] {
    for (a, b) in a.iter_mut().zip(b) {
        *a ^= b;
    }
    a
}

/// What was found inside of an encrypted block.
pub(crate) enum Unpadded {
    /// Data and padding, proven by `RSA_PAD`'s own hash.
    Padded([u8; 192]),
    /// Not `RSA_PAD`: perhaps SHA1(data) + data + padding.
    Older([u8; 256]),
}

impl Unpadded {
    /// Where the data stands; its end follows from its own shape.
    pub(crate) fn data(&self) -> &[u8] {
        match self {
            Self::Padded(block) => block,
            Self::Older(block) => block.get(21..).unwrap_or_default(),
        }
    }

    /// Whether data of this length is what the client encrypted.
    pub(crate) fn proves(&self, length: usize) -> bool {
        match self {
            Self::Padded(_) => true,
            Self::Older(block) => match (block.get(1..21), self.data().get(..length)) {
                (Some(hash), Some(data)) => {
                    block.first() == Some(&0) && bool::from(Sha1::digest(data).ct_eq(hash))
                }
                _ => false,
            },
        }
    }
}

/// Undoes either padding.
pub(super) fn unpad(block: [u8; 256]) -> Unpadded {
    let padded = || -> Option<[u8; 192]> {
        let (head, body) = block.split_first_chunk::<32>()?;
        let temp_key = xor(*head, Sha256::digest(body).into());
        let mut body: [u8; 224] = body.try_into().ok()?;
        ige_decrypt(&mut body, &temp_key, &[0; 32]);
        let (data, proof) = body.split_first_chunk::<192>()?;
        let mut data = *data;
        data.reverse();
        bool::from(hash(&temp_key, &data).ct_eq(proof)).then_some(data)
    };
    padded().map_or(Unpadded::Older(block), Unpadded::Padded)
}
