use std::sync::Arc;

use sluice_domain::Random;

use super::ExchangeError;
use crate::{AuthKey, Now, rsa::PrivateKey};

/// What to do next.
pub enum ServerStep {
    /// Send this packet.
    Send(Vec<u8>),
    /// Keep the key, then send this packet.
    Done {
        /// The last packet.
        send: Vec<u8>,
        /// The new key.
        auth_key: AuthKey,
        /// Its first salt.
        salt: i64,
        /// The data center that the client meant, if it named one.
        dc: Option<i32>,
        /// For how many seconds a temporary key is wanted.
        expires_in: Option<i32>,
    },
}

/// The server's side of one exchange.
pub struct ServerExchange {}

impl ServerExchange {
    /// Waits for a client, which may choose among these keys.
    pub fn new(_keys: Arc<[PrivateKey]>) -> Self {
        todo!()
    }

    /// Answers the next key that would be made with `dh_gen_retry`, as Telegram does when its id is
    /// taken.
    pub fn retry_next(&mut self) {
        todo!()
    }

    /// Takes a packet of the client.
    pub fn receive(
        &mut self,
        _packet: &[u8],
        _now: Now,
        _rng: &dyn Random,
    ) -> Result<ServerStep, ExchangeError> {
        todo!()
    }
}
