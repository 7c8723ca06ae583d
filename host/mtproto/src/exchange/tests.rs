use std::sync::{Arc, LazyLock};

use proptest::prelude::*;

use super::{
    ClientExchange, ClientStep, ExchangeError, ServerExchange, ServerStep, factorize,
    wire::{
        CLIENT_DH_INNER, DH_GEN_FAIL, DH_INNER, DH_PARAMS_FAIL, DH_PARAMS_OK, InnerData, Nonces,
        REQ_DH_PARAMS, RES_PQ, SET_CLIENT_DH_PARAMS, hide, lower, number,
    },
};
use crate::{
    AuthKey,
    dh::TELEGRAM_PRIME,
    plain, rsa,
    rsa::PublicKey,
    testing::{Dice, at},
    wire::{Reader, Writer},
};

fn server() -> ServerExchange {
    ServerExchange::new(Arc::from([rsa::tests::private()]))
}

fn public() -> PublicKey {
    rsa::tests::private().public().clone()
}

fn packet(body: Writer) -> Vec<u8> {
    plain::seal(1, &body.finish())
}

/// What both sides know after an exchange, with every packet on the way.
struct Run {
    keys: [AuthKey; 2],
    salts: [i64; 2],
    time_offset: i32,
    dc: Option<i32>,
    to_client: Vec<Vec<u8>>,
    to_server: Vec<Vec<u8>>,
}

/// The client's clock is at 0 and the server's at 90 seconds.
fn run(mut server: ServerExchange, seed: u64) -> Run {
    let (client_dice, server_dice) = (Dice::new(seed), Dice::new(seed + 1));
    let (mut client, mut out) = ClientExchange::start(&[public()], 10_002, at(0.0), &client_dice);
    let (mut to_client, mut to_server) = (Vec::new(), Vec::new());
    let mut made = None;
    loop {
        to_server.push(out.clone());
        let back = match server.receive(&out, at(90.0), &server_dice).unwrap() {
            ServerStep::Send(back) => back,
            ServerStep::Done {
                send,
                auth_key,
                salt,
                dc,
                expires_in: None,
            } => {
                made = Some((auth_key, salt, dc));
                send
            }
            ServerStep::Done { .. } => panic!("a temporary key"),
        };
        to_client.push(back.clone());
        out = match client.receive(&back, at(0.0), &client_dice).unwrap() {
            ClientStep::Send(packet) => packet,
            ClientStep::Factor { pq } => {
                let (p, q) = factorize(pq).unwrap();
                client.factored(p, q, at(0.0), &client_dice).unwrap()
            }
            ClientStep::Done(result) => {
                let (auth_key, salt, dc) = made.unwrap();
                return Run {
                    keys: [auth_key, result.auth_key],
                    salts: [salt, result.salt],
                    time_offset: result.time_offset,
                    dc,
                    to_client,
                    to_server,
                };
            }
        };
    }
}

/// Breaks when the two sides do not agree on the key, the salt, the time or the data center.
#[test]
fn both_sides_agree() {
    let run = run(server(), 1);
    let [a, b] = &run.keys;
    assert_eq!(a.expose(), b.expose());
    assert_eq!(run.salts[0], run.salts[1]);
    assert_eq!(run.time_offset, 90);
    assert_eq!(run.dc, Some(10_002));
    assert_eq!(run.to_server.len(), 3);
}

