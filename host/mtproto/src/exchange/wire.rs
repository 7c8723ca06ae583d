//! The messages of the exchange.

use num_bigint::BigUint;
use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;

use super::ExchangeError;
use crate::{
    AuthKey,
    wire::{BadValue, Reader, Writer},
};

pub(super) const REQ_PQ: u32 = 0x6046_9778;
pub(super) const REQ_PQ_MULTI: u32 = 0xbe7e_8ef1;
pub(super) const RES_PQ: u32 = 0x0516_2463;
pub(super) const REQ_DH_PARAMS: u32 = 0xd712_e4be;
pub(super) const DH_PARAMS_OK: u32 = 0xd0e8_075c;
pub(super) const DH_PARAMS_FAIL: u32 = 0x79cb_045d;
pub(super) const DH_INNER: u32 = 0xb589_0dba;
pub(super) const SET_CLIENT_DH_PARAMS: u32 = 0xf504_5f1f;
pub(super) const CLIENT_DH_INNER: u32 = 0x6643_b654;
pub(super) const DH_GEN_OK: u32 = 0x3bcb_f734;
pub(super) const DH_GEN_RETRY: u32 = 0x46dc_1fb9;
pub(super) const DH_GEN_FAIL: u32 = 0xa69d_ae02;
const INNER: u32 = 0x83c9_5aec;
const INNER_DC: u32 = 0xa9f5_5f95;
const INNER_TEMP: u32 = 0x3c6a_84d4;
const INNER_TEMP_DC: u32 = 0x56fd_df88;

impl From<BadValue> for ExchangeError {
    fn from(BadValue: BadValue) -> Self {
        Self::Malformed
    }
}

/// The two numbers that tie all messages of one exchange together.
#[derive(Clone, Copy)]
pub(super) struct Nonces {
    pub(super) client: [u8; 16],
    pub(super) server: [u8; 16],
}

impl Nonces {
    /// Reads both, and fails unless they are these.
    pub(super) fn check(&self, reader: &mut Reader<'_>) -> Result<(), ExchangeError> {
        let same = reader.array::<16>()? == self.client && reader.array::<16>()? == self.server;
        same.then_some(()).ok_or(ExchangeError::Nonce)
    }

    /// Begins a message that carries both.
    pub(super) fn write(&self, id: u32, capacity: usize) -> Writer {
        Writer::boxed(id, capacity)
            .raw(&self.client)
            .raw(&self.server)
    }
}

/// `P_Q_inner_data` in any of its four forms.
pub(super) struct InnerData {
    pub(super) pq: u64,
    pub(super) p: u64,
    pub(super) q: u64,
    pub(super) nonces: Nonces,
    pub(super) new_nonce: [u8; 32],
    pub(super) dc: Option<i32>,
    pub(super) expires_in: Option<i32>,
}

