//! Two-step verification: SRP as Telegram uses it, both sides.
//!
//! Source: <https://core.telegram.org/api/srp>.

use sluice_domain::Random;
use thiserror::Error;

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

/// The client's side: proves the password against the server's `srp_B`. Takes about 100 ms: not for
/// an async thread.
pub fn prove(
    _password: &[u8],
    _params: &Params,
    _srp_b: &[u8],
    _rng: &dyn Random,
) -> Result<Proof, SrpError> {
    todo!()
}

/// `g^x mod p`: what a server keeps instead of the password, and what a client sends as
/// `new_password_hash`. As slow as [`prove`].
pub fn verifier(_password: &[u8], _params: &Params) -> Result<[u8; 256], SrpError> {
    todo!()
}

/// The server's side of one check.
pub struct Challenge {}

impl Challenge {
    /// A new challenge for the holder of a password.
    pub fn new(
        _params: &Params,
        _verifier: &[u8; 256],
        _rng: &dyn Random,
    ) -> Result<Self, SrpError> {
        todo!()
    }

    /// `srp_B`.
    pub fn b(&self) -> &[u8; 256] {
        todo!()
    }

    /// Whether the proof shows knowledge of the password. Compares in constant time.
    pub fn check(&self, _a: &[u8], _m1: &[u8]) -> Result<bool, SrpError> {
        todo!()
    }
}
