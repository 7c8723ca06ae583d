use num_bigint::BigUint;
use sha1::{Digest, Sha1};
use sluice_domain::Random;
use subtle::ConstantTimeEq;

use super::{
    ExchangeError,
    wire::{
        CLIENT_DH_INNER, DH_GEN_FAIL, DH_GEN_OK, DH_GEN_RETRY, DH_INNER, DH_PARAMS_FAIL,
        DH_PARAMS_OK, InnerData, Nonces, REQ_DH_PARAMS, REQ_PQ_MULTI, RES_PQ, SET_CLIENT_DH_PARAMS,
        first_salt, hide, lower, nonce_hash, number, read_big, read_number, reveal,
    },
};
use crate::{
    AuthKey, Now,
    dh::{Group, padded},
    msg_id::MsgIds,
    plain,
    rsa::{self, PublicKey},
    wire::{Reader, Writer},
};

/// More than this many fingerprints are not looked at; Telegram sends three.
const MAX_FINGERPRINTS: usize = 64;
/// How often `dh_gen_retry` is followed. Telegram's reason for it has a probability of 2^-64.
const MAX_RETRIES: u8 = 3;

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

enum State {
    /// Waits for `resPQ`.
    Started,
    /// Waits for the factors.
    Factoring {
        key: Box<PublicKey>,
        pq: u64,
    },
    /// Waits for `server_DH_params_ok`.
    Asked {
        new_nonce: [u8; 32],
    },
    /// Waits for `dh_gen_ok`.
    Answered(Box<Answered>),
    Over,
}

struct Answered {
    new_nonce: [u8; 32],
    group: Group,
    g_a: BigUint,
    auth_key: AuthKey,
    time_offset: i32,
    retries: u8,
}

/// The client's side of one exchange.
pub struct ClientExchange {
    keys: Vec<PublicKey>,
    dc: i32,
    ids: MsgIds,
    nonces: Nonces,
    state: State,
}

impl ClientExchange {
    /// Begins an exchange. `dc` is the number of the data center as the protocol wants it in
    /// `p_q_inner_data_dc` (test: +10000, media: negative). Returns the first packet.
    pub fn start(keys: &[PublicKey], dc: i32, now: Now, rng: &dyn Random) -> (Self, Vec<u8>) {
        let mut client = [0; 16];
        rng.fill(&mut client);
        let mut exchange = Self {
            keys: keys.to_vec(),
            dc,
            ids: MsgIds::default(),
            nonces: Nonces {
                client,
                server: [0; 16],
            },
            state: State::Started,
        };
        let packet = exchange.seal(now, Writer::boxed(REQ_PQ_MULTI, 20).raw(&client));
        (exchange, packet)
    }

    fn seal(&mut self, now: Now, body: Writer) -> Vec<u8> {
        plain::seal(self.ids.next(now.unix, 0), &body.finish())
    }

    /// Takes a packet of the server. The last two steps do arithmetic for some ms.
    pub fn receive(
        &mut self,
        packet: &[u8],
        now: Now,
        rng: &dyn Random,
    ) -> Result<ClientStep, ExchangeError> {
        let (_, body) = plain::open(packet).map_err(|_| ExchangeError::Malformed)?;
        let mut reader = Reader::new(body);
        // An error leaves the exchange over.
        match std::mem::replace(&mut self.state, State::Over) {
            State::Started => self.res_pq(&mut reader),
            State::Asked { new_nonce } => self.dh_params(&mut reader, new_nonce, now, rng),
            State::Answered(answered) => self.dh_gen(&mut reader, *answered, now, rng),
            State::Factoring { .. } | State::Over => Err(ExchangeError::Order),
        }
    }

    fn res_pq(&mut self, reader: &mut Reader<'_>) -> Result<ClientStep, ExchangeError> {
        reader.expect(RES_PQ)?;
        if reader.array()? != self.nonces.client {
            return Err(ExchangeError::Nonce);
        }
        self.nonces.server = reader.array()?;
        let pq = read_number(reader)?;
        let fingerprints = reader.longs(MAX_FINGERPRINTS)?;
        let key = fingerprints
            .into_iter()
            .find_map(|wanted| {
                let known = |key: &&PublicKey| key.fingerprint().cast_signed() == wanted;
                self.keys.iter().find(known)
            })
            .ok_or(ExchangeError::UnknownKey)?;
        self.state = State::Factoring {
            key: Box::new(key.clone()),
            pq,
        };
        Ok(ClientStep::Factor { pq })
    }

