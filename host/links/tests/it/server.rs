//! One data center: two ports, any number of keys and sessions, answers by script.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use serde_json::json;
use sluice_mtproto::exchange::{ServerExchange, ServerStep};
use sluice_mtproto::rsa::PrivateKey;
use sluice_mtproto::session::{RpcError, ServerEvent, ServerSalts, ServerSession};
use sluice_mtproto::transport::{Frame, Framing};
use sluice_mtproto::{AuthKey, Now, Sender, open, packet_key_id};
use sluice_tl::Schema;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::world::Dice;

pub const PRIVATE_PEM: &str = include_str!("../../../../tests/datacenter/keys/private.pem");

/// What the server does with a method.
#[derive(Clone)]
pub enum Answer {
    /// `boolTrue`.
    True,
    /// An rpc_error.
    Error(i32, &'static str),
    /// `boolTrue`, later.
    After(Duration),
    /// Nothing.
    Silence,
    /// Cut the connection instead of answering.
    Cut,
    /// Send the answer in pieces of so many bytes, with so long between them.
    Trickle(usize, Duration),
}

/// One call, as the server saw it.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub connection: usize,
    pub session: i64,
    pub media: bool,
    pub init: bool,
    pub quiet: bool,
}

#[derive(Default)]
pub struct State {
    keys: HashMap<u64, (AuthKey, ServerSalts)>,
    sessions: HashMap<(u64, i64), ServerSession>,
    /// Where a session is attached: updates and late answers go there.
    attached: HashMap<(u64, i64), (usize, Arc<Notify>)>,
    authorized: HashSet<u64>,
    script: HashMap<String, Vec<Answer>>,
    pub seen: Vec<Seen>,
    pub connections: Vec<(Instant, bool)>,
    open: HashSet<usize>,
    /// Accept, read, never answer.
    pub mute: bool,
    /// Close at once.
    pub refuse: bool,
    /// Answer every packet with this transport error.
    pub transport_error: Option<i32>,
    pub exchanges: usize,
    /// Calls that wait for a late answer, and the most there were at once.
    pub running: (usize, usize),
    /// Sessions that clients had destroyed.
    pub destroyed: Vec<i64>,
    /// How everything is sent from now on.
    pub trickle: Option<(usize, Duration)>,
    /// Messages answered with `bad_msg_notification` or `bad_server_salt`.
    pub refused: usize,
}

/// The server. Ends with the test's runtime.
#[derive(Clone)]
pub struct Server {
    pub dc: i32,
    pub address: SocketAddr,
    pub media_address: SocketAddr,
    pub state: Arc<Mutex<State>>,
    pub changed: Arc<Notify>,
    cut: Arc<Notify>,
    epoch: Instant,
    start: Duration,
    dice: Arc<Dice>,
}

