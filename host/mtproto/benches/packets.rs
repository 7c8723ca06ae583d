//! What one call costs the protocol core, and what a new key does.
#![allow(missing_docs, clippy::unwrap_used)] // criterion's macros; a failed step spoils the bench

use std::{hint::black_box, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sluice_domain::Random;
use sluice_mtproto::{
    AuthKey, Header, Now, Sender,
    exchange::{ClientExchange, ClientStep, ServerExchange, ServerStep, factorize},
    open,
    rsa::PrivateKey,
    seal,
    session::{ClientSession, ServerEvent, ServerSalts, ServerSession},
};

struct System;

impl Random for System {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }
}

const NOW: Now = Now {
    unix: Duration::from_hours(500_000),
    mono: Duration::from_secs(1),
};
const HEADER: Header = Header {
    salt: 1,
    session_id: 2,
    msg_id: 3,
    seq_no: 1,
};

fn envelope(c: &mut Criterion) {
    let key = AuthKey::from_bytes([7; 256]);
    let body = [1; 200];
    let mut group = c.benchmark_group("envelope");
    group.throughput(Throughput::Bytes(200));
    group.bench_function("seal and open 200 bytes", |b| {
        b.iter(|| {
            let packet = seal(&key, Sender::Client, HEADER, &body, &System);
            open(&key, Sender::Client, BytesMut::from(&packet[..])).unwrap()
        });
    });
    group.finish();
}

fn session(c: &mut Criterion) {
    let key = AuthKey::from_bytes([7; 256]);
    let mut salts = ServerSalts::new(1, NOW);
    let mut client = ClientSession::new(key.clone(), 1, 2, 0, NOW);
    let mut server = ServerSession::new(key.clone(), 2, NOW, &System);
    let body = Bytes::from_static(&[1; 200]);
    c.bench_function("call and answer of 200 bytes, both roles", |b| {
        b.iter(|| {
            client.call(body.clone(), NOW);
            let packet = client.poll_packet(NOW, &System).unwrap();
            let opened = open(&key, Sender::Client, BytesMut::from(&packet[..])).unwrap();
            server.receive(opened, &mut salts, NOW, &System).unwrap();
            while let Some(event) = server.next_event() {
                if let ServerEvent::Call { msg_id, body } = event {
                    server.answer(msg_id, Ok(body), NOW);
                }
            }
            let packet = server.poll_packet(&mut salts, NOW, &System).unwrap();
            client.receive(BytesMut::from(&packet[..]), NOW).unwrap();
            while let Some(event) = client.next_event() {
                black_box(event);
            }
        });
    });
}

fn exchange(c: &mut Criterion) {
    let private = PrivateKey::from_pem(include_str!("../testdata/pkcs1.pem")).unwrap();
    let public = [private.public().clone()];
    let keys: Arc<[PrivateKey]> = Arc::from([private]);
    c.bench_function("exchange, both roles", |b| {
        b.iter(|| {
            let (mut client, mut up) = ClientExchange::start(&public, 2, NOW, &System);
            let mut server = ServerExchange::new(keys.clone());
            loop {
                let (ServerStep::Send(down) | ServerStep::Done { send: down, .. }) =
                    server.receive(&up, NOW, &System).unwrap();
                up = match client.receive(&down, NOW, &System).unwrap() {
                    ClientStep::Factor { pq } => {
                        let (p, q) = factorize(pq).unwrap();
                        client.factored(p, q, NOW, &System).unwrap()
                    }
                    ClientStep::Send(up) => up,
                    ClientStep::Done(result) => break result,
                };
            }
        });
    });
}

criterion_group!(benches, envelope, session, exchange);
criterion_main!(benches);