impl InnerData {
    pub(super) fn write(&self) -> Vec<u8> {
        let id = match (self.dc, self.expires_in) {
            (None, None) => INNER,
            (Some(_), None) => INNER_DC,
            (None, Some(_)) => INNER_TEMP,
            (Some(_), Some(_)) => INNER_TEMP_DC,
        };
        let writer = number(
            number(number(Writer::boxed(id, 144), self.pq), self.p),
            self.q,
        )
        .raw(&self.nonces.client)
        .raw(&self.nonces.server)
        .raw(&self.new_nonce);
        [self.dc, self.expires_in]
            .into_iter()
            .flatten()
            .fold(writer, Writer::int)
            .finish()
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, ExchangeError> {
        let (has_dc, has_expiry) = match reader.id()? {
            INNER => (false, false),
            INNER_DC => (true, false),
            INNER_TEMP => (false, true),
            INNER_TEMP_DC => (true, true),
            _ => return Err(ExchangeError::Malformed),
        };
        Ok(Self {
            pq: read_number(reader)?,
            p: read_number(reader)?,
            q: read_number(reader)?,
            nonces: Nonces {
                client: reader.array()?,
                server: reader.array()?,
            },
            new_nonce: reader.array()?,
            dc: has_dc.then(|| reader.int()).transpose()?,
            expires_in: has_expiry.then(|| reader.int()).transpose()?,
        })
    }
}

/// A natural number as big-endian bytes without leading zeros.
pub(super) fn number(writer: Writer, value: u64) -> Writer {
    let bytes = value.to_be_bytes();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    writer.bytes(bytes.get(zeros..).unwrap_or_default())
}

/// A natural number of up to 64 bits.
pub(super) fn read_number(reader: &mut Reader<'_>) -> Result<u64, ExchangeError> {
    let bytes = reader.bytes()?;
    let mut padded = [0; 8];
    bytes
        .len()
        .try_into()
        .ok()
        .and_then(|length: u32| 8_usize.checked_sub(length as usize))
        .and_then(|start| padded.get_mut(start..))
        .ok_or(ExchangeError::Malformed)?
        .copy_from_slice(bytes);
    Ok(u64::from_be_bytes(padded))
}

/// A big natural number. The group refuses what is too long to be in range.
pub(super) fn read_big(reader: &mut Reader<'_>) -> Result<BigUint, ExchangeError> {
    reader
        .bytes()
        .map(BigUint::from_bytes_be)
        .map_err(Into::into)
}

/// SHA1(data) + data + padding to whole blocks, encrypted with the exchange's temporary key.
pub(super) fn hide(
    data: &[u8],
    nonces: &Nonces,
    new_nonce: &[u8; 32],
    rng: &dyn sluice_domain::Random,
) -> Vec<u8> {
    let mut hidden = Sha1::digest(data).to_vec();
    hidden.extend_from_slice(data);
    let end = hidden.len();
    hidden.resize(end.next_multiple_of(16), 0);
    if let Some(padding) = hidden.get_mut(end..) {
        rng.fill(padding);
    }
    let (key, iv) = grammers_crypto::generate_key_data_from_nonce(&nonces.server, new_nonce);
    grammers_crypto::aes::ige_encrypt(&mut hidden, &key, &iv);
    hidden
}

/// Undoes [`hide`]: parses the data by `read`, and accepts what it took if the hash is that of
/// exactly these bytes and less than a block of padding follows.
pub(super) fn reveal<T>(
    hidden: &[u8],
    nonces: &Nonces,
    new_nonce: &[u8; 32],
    read: impl FnOnce(&mut Reader<'_>) -> Result<T, ExchangeError>,
) -> Result<T, ExchangeError> {
    if !hidden.len().is_multiple_of(16) {
        return Err(ExchangeError::Malformed);
    }
    let mut plain = hidden.to_vec();
    let (key, iv) = grammers_crypto::generate_key_data_from_nonce(&nonces.server, new_nonce);
    grammers_crypto::aes::ige_decrypt(&mut plain, &key, &iv);
    let (hash, data) = plain
        .split_first_chunk::<20>()
        .ok_or(ExchangeError::Malformed)?;
    let mut reader = Reader::new(data);
    // Nothing of what was read leaves before its hash is checked.
    let value = read(&mut reader);
    let padding = reader.rest().len();
    let digest = Sha1::digest(data.get(..data.len() - padding).unwrap_or_default());
    if padding >= 16 || !bool::from(digest.ct_eq(hash)) {
        return Err(ExchangeError::Hash);
    }
    value
}

/// `new_nonce_hash1`, `2` and `3`.
pub(super) fn nonce_hash(new_nonce: &[u8; 32], number: u8, key: &AuthKey) -> [u8; 16] {
    let digest: [u8; 20] = Sha1::new()
        .chain_update(new_nonce)
        .chain_update([number])
        .chain_update(key.aux_hash())
        .finalize()
        .into();
    lower(digest)
}

/// The 128 lower bits of a SHA-1.
pub(super) fn lower(digest: [u8; 20]) -> [u8; 16] {
    let [_, _, _, _, lower @ ..] = digest;
    lower
}

/// The first salt: both nonces' first 64 bits, combined.
pub(super) fn first_salt(nonces: &Nonces, new_nonce: &[u8; 32]) -> i64 {
    let first = |bytes: &[u8]| {
        bytes
            .first_chunk()
            .map_or(0, |bytes| i64::from_le_bytes(*bytes))
    };
    first(new_nonce) ^ first(&nonces.server)
}
