//! The Diffie-Hellman group: which primes, generators and public values are safe.
//!
//! Source: <https://core.telegram.org/mtproto/auth_key#presenting-proof-of-work-server-authentication>
//! and <https://core.telegram.org/mtproto/security_guidelines#diffie-hellman-key-exchange>.

use std::sync::{Mutex, PoisonError};

use num_bigint::BigUint;
use num_traits::One;
use sha2::{Digest, Sha256};

/// The prime that Telegram has always used; known to be safe.
pub const TELEGRAM_PRIME: [u8; 256] = [
    0xc7, 0x1c, 0xae, 0xb9, 0xc6, 0xb1, 0xc9, 0x04, 0x8e, 0x6c, 0x52, 0x2f, 0x70, 0xf1, 0x3f, 0x73,
    0x98, 0x0d, 0x40, 0x23, 0x8e, 0x3e, 0x21, 0xc1, 0x49, 0x34, 0xd0, 0x37, 0x56, 0x3d, 0x93, 0x0f,
    0x48, 0x19, 0x8a, 0x0a, 0xa7, 0xc1, 0x40, 0x58, 0x22, 0x94, 0x93, 0xd2, 0x25, 0x30, 0xf4, 0xdb,
    0xfa, 0x33, 0x6f, 0x6e, 0x0a, 0xc9, 0x25, 0x13, 0x95, 0x43, 0xae, 0xd4, 0x4c, 0xce, 0x7c, 0x37,
    0x20, 0xfd, 0x51, 0xf6, 0x94, 0x58, 0x70, 0x5a, 0xc6, 0x8c, 0xd4, 0xfe, 0x6b, 0x6b, 0x13, 0xab,
    0xdc, 0x97, 0x46, 0x51, 0x29, 0x69, 0x32, 0x84, 0x54, 0xf1, 0x8f, 0xaf, 0x8c, 0x59, 0x5f, 0x64,
    0x24, 0x77, 0xfe, 0x96, 0xbb, 0x2a, 0x94, 0x1d, 0x5b, 0xcd, 0x1d, 0x4a, 0xc8, 0xcc, 0x49, 0x88,
    0x07, 0x08, 0xfa, 0x9b, 0x37, 0x8e, 0x3c, 0x4f, 0x3a, 0x90, 0x60, 0xbe, 0xe6, 0x7c, 0xf9, 0xa4,
    0xa4, 0xa6, 0x95, 0x81, 0x10, 0x51, 0x90, 0x7e, 0x16, 0x27, 0x53, 0xb5, 0x6b, 0x0f, 0x6b, 0x41,
    0x0d, 0xba, 0x74, 0xd8, 0xa8, 0x4b, 0x2a, 0x14, 0xb3, 0x14, 0x4e, 0x0e, 0xf1, 0x28, 0x47, 0x54,
    0xfd, 0x17, 0xed, 0x95, 0x0d, 0x59, 0x65, 0xb4, 0xb9, 0xdd, 0x46, 0x58, 0x2d, 0xb1, 0x17, 0x8d,
    0x16, 0x9c, 0x6b, 0xc4, 0x65, 0xb0, 0xd6, 0xff, 0x9c, 0xa3, 0x92, 0x8f, 0xef, 0x5b, 0x9a, 0xe4,
    0xe4, 0x18, 0xfc, 0x15, 0xe8, 0x3e, 0xbe, 0xa0, 0xf8, 0x7f, 0xa9, 0xff, 0x5e, 0xed, 0x70, 0x05,
    0x0d, 0xed, 0x28, 0x49, 0xf4, 0x7b, 0xf9, 0x59, 0xd9, 0x56, 0x85, 0x0c, 0xe9, 0x29, 0x85, 0x1f,
    0x0d, 0x81, 0x15, 0xf6, 0x35, 0xb1, 0x05, 0xee, 0x2e, 0x4e, 0x15, 0xd0, 0x4b, 0x24, 0x54, 0xbf,
    0x6f, 0x4f, 0xad, 0xf0, 0x34, 0xb1, 0x04, 0x03, 0x11, 0x9c, 0xd8, 0xe3, 0xb9, 0x2f, 0xcc, 0x5b,
];

