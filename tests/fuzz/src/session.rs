use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use sluice_mtproto::{
    Header, Now, Sender, gzip, open, seal,
    session::{
        CallId, ClientEvent, ClientSession, FutureSalt, RpcError, ServerEvent, ServerSalts,
        ServerSession,
    },
    wire::{Reader, Writer},
};

use super::{
    Dice, Input,
    input::{beginning, key},
};

/// So many steps of one input are taken.
const STEPS: usize = 48;
/// More packets than this at once would mean that a role answers itself.
const PACKETS: usize = 2_000;
const SESSION: i64 = -42;
const SALT: i64 = 77;
const CONTAINER: u32 = 0x73f1_f8dc;
const VECTOR: u32 = 0x1cb5_c415;

/// Every constructor that means something to a session, and one that does not.
const KNOWN: [u32; 36] = [
    CONTAINER,
    0x3072_cfa1,
    0xf35c_6d01,
    0x2144_ca19,
    0x62d6_b459,
    0xa7ef_f811,
    0xedab_447b,
    0xda69_fb52,
    0x04de_b57d,
    0x8cc0_d131,
    0x276d_3ec6,
    0x809d_b6df,
    0x7d86_1a08,
    0x8610_baeb,
    0x58e4_a740,
    0x5e2a_d36e,
    0xcd78_e586,
    0xa43a_d8b7,
    0xb921_bd04,
    0xae50_0895,
    0x7abe_77ec,
    0xf342_7b8c,
    0x3477_73c5,
    0xe751_2126,
    0xe220_45fc,
    0x62d3_50c9,
    0xd143_5160,
    0xf660_e1d4,
    0x0a9f_2259,
    0xea10_9b13,
    0x9ec2_0908,
    0x9299_359f,
    VECTOR,
    0x9972_75b5,
    0x949d_9dc8,
    0x1234_5678,
];

/// The other side: forges messages and seals them with the right key.
struct Forger {
    sender: Sender,
    dice: Dice,
    now: Now,
    last: i64,
    content: i32,
    /// Messages of the side under test, and of this one.
    heard: Vec<i64>,
    said: Vec<i64>,
    /// The last packet.
    packet: Vec<u8>,
    session: i64,
}

impl Forger {
    fn new(sender: Sender) -> Self {
        Self {
            sender,
            dice: Dice::default(),
            now: beginning(),
            last: 0,
            content: 0,
            heard: vec![4],
            said: vec![5],
            packet: Vec::new(),
            session: SESSION,
        }
    }

    /// The id that an honest side would take.
    fn next_id(&mut self, low: i64) -> i64 {
        let time = self.now.unix;
        let fraction = (i64::from(time.subsec_nanos()) << 32) / 1_000_000_000;
        let at = (i64::try_from(time.as_secs()).unwrap() << 32) | (fraction & !3);
        self.last = at.max((self.last & !3) + 4) | low;
        self.last
    }

    fn id(&mut self, input: &mut Input<'_>) -> i64 {
        let low = if self.sender == Sender::Client { 0 } else { 1 };
        let id = match input.byte() % 5 {
            0 => self.next_id(low),
            1 => self.next_id(low * 3),
            2 => {
                let offset = i64::from(i16::from_le_bytes(input.array()));
                self.next_id(low).wrapping_add(offset << 30)
            }
            3 => input.pick(&self.said).copied().unwrap_or(5),
            _ => i64::from_le_bytes(input.array()),
        };
        self.said.push(id);
        id
    }

    fn seq_no(&mut self, input: &mut Input<'_>) -> i32 {
        match input.byte() % 3 {
            0 => self.content.wrapping_mul(2),
            1 => {
                self.content = self.content.wrapping_add(1);
                self.content.wrapping_mul(2).wrapping_sub(1)
            }
            _ => i32::from_le_bytes(input.array()),
        }
    }

    /// A body, put together from what such bodies consist of.
    fn body(&self, input: &mut Input<'_>) -> Vec<u8> {
        let mut body = Vec::new();
        for _ in 0..=input.byte() % 12 {
            let mut put = |bytes: &[u8]| body.extend_from_slice(bytes);
            match input.byte() % 10 {
                0 => put(input.chunk()),
                1 => put(&input.pick(&KNOWN).unwrap_or(&0).to_le_bytes()),
                2 => put(&input.pick(&self.heard).unwrap_or(&4).to_le_bytes()),
                3 => put(&input.pick(&self.said).unwrap_or(&5).to_le_bytes()),
                4 => put(&u32::from(input.byte()).to_le_bytes()),
                5 => put(&input.array::<4>()),
                6 => put(&input.array::<8>()),
                7 => {
                    put(&VECTOR.to_le_bytes());
                    put(&u32::from(input.byte()).to_le_bytes());
                }
                8 => put(&Writer::default().bytes(input.chunk()).finish()),
                _ => {
                    body = Writer::boxed(0x3072_cfa1, 64)
                        .bytes(&gzip::deflate(&body))
                        .finish()
                }
            }
        }
        body.resize(body.len().next_multiple_of(4), 0);
        body
    }