impl Server {
    pub async fn start(dc: i32, unix: Duration, epoch: Instant) -> Self {
        let main = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let media = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            dc,
            address: main.local_addr().unwrap(),
            media_address: media.local_addr().unwrap(),
            state: Arc::default(),
            changed: Arc::default(),
            cut: Arc::default(),
            epoch,
            start: unix,
            dice: Arc::new(Dice::new(u64::try_from(dc).unwrap())),
        };
        for (listener, media) in [(main, false), (media, true)] {
            let server = server.clone();
            tokio::spawn(async move {
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    tokio::spawn(server.clone().serve(stream, media));
                }
            });
        }
        server
    }

    fn now(&self) -> Now {
        Now {
            unix: self.start + self.epoch.elapsed(),
            mono: self.epoch.elapsed(),
        }
    }

    /// The next calls of a method are answered so, one after the other; the last one stays.
    pub fn script(&self, method: &str, answers: &[Answer]) {
        let mut state = self.state.lock().unwrap();
        state.script.insert(method.to_owned(), answers.to_vec());
    }

    /// Cuts every connection.
    pub fn cut(&self) {
        self.cut.notify_waiters();
    }

    pub fn seen(&self, method: &str) -> Vec<Seen> {
        let state = self.state.lock().unwrap();
        let of = |seen: &&Seen| seen.method == method;
        state.seen.iter().filter(of).cloned().collect()
    }

    /// Waits until so many calls of a method were seen.
    pub async fn saw(&self, method: &str, times: usize) -> Vec<Seen> {
        loop {
            let changed = self.changed.notified();
            let seen = self.seen(method);
            if seen.len() >= times {
                return seen;
            }
            changed.await;
        }
    }

    pub fn connections(&self) -> usize {
        self.state.lock().unwrap().connections.len()
    }

    pub fn open_connections(&self) -> usize {
        self.state.lock().unwrap().open.len()
    }

    pub fn forget_keys(&self) {
        let mut state = self.state.lock().unwrap();
        state.keys.clear();
        state.sessions.clear();
        drop(state);
        self.cut();
    }

    /// The sessions are gone, as after a restart of the server; the keys stay.
    pub fn forget_sessions(&self) {
        self.state.lock().unwrap().sessions.clear();
        self.cut();
    }

    pub fn authorize_all(&self) {
        let mut state = self.state.lock().unwrap();
        state.authorized = state.keys.keys().copied().collect();
    }

    /// Another salt from now on.
    pub fn replace_salts(&self) {
        let now = self.now();
        for (_, salts) in self.state.lock().unwrap().keys.values_mut() {
            salts.replace(now, &*self.dice);
        }
    }

    pub fn salt(&self) -> i64 {
        let now = self.now();
        let mut state = self.state.lock().unwrap();
        state
            .keys
            .values_mut()
            .next()
            .unwrap()
            .1
            .current(now, &*self.dice)
    }

    /// Pushes an update into every session.
    pub fn push(&self, body: &Bytes) {
        let now = self.now();
        let mut state = self.state.lock().unwrap();
        for session in state.sessions.values_mut() {
            session.push(body.clone(), now);
        }
        for (_, notify) in state.attached.values() {
            notify.notify_one();
        }
    }

    async fn serve(self, mut stream: TcpStream, media: bool) {
        // Real time does not pass for Nagle's algorithm while tokio's is paused.
        stream.set_nodelay(true).unwrap();
        let connection = {
            let mut state = self.state.lock().unwrap();
            state.connections.push((Instant::now(), media));
            let connection = state.connections.len();
            state.open.insert(connection);
            connection
        };
        self.changed.notify_waiters();
        self.converse(&mut stream, media, connection).await;
        drop(stream);
        self.state.lock().unwrap().open.remove(&connection);
        self.changed.notify_waiters();
    }

    async fn converse(&self, stream: &mut TcpStream, media: bool, connection: usize) {
        let cut = self.cut.clone();
        let cut = cut.notified();
        tokio::pin!(cut);
        let mut incoming = BytesMut::new();
        let mut outgoing = BytesMut::new();
        let mut framing: Option<Framing> = None;
        let mut exchange = ServerExchange::new([PrivateKey::from_pem(PRIVATE_PEM).unwrap()].into());
        let wake = Arc::new(Notify::new());
        let mut here = HashSet::new();
        loop {
            if self.state.lock().unwrap().refuse {
                return;
            }
            tokio::select! {
                read = stream.read_buf(&mut incoming) => if read.unwrap_or(0) == 0 { return },
                () = wake.notified() => {}
                () = &mut cut => return,
            }
            if framing.is_none() {
                framing = Framing::detect(&mut incoming).unwrap();
            }
            let Some(framing) = &mut framing else {
                continue;
            };
            while let Some(frame) = framing.decode(&mut incoming).unwrap() {
                let Frame::Packet(packet) = frame else {
                    continue;
                };
                let (mute, error) = {
                    let state = self.state.lock().unwrap();
                    (state.mute, state.transport_error)
                };
                if mute {
                    continue;
                }
                if let Some(code) = error {
                    framing.encode_error(code, &mut outgoing);
                    continue;
                }
                match packet_key_id(&packet) {
                    Some(0) => self.exchange(&mut exchange, &packet, framing, &mut outgoing),
                    Some(id) if self.state.lock().unwrap().keys.contains_key(&id) => {
                        let session = self.receive(id, packet, connection, media, &wake);
                        if session.is_none() {
                            return;
                        }
                        here.extend(session);
                    }
                    _ => framing.encode_error(404, &mut outgoing),
                }
            }
            let now = self.now();
            {
                let mut state = self.state.lock().unwrap();
                let State { keys, sessions, .. } = &mut *state;
                for at in &here {
                    let (Some(session), Some((_, salts))) =
                        (sessions.get_mut(at), keys.get_mut(&at.0))
                    else {
                        continue;
                    };
                    while let Some(packet) = session.poll_packet(salts, now, &*self.dice) {
                        framing.encode(&packet, &mut outgoing);
                    }
                }
            }
            let trickle = self.state.lock().unwrap().trickle;
            let (piece, pause) = trickle.unwrap_or((usize::MAX, Duration::ZERO));
            while !outgoing.is_empty() {
                let mut next = outgoing.split_to(piece.min(outgoing.len()));
                if stream.write_all_buf(&mut next).await.is_err() {
                    return;
                }
                if !pause.is_zero() {
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    fn exchange(
        &self,
        exchange: &mut ServerExchange,
        packet: &[u8],
        framing: &mut Framing,
        outgoing: &mut BytesMut,
    ) {
        let now = self.now();
        match exchange.receive(packet, now, &*self.dice).unwrap() {
            ServerStep::Send(packet) => framing.encode(&packet, outgoing),
            ServerStep::Done {
                send,
                auth_key,
                salt,
                ..
            } => {
                let mut state = self.state.lock().unwrap();
                state.exchanges += 1;
                let salts = ServerSalts::new(salt, now);
                state.keys.insert(auth_key.id(), (auth_key, salts));
                framing.encode(&send, outgoing);
            }
        }
    }

    /// Takes one packet; `None` when the connection is to be cut.
    fn receive(
        &self,
        key_id: u64,
        packet: BytesMut,
        connection: usize,
        media: bool,
        wake: &Arc<Notify>,
    ) -> Option<(u64, i64)> {
        let now = self.now();
        let mut state = self.state.lock().unwrap();
        let State {
            keys,
            sessions,
            attached,
            authorized,
            script,
            seen,
            refused,
            running,
            trickle,
            destroyed,
            ..
        } = &mut *state;
        let (key, salts) = keys.get_mut(&key_id).unwrap();
        let opened = open(key, Sender::Client, packet).unwrap();
        let at = (key_id, opened.header.session_id);
        let session = sessions
            .entry(at)
            .or_insert_with(|| ServerSession::new(key.clone(), at.1, now, &*self.dice));
        let before = attached.insert(at, (connection, Arc::clone(wake)));
        if before.is_some_and(|(before, _)| before != connection) {
            session.reattached(now);
        }
        session.receive(opened, salts, now, &*self.dice).unwrap();
        while let Some(event) = session.next_event() {
            let ServerEvent::Call { msg_id, body } = event else {
                if matches!(event, ServerEvent::Refused { .. }) {
                    *refused += 1;
                }
                if let ServerEvent::DestroySession { session_id } = event {
                    destroyed.push(session_id);
                    session.session_destroyed(session_id, true, now);
                }
                if event == ServerEvent::DestroyAuthKey {
                    seen.push(Seen {
                        method: "destroy_auth_key".to_owned(),
                        connection,
                        session: at.1,
                        media,
                        init: false,
                        quiet: false,
                    });
                    session.auth_key_destroyed(Some(true), now);
                }
                continue;
            };
            let (wrappers, query) = Schema::newest().unwrap_call(&body).unwrap();
            let (method, params) = Schema::newest().decode_call(query).unwrap();
            seen.push(Seen {
                method: method.name.to_owned(),
                connection,
                session: at.1,
                media,
                init: wrappers.init.is_some(),
                quiet: wrappers.without_updates,
            });
            let answer = script.get_mut(method.name).map_or(Answer::True, |answers| {
                if answers.len() > 1 {
                    answers.remove(0)
                } else {
                    answers[0].clone()
                }
            });
            let ok = match method.name {
                "auth.exportAuthorization" => {
                    assert_ne!(params["dc_id"], json!(self.dc));
                    boxed(
                        "auth.ExportedAuthorization",
                        &json!({"id": 7, "bytes": "AAAA"}),
                    )
                }
                "auth.importAuthorization" => {
                    assert_eq!(params["bytes"], json!("AAAA"));
                    authorized.insert(key_id);
                    let user = json!({"_": "userEmpty", "id": 7});
                    let value = json!({"_": "auth.authorization", "user": user});
                    boxed("auth.Authorization", &value)
                }
                _ => boxed("Bool", &json!(true)),
            };
            let needs_sign_in = method.name.starts_with("upload.");
            let result = match answer {
                _ if needs_sign_in && !authorized.contains(&key_id) => Err(RpcError {
                    code: 401,
                    message: "AUTH_KEY_UNREGISTERED".to_owned(),
                }),
                Answer::Silence => continue,
                Answer::Cut => return None,
                Answer::True => Ok(ok),
                Answer::Trickle(piece, pause) => {
                    *trickle = Some((piece, pause));
                    Ok(vec![0x5a; 8_192].into())
                }
                Answer::Error(code, message) => Err(RpcError {
                    code,
                    message: message.to_owned(),
                }),
                Answer::After(delay) => {
                    running.0 += 1;
                    running.1 = running.1.max(running.0);
                    let server = self.clone();
                    tokio::spawn(async move {
                        tokio::time::sleep(delay).await;
                        let now = server.now();
                        let mut state = server.state.lock().unwrap();
                        state.running.0 -= 1;
                        if let Some(session) = state.sessions.get_mut(&at) {
                            session.answer(msg_id, Ok(ok), now);
                        }
                        if let Some((_, wake)) = state.attached.get(&at) {
                            wake.notify_one();
                        }
                    });
                    continue;
                }
            };
            session.answer(msg_id, result, now);
        }
        drop(state);
        self.changed.notify_waiters();
        Some(at)
    }
}

fn boxed(ty: &str, value: &serde_json::Value) -> Bytes {
    Schema::newest().encode_boxed(ty, value).unwrap().into()
}
