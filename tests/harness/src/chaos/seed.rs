use std::hash::{BuildHasher, RandomState};

/// Where everything random in a test comes from. The same seed draws the same numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    /// The seed that `SLUICE_SEED` names, else a new one. It is printed, so that a failure shows
    /// how to replay it.
    ///
    /// # Panics
    ///
    /// When `SLUICE_SEED` is no number: replaying something else would prove nothing.
    #[allow(
        clippy::disallowed_methods,
        clippy::panic,
        reason = "whoever calls the tests says what is replayed"
    )]
    pub fn choose() -> Self {
        let seed = match std::env::var("SLUICE_SEED") {
            Err(_) => RandomState::new().hash_one(0),
            Ok(text) => text
                .parse()
                .unwrap_or_else(|_| panic!("SLUICE_SEED is no number: {text}")),
        };
        println!("replay with SLUICE_SEED={seed}");
        Self(seed)
    }

    /// Numbers of their own for one subject, the same whatever others draw meanwhile.
    pub const fn dice(self, subject: u64) -> Dice {
        let mut dice = Dice(self.0 ^ subject.wrapping_mul(0xd605_0f0b_9d6d_b3a5));
        // Neighbouring subjects must not be neighbours in the sequence.
        dice.0 = dice.roll();
        dice
    }
}

/// A sequence of numbers (SplitMix64).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The next number, all 64 bits of it.
    pub const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 if that is 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        match self.roll().checked_rem(bound) {
            Some(number) => number,
            None => 0,
        }
    }

    /// True in so many of 100 cases.
    pub const fn percent(&mut self, chance: u8) -> bool {
        self.below(100) < chance as u64
    }
}
