//! Writes the corpus anew: what two honest ends say to each other, in the form that the targets read.
//! `cargo run --example seeds DIRECTORY`.

use std::{fs, path::PathBuf, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::{Bytes, BytesMut};
use sluice_fuzz::{Client, Dice, Input, Server, key};
use sluice_mtproto::{
    Now, Sender, gzip, open,
    session::{ClientSession, RpcError, ServerEvent, ServerSalts, ServerSession},
    transport::{
        Framing, Kind,
        tls::{ClientHandshake, Doorkeeper, Records},
    },
    wire::Writer,
};
use sluice_tl::Schema;

/// One message as the targets read it. With `ids`, its own id and number; else such as come next.
fn message(packet: &[u8], sender: Sender, ids: bool) -> Vec<u8> {
    let opened = open(&key(), sender, BytesMut::from(packet)).unwrap();
    let mut step = vec![0];
    if ids {
        step.push(4);
        step.extend_from_slice(&opened.header.msg_id.to_le_bytes());
        step.push(2);
        step.extend_from_slice(&opened.header.seq_no.to_le_bytes());
    } else {
        step.push(u8::from(opened.header.msg_id & 3 == 3));
        step.push(u8::from(opened.header.seq_no & 1 == 1));
    }
    step.extend_from_slice(&[0, 0]);
    step.extend_from_slice(&u16::try_from(opened.body.len()).unwrap().to_le_bytes());
    step.extend_from_slice(&opened.body);
    step
}

fn body(text: &str) -> Bytes {
    Writer::boxed(0x1234_5678, 32)
        .bytes(text.as_bytes())
        .finish()
        .into()
}

/// The client under test with an honest server.
struct AtClient {
    script: Vec<u8>,
    client: Client,
    server: ServerSession,
    salts: ServerSalts,
    dice: Dice,
    ids: bool,
    skew: u64,
    calls: Vec<i64>,
    packets: Vec<Vec<u8>>,
}

impl AtClient {
    fn new(ids: bool, skew: u64) -> Self {
        let dice = Dice::default();
        let client = Client::default();
        let now = client.now();
        Self {
            script: Vec::new(),
            server: ServerSession::new(key(), -42, now, &dice),
            salts: ServerSalts::new(77, now),
            client,
            dice,
            ids,
            skew,
            calls: Vec::new(),
            packets: Vec::new(),
        }
    }

    fn now(&self) -> Now {
        let mut now = self.client.now();
        now.unix += Duration::from_secs(self.skew);
        now
    }

    fn step(&mut self, bytes: &[u8]) -> &mut Self {
        self.script.extend_from_slice(bytes);
        let said = self.client.step(&mut Input::new(bytes));
        for packet in said {
            let opened = open(&key(), Sender::Client, BytesMut::from(&packet[..])).unwrap();
            let now = self.now();
            if opened.header.session_id != self.server.session_id() {
                self.server = ServerSession::new(key(), opened.header.session_id, now, &self.dice);
            }
            self.server
                .receive(opened, &mut self.salts, now, &self.dice)
                .unwrap();
        }
        while let Some(event) = self.server.next_event() {
            let now = self.now();
            match event {
                ServerEvent::Call { msg_id, .. } => self.calls.push(msg_id),
                ServerEvent::DestroySession { session_id } => {
                    self.server.session_destroyed(session_id, true, now);
                }
                ServerEvent::DestroyAuthKey => self.server.auth_key_destroyed(Some(true), now),
                _ => {}
            }
        }
        self
    }

    fn answer(&mut self, text: &str) -> &mut Self {
        for call in std::mem::take(&mut self.calls) {
            let now = self.now();
            self.server.answer(call, Ok(body(text)), now);
        }
        self.settle()
    }

    fn settle(&mut self) -> &mut Self {
        loop {
            let now = self.now();
            let Some(packet) = self.server.poll_packet(&mut self.salts, now, &self.dice) else {
                return self;
            };
            let step = message(&packet, Sender::Server, self.ids);
            self.packets.push(packet);
            self.step(&step);
        }
    }
}

const CALL: [u8; 2] = [8, 1];
const PING: [u8; 2] = [10, 0];
const RECONNECTED: [u8; 1] = [12];
/// 20 s.
const LATER: [u8; 3] = [7, 0xd0, 7];

fn at_client(ids: bool, packets: &mut Vec<Vec<u8>>) -> Vec<(&'static str, Vec<u8>)> {
    type Scene = (&'static str, u64, fn(&mut AtClient));
    let scenes: [Scene; 10] = [
        ("ping", 0, |t| {
            t.step(&PING).settle().step(&LATER).settle();
        }),
        ("calls", 0, |t| {
            t.step(&CALL)
                .step(&CALL)
                .settle()
                .answer("yes")
                .step(&LATER)
                .settle();
        }),
        ("compressed", 0, |t| {
            t.server.compress_above(Some(64));
            t.step(&CALL)
                .settle()
                .answer(&"much of the same ".repeat(40));
        }),
        ("error", 0, |t| {
            t.step(&CALL).settle();
            let call = t.calls.remove(0);
            let error = RpcError {
                code: 420,
                message: "FLOOD_WAIT_3".into(),
            };
            let now = t.now();
            t.server.answer(call, Err(error), now);
            t.settle();
        }),
        ("updates", 0, |t| {
            t.step(&PING).settle();
            let now = t.now();
            for _ in 0..5 {
                t.server.push(body("news"), now);
            }
            t.settle().step(&LATER).settle();
        }),
        ("salts", 0, |t| {
            t.step(&PING)
                .settle()
                .step(&CALL)
                .settle()
                .step(&[11, 0, 0, 0, 0, 0])
                .step(&PING)
                .settle();
        }),
        ("bad-salt", 0, |t| {
            t.step(&PING).settle();
            let now = t.now();
            t.salts.replace(now, &t.dice);
            t.step(&CALL).settle().answer("yes");
        }),
        ("bad-time", 3600, |t| {
            t.step(&CALL).settle().answer("yes");
        }),
        ("reconnect", 0, |t| {
            t.step(&CALL).settle().step(&CALL);
            let now = t.now();
            t.step(&RECONNECTED);
            t.server.reattached(now);
            t.settle().answer("late");
        }),
        ("destroy", 0, |t| {
            t.step(&[11, 1, 9])
                .step(&[11, 2])
                .settle()
                .step(&[14, 3])
                .step(&PING)
                .settle();
        }),
    ];
    scenes
        .into_iter()
        .map(|(name, skew, scene)| {
            let mut told = AtClient::new(ids, skew);
            scene(&mut told);
            packets.append(&mut told.packets);
            (name, told.script)
        })
        .collect()
}

/// The server under test with an honest client.
struct AtServer {
    script: Vec<u8>,
    server: Server,
    client: ClientSession,
    dice: Dice,
    ids: bool,
    packets: Vec<Vec<u8>>,
}

impl AtServer {
    fn new(ids: bool) -> Self {
        let server = Server::default();
        let client = ClientSession::new(key(), 77, -42, 0, server.now());
        Self {
            script: Vec::new(),
            server,
            client,
            dice: Dice::default(),
            ids,
            packets: Vec::new(),
        }
    }

    fn step(&mut self, bytes: &[u8]) -> &mut Self {
        self.script.extend_from_slice(bytes);
        for packet in self.server.step(&mut Input::new(bytes)) {
            let now = self.server.now();
            let _ = self.client.receive(BytesMut::from(&packet[..]), now);
        }
        self
    }

    fn settle(&mut self) -> &mut Self {
        let now = self.server.now();
        while let Some(packet) = self.client.poll_packet(now, &self.dice) {
            let step = message(&packet, Sender::Client, self.ids);
            self.packets.push(packet);
            self.step(&step);
        }
        self
    }

    fn call(&mut self, text: &str) -> &mut Self {
        let now = self.server.now();
        self.client.call(body(text), now);
        self
    }
}

fn at_server(ids: bool, packets: &mut Vec<Vec<u8>>) -> Vec<(&'static str, Vec<u8>)> {
    type Scene = (&'static str, fn(&mut AtServer));
    let scenes: [Scene; 7] = [
        ("ping", |t| {
            let now = t.server.now();
            t.client.ping(now, Some(75));
            t.settle();
        }),
        ("calls", |t| {
            t.call("a")
                .call("b")
                .settle()
                .step(&[8, 0, 0])
                .step(&[8, 1, 1]);
            t.step(&LATER).settle();
        }),
        ("salts", |t| {
            let now = t.server.now();
            t.client.ping(now, None);
            t.settle().call("a").settle();
        }),
        ("destroy", |t| {
            t.client.destroy_session(9);
            t.client.destroy_auth_key();
            t.settle().step(&[12, 0, 9]).step(&[12, 1]);
        }),
        ("reconnect", |t| {
            t.call("a").call("b").settle().step(&[8, 0, 0]).step(&[10]);
            let now = t.server.now();
            t.client.reconnected(now);
            t.step(&[11]).settle();
        }),
        ("updates", |t| {
            t.call("a")
                .settle()
                .step(&[10])
                .step(&[10])
                .step(&LATER)
                .settle();
        }),
        ("compressed", |t| {
            t.step(&[12, 2, 8]).call("a").settle().step(&[8, 0, 0]);
        }),
    ];
    scenes
        .into_iter()
        .map(|(name, scene)| {
            let mut told = AtServer::new(ids);
            scene(&mut told);
            packets.append(&mut told.packets);
            (name, told.script)
        })
        .collect()
}

/// A plaintext with its header, as [`sluice_fuzz::seal_plaintext`] takes it.
fn plaintext(body: &[u8], length: i32, padding: usize) -> Vec<u8> {
    let mut plaintext = Writer::default()
        .long(77)
        .long(-42)
        .long((1_800_000_000 << 32) | 1)
        .int(1)
        .int(length)
        .raw(body)
        .finish();
    plaintext.resize(plaintext.len() + padding, 9);
    plaintext
}

fn exchanges() -> [(&'static str, &'static str, Vec<u8>); 8] {
    let honest = |tail: &[u8]| [&[3, 0, 1, 2, 3, 4, 5, 6, 7, 8][..], tail].concat();
    let offer = [4, 0, 0, 0, 0, 0xd2, 0x49, 0x6b, 0, 0];
    let ask = [3, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1];
    let inner = [4, 2, 1, 4, 0, 2, 0, 0, 0];
    let public = [7, 0, 0, 0, 0];
    [
        (
            "client_exchange",
            "whole",
            honest(&[&offer[..], &[7, 0, 0, 0]].concat()),
        ),
        (
            "client_exchange",
            "retry",
            honest(&[&offer[..], &[7, 1, 0, 0, 7, 0, 0, 0]].concat()),
        ),
        ("client_exchange", "refused", honest(&[6])),
        (
            "client_exchange",
            "prime",
            honest(&[4, 2, 1, 4, 0, 0xc7, 1, 1, 3, 0, 0]),
        ),
        (
            "server_exchange",
            "whole",
            [&ask[..], &inner, &public].concat(),
        ),
        (
            "server_exchange",
            "retry",
            [&ask[..], &inner, &[6], &public, &[7, 1, 0, 0, 0]].concat(),
        ),
        (
            "server_exchange",
            "older",
            [&ask[..], &[4, 2, 0, 0, 0], &public].concat(),
        ),
        ("server_exchange", "order", [&public[..], &ask].concat()),
    ]
}

fn framed(packets: &[Vec<u8>]) -> Vec<(String, Vec<u8>)> {
    let mut streams = Vec::new();
    for (number, kind) in [Kind::Abridged, Kind::Intermediate, Kind::Full, Kind::Padded]
        .into_iter()
        .enumerate()
    {
        let number = u8::try_from(number).unwrap() << 2;
        let (mut up, mut down) = (BytesMut::new(), BytesMut::new());
        let (mut client, mut server) = (Framing::client(kind), Framing::server(kind));
        for packet in packets.iter().take(3) {
            client.encode(packet, &mut up);
            server.encode(packet, &mut down);
        }
        server.encode_error(404, &mut down);
        if kind != Kind::Full {
            let clear = &up[kind.announcement().len()..];
            streams.push((
                format!("{kind:?}-hidden"),
                [&[number | 3, 7][..], clear].concat(),
            ));
        }
        streams.push((format!("{kind:?}-up"), [&[number | 2, 7][..], &up].concat()));
        streams.push((format!("{kind:?}-down"), [&[number, 7][..], &down].concat()));
    }
    streams
}

fn values() -> Vec<(&'static str, String, Vec<u8>)> {
    let schema = Schema::newest();
    let types = schema.types();
    let mut seeds = Vec::new();
    for ty in [
        "Updates",
        "Message",
        "User",
        "Chat",
        "help.Config",
        "Config",
        "messages.Messages",
        "InputPeer",
        "RichText",
        "PageBlock",
        "auth.SentCode",
        "Authorization",
        "Poll",
    ] {
        let Some(at) = types.iter().position(|name| *name == ty) else {
            continue;
        };
        let Some(value) = schema.example_of(ty) else {
            continue;
        };
        let at = u16::try_from(at).unwrap().to_le_bytes();
        let bytes = schema.encode_boxed(ty, &value).unwrap();
        let json = value.to_string();
        seeds.push((
            "schema_decode",
            format!("type-{ty}"),
            [&[0][..], &at, &bytes].concat(),
        ));
        seeds.push((
            "schema_encode",
            format!("type-{ty}"),
            [&at[..], json.as_bytes()].concat(),
        ));
    }
    for method in [
        "messages.sendMessage",
        "auth.sendCode",
        "invokeWithLayer",
        "initConnection",
        "upload.saveFilePart",
        "updates.getDifference",
        "messages.sendMedia",
        "invokeAfterMsgs",
        "account.updateProfile",
    ] {
        let params = schema.example(method).unwrap();
        let bytes = schema.encode_call(method, &params).unwrap();
        let mut json = serde_json::Map::new();
        json.insert("_".into(), method.into());
        json.extend(params);
        let json = serde_json::Value::Object(json).to_string();
        seeds.push((
            "schema_decode",
            format!("call-{method}"),
            [&[2][..], &bytes].concat(),
        ));
        seeds.push((
            "schema_encode",
            format!("call-{method}"),
            [&[0, 0][..], json.as_bytes()].concat(),
        ));
    }
    seeds
}

fn main() {
    let corpus = PathBuf::from(std::env::args().nth(1).expect("a directory"));
    let write = |target: &str, name: &str, bytes: &[u8]| {
        let dir = corpus.join(target);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(name), bytes).unwrap();
    };
    let (mut down, mut up) = (Vec::new(), Vec::new());
    for (ids, kind) in [(true, "ids"), (false, "next")] {
        for (name, script) in at_client(ids, &mut down) {
            write("client_session", &format!("{name}-{kind}"), &script);
        }
        for (name, script) in at_server(ids, &mut up) {
            write("server_session", &format!("{name}-{kind}"), &script);
        }
    }
    for (number, packet) in down.iter().take(4).enumerate() {
        write(
            "packet",
            &format!("down-{number}"),
            &[&[0][..], packet].concat(),
        );
    }
    for (number, packet) in up.iter().take(4).enumerate() {
        write(
            "packet",
            &format!("up-{number}"),
            &[&[1][..], packet].concat(),
        );
    }
    let news = body("news of today");
    let length = i32::try_from(news.len()).unwrap();
    for (name, length, padding) in [
        ("fits", length, 12),
        ("longer", length + 4, 16),
        ("padded", length, 1052),
    ] {
        for (way, mode) in [("down", 4), ("up", 5)] {
            let bytes = [&[mode][..], &plaintext(&news, length, padding)].concat();
            write("packet", &format!("{way}-plain-{name}"), &bytes);
        }
    }
    for (target, name, bytes) in exchanges() {
        write(target, name, &bytes);
    }
    for (name, stream) in framed(&up) {
        write("framing", &name, &stream);
    }
    let dice = Dice::default();
    let (_, hello) = ClientHandshake::start(&[0x5e; 16], "example.org", 1_800_000_000, &dice);
    let mut keeper = Doorkeeper::new([0x5e; 16], "example.org");
    let mut buffer = hello.clone();
    let answer = keeper.receive(&mut buffer, 1_800_000_000, &dice);
    let answer = answer.unwrap().unwrap();
    write("tls", "answer", &[&[0][..], &answer[..300]].concat());
    write("tls", "hello", &[&[1][..], &hello[..300]].concat());
    write("tls", "hello-changed", &[2, 60, 0, 1, 2, 3]);
    write("tls", "answer-changed", &[3, 60, 0, 1, 2, 3]);
    let mut records = BytesMut::new();
    Records::server().wrap(b"some bytes", &mut records);
    Records::client().wrap(b"some more", &mut records);
    write("tls", "records", &[&[4, 3][..], &records].concat());
    for (target, name, bytes) in values() {
        write(target, &name, &bytes);
    }
    write(
        "gzip",
        "text",
        &gzip::deflate(&b"much of the same ".repeat(20)),
    );
    write("gzip", "zeros", &gzip::deflate(&[0; 70_000]));
    write("gzip", "empty", &gzip::deflate(b""));
    let testdata = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../host/mtproto/testdata");
    for name in ["pkcs1", "pkcs8", "public", "spki"] {
        let pem = fs::read_to_string(testdata.join(name).with_extension("pem")).unwrap();
        let inside: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        write("keys", name, pem.as_bytes());
        write(
            "keys",
            &format!("{name}-der"),
            &STANDARD.decode(inside).unwrap(),
        );
    }
}
