//! A client with nothing clever in it: one connection, one call at a time.

#![allow(
    clippy::disallowed_methods,
    reason = "tests of a server read the real clock, as its clients do"
)]

use std::{
    net::SocketAddr,
    time::{Duration, Instant, SystemTime},
};

use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};
use sluice_datacenter::DataCenter;
use sluice_domain::Random;
use sluice_mtproto::{
    AuthKey, Now, Opened, Sender, Violation,
    exchange::{ClientExchange, ClientStep, ExchangeError, factorize},
    rsa::PublicKey,
    session::{ClientEvent, ClientSession},
    transport::{Frame, Framing, Kind},
};
use sluice_tl::Schema;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Nothing here takes so long on any machine.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Machine(Instant);

impl Random for Machine {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }
}

impl Machine {
    fn now(&self) -> Now {
        Now {
            unix: SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap(),
            mono: self.0.elapsed(),
        }
    }
}

/// How a call can end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failed {
    /// `rpc_error`.
    Rpc(i32, String),
    /// The connection was closed.
    Closed,
    /// Nobody can say what became of it.
    Unsure,
    /// A transport error, by its positive code.
    Transport(i32),
    /// The server broke a rule.
    Violation(Violation),
}

pub struct Client {
    /// What calls are written and answers are read in.
    schema: &'static Schema,
    stream: TcpStream,
    framing: Framing,
    buffer: BytesMut,
    pub session: ClientSession,
    machine: Machine,
    pub updates: Vec<Value>,
    /// Every packet that came in.
    pub packets: Vec<BytesMut>,
}

impl Client {
    /// Makes a key by exchange and says what it is with the first call.
    pub async fn join(address: SocketAddr, pem: &str, kind: Kind) -> Self {
        Self::try_join(address, pem, kind).await.unwrap()
    }

    /// The same, with what is wrong with the server.
    pub async fn try_join(
        address: SocketAddr,
        pem: &str,
        kind: Kind,
    ) -> Result<Self, ExchangeError> {
        let machine = Machine(Instant::now());
        let keys = [PublicKey::from_pem(pem).unwrap()];
        let mut stream = TcpStream::connect(address).await.unwrap();
        let mut framing = Framing::client(kind);
        let mut buffer = BytesMut::new();
        let (mut exchange, first) = ClientExchange::start(&keys, 1, machine.now(), &machine);
        let mut send = Some(first);
        let made = loop {
            if let Some(packet) = send.take() {
                let mut out = BytesMut::new();
                framing.encode(&packet, &mut out);
                stream.write_all(&out).await.unwrap();
            }
            let packet = match read_frame(&mut stream, &mut framing, &mut buffer)
                .await
                .unwrap()
            {
                Frame::Packet(packet) => packet,
                other => panic!("{other:?} in the exchange"),
            };
            let mut step = exchange.receive(&packet, machine.now(), &machine)?;
            if let ClientStep::Factor { pq } = step {
                let (p, q) = factorize(pq).ok_or(ExchangeError::Factors)?;
                step = ClientStep::Send(exchange.factored(p, q, machine.now(), &machine)?);
            }
            match step {
                ClientStep::Send(packet) => send = Some(packet),
                ClientStep::Done(made) => break made,
                ClientStep::Factor { .. } => unreachable!(),
            }
        };
        let id = i64::from_le_bytes(machine.u64().to_le_bytes());
        let session = ClientSession::new(
            made.auth_key,
            made.salt,
            id,
            made.time_offset,
            machine.now(),
        );
        Ok(Self::over(stream, framing, session, machine))
    }

    /// A key that the data center has issued, on a session of its own.
    pub async fn with_key(address: SocketAddr, key: [u8; 256]) -> Self {
        let machine = Machine(Instant::now());
        let id = i64::from_le_bytes(machine.u64().to_le_bytes());
        let session = ClientSession::new(AuthKey::from_bytes(key), 0, id, 0, machine.now());
        let stream = TcpStream::connect(address).await.unwrap();
        Self::over(
            stream,
            Framing::client(Kind::Intermediate),
            session,
            machine,
        )
    }

    fn over(
        stream: TcpStream,
        framing: Framing,
        mut session: ClientSession,
        machine: Machine,
    ) -> Self {
        let schema = Schema::newest();
        session.set_preamble(preamble(schema.layer()));
        Self {
            schema,
            stream,
            framing,
            buffer: BytesMut::new(),
            session,
            machine,
            updates: Vec::new(),
            packets: Vec::new(),
        }
    }

    /// The same session over a new connection.
    pub async fn reconnect(mut self, address: SocketAddr) -> Self {
        self.session.reconnected(self.machine.now());
        self.stream = TcpStream::connect(address).await.unwrap();
        self.framing = Framing::client(Kind::Intermediate);
        self.buffer.clear();
        self
    }

    /// Names another layer than the newest with the first call, and reads answers in the one
    /// that is `served`.
    pub fn naming(mut self, layer: i32, served: i32) -> Self {
        self.session.set_preamble(preamble(layer));
        self.schema = Schema::for_layer(served);
        self
    }

    /// Names no layer and does not say what it is, and reads answers in a layer.
    pub fn naming_none(mut self, served: i32) -> Self {
        self.session.set_preamble(Bytes::new());
        self.schema = Schema::for_layer(served);
        self
    }

    /// Queues a call.
    pub fn begin(&mut self, method: &str, params: Value) {
        let body = self
            .schema
            .encode_call(method, params.as_object().unwrap())
            .unwrap();
        self.session.call(Bytes::from(body), self.machine.now());
    }