/// What one field of the recorded exchange holds.
fn recorded(field: &str) -> Vec<u8> {
    let digits: String = include_str!("../../testdata/exchange.txt")
        .lines()
        .skip_while(|line| *line != field)
        .skip(1)
        .take_while(|line| line.bytes().all(|byte| byte.is_ascii_hexdigit()) && *line != "b")
        .collect();
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

/// Randomness that repeats the choices of the recorded client: each is asked for by its length.
struct Recorded {
    new_nonce: std::sync::Mutex<Vec<u8>>,
    rest: Dice,
}

impl sluice_domain::Random for Recorded {
    fn fill(&self, bytes: &mut [u8]) {
        let choice = match bytes.len() {
            16 => recorded("nonce"),
            32 => std::mem::take(&mut *self.new_nonce.lock().unwrap()),
            256 => recorded("b"),
            _ => Vec::new(),
        };
        if choice.len() == bytes.len() {
            bytes.copy_from_slice(&choice);
        } else {
            self.rest.fill(bytes);
        }
    }
}

/// Breaks when our client does not come to the key that another client and the real Telegram came
/// to by the same random choices.
#[test]
fn an_exchange_with_the_real_telegram() {
    let rng = Recorded {
        new_nonce: std::sync::Mutex::new(recorded("new_nonce")),
        rest: Dice::new(1),
    };
    let now = crate::Now {
        unix: std::time::Duration::from_secs(1_693_436_740),
        ..at(0.0)
    };
    let sealed = |field| plain::seal(1, &recorded(field));
    let (mut client, _) = ClientExchange::start(crate::keys::test(), 2, now, &rng);
    let Ok(ClientStep::Factor { pq }) = client.receive(&sealed("resPQ"), now, &rng) else {
        panic!("no pq");
    };
    let (p, q) = factorize(pq).unwrap();
    client.factored(p, q, now, &rng).unwrap();
    let answer = client.receive(&sealed("server_DH_params_ok"), now, &rng);
    assert!(matches!(answer, Ok(ClientStep::Send(_))));
    let Ok(ClientStep::Done(result)) = client.receive(&sealed("dh_gen_ok"), now, &rng) else {
        panic!("no key");
    };
    assert_eq!(result.auth_key.expose()[..], recorded("auth_key"));
    assert_eq!(result.salt, 4_459_407_212_920_268_508);
    assert_eq!(result.time_offset, 0);
}

/// Breaks when a retry is not followed with the id of the refused key.
#[test]
fn a_retry_makes_another_key() {
    let mut server = server();
    server.retry_next();
    let retried = run(server, 1);
    let [a, b] = &retried.keys;
    assert_eq!(a.expose(), b.expose());
    assert_eq!(retried.to_server.len(), 4);
}

/// The run that the tests below repeat up to some step.
fn known_run() -> &'static Run {
    static RUN: LazyLock<Run> = LazyLock::new(|| run(server(), 1));
    &RUN
}

/// A client that waits for the server's answer to its `step`-th packet.
fn client_at(step: usize) -> (ClientExchange, Dice, &'static Run) {
    let run = known_run();
    let dice = Dice::new(1);
    let (mut client, _) = ClientExchange::start(&[public()], 10_002, at(0.0), &dice);
    for answer in &run.to_client[..step] {
        if let ClientStep::Factor { pq } = client.receive(answer, at(0.0), &dice).unwrap() {
            let (p, q) = factorize(pq).unwrap();
            client.factored(p, q, at(0.0), &dice).unwrap();
        }
    }
    (client, dice, run)
}

/// A server that waits for the client's `step`-th packet.
fn server_at(step: usize) -> (ServerExchange, Dice, &'static Run) {
    let run = known_run();
    let dice = Dice::new(2);
    let mut server = server();
    for packet in &run.to_server[..step] {
        server.receive(packet, at(90.0), &dice).unwrap();
    }
    (server, dice, run)
}

/// What only the two ends know: nonces and new nonce of the repeatable run.
fn secrets(run: &Run) -> (Nonces, [u8; 32]) {
    let (_, body) = plain::open(&run.to_client[0]).unwrap();
    let mut reader = Reader::new(body);
    reader.expect(RES_PQ).unwrap();
    let nonces = Nonces {
        client: reader.array().unwrap(),
        server: reader.array().unwrap(),
    };
    let (_, body) = plain::open(&run.to_server[1]).unwrap();
    let mut reader = Reader::new(body);
    reader.expect(REQ_DH_PARAMS).unwrap();
    nonces.check(&mut reader).unwrap();
    reader.bytes().unwrap();
    reader.bytes().unwrap();
    reader.long().unwrap();
    let unpadded = rsa::tests::private()
        .decrypt(reader.bytes().unwrap())
        .unwrap();
    let inner = InnerData::read(&mut Reader::new(unpadded.data())).unwrap();
    (nonces, inner.new_nonce)
}

/// Gives a client at `step` this answer, and says how it took it.
fn client_takes(
    step: usize,
    answer: impl FnOnce(&Nonces, &[u8; 32]) -> Writer,
) -> Result<(), ExchangeError> {
    let (mut client, dice, run) = client_at(step);
    let (nonces, new_nonce) = secrets(run);
    client
        .receive(&packet(answer(&nonces, &new_nonce)), at(0.0), &dice)
        .map(|_| ())
}

