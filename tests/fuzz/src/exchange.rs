use std::sync::{Arc, LazyLock};

use base64::{Engine, engine::general_purpose::STANDARD};
use num_bigint::BigUint;
use sha1::{Digest, Sha1};
use sluice_mtproto::{
    AuthKey,
    dh::TELEGRAM_PRIME,
    exchange::{ClientExchange, ClientStep, ServerExchange, ServerStep, factorize},
    plain,
    rsa::{PrivateKey, PublicKey},
    wire::{Reader, Writer},
};

use super::{Dice, Input, input::beginning};

/// The longest exchange has four steps, with a retry; what comes after them is refused.
const STEPS: usize = 5;
const SERVER_NONCE: [u8; 16] = [7; 16];
/// The exponent of the forger's public value, small enough to be quick; 3^1301 is beyond the prime.
const SECRET: u32 = 1301;

const RES_PQ: u32 = 0x0516_2463;
const DH_PARAMS_OK: u32 = 0xd0e8_075c;
const DH_PARAMS_FAIL: u32 = 0x79cb_045d;
const DH_INNER: u32 = 0xb589_0dba;
const DH_GEN: [u32; 3] = [0x3bcb_f734, 0x46dc_1fb9, 0xa69d_ae02];
const REQ_PQ: [u32; 2] = [0xbe7e_8ef1, 0x6046_9778];
const REQ_DH_PARAMS: u32 = 0xd712_e4be;
const SET_CLIENT_DH_PARAMS: u32 = 0xf504_5f1f;
const CLIENT_DH_INNER: u32 = 0x6643_b654;
const INNER: [u32; 4] = [0x83c9_5aec, 0xa9f5_5f95, 0x3c6a_84d4, 0x56fd_df88];

static KEY: LazyLock<PrivateKey> = LazyLock::new(|| {
    let pem = include_str!("../../datacenter/keys/private.pem");
    PrivateKey::from_pem(pem).unwrap()
});

/// The key's modulus: the public key is the sequence of it and 65,537.
static MODULUS: LazyLock<BigUint> = LazyLock::new(|| {
    let pem = KEY.public().to_pem();
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(base64).unwrap();
    let modulus = der.len() - 5 - 256;
    BigUint::from_bytes_be(&der[modulus..modulus + 256])
});

static PRIME: LazyLock<BigUint> = LazyLock::new(|| BigUint::from_bytes_be(&TELEGRAM_PRIME));

/// `3^SECRET`, the forger's honest public value.
static PUBLIC: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let public = BigUint::from(3_u8).modpow(&SECRET.into(), &PRIME);
    public.to_bytes_be()
});

/// The key that the forger comes to with somebody's public value.
fn shared(theirs: &[u8]) -> AuthKey {
    let shared = BigUint::from_bytes_be(theirs).modpow(&SECRET.into(), &PRIME);
    let bytes = shared.to_bytes_be();
    let mut padded = [0; 256];
    padded[256 - bytes.len()..].copy_from_slice(&bytes);
    AuthKey::from_bytes(padded)
}

fn sealed(body: Writer) -> Vec<u8> {
    plain::seal(5, &body.finish())
}

/// SHA1(data) + data + padding under the exchange's temporary key.
fn hide(data: &[u8], new_nonce: &[u8; 32], server_nonce: &[u8; 16]) -> Vec<u8> {
    let mut hidden = Sha1::digest(data).to_vec();
    hidden.extend_from_slice(data);
    hidden.resize(hidden.len().next_multiple_of(16), 0);
    let (key, iv) = grammers_crypto::generate_key_data_from_nonce(server_nonce, new_nonce);
    grammers_crypto::aes::ige_encrypt(&mut hidden, &key, &iv);
    hidden
}

/// What the other side has hidden, without its hash.
fn revealed(hidden: &[u8], new_nonce: &[u8; 32], server_nonce: &[u8; 16]) -> Vec<u8> {
    let mut data = hidden.to_vec();
    let (key, iv) = grammers_crypto::generate_key_data_from_nonce(server_nonce, new_nonce);
    grammers_crypto::aes::ige_decrypt(&mut data, &key, &iv);
    data.split_off(20)
}

/// `bytes` of the input's choice, or the honest ones.
fn field<'a>(input: &mut Input<'a>, honest: &'a [u8]) -> &'a [u8] {
    if input.byte() & 1 == 0 {
        honest
    } else {
        input.chunk()
    }
}