/// Telegram's generator for [`TELEGRAM_PRIME`].
pub const TELEGRAM_GENERATOR: i32 = 3;

/// Rounds of Miller-Rabin: a composite passes with a probability below 4^-40.
const ROUNDS: u32 = 40;

/// How many other primes that were found safe are remembered. One per kind of server is expected.
const REMEMBERED: usize = 4;

static FOUND_SAFE: Mutex<Vec<BigUint>> = Mutex::new(Vec::new());

/// A group that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    p: BigUint,
    g: BigUint,
}

impl Group {
    /// Telegram's own.
    pub(crate) fn telegram() -> Self {
        Self {
            p: BigUint::from_bytes_be(&TELEGRAM_PRIME),
            g: BigUint::from(TELEGRAM_GENERATOR.unsigned_abs()),
        }
    }

    /// A group of a foreign prime and generator, `None` unless they are safe: a 2,048-bit p with p
    /// and (p - 1) / 2 prime, and g a quadratic residue. Slow for a prime that was never seen.
    pub(crate) fn checked(p: &[u8], g: i32) -> Option<Self> {
        let known = p == TELEGRAM_PRIME;
        let p = BigUint::from_bytes_be(p);
        let safe = p.bits() == 2048 && residue(&p, g) && (known || remembered_safe(&p));
        safe.then(|| Self {
            p,
            g: BigUint::from(g.unsigned_abs()),
        })
    }

    pub(crate) const fn p(&self) -> &BigUint {
        &self.p
    }

    pub(crate) const fn g(&self) -> &BigUint {
        &self.g
    }

    /// `g^exponent`.
    pub(crate) fn power(&self, exponent: &BigUint) -> BigUint {
        self.g.modpow(exponent, &self.p)
    }

    /// Whether a public value lies in [2^1984, p - 2^1984], where no trivial secrets are. That is
    /// stricter than (1, p - 1).
    pub(crate) fn in_range(&self, value: &BigUint) -> bool {
        let margin = BigUint::one() << 1984_u32;
        *value >= margin && *value <= &self.p - margin
    }
}

/// A number as exactly 256 bytes, big-endian; `None` if it is longer.
pub(crate) fn padded(value: &BigUint) -> Option<[u8; 256]> {
    let bytes = value.to_bytes_be();
    let mut padded = [0; 256];
    padded
        .get_mut(256_usize.checked_sub(bytes.len())?..)?
        .copy_from_slice(&bytes);
    Some(padded)
}

/// Whether g generates the subgroup of prime order, by Telegram's table.
fn residue(p: &BigUint, g: i32) -> bool {
    let is = |modulus: u32, rests: &[u32]| {
        let rest = p % modulus;
        rests.iter().any(|known| rest == BigUint::from(*known))
    };
    match g {
        2 => is(8, &[7]),
        3 => is(3, &[2]),
        4 => true,
        5 => is(5, &[1, 4]),
        6 => is(24, &[19, 23]),
        7 => is(7, &[3, 5, 6]),
        _ => false,
    }
}

fn remembered_safe(p: &BigUint) -> bool {
    let known = || FOUND_SAFE.lock().unwrap_or_else(PoisonError::into_inner);
    if known().contains(p) {
        return true;
    }
    let safe = safe_prime(p);
    if safe {
        let mut known = known();
        known.truncate(REMEMBERED - 1);
        known.insert(0, p.clone());
    }
    safe
}

/// Whether p and (p - 1) / 2 are prime.
fn safe_prime(p: &BigUint) -> bool {
    // q first: a random p fails here at the first round.
    p.bit(0) && probably_prime(&(p >> 1_u32)) && probably_prime(p)
}