fn offer(
    nonces: &Nonces,
    new_nonce: &[u8; 32],
    inner: &Nonces,
    g: i32,
    prime: &[u8],
    g_a: &[u8],
) -> Writer {
    let data = inner
        .write(DH_INNER, 600)
        .int(g)
        .bytes(prime)
        .bytes(g_a)
        .int(1_800_000_000)
        .finish();
    nonces
        .write(DH_PARAMS_OK, 700)
        .bytes(&hide(&data, nonces, new_nonce, &Dice::new(9)))
}

/// Breaks when the client accepts a group or a public value that gives the secret away.
#[test]
fn the_client_refuses_unsafe_groups() {
    let mut g_a = [0x55; 256];
    let takes = |g, prime: &[u8], g_a: &[u8]| {
        client_takes(1, |nonces, new| offer(nonces, new, nonces, g, prime, g_a))
    };
    assert_eq!(takes(3, &TELEGRAM_PRIME, &g_a), Ok(()));
    assert_eq!(takes(2, &TELEGRAM_PRIME, &g_a), Err(ExchangeError::Group));
    assert_eq!(takes(3, &[0xc7; 256], &g_a), Err(ExchangeError::Group));
    assert_eq!(takes(3, &[], &g_a), Err(ExchangeError::Group));
    assert_eq!(takes(3, &TELEGRAM_PRIME, &[1]), Err(ExchangeError::Range));
    assert_eq!(takes(3, &TELEGRAM_PRIME, &[]), Err(ExchangeError::Range));
    assert_eq!(
        takes(3, &TELEGRAM_PRIME, &TELEGRAM_PRIME),
        Err(ExchangeError::Range)
    );
    g_a[..9].fill(0);
    assert_eq!(takes(3, &TELEGRAM_PRIME, &g_a), Err(ExchangeError::Range));
}

/// Breaks when the client accepts an answer that belongs to another exchange.
#[test]
fn the_client_checks_every_nonce() {
    let other = Nonces {
        client: [9; 16],
        server: [9; 16],
    };
    let g_a = [0x55; 256];
    assert_eq!(
        client_takes(0, |_, _| other.write(RES_PQ, 0)),
        Err(ExchangeError::Nonce)
    );
    assert_eq!(
        client_takes(1, |_, new| offer(
            &other,
            new,
            &other,
            3,
            &TELEGRAM_PRIME,
            &g_a
        )),
        Err(ExchangeError::Nonce)
    );
    assert_eq!(
        client_takes(1, |nonces, new| offer(
            nonces,
            new,
            &other,
            3,
            &TELEGRAM_PRIME,
            &g_a
        )),
        Err(ExchangeError::Hash),
        "what is hidden is not read to its end"
    );
    assert_eq!(
        client_takes(2, |_, _| other.write(DH_GEN_FAIL, 52).raw(&[0; 16])),
        Err(ExchangeError::Nonce)
    );
}

/// Breaks when a refusal is believed without proof that the server knows the new nonce.
#[test]
fn refusals_are_proven() {
    use sha1::{Digest, Sha1};
    assert_eq!(
        client_takes(1, |nonces, new| nonces
            .write(DH_PARAMS_FAIL, 52)
            .raw(&lower(Sha1::digest(new).into()))),
        Err(ExchangeError::Refused)
    );
    assert_eq!(
        client_takes(1, |nonces, _| nonces
            .write(DH_PARAMS_FAIL, 52)
            .raw(&[0; 16])),
        Err(ExchangeError::Hash)
    );
    assert_eq!(
        client_takes(2, |nonces, _| nonces.write(DH_GEN_FAIL, 52).raw(&[0; 16])),
        Err(ExchangeError::Hash)
    );
    let (mut client, dice, run) = client_at(2);
    let (nonces, new_nonce) = secrets(run);
    let refusal =
        nonces
            .write(DH_GEN_FAIL, 52)
            .raw(&super::wire::nonce_hash(&new_nonce, 3, &run.keys[0]));
    assert_eq!(
        client.receive(&packet(refusal), at(0.0), &dice).err(),
        Some(ExchangeError::Refused)
    );
}