/// A server of the input's making at the client's side of an exchange.
pub fn client_exchange(data: &[u8]) {
    let mut input = Input::new(data);
    let (dice, now) = (Dice::default(), beginning());
    let keys: [PublicKey; 1] = [KEY.public().clone()];
    let (mut client, first) = ClientExchange::start(&keys, 2, now, &dice);
    let (_, body) = plain::open(&first).unwrap();
    let nonce: [u8; 16] = body[4..20].try_into().unwrap();
    let nonces = |id: u32| Writer::boxed(id, 64).raw(&nonce).raw(&SERVER_NONCE);
    let mut made: Option<AuthKey> = None;
    for _ in 0..STEPS {
        if input.is_empty() {
            return;
        }
        let new_nonce = dice.first_thirty_two().unwrap_or_default();
        let packet = match input.byte() % 8 {
            0 => input.chunk().to_vec(),
            1 => plain::seal(5, input.chunk()),
            2 => {
                let ids = [RES_PQ, DH_PARAMS_OK, DH_PARAMS_FAIL, DH_GEN[0]];
                let id = *input.pick(&ids).unwrap_or(&RES_PQ);
                sealed(nonces(id).raw(input.chunk()))
            }
            3 => {
                let pq = field(&mut input, &[15]);
                let fingerprint = KEY.public().fingerprint().cast_signed();
                let other = i64::from_le_bytes(input.array());
                sealed(nonces(RES_PQ).bytes(pq).longs(&[other, fingerprint]))
            }
            4 | 5 => {
                let g = i32::from(input.byte());
                let prime = field(&mut input, &TELEGRAM_PRIME);
                let inner = nonces(DH_INNER)
                    .int(if g == 0 { 3 } else { g })
                    .bytes(prime)
                    .bytes(field(&mut input, &PUBLIC))
                    .int(i32::from_le_bytes(input.array()))
                    .raw(input.chunk());
                let hidden = hide(&inner.finish(), &new_nonce, &SERVER_NONCE);
                sealed(nonces(DH_PARAMS_OK).bytes(&hidden))
            }
            6 => {
                let hash: [u8; 20] = Sha1::digest(new_nonce).into();
                sealed(nonces(DH_PARAMS_FAIL).raw(&hash[4..]))
            }
            _ => {
                let number = input.byte() % 3;
                let aux = made
                    .as_ref()
                    .map_or([0; 20], |key| Sha1::digest(key.expose()).into());
                let hash: [u8; 20] = Sha1::new()
                    .chain_update(new_nonce)
                    .chain_update([number + 1])
                    .chain_update(&aux[..8])
                    .finalize()
                    .into();
                let head = nonces(DH_GEN[usize::from(number)]);
                sealed(head.raw(&hash[4..]).raw(input.chunk()))
            }
        };
        match client.receive(&packet, now, &dice) {
            Ok(ClientStep::Factor { pq }) => {
                let Some((p, q)) = factorize(pq) else { return };
                if client.factored(p, q, now, &dice).is_err() {
                    return;
                }
            }
            Ok(ClientStep::Send(answer)) => {
                let (_, body) = plain::open(&answer).unwrap();
                let mut reader = Reader::new(&body[36..]);
                let inner = revealed(reader.bytes().unwrap(), &new_nonce, &SERVER_NONCE);
                let mut reader = Reader::new(&inner[44..]);
                made = Some(shared(reader.bytes().unwrap()));
            }
            Ok(ClientStep::Done(result)) => {
                let made = made.as_ref().expect("a key out of nothing");
                assert_eq!(result.auth_key.expose(), made.expose());
                return;
            }
            Err(_) => return,
        }
    }
}

/// What a server has said that its client must repeat, and what only it knows.
struct Answered {
    nonces: [u8; 32],
    factors: (u64, u64),
}

