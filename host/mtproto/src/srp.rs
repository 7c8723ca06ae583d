//! Two-step verification: SRP as Telegram uses it, both sides.
//!
//! Source: <https://core.telegram.org/api/srp>. Everything here takes tens of ms or more: not for an
//! async thread.

use num_bigint::BigUint;
use pbkdf2::pbkdf2_hmac;
use sha2::{Digest, Sha256, Sha512};
use sluice_domain::Random;
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::dh::{Group, padded};

/// Rounds of PBKDF2, fixed by the algorithm's name.
const ROUNDS: u32 = 100_000;

/// Why a password could not be proven or checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SrpError {
    /// The group is not a safe one.
    #[error("unsafe prime or generator")]
    Group,
    /// A or B outside of the safe range.
    #[error("public value out of range")]
    Range,
}

/// `passwordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Params {
    /// First salt.
    pub salt1: Vec<u8>,
    /// Second salt.
    pub salt2: Vec<u8>,
    /// Generator.
    pub g: i32,
    /// Prime, big-endian.
    pub p: Vec<u8>,
}

/// What a client sends in `inputCheckPasswordSRP`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// `A`.
    pub a: [u8; 256],
    /// `M1`.
    pub m1: [u8; 32],
}

/// The client's side: proves the password against the server's `srp_B`.
pub fn prove(
    password: &[u8],
    params: &Params,
    srp_b: &[u8],
    rng: &dyn Random,
) -> Result<Proof, SrpError> {
    let sums = Sums::new(params)?;
    let prime = sums.group.p();
    let public = BigUint::from_bytes_be(srp_b);
    if !sums.group.in_range(&public) {
        return Err(SrpError::Range);
    }
    let b_bytes = padded(&public).ok_or(SrpError::Range)?;
    let x = private_exponent(password, params);
    let masked = &sums.k * sums.group.power(&x) % prime;
    let unmasked = (public + prime - masked) % prime;
    if !sums.group.in_range(&unmasked) {
        return Err(SrpError::Range);
    }
    let (secret, a_bytes) = ephemeral(&sums.group, rng)?;
    let u = scramble(&a_bytes, &b_bytes)?;
    let shared = unmasked.modpow(&(secret + u * x), prime);
    let m1 = sums.m1(params, &a_bytes, &b_bytes, &shared)?;
    Ok(Proof { a: a_bytes, m1 })
}

/// `g^x mod p`: what a server keeps instead of the password, and what a client sends as
/// `new_password_hash`.
pub fn verifier(password: &[u8], params: &Params) -> Result<[u8; 256], SrpError> {
    let sums = Sums::new(params)?;
    padded(&sums.group.power(&private_exponent(password, params))).ok_or(SrpError::Range)
}

/// The server's side of one check.
pub struct Challenge {
    params: Params,
    sums: Sums,
    v: BigUint,
    secret: BigUint,
    b: [u8; 256],
}

impl Challenge {
    /// A new challenge for the holder of a password.
    pub fn new(params: &Params, verifier: &[u8; 256], rng: &dyn Random) -> Result<Self, SrpError> {
        let sums = Sums::new(params)?;
        let v = BigUint::from_bytes_be(verifier);
        let (secret, _) = ephemeral(&sums.group, rng)?;
        let b = (&sums.k * &v + sums.group.power(&secret)) % sums.group.p();
        // Missed with a probability of 2^-63, like any ephemeral value.
        if !sums.group.in_range(&b) {
            return Err(SrpError::Range);
        }
        Ok(Self {
            params: params.clone(),
            b: padded(&b).ok_or(SrpError::Range)?,
            sums,
            v,
            secret,
        })
    }

    /// `srp_B`.
    pub const fn b(&self) -> &[u8; 256] {
        &self.b
    }

    /// Whether the proof shows knowledge of the password. Compares in constant time.
    pub fn check(&self, a: &[u8], m1: &[u8]) -> Result<bool, SrpError> {
        let p = self.sums.group.p();
        let a = BigUint::from_bytes_be(a);
        if !self.sums.group.in_range(&a) {
            return Err(SrpError::Range);
        }
        let a_bytes = padded(&a).ok_or(SrpError::Range)?;
        let u = scramble(&a_bytes, &self.b)?;
        let shared = (a * self.v.modpow(&u, p) % p).modpow(&self.secret, p);
        let expected = self.sums.m1(&self.params, &a_bytes, &self.b, &shared)?;
        Ok(expected.ct_eq(m1).into())
    }
}

/// A checked group, with what both sides compute from it alone.
struct Sums {
    group: Group,
    k: BigUint,
    /// H(p) xor H(g).
    names: [u8; 32],
}

impl Sums {
    fn new(params: &Params) -> Result<Self, SrpError> {
        let group = Group::checked(&params.p, params.g).ok_or(SrpError::Group)?;
        let p = padded(group.p()).ok_or(SrpError::Group)?;
        let g = padded(group.g()).ok_or(SrpError::Group)?;
        let mut names = hash(&[&p]);
        for (name, other) in names.iter_mut().zip(hash(&[&g])) {
            *name ^= other;
        }
        let k = BigUint::from_bytes_be(&hash(&[&p, &g]));
        Ok(Self { group, k, names })
    }

