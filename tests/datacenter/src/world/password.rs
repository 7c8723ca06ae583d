//! Two-step verification.

use sluice_domain::Random;
use sluice_mtproto::srp::{self, Params};

/// What is kept instead of a password.
#[derive(Clone)]
pub(crate) struct Password {
    pub(crate) params: Params,
    pub(crate) verifier: [u8; 256],
    pub(crate) hint: String,
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