    /// Goes on with the factors of `pq`. Returns the next packet.
    pub fn factored(
        &mut self,
        p: u64,
        q: u64,
        now: Now,
        rng: &dyn Random,
    ) -> Result<Vec<u8>, ExchangeError> {
        let State::Factoring { key, pq } = std::mem::replace(&mut self.state, State::Over) else {
            return Err(ExchangeError::Order);
        };
        if p >= q || p < 2 || p.checked_mul(q) != Some(pq) {
            return Err(ExchangeError::Factors);
        }
        let mut new_nonce = [0; 32];
        rng.fill(&mut new_nonce);
        let inner = InnerData {
            pq,
            p,
            q,
            nonces: self.nonces,
            new_nonce,
            dc: Some(self.dc),
            expires_in: None,
        };
        let encrypted = rsa::encrypt(&inner.write(), &key, rng).ok_or(ExchangeError::Malformed)?;
        let body = number(number(self.nonces.write(REQ_DH_PARAMS, 340), p), q)
            .long(key.fingerprint().cast_signed())
            .bytes(&encrypted);
        self.state = State::Asked { new_nonce };
        Ok(self.seal(now, body))
    }

    fn dh_params(
        &mut self,
        reader: &mut Reader<'_>,
        new_nonce: [u8; 32],
        now: Now,
        rng: &dyn Random,
    ) -> Result<ClientStep, ExchangeError> {
        let id = reader.id()?;
        self.nonces.check(reader)?;
        match id {
            DH_PARAMS_OK => {}
            DH_PARAMS_FAIL => {
                let expected = lower(Sha1::digest(new_nonce).into());
                let proven = bool::from(reader.array::<16>()?.ct_eq(&expected));
                return Err(if proven {
                    ExchangeError::Refused
                } else {
                    ExchangeError::Hash
                });
            }
            _ => return Err(ExchangeError::Malformed),
        }
        let nonces = self.nonces;
        let (g, prime, g_a, server_time) =
            reveal(reader.bytes()?, &nonces, &new_nonce, |reader| {
                reader.expect(DH_INNER)?;
                nonces.check(reader)?;
                let g = reader.int()?;
                let prime = reader.bytes()?.to_vec();
                Ok((g, prime, read_big(reader)?, reader.int()?))
            })?;
        let group = Group::checked(&prime, g).ok_or(ExchangeError::Group)?;
        if !group.in_range(&g_a) {
            return Err(ExchangeError::Range);
        }
        let time = i64::try_from(now.unix.as_secs()).unwrap_or(i64::MAX);
        let time_offset = i32::try_from(i64::from(server_time).saturating_sub(time))
            .map_err(|_| ExchangeError::Malformed)?;
        self.answer(new_nonce, group, g_a, time_offset, 0, 0, now, rng)
    }

    /// Chooses our secret, makes the key and sends our public value.
    #[allow(clippy::too_many_arguments)] // what one message is made of
    fn answer(
        &mut self,
        new_nonce: [u8; 32],
        group: Group,
        g_a: BigUint,
        time_offset: i32,
        retry_id: i64,
        retries: u8,
        now: Now,
        rng: &dyn Random,
    ) -> Result<ClientStep, ExchangeError> {
        let mut secret = [0; 256];
        rng.fill(&mut secret);
        let b = BigUint::from_bytes_be(&secret);
        let g_b = group.power(&b);
        // Missed with a probability of 2^-63, and then a new exchange does as well as a new b.
        if !group.in_range(&g_b) {
            return Err(ExchangeError::Range);
        }
        let auth_key = padded(&g_a.modpow(&b, group.p())).ok_or(ExchangeError::Range)?;
        let inner = self
            .nonces
            .write(CLIENT_DH_INNER, 304)
            .long(retry_id)
            .bytes(&g_b.to_bytes_be())
            .finish();
        let hidden = hide(&inner, &self.nonces, &new_nonce, rng);
        let body = self.nonces.write(SET_CLIENT_DH_PARAMS, 376).bytes(&hidden);
        self.state = State::Answered(Box::new(Answered {
            new_nonce,
            group,
            g_a,
            auth_key: AuthKey::from_bytes(auth_key),
            time_offset,
            retries,
        }));
        Ok(ClientStep::Send(self.seal(now, body)))
    }

    fn dh_gen(
        &mut self,
        reader: &mut Reader<'_>,
        answered: Answered,
        now: Now,
        rng: &dyn Random,
    ) -> Result<ClientStep, ExchangeError> {
        let id = reader.id()?;
        self.nonces.check(reader)?;
        let number = match id {
            DH_GEN_OK => 1,
            DH_GEN_RETRY => 2,
            DH_GEN_FAIL => 3,
            _ => return Err(ExchangeError::Malformed),
        };
        let Answered {
            new_nonce,
            group,
            g_a,
            auth_key,
            time_offset,
            retries,
        } = answered;
        let expected = nonce_hash(&new_nonce, number, &auth_key);
        if !bool::from(reader.array::<16>()?.ct_eq(&expected)) {
            return Err(ExchangeError::Hash);
        }
        match number {
            1 => Ok(ClientStep::Done(ExchangeResult {
                auth_key,
                salt: first_salt(&self.nonces, &new_nonce),
                time_offset,
            })),
            2 if retries < MAX_RETRIES => {
                let retry_id = i64::from_le_bytes(auth_key.aux_hash());
                self.answer(
                    new_nonce,
                    group,
                    g_a,
                    time_offset,
                    retry_id,
                    retries + 1,
                    now,
                    rng,
                )
            }
            _ => Err(ExchangeError::Refused),
        }
    }
}