/// A client of the input's making at the server's side of an exchange.
pub fn server_exchange(data: &[u8]) {
    let mut input = Input::new(data);
    let (dice, now) = (Dice::default(), beginning());
    let mut server = ServerExchange::new(Arc::from([KEY.clone()]));
    let new_nonce = [3; 32];
    let mut answered = Answered {
        nonces: [0; 32],
        factors: (3, 5),
    };
    let mut made: Option<AuthKey> = None;
    let mut honest = false;
    for _ in 0..STEPS {
        if input.is_empty() {
            return;
        }
        let server_nonce: [u8; 16] = answered.nonces[16..].try_into().unwrap();
        let nonces = |id: u32| Writer::boxed(id, 64).raw(&answered.nonces);
        let packet = match input.byte() % 8 {
            0 => input.chunk().to_vec(),
            1 => plain::seal(4, input.chunk()),
            2 => {
                let ids = [REQ_DH_PARAMS, SET_CLIENT_DH_PARAMS, REQ_PQ[0]];
                let id = *input.pick(&ids).unwrap_or(&REQ_DH_PARAMS);
                sealed(nonces(id).raw(input.chunk()))
            }
            3 => {
                let id = *input.pick(&REQ_PQ).unwrap_or(&REQ_PQ[0]);
                sealed(Writer::boxed(id, 20).raw(&input.array::<16>()))
            }
            4 | 5 => {
                let encrypted = match input.byte() % 4 {
                    0 => input.chunk().to_vec(),
                    1 => encrypt(input.chunk()),
                    _ => encrypt(&inner_data(&mut input, &answered, &new_nonce)),
                };
                let (p, q) = answered.factors;
                let body = number(number(nonces(REQ_DH_PARAMS), p), q)
                    .long(KEY.public().fingerprint().cast_signed())
                    .bytes(&encrypted);
                sealed(body)
            }
            6 => {
                server.retry_next();
                continue;
            }
            _ => {
                let retry_id = match (input.byte() % 3, &made) {
                    (0, _) => [0; 8],
                    (1, Some(key)) => <[u8; 20]>::from(Sha1::digest(key.expose()))[..8]
                        .try_into()
                        .unwrap(),
                    _ => input.array(),
                };
                let value = field(&mut input, &PUBLIC);
                honest = value == *PUBLIC;
                let inner = nonces(CLIENT_DH_INNER)
                    .raw(&retry_id)
                    .bytes(value)
                    .raw(input.chunk());
                let hidden = hide(&inner.finish(), &new_nonce, &server_nonce);
                sealed(nonces(SET_CLIENT_DH_PARAMS).bytes(&hidden))
            }
        };
        match server.receive(&packet, now, &dice) {
            Ok(ServerStep::Send(answer)) => {
                let (_, body) = plain::open(&answer).unwrap();
                answered.nonces.copy_from_slice(&body[4..36]);
                let mut reader = Reader::new(&body[36..]);
                if body[..4] == RES_PQ.to_le_bytes() {
                    let mut pq = [0; 8];
                    pq.copy_from_slice(reader.bytes().unwrap());
                    answered.factors = factorize(u64::from_be_bytes(pq)).unwrap();
                } else if body[..4] == DH_PARAMS_OK.to_le_bytes() {
                    let inner = revealed(reader.bytes().unwrap(), &new_nonce, &server_nonce);
                    let mut reader = Reader::new(&inner[40..]);
                    // The input may have made up a new nonce of its own.
                    if let (Ok(prime), Ok(g_a)) = (reader.bytes(), reader.bytes())
                        && prime == TELEGRAM_PRIME
                    {
                        made = Some(shared(g_a));
                    }
                }
            }
            Ok(ServerStep::Done { auth_key, .. }) => {
                if let Some(made) = made.filter(|_| honest) {
                    assert_eq!(auth_key.expose(), made.expose());
                }
                return;
            }
            Err(_) => return,
        }
    }
}

fn inner_data(input: &mut Input<'_>, answered: &Answered, new_nonce: &[u8; 32]) -> Vec<u8> {
    let (p, q) = answered.factors;
    let form = input.byte();
    let pq = p.wrapping_mul(q).wrapping_add(u64::from(form >> 6));
    number(
        number(
            number(Writer::boxed(INNER[usize::from(form & 3)], 144), pq),
            p,
        ),
        q,
    )
    .raw(&answered.nonces)
    .raw(new_nonce)
    .raw(input.chunk())
    .finish()
}

fn number(writer: Writer, value: u64) -> Writer {
    let bytes = value.to_be_bytes();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    writer.bytes(&bytes[zeros..])
}

/// SHA1(data) + data + padding in 255 bytes, as older clients encrypt.
fn encrypt(data: &[u8]) -> Vec<u8> {
    let mut block = vec![0];
    block.extend_from_slice(&Sha1::digest(data));
    block.extend_from_slice(data);
    block.resize(256, 0x55);
    let encrypted = BigUint::from_bytes_be(&block).modpow(&65_537_u32.into(), &MODULUS);
    let bytes = encrypted.to_bytes_be();
    let mut padded = vec![0; 256 - bytes.len()];
    padded.extend(bytes);
    padded
}
