use sluice_domain::Random;

use super::ExchangeError;
use crate::{AuthKey, Now, rsa::PublicKey};

/// What an exchange yields.
#[derive(Clone)]
pub struct ExchangeResult {
    /// The new key.
    pub auth_key: AuthKey,
    /// The first salt.
    pub salt: i64,
    /// Server's clock minus ours, in seconds.
    pub time_offset: i32,
}

/// What to do next.
pub enum ClientStep {
    /// Factor `pq` (off the async threads, by [`super::factorize`]) and call
    /// [`ClientExchange::factored`].
    Factor {
        /// A product of two primes.
        pq: u64,
    },
    /// Send this packet.
    Send(Vec<u8>),
    /// The key is made.
    Done(ExchangeResult),
}

/// The client's side of one exchange.
pub struct ClientExchange {}

impl ClientExchange {
    /// Begins an exchange. `dc` is the number of the data center as the protocol wants it in
    /// `p_q_inner_data_dc` (test: +10000, media: negative). Returns the first packet.
    pub fn start(_keys: &[PublicKey], _dc: i32, _now: Now, _rng: &dyn Random) -> (Self, Vec<u8>) {
        todo!()
    }

    /// Takes a packet of the server.
    pub fn receive(
        &mut self,
        _packet: &[u8],
        _now: Now,
        _rng: &dyn Random,
    ) -> Result<ClientStep, ExchangeError> {
        todo!()
    }

    /// Goes on with the factors of `pq`. Returns the next packet.
    pub fn factored(
        &mut self,
        _p: u64,
        _q: u64,
        _now: Now,
        _rng: &dyn Random,
    ) -> Result<Vec<u8>, ExchangeError> {
        todo!()
    }
}
