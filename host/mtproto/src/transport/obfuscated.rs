//! Obfuscation: a stream that looks like noise from its first byte on.
//!
//! The client sends 64 random bytes, of which both ends derive an AES-256-CTR key per direction; the
//! last eight of them, encrypted, name the framing and the data center. With a proxy's secret mixed
//! into the keys only who knows the secret can read them.
//!
//! Source: <https://core.telegram.org/mtproto/mtproto-transports#transport-obfuscation>.

use std::fmt;

use aes::Aes256;
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use sha2::{Digest, Sha256};
use sluice_domain::Random;

use super::{FramingError, Kind};

/// A proxy's secret without what it says about padding and TLS.
pub type SecretKey = [u8; 16];

/// What a client sends before everything else.
pub const HEADER: usize = 64;

/// First bytes that other protocols begin with; a header must not.
const TAKEN: [[u8; 4]; 8] = [
    *b"HEAD",
    *b"POST",
    *b"GET ",
    *b"OPTI",
    *b"PVrG",
    [0xee; 4],
    [0xdd; 4],
    // A TLS client, to a proxy.
    [0x16, 3, 1, 2],
];
/// The first byte of `abridged`.
const ABRIDGED: u8 = 0xef;
/// How often a header is drawn. One in 255 is unfit, so that this many never are.
const DRAWS: usize = 16;

/// Where the keys' material, the framing's tag and the data center's number are in a header.
const KEYS: std::ops::Range<usize> = 8..56;
const TAG: std::ops::Range<usize> = 56..60;
const DC: std::ops::Range<usize> = 60..62;

/// The ciphers of one connection.
pub struct Obfuscation {
    sending: Ctr128BE<Aes256>,
    receiving: Ctr128BE<Aes256>,
}

/// What a client's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announced {
    /// How the frames inside are delimited.
    pub kind: Kind,
    /// The data center: 10,000 more for the test ones, negative for media.
    pub dc: i16,
}

impl Obfuscation {
    /// The client's end, and the 64 bytes that go first. The data center's number is read by proxies
    /// only. `full` has no tag and travels as `intermediate`.
    pub fn client(
        announced: Announced,
        secret: Option<&SecretKey>,
        random: &dyn Random,
    ) -> (Self, [u8; HEADER]) {
        let mut header = [0; HEADER];
        for _ in 0..DRAWS {
            random.fill(&mut header);
            if fit(&header) {
                break;
            }
        }
        put(&mut header, TAG, &announced.kind.tag());
        put(&mut header, DC, &announced.dc.to_le_bytes());
        let (forth, back) = directions(&header);
        let mut this = Self {
            sending: cipher(&forth, secret),
            receiving: cipher(&back, secret),
        };
        let mut encrypted = header;
        this.encrypt(&mut encrypted);
        let sent = TAG.start..HEADER;
        if let Some(end) = encrypted.get(sent.clone()) {
            put(&mut header, sent, end);
        }
        (this, header)
    }

    /// The server's end, from a client's first 64 bytes. Without the right secret they name no
    /// framing, in all but one of 10^9 cases.
    pub fn server(
        header: &[u8; HEADER],
        secret: Option<&SecretKey>,
    ) -> Result<(Self, Announced), FramingError> {
        let (forth, back) = directions(header);
        let mut this = Self {
            sending: cipher(&back, secret),
            receiving: cipher(&forth, secret),
        };
        let mut clear = *header;
        this.decrypt(&mut clear);
        let kind = clear.get(TAG).and_then(Kind::of_tag);
        let dc = clear.get(DC).and_then(<[u8]>::first_chunk);
        let (Some(kind), Some(dc)) = (kind, dc) else {
            return Err(FramingError::Unknown);
        };
        let dc = i16::from_le_bytes(*dc);
        Ok((this, Announced { kind, dc }))
    }

    /// What goes out, in place.
    pub fn encrypt(&mut self, bytes: &mut [u8]) {
        self.sending.apply_keystream(bytes);
    }

    /// What came in, in place.
    pub fn decrypt(&mut self, bytes: &mut [u8]) {
        self.receiving.apply_keystream(bytes);
    }
}

/// Without the keys.
impl fmt::Debug for Obfuscation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Obfuscation").finish_non_exhaustive()
    }
}

/// Whether bytes may be the first of an obfuscated stream, as far as they are there.
pub(super) fn may_begin(first: &[u8]) -> bool {
    first.first() != Some(&ABRIDGED)
        && first
            .first_chunk::<4>()
            .is_none_or(|word| !TAKEN.contains(word))
}

/// Whether nobody takes a header for something else: `full` begins with a length and the number 0.
fn fit(header: &[u8; HEADER]) -> bool {
    may_begin(header) && header.get(4..8) != Some(&[0; 4])
}

fn put(header: &mut [u8; HEADER], at: std::ops::Range<usize>, bytes: &[u8]) {
    for (place, byte) in header.iter_mut().skip(at.start).zip(bytes) {
        *place = *byte;
    }
}

/// The material for the keys of what the client sends and of what the server sends: the same,
/// backwards.
fn directions(header: &[u8; HEADER]) -> ([u8; 48], [u8; 48]) {
    let mut forth = [0; 48];
    for (to, from) in forth.iter_mut().zip(header.iter().skip(KEYS.start)) {
        *to = *from;
    }
    let mut back = forth;
    back.reverse();
    (forth, back)
}

fn cipher(material: &[u8; 48], secret: Option<&SecretKey>) -> Ctr128BE<Aes256> {
    let (key, iv) = material.split_at(32);
    let (mut k, mut v) = ([0; 32], [0; 16]);
    match secret {
        None => k.copy_from_slice(key),
        Some(secret) => {
            let mixed = Sha256::new().chain_update(key).chain_update(secret);
            k.copy_from_slice(&mixed.finalize());
        }
    }
    v.copy_from_slice(iv);
    Ctr128BE::new(&k.into(), &v.into())
}
