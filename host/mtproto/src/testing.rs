//! What the tests of this crate share.

use std::{sync::Mutex, time::Duration};

use sha2::{Digest, Sha256};
use sluice_domain::Random;

use crate::Now;

/// Repeatable randomness.
pub(crate) struct Dice(Mutex<(u64, u64)>);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new((seed, 0)))
    }
}

impl Random for Dice {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.0.lock().unwrap();
        for chunk in bytes.chunks_mut(32) {
            state.1 += 1;
            let digest = Sha256::new()
                .chain_update(state.0.to_le_bytes())
                .chain_update(state.1.to_le_bytes())
                .finalize();
            chunk.copy_from_slice(&digest[..chunk.len()]);
        }
    }
}

/// A moment, so many seconds after the beginning of the tests' time.
pub(crate) fn at(seconds: f64) -> Now {
    let passed = Duration::from_secs_f64(seconds);
    Now {
        unix: Duration::from_hours(500_000) + passed,
        mono: Duration::from_secs(5_000) + passed,
    }
}
