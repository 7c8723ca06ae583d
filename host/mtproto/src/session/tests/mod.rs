mod endurance;
mod letter;
mod recovery;
mod rules;
mod traffic;

use bytes::{Bytes, BytesMut};

use super::{
    ClientEvent, ClientSession, FutureSalt, RpcError, ServerEvent, ServerSalts, ServerSession,
};
use crate::{
    AuthKey, Header, Now, Opened, Sender, Violation, open, seal,
    testing::{Dice, at},
    wire::Writer,
};

const SALT: i64 = 77;
const SESSION: i64 = -42;
/// A salt that is of no use for long.
const LATER: FutureSalt = FutureSalt {
    valid_since: i32::MAX - 1,
    valid_until: i32::MAX,
    salt: 5,
};

fn key() -> AuthKey {
    AuthKey::from_bytes([0xa5; 256])
}

/// A body that no role takes for a service message, and that says so much.
fn body(text: &str) -> Bytes {
    Writer::boxed(0x1234_5678, 32)
        .bytes(text.as_bytes())
        .finish()
        .into()
}

/// A client and a server over one connection that loses nothing.
struct Pair {
    client: ClientSession,
    server: ServerSession,
    salts: ServerSalts,
    dice: Dice,
    now: Now,
    /// How far the client's clock is ahead, in seconds.
    skew: i64,
    /// How long the client's monotonic clock has stood still.
    asleep: std::time::Duration,
}

impl Pair {
    fn new() -> Self {
        let dice = Dice::new(7);
        let now = at(0.0);
        Self {
            client: ClientSession::new(key(), SALT, SESSION, 0, now),
            server: ServerSession::new(key(), SESSION, now, &dice),
            salts: ServerSalts::new(SALT, now),
            dice,
            now,
            skew: 0,
            asleep: std::time::Duration::ZERO,
        }
    }

    /// A pair whose client has no need to ask for salts.
    fn salted() -> Self {
        let mut pair = Self::new();
        pair.client.add_salts(&[LATER]);
        pair
    }

    /// A pair whose client's clock is wrong.
    fn skewed(skew: i64) -> Self {
        let mut pair = Self::new();
        pair.skew = skew;
        pair.client = ClientSession::new(key(), SALT, SESSION, 0, pair.client_now());
        pair
    }

    fn client_now(&self) -> Now {
        let mut now = self.now;
        now.mono = now.mono.saturating_sub(self.asleep);
        let distance = std::time::Duration::from_secs(self.skew.unsigned_abs());
        now.unix = if self.skew < 0 {
            now.unix.saturating_sub(distance)
        } else {
            now.unix + distance
        };
        now
    }

    /// A pair whose session has begun, with nothing left to say.
    fn begun() -> Self {
        let mut pair = Self::new();
        pair.client.ping(pair.now, None);
        pair.settle();
        // Long enough for the acknowledgements.
        pair.later(20.0);
        pair.settle();
        pair.client_events();
        pair.server_events();
        pair
    }

    fn open_at_server(packet: &[u8]) -> Opened {
        open(&key(), Sender::Client, BytesMut::from(packet)).unwrap()
    }

    fn open_at_client(packet: &[u8]) -> Opened {
        open(&key(), Sender::Server, BytesMut::from(packet)).unwrap()
    }

    fn poll_client(&mut self) -> Option<Vec<u8>> {
        self.client.poll_packet(self.client_now(), &self.dice)
    }

    fn poll_server(&mut self) -> Option<Vec<u8>> {
        self.server
            .poll_packet(&mut self.salts, self.now, &self.dice)
    }

    fn server_gets(&mut self, packet: &[u8]) -> Result<(), Violation> {
        let opened = Self::open_at_server(packet);
        // A session that was given up leads to a new one.
        if opened.header.session_id != self.server.session_id() {
            self.server = ServerSession::new(key(), opened.header.session_id, self.now, &self.dice);
        }
        self.server
            .receive(opened, &mut self.salts, self.now, &self.dice)
    }

    fn client_gets(&mut self, packet: &[u8]) -> Result<(), Violation> {
        self.client
            .receive(BytesMut::from(packet), self.client_now())
    }

    /// Carries packets until both sides are silent.
    fn settle(&mut self) {
        loop {
            let mut silent = true;
            while let Some(packet) = self.poll_client() {
                self.server_gets(&packet).unwrap();
                silent = false;
            }
            while let Some(packet) = self.poll_server() {
                self.client_gets(&packet).unwrap();
                silent = false;
            }
            if silent {
                return;
            }
        }
    }

    /// What happened at the client, but for the salts that it asks for now and then.
    fn client_events(&mut self) -> Vec<ClientEvent> {
        std::iter::from_fn(|| self.client.next_event())
            .filter(|event| !matches!(event, ClientEvent::Salts(_)))
            .collect()
    }

    fn server_events(&mut self) -> Vec<ServerEvent> {
        std::iter::from_fn(|| self.server.next_event()).collect()
    }

    /// The calls among the server's events.
    fn server_calls(&mut self) -> Vec<(i64, Bytes)> {
        self.server_events()
            .into_iter()
            .filter_map(|event| match event {
                ServerEvent::Call { msg_id, body } => Some((msg_id, body)),
                _ => None,
            })
            .collect()
    }

    /// Answers every call with its own body.
    fn echo(&mut self) -> usize {
        let calls = self.server_calls();
        for (msg_id, body) in &calls {
            self.server.answer(*msg_id, Ok(body.clone()), self.now);
        }
        calls.len()
    }

    /// Gives the client a message that its server did not make.
    fn forge_to_client(&mut self, msg_id: i64, seq_no: i32, body: &[u8]) -> Result<(), Violation> {
        let header = Header {
            salt: SALT,
            session_id: self.client.session_id(),
            msg_id,
            seq_no,
        };
        let packet = seal(&key(), Sender::Server, header, body, &self.dice);
        self.client_gets(&packet)
    }

    /// Gives the server a message that its client did not make.
    fn forge_to_server(&mut self, msg_id: i64, seq_no: i32, body: &[u8]) -> Result<(), Violation> {
        self.forge_with_salt(SALT, msg_id, seq_no, body)
    }

    fn forge_with_salt(
        &mut self,
        salt: i64,
        msg_id: i64,
        seq_no: i32,
        body: &[u8],
    ) -> Result<(), Violation> {
        let header = Header {
            salt,
            session_id: SESSION,
            msg_id,
            seq_no,
        };
        let packet = seal(&key(), Sender::Client, header, body, &self.dice);
        self.server_gets(&packet)
    }

    fn later(&mut self, seconds: f64) {
        let passed = std::time::Duration::from_secs_f64(seconds);
        self.now.unix += passed;
        self.now.mono += passed;
    }
}

fn answer(call: super::CallId, body: Bytes) -> ClientEvent {
    ClientEvent::Answer {
        call,
        result: Ok(body),
    }
}
