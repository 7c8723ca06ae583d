//! What padded intermediate adds behind every packet, so that lengths tell nothing.

use std::fmt;

use aes::Aes256;
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use sluice_domain::Random;

/// The most that may stand behind a packet: less than a block, so that both ends know where an
/// encrypted packet ends.
pub(super) const MOST: usize = 15;
/// What the server's end adds at most. Telegram's own proxy adds no more, and there are clients
/// that cut off only what makes no whole word.
const SERVER_MOST: usize = 3;

/// Before the encrypted data: id of the key, and message key.
const ENCRYPTED: usize = 24;
/// Before the data of a plain message: 0 for the key, message id, length.
const PLAIN: usize = 20;
const BLOCK: usize = 16;
/// A status instead of a packet.
const STATUS: usize = 4;

/// An unpredictable stream of bytes, drawn once from the true source.
pub(super) struct Noise(Ctr128BE<Aes256>);

impl Noise {
    pub(super) fn new(random: &dyn Random) -> Self {
        let mut key = [0; 32];
        random.fill(&mut key);
        Self(Ctr128BE::new(&key.into(), &[0; 16].into()))
    }

    /// The padding of one packet: how much of it counts, and the bytes.
    pub(super) fn padding(&mut self, client: bool) -> (usize, [u8; MOST]) {
        let mut drawn = [0; MOST + 1];
        self.0.apply_keystream(&mut drawn);
        let [length, bytes @ ..] = drawn;
        let most = if client { MOST } else { SERVER_MOST };
        (usize::from(length) % (most + 1), bytes)
    }
}

impl fmt::Debug for Noise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Noise").finish_non_exhaustive()
    }
}

/// How much of a padded payload is the packet.
pub(super) fn real_length(payload: &[u8]) -> usize {
    let all = payload.len();
    if payload.first_chunk() == Some(&[0; 8]) {
        // A plain message says how long it is.
        let said = payload.get(PLAIN - 4..).and_then(<[u8]>::first_chunk);
        let said = said.map_or(usize::MAX, |length| u32::from_le_bytes(*length) as usize);
        return said.saturating_add(PLAIN).min(all);
    }
    match all.checked_sub(ENCRYPTED) {
        None => all.min(STATUS),
        Some(data) => ENCRYPTED + data / BLOCK * BLOCK,
    }
}