    pub async fn call(&mut self, method: &str, params: Value) -> Result<Value, Failed> {
        self.begin(method, params);
        let answer = self.answer().await?;
        Ok(self.schema.decode_result(method, &answer).unwrap())
    }

    pub async fn ok(&mut self, method: &str, params: Value) -> Value {
        self.call(method, params).await.unwrap()
    }

    pub async fn refused(&mut self, method: &str, params: Value) -> String {
        match self.call(method, params).await.unwrap_err() {
            Failed::Rpc(_, name) => name,
            other => panic!("{method}: {other:?}"),
        }
    }

    /// The next answer to any call.
    pub async fn answer(&mut self) -> Result<Bytes, Failed> {
        loop {
            self.flush().await;
            while let Some(event) = self.session.next_event() {
                match event {
                    ClientEvent::Answer { result, .. } => {
                        return result.map_err(|e| Failed::Rpc(e.code, e.message));
                    }
                    ClientEvent::Unsure { .. } => return Err(Failed::Unsure),
                    ClientEvent::Update(body) => self.note(&body),
                    _ => {}
                }
            }
            self.step().await?;
        }
    }

    /// The next update that was pushed.
    pub async fn update(&mut self) -> Value {
        while self.updates.is_empty() {
            self.flush().await;
            while let Some(event) = self.session.next_event() {
                if let ClientEvent::Update(body) = event {
                    self.note(&body);
                }
            }
            if self.updates.is_empty() {
                self.step().await.unwrap();
            }
        }
        self.updates.remove(0)
    }

    fn note(&mut self, body: &[u8]) {
        let update = self.schema.decode_boxed("Updates", body).unwrap();
        self.updates.push(update);
    }

    /// Sends what is queued.
    pub async fn flush(&mut self) {
        let mut out = BytesMut::new();
        while let Some(packet) = self.session.poll_packet(self.machine.now(), &self.machine) {
            self.framing.encode(&packet, &mut out);
        }
        // A connection that is closed shows when it is read from.
        let _ = self.stream.write_all(&out).await;
    }

    /// Takes one frame in.
    pub async fn step(&mut self) -> Result<(), Failed> {
        let frame = read_frame(&mut self.stream, &mut self.framing, &mut self.buffer).await;
        match frame.ok_or(Failed::Closed)? {
            Frame::Packet(packet) => {
                self.packets.push(packet.clone());
                let taken = self.session.receive(packet, self.machine.now());
                taken.map_err(Failed::Violation)?;
            }
            Frame::TransportError(code) => return Err(Failed::Transport(code)),
            Frame::QuickAck(_) => {}
        }
        Ok(())
    }

    /// How many bytes came of a frame that is not complete.
    pub fn rest(&self) -> usize {
        self.buffer.len()
    }

    /// A packet that came in, counted from the newest, as it was before it was encrypted.
    pub fn opened(&self, back: usize) -> Opened {
        let packet = self.packets[self.packets.len() - 1 - back].clone();
        sluice_mtproto::open(self.session.auth_key(), Sender::Server, packet).unwrap()
    }

    /// Signs in by code, on a data center whose number the phone's is.
    pub async fn sign_in(&mut self, phone: &str) -> i64 {
        let send = json!({
            "phone_number": phone, "api_id": 1, "api_hash": "x",
            "settings": {"_": "codeSettings"},
        });
        let sent = self.ok("auth.sendCode", send).await;
        let code = phone[5..6].repeat(5);
        let sign_in = json!({
            "phone_number": phone,
            "phone_code_hash": sent["phone_code_hash"],
            "phone_code": code,
        });
        let user = self.ok("auth.signIn", sign_in).await;
        user["user"]["id"].as_str().unwrap().parse().unwrap()
    }

    /// Writes a note to oneself.
    pub async fn note_to_self(&mut self, text: &str, random_id: i64) -> Result<Value, Failed> {
        let params = json!({
            "peer": {"_": "inputPeerSelf"}, "message": text, "random_id": random_id,
        });
        self.call("messages.sendMessage", params).await
    }
}

/// The first frame, `None` when the connection ends before.
async fn read_frame(
    stream: &mut TcpStream,
    framing: &mut Framing,
    buffer: &mut BytesMut,
) -> Option<Frame> {
    loop {
        if let Some(frame) = framing.decode(buffer).unwrap() {
            return Some(frame);
        }
        let read = timeout(PATIENCE, stream.read_buf(buffer))
            .await
            .expect("nothing came");
        if read.unwrap_or(0) == 0 {
            return None;
        }
    }
}

/// `invokeWithLayer` and `initConnection` up to where the query begins.
fn preamble(layer: i32) -> Bytes {
    let schema = Schema::newest();
    let wrapped = json!({
        "layer": layer,
        "query": {
            "_": "initConnection", "api_id": 1, "device_model": "test", "system_version": "1",
            "app_version": "1", "system_lang_code": "en", "lang_pack": "", "lang_code": "en",
            "query": {"_": "help.getConfig"},
        },
    });
    let mut bytes = schema
        .encode_call("invokeWithLayer", wrapped.as_object().unwrap())
        .unwrap();
    bytes.truncate(bytes.len() - 4);
    Bytes::from(bytes)
}

/// A data center with what its clients need.
pub async fn start() -> DataCenter {
    DataCenter::start(sluice_datacenter::Options::default())
        .await
        .unwrap()
}

/// A new client on the main port of data center 1.
pub async fn join(dc: &DataCenter) -> Client {
    Client::join(dc.dcs()[0].address, dc.public_key_pem(), Kind::Intermediate).await
}