    fn container(&mut self, input: &mut Input<'_>) -> Vec<u8> {
        let messages = input.byte() % 8;
        let head = Writer::boxed(CONTAINER, 64).id(messages.into());
        (0..messages)
            .fold(head, |writer, _| {
                let (id, seq_no, body) = (self.id(input), self.seq_no(input), self.body(input));
                let length = i32::try_from(body.len()).unwrap();
                writer.long(id).int(seq_no).int(length).raw(&body)
            })
            .finish()
    }

    fn seal(&mut self, msg_id: i64, seq_no: i32, body: &[u8]) -> BytesMut {
        let header = Header {
            salt: SALT,
            session_id: self.session,
            msg_id,
            seq_no,
        };
        self.packet = seal(&key(), self.sender, header, body, &self.dice);
        BytesMut::from(&self.packet[..])
    }

    /// The next packet by the input's word; `None` if it does not ask for one.
    fn packet(&mut self, op: u8, input: &mut Input<'_>) -> Option<BytesMut> {
        match op {
            0..=3 => {
                let (id, seq_no, body) = (self.id(input), self.seq_no(input), self.body(input));
                Some(self.seal(id, seq_no, &body))
            }
            4 | 5 => {
                let body = self.container(input);
                let (id, seq_no) = (self.id(input), self.seq_no(input));
                Some(self.seal(id, seq_no, &body))
            }
            6 => Some(BytesMut::from(&self.packet[..])),
            _ => None,
        }
    }

    fn later(&mut self, input: &mut Input<'_>) {
        let passed = Duration::from_millis(input.short().into()) * 10;
        self.now.unix += passed;
        self.now.mono += passed;
    }

    /// Opens what the side under test has said, checks its shape and learns its ids.
    fn listen(&mut self, packet: &[u8]) {
        let other = match self.sender {
            Sender::Client => Sender::Server,
            Sender::Server => Sender::Client,
        };
        let opened = open(&key(), other, BytesMut::from(packet)).unwrap();
        self.session = opened.header.session_id;
        self.hear(opened.header.msg_id, other);
        let mut reader = Reader::new(&opened.body);
        if reader.expect(CONTAINER) == Ok(()) {
            let count = reader.id().unwrap();
            assert!(count <= 1020, "{count} messages in a container");
            assert!(count == 1 || opened.body.len() <= (1 << 15) + 8);
            for _ in 0..count {
                self.hear(reader.long().unwrap(), other);
                reader.int().unwrap();
                let length = reader.id().unwrap();
                reader.take(usize::try_from(length).unwrap()).unwrap();
            }
            assert!(reader.rest().is_empty());
        }
    }

    fn hear(&mut self, msg_id: i64, other: Sender) {
        match other {
            Sender::Client => assert_eq!(msg_id & 3, 0),
            Sender::Server => assert_eq!(msg_id & 1, 1),
        }
        self.heard.push(msg_id);
    }
}

/// A client at the mercy of a server that has the key.
pub struct Client {
    session: ClientSession,
    forger: Forger,
    calls: HashMap<CallId, bool>,
    forgotten: HashSet<CallId>,
}

impl Default for Client {
    fn default() -> Self {
        let mut session = ClientSession::new(key(), SALT, SESSION, 0, beginning());
        session.set_preamble(Bytes::from_static(&[9; 8]));
        Self {
            session,
            forger: Forger::new(Sender::Server),
            calls: HashMap::new(),
            forgotten: HashSet::new(),
        }
    }
}

impl Client {
    /// The moment that it is at.
    pub const fn now(&self) -> Now {
        self.forger.now
    }

    /// Does what the next bytes say; gives back what it had to say.
    pub fn step(&mut self, input: &mut Input<'_>) -> Vec<Vec<u8>> {
        let op = input.byte() % 16;
        let now = self.forger.now;
        match op {
            7 => self.forger.later(input),
            8 | 9 => {
                let body = Writer::boxed(0x1234_5678, 8)
                    .id(input.byte().into())
                    .finish();
                self.calls
                    .insert(self.session.call(body.into(), now), false);
            }
            10 => self
                .session
                .ping(now, (input.byte() & 1 == 0).then_some(75)),
            11 => match input.byte() % 4 {
                0 => self.session.add_salts(&[FutureSalt {
                    valid_since: i32::from_le_bytes(input.array()),
                    valid_until: i32::MAX,
                    salt: 78,
                }]),
                1 => self.session.destroy_session(i64::from(input.byte())),
                2 => self.session.destroy_auth_key(),
                _ => self.session.repeat_preamble(),
            },
            12 => self.session.reconnected(now),
            13 => {
                let mut ids: Vec<_> = self.calls.keys().copied().collect();
                ids.sort_unstable();
                if let Some(call) = input.pick(&ids) {
                    self.session.forget(*call);
                    self.forgotten.insert(*call);
                }
            }
            14 => self.session.reset_session(i64::from(input.byte()) + 1),
            // Says nothing yet.
            15 => return Vec::new(),
            op => {
                if let Some(packet) = self.forger.packet(op, input) {
                    let _ = self.session.receive(packet, now);
                }
            }
        }
        self.listen();
        let mut packets = Vec::new();
        while let Some(packet) = self.session.poll_packet(now, &self.forger.dice) {
            self.forger.listen(&packet);
            packets.push(packet);
            assert!(packets.len() < PACKETS, "a client that does not stop");
        }
        self.listen();
        packets
    }

