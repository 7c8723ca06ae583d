use std::{sync::Mutex, time::Duration};

use sluice_domain::Random;
use sluice_mtproto::{AuthKey, Now};

/// Takes values off the front of a target's bytes. When they end, everything is zero.
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub const fn rest(&self) -> &'a [u8] {
        self.0
    }

    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        let taken = self.take(N);
        array[..taken.len()].copy_from_slice(taken);
        array
    }

    pub fn byte(&mut self) -> u8 {
        let [byte] = self.array();
        byte
    }

    pub fn short(&mut self) -> u16 {
        u16::from_le_bytes(self.array())
    }

    /// One of so many.
    pub fn pick<'t, T>(&mut self, items: &'t [T]) -> Option<&'t T> {
        let at = usize::from(self.byte());
        items.get(at % items.len().max(1))
    }

    /// So many bytes, or what is there.
    pub fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Bytes behind their length.
    pub fn chunk(&mut self) -> &'a [u8] {
        let length = self.short();
        self.take(length.into())
    }
}

/// Randomness that is the same every time. Remembers what it gave out in 32 bytes: the new nonce of
/// a key exchange is the first such.
#[derive(Default)]
pub struct Dice {
    state: Mutex<u64>,
    thirty_twos: Mutex<Vec<[u8; 32]>>,
}

impl Dice {
    pub fn first_thirty_two(&self) -> Option<[u8; 32]> {
        self.thirty_twos.lock().unwrap().first().copied()
    }

    /// SplitMix64.
    fn next(state: &mut u64) -> u64 {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Random for Dice {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.state.lock().unwrap();
        for chunk in bytes.chunks_mut(8) {
            let random = Self::next(&mut state).to_le_bytes();
            chunk.copy_from_slice(&random[..chunk.len()]);
        }
        if let Ok(filled) = <[u8; 32]>::try_from(&*bytes) {
            self.thirty_twos.lock().unwrap().push(filled);
        }
    }
}

/// The key that everybody has. All its parts differ: the two directions use different ones.
pub fn key() -> AuthKey {
    AuthKey::from_bytes(std::array::from_fn(|at| (at * 7 + at / 32) as u8))
}

/// The moment that everything begins at.
pub fn beginning() -> Now {
    Now {
        unix: Duration::from_secs(1_800_000_000),
        mono: Duration::from_secs(5_000),
    }
}
