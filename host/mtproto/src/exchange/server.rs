use std::sync::Arc;

use num_bigint::BigUint;
use sluice_domain::Random;

use super::{
    Corruption, ExchangeError,
    corruption::Offer,
    factor::is_prime,
    wire::{
        CLIENT_DH_INNER, DH_GEN_OK, DH_GEN_RETRY, DH_INNER, DH_PARAMS_OK, InnerData, Nonces,
        REQ_DH_PARAMS, REQ_PQ, REQ_PQ_MULTI, RES_PQ, SET_CLIENT_DH_PARAMS, first_salt, hide,
        nonce_hash, number, read_big, read_number, reveal,
    },
};
use crate::{
    AuthKey, Now,
    dh::{Group, padded},
    msg_id::MsgIds,
    plain,
    rsa::PrivateKey,
    wire::{Reader, Writer},
};

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

enum State {
    /// Waits for `req_pq`.
    Idle,
    /// Waits for `req_DH_params`.
    Asked { nonces: Nonces, p: u64, q: u64 },
    /// Waits for `set_client_DH_params`.
    Offered(Box<Offered>),
}

struct Offered {
    inner: InnerData,
    group: Group,
    secret: BigUint,
    retry_id: i64,
}

/// The server's side of one exchange.
pub struct ServerExchange {
    keys: Arc<[PrivateKey]>,
    ids: MsgIds,
    state: State,
    retry: bool,
    corruption: Option<Corruption>,
}

impl ServerExchange {
    /// Waits for a client, which may choose among these keys.
    pub fn new(keys: Arc<[PrivateKey]>) -> Self {
        Self {
            keys,
            ids: MsgIds::default(),
            state: State::Idle,
            retry: false,
            corruption: None,
        }
    }

    /// Answers the next key that would be made with `dh_gen_retry`, as Telegram does when its id is
    /// taken.
    pub const fn retry_next(&mut self) {
        self.retry = true;
    }

    /// Breaks a rule from here on, as only a test server does.
    pub const fn corrupt(&mut self, corruption: Corruption) {
        self.corruption = Some(corruption);
    }

    /// Takes a packet of the client. After an error the exchange waits for a new beginning; a data
    /// center answers it with the transport error 404. The last two steps do arithmetic for some ms.
    pub fn receive(
        &mut self,
        packet: &[u8],
        now: Now,
        rng: &dyn Random,
    ) -> Result<ServerStep, ExchangeError> {
        let (_, body) = plain::open(packet).map_err(|_| ExchangeError::Malformed)?;
        let mut reader = Reader::new(body);
        let id = reader.id()?;
        match (id, std::mem::replace(&mut self.state, State::Idle)) {
            (REQ_PQ | REQ_PQ_MULTI, _) => self.req_pq(&mut reader, now, rng),
            (REQ_DH_PARAMS, State::Asked { nonces, p, q }) => {
                nonces.check(&mut reader)?;
                self.req_dh_params(&mut reader, &nonces, (p, q), now, rng)
            }
            (SET_CLIENT_DH_PARAMS, State::Offered(offered)) => {
                offered.inner.nonces.check(&mut reader)?;
                self.set_client_dh_params(&mut reader, offered, now)
            }
            (REQ_DH_PARAMS | SET_CLIENT_DH_PARAMS, _) => Err(ExchangeError::Order),
            _ => Err(ExchangeError::Malformed),
        }
    }

    fn seal(&mut self, now: Now, body: Writer) -> Vec<u8> {
        plain::seal(self.ids.next(now.unix, 1), &body.finish())
    }

    fn req_pq(
        &mut self,
        reader: &mut Reader<'_>,
        now: Now,
        rng: &dyn Random,
    ) -> Result<ServerStep, ExchangeError> {
        let mut nonces = Nonces {
            client: reader.array()?,
            server: [0; 16],
        };
        rng.fill(&mut nonces.server);
        let p = random_prime(rng);
        let q = loop {
            let q = random_prime(rng);
            if q != p {
                break q;
            }
        };
        let (p, q) = (p.min(q), p.max(q));
        let mut fingerprints: Vec<i64> = self
            .keys
            .iter()
            .map(|key| key.public().fingerprint().cast_signed())
            .collect();
        let mut pq = p * q;
        let mut said = nonces;
        match self.corruption {
            Some(Corruption::Fingerprint) => fingerprints = vec![rng.u64().cast_signed()],
            Some(Corruption::PrimePq) => pq = q,
            Some(Corruption::Nonce) => rng.fill(&mut said.client),
            _ => {}
        }
        let body = number(said.write(RES_PQ, 96), pq).longs(&fingerprints);
        self.state = State::Asked { nonces, p, q };
        Ok(ServerStep::Send(self.seal(now, body)))
    }