    fn m1(
        &self,
        params: &Params,
        a: &[u8; 256],
        b: &[u8; 256],
        shared: &BigUint,
    ) -> Result<[u8; 32], SrpError> {
        let shared = Zeroizing::new(padded(shared).ok_or(SrpError::Range)?);
        Ok(hash(&[
            &self.names,
            &hash(&[&params.salt1]),
            &hash(&[&params.salt2]),
            a,
            b,
            &hash(&[&*shared]),
        ]))
    }
}

fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part);
    }
    digest.finalize().into()
}

/// Telegram's `x = PH2(password, salt1, salt2)`.
fn private_exponent(password: &[u8], params: &Params) -> BigUint {
    let Params { salt1, salt2, .. } = params;
    let salted = |data: &[u8], salt: &[u8]| Zeroizing::new(hash(&[salt, data, salt]));
    let first = salted(&*salted(password, salt1), salt2);
    let mut slow = Zeroizing::new([0; 64]);
    pbkdf2_hmac::<Sha512>(&*first, salt1, ROUNDS, &mut *slow);
    BigUint::from_bytes_be(&*salted(&*slow, salt2))
}

/// A secret exponent and its public value.
fn ephemeral(group: &Group, rng: &dyn Random) -> Result<(BigUint, [u8; 256]), SrpError> {
    let mut secret = Zeroizing::new([0; 256]);
    rng.fill(&mut *secret);
    let secret = BigUint::from_bytes_be(&*secret);
    let public = group.power(&secret);
    if !group.in_range(&public) {
        return Err(SrpError::Range);
    }
    Ok((secret, padded(&public).ok_or(SrpError::Range)?))
}

/// `u`, which must not be zero.
fn scramble(a: &[u8; 256], b: &[u8; 256]) -> Result<BigUint, SrpError> {
    let u = BigUint::from_bytes_be(&hash(&[a, b]));
    if u == BigUint::ZERO {
        return Err(SrpError::Range);
    }
    Ok(u)
}

#[cfg(test)]
mod tests {
    use grammers_crypto::two_factor_auth::calculate_2fa;

    use super::{Challenge, Params, Proof, SrpError, prove, verifier};
    use crate::{
        dh::{TELEGRAM_GENERATOR, TELEGRAM_PRIME},
        testing::Dice,
    };

    fn params() -> Params {
        Params {
            salt1: b"first salt".to_vec(),
            salt2: b"second salt".to_vec(),
            g: TELEGRAM_GENERATOR,
            p: TELEGRAM_PRIME.to_vec(),
        }
    }

    /// Breaks when our two sides do not understand each other, or the server takes a wrong password.
    #[test]
    fn the_right_password_and_no_other() {
        let params = params();
        let stored = verifier(b"hunter2", &params).unwrap();
        let challenge = Challenge::new(&params, &stored, &Dice::new(1)).unwrap();
        let proof = prove(b"hunter2", &params, challenge.b(), &Dice::new(2)).unwrap();
        assert_eq!(challenge.check(&proof.a, &proof.m1), Ok(true));
        let wrong = prove(b"hunter3", &params, challenge.b(), &Dice::new(2)).unwrap();
        assert_eq!(challenge.check(&wrong.a, &wrong.m1), Ok(false));
        assert_eq!(challenge.check(&proof.a, &wrong.m1), Ok(false));
        assert_eq!(challenge.check(&proof.a, &proof.m1[1..]), Ok(false));
        // Values that would make the shared secret known.
        for a in [&[][..], &[1], &TELEGRAM_PRIME, &[0; 256], &[0xff; 300]] {
            assert_eq!(challenge.check(a, &proof.m1), Err(SrpError::Range));
        }
    }

    /// Breaks when the server's side and the client's side share a mistake: another
    /// implementation's proof is checked here.
    #[test]
    fn another_implementations_proof() {
        let params = params();
        let stored = verifier(b"234567", &params).unwrap();
        let challenge = Challenge::new(&params, &stored, &Dice::new(1)).unwrap();
        let (m1, a) = calculate_2fa(
            &params.salt1,
            &params.salt2,
            &params.p,
            &params.g,
            challenge.b().to_vec(),
            vec![0x5a; 256],
            b"234567",
        );
        assert_eq!(challenge.check(&a, &m1), Ok(true));
    }

    /// Breaks when the client proves its password to a server that offers a group or value that
    /// would give it away.
    #[test]
    fn unsafe_servers() {
        let try_prove = |params: &Params, b: &[u8]| prove(b"x", params, b, &Dice::new(2));
        let mut weak = params();
        weak.p[255] ^= 2;
        let b = [0x55; 256];
        assert_eq!(try_prove(&weak, &b), Err::<Proof, _>(SrpError::Group));
        weak = params();
        weak.g = 2;
        assert_eq!(try_prove(&weak, &b), Err(SrpError::Group));
        for b in [
            &[][..],
            &[0],
            &[1],
            &TELEGRAM_PRIME,
            &[0xff; 256],
            &[1; 300],
        ] {
            assert_eq!(try_prove(&params(), b), Err(SrpError::Range));
        }
    }
}