/// Breaks when the client encrypts for a key that it was not given, or goes on with wrong factors.
#[test]
fn the_client_checks_key_and_factors() {
    let dice = Dice::new(1);
    let keys = crate::keys::production();
    let (mut client, first) = ClientExchange::start(keys, 2, at(0.0), &dice);
    let Ok(ServerStep::Send(answer)) = server().receive(&first, at(0.0), &dice) else {
        panic!("no answer");
    };
    assert_eq!(
        client.receive(&answer, at(0.0), &dice).err(),
        Some(ExchangeError::UnknownKey)
    );
    for wrong in [(1_u64, 15_u64), (5, 3), (3, 7), (u64::MAX, u64::MAX)] {
        let (mut client, first) = ClientExchange::start(&[public()], 2, at(0.0), &dice);
        let Ok(ServerStep::Send(answer)) = server().receive(&first, at(0.0), &dice) else {
            panic!("no answer");
        };
        client.receive(&answer, at(0.0), &dice).unwrap();
        assert_eq!(
            client.factored(wrong.0, wrong.1, at(0.0), &dice),
            Err(ExchangeError::Factors)
        );
    }
}

/// Breaks when a step can be taken before its turn, or an exchange goes on after an error.
#[test]
fn steps_have_an_order() {
    let run = run(server(), 1);
    let dice = Dice::new(1);
    for early in &run.to_server[1..] {
        assert_eq!(
            server().receive(early, at(0.0), &dice).err(),
            Some(ExchangeError::Order)
        );
    }
    let (mut client, _) = ClientExchange::start(&[public()], 2, at(0.0), &dice);
    assert_eq!(
        client.factored(3, 5, at(0.0), &dice),
        Err(ExchangeError::Order)
    );
    let (mut client, dice, run) = client_at(1);
    assert!(client.receive(&run.to_client[0], at(0.0), &dice).is_err());
    assert_eq!(
        client.receive(&run.to_client[1], at(0.0), &dice).err(),
        Some(ExchangeError::Order)
    );
}

/// Gives a server that waits for `req_DH_params` one with this inner data, in this padding.
fn server_takes(change: impl FnOnce(&mut InnerData), older: bool) -> Result<(), ExchangeError> {
    let (mut server, dice, run) = server_at(1);
    let (nonces, new_nonce) = secrets(run);
    let (_, body) = plain::open(&run.to_client[0]).unwrap();
    let mut reader = Reader::new(body);
    reader.expect(RES_PQ).unwrap();
    nonces.check(&mut reader).unwrap();
    let pq = super::wire::read_number(&mut reader).unwrap();
    let (p, q) = factorize(pq).unwrap();
    let mut inner = InnerData {
        pq,
        p,
        q,
        nonces,
        new_nonce,
        dc: None,
        expires_in: None,
    };
    change(&mut inner);
    let key = public();
    let encrypted = if older {
        rsa::tests::encrypt_older(&inner.write(), &key)
    } else {
        rsa::encrypt(&inner.write(), &key, &dice).unwrap().to_vec()
    };
    let request = number(number(nonces.write(REQ_DH_PARAMS, 340), p), q)
        .long(key.fingerprint().cast_signed())
        .bytes(&encrypted);
    server.receive(&packet(request), at(0.0), &dice).map(|_| ())
}

/// Breaks when the server does not understand one of the forms that clients use, or does not check
/// what is inside.
#[test]
fn the_server_takes_every_form_of_inner_data() {
    for older in [false, true] {
        for (dc, expires_in) in [
            (None, None),
            (Some(2), None),
            (None, Some(3600)),
            (Some(-2), Some(3600)),
        ] {
            let form = |inner: &mut InnerData| (inner.dc, inner.expires_in) = (dc, expires_in);
            assert_eq!(server_takes(form, older), Ok(()));
        }
        assert_eq!(
            server_takes(|inner| inner.nonces.server = [0; 16], older),
            Err(ExchangeError::Nonce)
        );
        assert_eq!(
            server_takes(|inner| inner.p = 3, older),
            Err(ExchangeError::Factors)
        );
        assert_eq!(
            server_takes(|inner| inner.pq += 2, older),
            Err(ExchangeError::Factors)
        );
    }
}

/// Breaks when the server accepts a public value that gives its secret away, or a wrong retry id.
#[test]
fn the_server_refuses_unsafe_values() {
    let takes = |retry_id: i64, g_b: &[u8]| {
        let (mut server, dice, run) = server_at(2);
        let (nonces, new_nonce) = secrets(run);
        let inner = nonces
            .write(CLIENT_DH_INNER, 300)
            .long(retry_id)
            .bytes(g_b)
            .finish();
        let hidden = hide(&inner, &nonces, &new_nonce, &dice);
        let request = nonces.write(SET_CLIENT_DH_PARAMS, 400).bytes(&hidden);
        server.receive(&packet(request), at(0.0), &dice).map(|_| ())
    };
    assert_eq!(takes(0, &[0x55; 256]), Ok(()));
    assert_eq!(takes(1, &[0x55; 256]), Err(ExchangeError::Malformed));
    assert_eq!(takes(0, &[1]), Err(ExchangeError::Range));
    assert_eq!(takes(0, &TELEGRAM_PRIME), Err(ExchangeError::Range));
    assert_eq!(takes(0, &[0xff; 300]), Err(ExchangeError::Range));
}