/// Miller-Rabin. The bases follow from the number by SHA-256, so nobody can make a composite for
/// known bases without searching through hashes.
fn probably_prime(n: &BigUint) -> bool {
    let one = BigUint::one();
    if *n <= one || !n.bit(0) {
        return false;
    }
    let minus_one = n - &one;
    let twos = minus_one.trailing_zeros().unwrap_or(0);
    let odd = &minus_one >> twos;
    let seed = n.to_bytes_be();
    (0..ROUNDS).all(|round| {
        let digest = Sha256::new()
            .chain_update(round.to_be_bytes())
            .chain_update(&seed)
            .finalize();
        // In [2, n - 2] for every n beyond 2^256, and all others are refused by their size.
        let base = BigUint::from_bytes_be(&digest) + 2_u32;
        let mut power = base.modpow(&odd, n);
        power == one
            || (0..twos).any(|_| {
                let strong = power == minus_one;
                power = &power * &power % n;
                strong
            })
    })
}

#[cfg(test)]
mod tests {
    use num_bigint::BigUint;

    use super::{Group, TELEGRAM_PRIME, probably_prime, residue, safe_prime};

    /// Breaks when the primality test refuses a safe prime, or a digit of the known one is wrong.
    #[test]
    fn telegrams_prime_is_safe() {
        assert!(safe_prime(&BigUint::from_bytes_be(&TELEGRAM_PRIME)));
    }

    /// Breaks when a composite of the right size passes for a prime.
    #[test]
    fn other_numbers_are_refused() {
        let mut p = TELEGRAM_PRIME;
        for last in [0x59, 0x5d, 0x63, 0xfb] {
            p[255] = last;
            assert_eq!(Group::checked(&p, 4), None);
        }
        assert_eq!(Group::checked(&TELEGRAM_PRIME[1..], 4), None, "size");
        assert_eq!(Group::checked(&[], 4), None);
        // A prime whose half is none, and a composite whose half is a prime. Each with a generator
        // that would do.
        let beyond = |distance: u32| {
            let number = BigUint::from_bytes_be(&TELEGRAM_PRIME) + distance;
            assert!(residue(&number, 4));
            number
        };
        assert!(probably_prime(&beyond(570)) && !probably_prime(&(beyond(570) >> 1_u32)));
        assert!(!probably_prime(&beyond(1672)) && probably_prime(&(beyond(1672) >> 1_u32)));
        for distance in [570, 1672] {
            assert_eq!(Group::checked(&beyond(distance).to_bytes_be(), 4), None);
        }
        // 2^2048 - 1 and a product of two 1024-bit numbers.
        assert_eq!(Group::checked(&[0xff; 256], 4), None);
        let half = BigUint::from_bytes_be(&TELEGRAM_PRIME[..128]) | BigUint::from(1_u8);
        assert_eq!(Group::checked(&(&half * &half).to_bytes_be(), 4), None);
    }

    /// Breaks when a generator outside of the right subgroup passes.
    #[test]
    fn generators() {
        let good: Vec<i32> = (-1..10)
            .filter(|g| Group::checked(&TELEGRAM_PRIME, *g).is_some())
            .collect();
        assert_eq!(good, [3, 4, 7]);
    }

    /// Breaks when a trivial public value passes.
    #[test]
    fn ranges() {
        let group = Group::telegram();
        let one = BigUint::from(1_u8);
        let margin = &one << 1984_u32;
        for (value, good) in [
            (BigUint::ZERO, false),
            (one.clone(), false),
            (&margin - &one, false),
            (margin.clone(), true),
            (group.p() - &margin, true),
            (group.p() - &margin + &one, false),
            (group.p() - &one, false),
            (group.p() + &margin, false),
        ] {
            assert_eq!(group.in_range(&value), good, "{value}");
        }
    }
}
