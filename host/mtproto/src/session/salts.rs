use sluice_domain::Random;

use crate::Now;

/// A salt and when it is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FutureSalt {
    /// Unix time of its beginning, on the server's clock.
    pub valid_since: i32,
    /// Unix time of its end.
    pub valid_until: i32,
    /// The salt.
    pub salt: i64,
}

/// Server role: the salts of one auth key, shared by its sessions. A salt is current for 30 minutes
/// and accepted for 30 more.
#[derive(Debug)]
pub struct ServerSalts {}

impl ServerSalts {
    /// The salts of a new key, beginning with the one that the exchange yielded.
    pub fn new(_first: i64, _now: Now) -> Self {
        todo!()
    }

    /// The salt that is current.
    pub fn current(&mut self, _now: Now, _rng: &dyn Random) -> i64 {
        todo!()
    }

    /// Ends all salts at once and makes a new one, as when Telegram loses them.
    pub fn replace(&mut self, _now: Now, _rng: &dyn Random) {
        todo!()
    }
}