    /// A call ends once, and is in flight until then.
    fn listen(&mut self) {
        while let Some(event) = self.session.next_event() {
            let ended = match event {
                ClientEvent::Answer { call, .. }
                | ClientEvent::Refused { call, .. }
                | ClientEvent::Unsure { call } => call,
                _ => continue,
            };
            assert!(!self.forgotten.contains(&ended), "forgotten");
            assert_eq!(self.calls.insert(ended, true), Some(false), "ended twice");
        }
        let open = |(call, ended): &(&CallId, &bool)| !**ended && !self.forgotten.contains(*call);
        let open = self.calls.iter().filter(open).count();
        assert_eq!(self.session.in_flight(), open);
    }
}

/// Messages of a server at a client, sealed with its key; see [`Client::step`] for the bytes.
pub fn client_session(data: &[u8]) {
    let mut input = Input::new(data);
    let mut client = Client::default();
    for _ in 0..STEPS {
        if input.is_empty() {
            return;
        }
        client.step(&mut input);
    }
}

/// A server at the mercy of a client that has the key.
pub struct Server {
    session: ServerSession,
    salts: ServerSalts,
    forger: Forger,
    calls: Vec<i64>,
}

impl Default for Server {
    fn default() -> Self {
        let forger = Forger::new(Sender::Client);
        let now = beginning();
        Self {
            session: ServerSession::new(key(), SESSION, now, &forger.dice),
            salts: ServerSalts::new(SALT, now),
            forger,
            calls: Vec::new(),
        }
    }
}

impl Server {
    /// The moment that it is at.
    pub const fn now(&self) -> Now {
        self.forger.now
    }

    /// Does what the next bytes say; gives back what it had to say.
    pub fn step(&mut self, input: &mut Input<'_>) -> Vec<Vec<u8>> {
        let op = input.byte() % 14;
        let now = self.forger.now;
        match op {
            7 => self.forger.later(input),
            8 | 9 => {
                let result = if input.byte() & 1 == 0 {
                    Ok(Bytes::from_static(&[7; 64]))
                } else {
                    Err(RpcError {
                        code: 420,
                        message: "FLOOD_WAIT_3".into(),
                    })
                };
                if let Some(call) = input.pick(&self.calls) {
                    self.session.answer(*call, result, now);
                }
            }
            10 => self.session.push(Bytes::from_static(&[5; 16]), now),
            11 => self.session.reattached(now),
            12 => match input.byte() % 3 {
                0 => self
                    .session
                    .session_destroyed(input.byte().into(), true, now),
                1 => self.session.auth_key_destroyed(None, now),
                _ => self.session.compress_above(Some(input.byte().into())),
            },
            // Says nothing yet.
            13 => return Vec::new(),
            op => {
                if let Some(packet) = self.forger.packet(op, input) {
                    self.receive(packet);
                }
            }
        }
        self.listen();
        let mut packets = Vec::new();
        let salts = &mut self.salts;
        while let Some(packet) = self.session.poll_packet(salts, now, &self.forger.dice) {
            self.forger.listen(&packet);
            packets.push(packet);
            assert!(packets.len() < PACKETS, "a server that does not stop");
        }
        packets
    }

    fn receive(&mut self, packet: BytesMut) {
        if packet.is_empty() {
            return;
        }
        let opened = open(&key(), Sender::Client, packet).unwrap();
        let now = self.forger.now;
        let _ = self
            .session
            .receive(opened, &mut self.salts, now, &self.forger.dice);
    }

    /// A call is given out once.
    fn listen(&mut self) {
        while let Some(event) = self.session.next_event() {
            if let ServerEvent::Call { msg_id, .. } = event {
                assert!(!self.calls.contains(&msg_id), "given out twice");
                self.calls.push(msg_id);
            }
        }
    }
}

/// Messages of a client at a server, sealed with its key; see [`Server::step`] for the bytes.
pub fn server_session(data: &[u8]) {
    let mut input = Input::new(data);
    let mut server = Server::default();
    for _ in 0..STEPS {
        if input.is_empty() {
            return;
        }
        server.step(&mut input);
    }
}