/// Breaks when the server takes what was hidden for another exchange, or did not come whole.
#[test]
fn the_server_checks_what_is_hidden() {
    let takes = |nonces_of: fn(&Nonces) -> Nonces, cut: usize| {
        let (mut server, dice, run) = server_at(2);
        let (nonces, new_nonce) = secrets(run);
        let inner = nonces_of(&nonces)
            .write(CLIENT_DH_INNER, 300)
            .long(0)
            .bytes(&[0x55; 256])
            .finish();
        let mut hidden = hide(&inner, &nonces, &new_nonce, &dice);
        hidden.truncate(hidden.len() - cut);
        let request = nonces.write(SET_CLIENT_DH_PARAMS, 400).bytes(&hidden);
        server.receive(&packet(request), at(0.0), &dice).map(|_| ())
    };
    assert_eq!(takes(|nonces| *nonces, 0), Ok(()));
    assert_eq!(takes(|nonces| *nonces, 16), Err(ExchangeError::Hash));
    assert_eq!(takes(|nonces| *nonces, 1), Err(ExchangeError::Malformed));
    for wrong in [
        |nonces: &Nonces| Nonces {
            client: [9; 16],
            ..*nonces
        },
        |nonces: &Nonces| Nonces {
            server: [9; 16],
            ..*nonces
        },
    ] {
        assert_eq!(takes(wrong, 0), Err(ExchangeError::Hash));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Breaks when a changed byte anywhere in an exchange makes a side panic, or leaves both sides
    /// with different keys and no error.
    #[test]
    fn damage_is_an_error(
        step in 0_usize..3,
        to_server in any::<bool>(),
        at_byte in any::<prop::sample::Index>(),
        change in 1_u8..,
    ) {
        let damage = |packet: &[u8]| {
            let mut packet = packet.to_vec();
            let at = at_byte.index(packet.len());
            packet[at] ^= change;
            packet
        };
        // A changed byte that carries nothing (an id in the plain envelope, padding of TL values)
        // leaves the next packet as it was.
        if to_server {
            let (mut server, dice, run) = server_at(step);
            match server.receive(&damage(&run.to_server[step]), at(90.0), &dice) {
                Err(_) => {}
                Ok(ServerStep::Send(back) | ServerStep::Done { send: back, .. }) => {
                    // Of the first packet, any nonce is as good.
                    prop_assert!(step == 0 || back == run.to_client[step]);
                }
            }
        } else {
            let (mut client, dice, run) = client_at(step);
            match client.receive(&damage(&run.to_client[step]), at(0.0), &dice) {
                Err(_) => {}
                Ok(ClientStep::Send(back)) => prop_assert_eq!(&back, &run.to_server[step + 1]),
                Ok(ClientStep::Done(result)) => {
                    prop_assert_eq!(result.auth_key.expose(), run.keys[0].expose());
                }
                // pq is not proven by this packet, but by the next.
                Ok(ClientStep::Factor { .. }) => prop_assert_eq!(step, 0),
            }
        }
    }

    /// Breaks when foreign bytes make a side panic at any step.
    #[test]
    fn foreign_bytes_are_an_error(
        step in 0_usize..3,
        id in proptest::sample::select(vec![0, RES_PQ, REQ_DH_PARAMS, DH_PARAMS_OK, SET_CLIENT_DH_PARAMS, DH_GEN_FAIL]),
        body in proptest::collection::vec(any::<u8>(), 0..200),
        nonces_match in any::<bool>(),
    ) {
        let (mut client, dice, run) = client_at(step);
        let (mut server, _, _) = server_at(step);
        let (nonces, _) = secrets(run);
        let body = if nonces_match {
            nonces.write(id, 300).raw(&body)
        } else {
            Writer::boxed(id, 300).raw(&body)
        };
        let packet = packet(body);
        prop_assert!(server.receive(&packet, at(0.0), &dice).is_err());
        let _ = client.receive(&packet, at(0.0), &dice);
        prop_assert!(client.receive(&packet[..packet.len() / 2], at(0.0), &dice).is_err());
    }
}