    fn req_dh_params(
        &mut self,
        reader: &mut Reader<'_>,
        nonces: &Nonces,
        (p, q): (u64, u64),
        now: Now,
        rng: &dyn Random,
    ) -> Result<ServerStep, ExchangeError> {
        if (read_number(reader)?, read_number(reader)?) != (p, q) {
            return Err(ExchangeError::Factors);
        }
        let wanted = reader.long()?.cast_unsigned();
        let key = self
            .keys
            .iter()
            .find(|key| key.public().fingerprint() == wanted)
            .ok_or(ExchangeError::UnknownKey)?;
        let unpadded = key.decrypt(reader.bytes()?).ok_or(ExchangeError::Hash)?;
        let mut data = Reader::new(unpadded.data());
        let inner = InnerData::read(&mut data).map_err(|_| ExchangeError::Hash)?;
        if !unpadded.proves(unpadded.data().len() - data.rest().len()) {
            return Err(ExchangeError::Hash);
        }
        if (inner.nonces.client, inner.nonces.server) != (nonces.client, nonces.server) {
            return Err(ExchangeError::Nonce);
        }
        if (inner.p, inner.q) != (p, q) || p.checked_mul(q) != Some(inner.pq) {
            return Err(ExchangeError::Factors);
        }
        let group = Group::telegram();
        let mut secret = [0; 256];
        rng.fill(&mut secret);
        let secret = BigUint::from_bytes_be(&secret);
        let time = now.unix.as_secs().try_into().unwrap_or(i32::MAX);
        let offer = Offer::new(&group.power(&secret), self.corruption);
        let mut said = *nonces;
        if self.corruption == Some(Corruption::ServerNonce) {
            rng.fill(&mut said.server);
        }
        let answer = said
            .write(DH_INNER, 600)
            .int(offer.generator)
            .bytes(&offer.prime)
            .bytes(&offer.g_a)
            .int(time)
            .finish();
        let hidden = hide(&answer, nonces, &inner.new_nonce, rng);
        let body = nonces.write(DH_PARAMS_OK, 680).bytes(&hidden);
        self.state = State::Offered(Box::new(Offered {
            inner,
            group,
            secret,
            retry_id: 0,
        }));
        Ok(ServerStep::Send(self.seal(now, body)))
    }

    fn set_client_dh_params(
        &mut self,
        reader: &mut Reader<'_>,
        mut offered: Box<Offered>,
        now: Now,
    ) -> Result<ServerStep, ExchangeError> {
        let nonces = offered.inner.nonces;
        let new_nonce = offered.inner.new_nonce;
        let (retry_id, g_b) = reveal(reader.bytes()?, &nonces, &new_nonce, |reader| {
            reader.expect(CLIENT_DH_INNER)?;
            nonces.check(reader)?;
            Ok((reader.long()?, read_big(reader)?))
        })?;
        if retry_id != offered.retry_id {
            return Err(ExchangeError::Malformed);
        }
        if !offered.group.in_range(&g_b) {
            return Err(ExchangeError::Range);
        }
        let shared = g_b.modpow(&offered.secret, offered.group.p());
        let auth_key = AuthKey::from_bytes(padded(&shared).ok_or(ExchangeError::Range)?);
        if std::mem::take(&mut self.retry) {
            let body = nonces
                .write(DH_GEN_RETRY, 52)
                .raw(&nonce_hash(&new_nonce, 2, &auth_key));
            offered.retry_id = i64::from_le_bytes(auth_key.aux_hash());
            self.state = State::Offered(offered);
            return Ok(ServerStep::Send(self.seal(now, body)));
        }
        // 2 is the number that belongs to a retry.
        let kind = match self.corruption {
            Some(Corruption::NewNonceHash) => 2,
            _ => 1,
        };
        let body = nonces
            .write(DH_GEN_OK, 52)
            .raw(&nonce_hash(&new_nonce, kind, &auth_key));
        Ok(ServerStep::Done {
            send: self.seal(now, body),
            auth_key,
            salt: first_salt(&nonces, &new_nonce),
            dc: offered.inner.dc,
            expires_in: offered.inner.expires_in,
        })
    }
}

/// A prime of 31 bits: pq has 62 bits or less, as Telegram's has. Every 21st number of the size is
/// one.
fn random_prime(rng: &dyn Random) -> u64 {
    loop {
        let candidate = (rng.u64() >> 33) | (1 << 30) | 1;
        if is_prime(candidate) {
            return candidate;
        }
    }
}
