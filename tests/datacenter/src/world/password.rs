//! Two-step verification.

use serde::{Deserialize, Serialize};
use sluice_domain::Random;
use sluice_mtproto::srp::{self, Params};

/// What is kept instead of a password.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub(crate) struct Password {
    pub(crate) params: Params,
    pub(crate) verifier: [u8; 256],
    pub(crate) hint: String,
}

/// A password as it is written.
#[derive(Serialize, Deserialize)]
struct Saved {
    salt1: Vec<u8>,
    salt2: Vec<u8>,
    g: i32,
    p: Vec<u8>,
    verifier: Vec<u8>,
    hint: String,
}

impl From<Password> for Saved {
    fn from(password: Password) -> Self {
        Self {
            salt1: password.params.salt1,
            salt2: password.params.salt2,
            g: password.params.g,
            p: password.params.p,
            verifier: password.verifier.to_vec(),
            hint: password.hint,
        }
    }
}

impl TryFrom<Saved> for Password {
    type Error = &'static str;

    fn try_from(saved: Saved) -> Result<Self, Self::Error> {
        Ok(Self {
            params: Params {
                salt1: saved.salt1,
                salt2: saved.salt2,
                g: saved.g,
                p: saved.p,
            },
            verifier: saved
                .verifier
                .try_into()
                .map_err(|_| "a verifier has 256 bytes")?,
            hint: saved.hint,
        })
    }
}

impl Password {
    /// Makes the verifier, which takes about 100 ms.
    pub(crate) fn new(password: &str, random: &dyn Random) -> Option<Self> {
        let params = params(random);
        let verifier = srp::verifier(password.as_bytes(), &params).ok()?;
        Some(Self {
            params,
            verifier,
            hint: String::new(),
        })
    }
}

/// Telegram's group with fresh salts. A client adds 32 random bytes to `salt1` when it sets a
/// password.
pub(crate) fn params(random: &dyn Random) -> Params {
    let mut salt1 = vec![0; 8];
    let mut salt2 = vec![0; 16];
    random.fill(&mut salt1);
    random.fill(&mut salt2);
    Params {
        salt1,
        salt2,
        g: sluice_mtproto::dh::TELEGRAM_GENERATOR,
        p: sluice_mtproto::dh::TELEGRAM_PRIME.to_vec(),
    }
}
