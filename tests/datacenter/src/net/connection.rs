//! One connection: frames in, frames out. One task, one read buffer, nothing that grows.

use std::{io, sync::Arc, time::Duration};

use bytes::BytesMut;
use sluice_mtproto::{
    Opened, Sender, Violation,
    exchange::{ExchangeError, ServerExchange, ServerStep},
    packet_key_id,
    session::ServerEvent,
    transport::{Frame, Framing, FramingError},
};
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    time::{Instant, sleep, sleep_until, timeout},
};

use super::{
    Hub,
    bend::{Bend, forge},
    link::Link,
    peek,
    session::{KeyCell, Session},
};
use crate::rules::{Action, Stage};

/// A client that has sent nothing for so long is gone; one that pings keeps its connection.
const SILENCE: Duration = Duration::from_mins(10);
/// A client that does not read for so long is gone.
const STUCK: Duration = Duration::from_secs(30);
/// How much is read at once.
const READ: usize = 8 * 1024;
/// How long the end of an overtaken connection may take to arrive.
const FAREWELL: Duration = Duration::from_millis(200);

/// How long a packet that a rule holds back waits for another that overtakes it.
const HELD: Duration = Duration::from_millis(500);

/// Why a connection was closed.
#[derive(Debug, thiserror::Error)]
enum Closed {
    #[error("the client closed it")]
    ByClient,
    #[error("cut by a rule, by the control api or because the data center stops")]
    Cut,
    #[error("nothing came for too long")]
    Silence,
    #[error("the client asked to be disconnected after such a silence")]
    PingDelay,
    #[error("transport error {0}")]
    TransportError(i32),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Framing(#[from] FramingError),
    #[error(transparent)]
    Violation(#[from] Violation),
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
}

/// Serves a connection until it ends.
pub(super) async fn serve(hub: Arc<Hub>, stream: TcpStream, link: Arc<Link>) {
    let cut = link.cut.clone();
    match hub.decide(Stage::Connection, &link, None, &[]) {
        Some(Action::Reset) => {
            // Only a socket that is gone already refuses.
            let _ = stream.set_zero_linger();
            return;
        }
        Some(Action::Mum) => {
            let _ = timeout(SILENCE, cut.cancelled()).await;
            return;
        }
        _ => {}
    }
    let mut connection = Connection {
        hub,
        stream,
        link,
        framing: None,
        exchange: None,
        sessions: Vec::new(),
        disconnect_at: None,
        doomed: None,
        frozen: false,
        held: None,
    };
    let reason = tokio::select! {
        biased;
        () = cut.cancelled() => Closed::Cut,
        Err(reason) = connection.run() => reason,
    };
    connection.leave();
    tracing::debug!(link = connection.link.id, dc = connection.link.dc, %reason, "connection closed");
}

struct Connection {
    hub: Arc<Hub>,
    stream: TcpStream,
    link: Arc<Link>,
    framing: Option<Framing>,
    exchange: Option<ServerExchange>,
    /// Sessions seen here. Those that went on to another connection leave at the next flush.
    sessions: Vec<Arc<Session>>,
    /// Set by `ping_delay_disconnect`.
    disconnect_at: Option<Instant>,
    /// A key to be forgotten once the client has been told so.
    doomed: Option<u64>,
    /// By a rule: nothing comes or goes any more.
    frozen: bool,
    /// By a rule: packets that wait to be overtaken, at most until then.
    held: Option<(Instant, Vec<Vec<u8>>)>,
}

impl Connection {
    async fn run(&mut self) -> Result<std::convert::Infallible, Closed> {
        self.stream.set_nodelay(true)?;
        let mut buffer = BytesMut::new();
        let mut silent_at = Instant::now() + SILENCE;
        loop {
            self.flush().await?;
            if self.frozen {
                sleep_until(silent_at).await;
                return Err(Closed::Silence);
            }
            let timer = self.next_timer();
            let link = Arc::clone(&self.link);
            tokio::select! {
                readable = self.stream.readable() => {
                    readable?;
                    // Room is made only when there is something to read: an idle connection holds
                    // no buffer.
                    buffer.reserve(READ);
                    match self.stream.try_read_buf(&mut buffer) {
                        Ok(0) => return Err(Closed::ByClient),
                        Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                            return Err(error.into());
                        }
                        _ => {}
                    }
                    silent_at = Instant::now() + SILENCE;
                    self.take_frames(&mut buffer).await?;
                    if buffer.is_empty() {
                        buffer = BytesMut::new();
                    }
                }
                () = link.wake.notified() => {}
                () = sleep_until(timer) => {}
                () = sleep_until(silent_at) => return Err(Closed::Silence),
            }
            if self.disconnect_at.is_some_and(|at| at <= Instant::now()) {
                return Err(Closed::PingDelay);
            }
        }
    }

    async fn take_frames(&mut self, buffer: &mut BytesMut) -> Result<(), Closed> {
        if self.framing.is_none() {
            let found = Framing::detect(buffer)?;
            self.framing = found.map(|framing| framing.seeded(&*self.hub.random));
        }
        while let Some(framing) = self.framing.as_mut().filter(|_| !self.frozen) {
            match framing.decode(buffer)? {
                Some(Frame::Packet(packet)) => {
                    self.take_packet(packet).await?;
                    if self.link.bend.lock().is_some() {
                        // The next packet's answers are not meant.
                        self.flush().await?;
                    }
                }
                Some(_) => {}
                None => break,
            }
        }
        Ok(())
    }

    async fn take_packet(&mut self, packet: BytesMut) -> Result<(), Closed> {
        match packet_key_id(&packet) {
            None => Err(Violation::TooShort.into()),
            Some(0) => self.exchange_step(packet).await,
            Some(id) => self.encrypted(id, packet).await,
        }
    }

    /// One step of a key exchange, whose arithmetic would hold up everybody else.
    async fn exchange_step(&mut self, packet: BytesMut) -> Result<(), Closed> {
        let hub = Arc::clone(&self.hub);
        let mut exchange = self
            .exchange
            .take()
            .unwrap_or_else(|| ServerExchange::new(Arc::clone(&hub.server_keys)));
        match hub.decide(Stage::Exchange, &self.link, None, &[]) {
            Some(Action::SlowExchange(ms)) => sleep(Duration::from_millis(ms)).await,
            Some(Action::Corrupt(corruption)) => exchange.corrupt(corruption),
            _ => {}
        }
        let work = move || {
            let step = exchange.receive(&packet, hub.now(), &*hub.random);
            (exchange, step)
        };
        let done = self.hub.tracker.spawn_blocking(work).await;
        let (exchange, step) = done.map_err(io::Error::other)?;
        match step? {
            ServerStep::Send(packet) => {
                self.exchange = Some(exchange);
                self.send(&[packet]).await
            }
            ServerStep::Done {
                send,
                auth_key,
                salt,
                ..
            } => {
                self.hub.add_key(auth_key, self.link.dc, salt);
                self.send(&[send]).await
            }
        }
    }

    async fn encrypted(&mut self, key: u64, packet: BytesMut) -> Result<(), Closed> {
        let Some(key) = self.hub.key(key, self.link.dc) else {
            return self.transport_error(404).await;
        };
        let opened = sluice_mtproto::open(&key.secret, Sender::Client, packet)?;
        match self.packet_rule(&key, &opened) {
            Some(Action::BadMsg(code)) => {
                self.refuse(&key, &opened, code);
                return Ok(());
            }
            Some(Action::TransportError(code)) => return self.transport_error(code).await,
            Some(Action::ForgetKey) => {
                self.hub.forget_key(key.id());
                return self.transport_error(404).await;
            }
            Some(Action::BlackHole) => {
                self.frozen = true;
                return Ok(());
            }
            _ => {}
        }
        let (now, hub) = (self.hub.now(), Arc::clone(&self.hub));
        let session = key.session(opened.header.session_id, now, &*hub.random);
        let (mut calls, mut destroyed) = (Vec::new(), Vec::new());
        {
            let mut salts = key.salts.lock();
            let mut state = session.state.lock();
            if state.attach(&self.link, now) {
                self.sessions.push(Arc::clone(&session));
            }
            state
                .protocol
                .receive(opened, &mut salts, now, &*hub.random)?;
            while let Some(event) = state.protocol.next_event() {
                match event {
                    ServerEvent::Call { msg_id, body } => calls.push((msg_id, body)),
                    ServerEvent::Ping { disconnect_delay } => {
                        let delay = disconnect_delay.and_then(|s| u64::try_from(s).ok());
                        self.disconnect_at = delay.map(|s| Instant::now() + Duration::from_secs(s));
                    }
                    ServerEvent::DestroySession { session_id } => {
                        destroyed.push(session_id);
                    }
                    ServerEvent::DestroyAuthKey => {
                        state.protocol.auth_key_destroyed(Some(true), now);
                        self.doomed = Some(key.id());
                    }
                    ServerEvent::Refused { msg_id, code } => {
                        tracing::debug!(link = self.link.id, msg_id, code, "message refused");
                    }
                    ServerEvent::NewSession { .. }
                    | ServerEvent::Acked(_)
                    | ServerEvent::DropAnswer { .. } => {}
                }
            }
        }
        for id in destroyed {
            let existed = id != session.id && key.destroy_session(id);
            let mut state = session.state.lock();
            state.protocol.session_destroyed(id, existed, now);
        }
        for (msg_id, body) in calls {
            let overtaken = !self.link.media && !key.claim_main(self.link.id, session.id);
            if overtaken && self.is_ending().await {
                // It was on its way when the client went over to a new connection.
                return Err(Closed::ByClient);
            }
            hub.call(&session, &self.link, msg_id, &body, overtaken);
        }
        Ok(())
    }

    async fn transport_error(&mut self, code: i32) -> Result<(), Closed> {
        let mut out = BytesMut::new();
        if let Some(framing) = &mut self.framing {
            framing.encode_error(code, &mut out);
        }
        self.stream.write_all(&out).await?;
        Err(Closed::TransportError(code))
    }

    /// What a rule says about a packet that its session has not seen yet.
    fn packet_rule(&self, key: &KeyCell, opened: &Opened) -> Option<Action> {
        if !self.hub.has_rules(Stage::Packet) {
            return None;
        }
        let account = self.hub.world.lock().signed_in(key.id());
        let methods = peek::methods(&opened.body);
        let account = account.map(|(_, user)| user);
        self.hub
            .decide(Stage::Packet, &self.link, account, &methods)
    }

    /// Refuses a packet by rule; 48 ends the key's salts.
    fn refuse(&mut self, key: &Arc<KeyCell>, opened: &Opened, code: i32) {
        let (now, rng) = (self.hub.now(), &*self.hub.random);
        let session = key.session(opened.header.session_id, now, rng);
        let mut salts = key.salts.lock();
        let mut state = session.state.lock();
        let salt = (code == 48).then(|| {
            salts.replace(now, rng);
            salts.current(now, rng)
        });
        state.protocol.reject(&opened.header, code, salt);
        if state.attach(&self.link, now) {
            self.sessions.push(Arc::clone(&session));
        }
    }

    /// Whether the client has closed this connection, or does so within a moment.
    async fn is_ending(&self) -> bool {
        let mut next = [0];
        matches!(
            timeout(FAREWELL, self.stream.peek(&mut next)).await,
            Ok(Ok(0) | Err(_))
        )
    }

    /// Sends what the sessions have ready.
    async fn flush(&mut self) -> Result<(), Closed> {
        if self.link.cut.is_cancelled() {
            return Err(Closed::Cut);
        }
        if self.frozen {
            return Ok(());
        }
        let bend = *self.link.bend.lock();
        let ready = self.ready(bend);
        if !ready.is_empty() {
            *self.link.bend.lock() = None;
        }
        match bend.filter(|_| !ready.is_empty()) {
            Some(Bend::Freeze) => {
                self.frozen = true;
                return Ok(());
            }
            Some(Bend::Cut(at)) => {
                let mut out = self.frames(&ready);
                out.truncate(at);
                self.write(&out).await?;
                return Err(Closed::Cut);
            }
            Some(Bend::Hold) => {
                let before = self.held.replace((Instant::now() + HELD, ready));
                self.send(&before.map(|(_, packets)| packets).unwrap_or_default())
                    .await?;
            }
            Some(Bend::Replay) => {
                self.send(&ready).await?;
                self.send(&ready).await?;
            }
            _ => {
                let sent = !ready.is_empty();
                self.send(&ready).await?;
                let due = |until: Instant| sent || until <= Instant::now();
                if let Some((_, packets)) = self.held.take_if(|(until, _)| due(*until)) {
                    self.send(&packets).await?;
                }
            }
        }
        if let Some(key) = self.doomed.take() {
            self.hub.forget_key(key);
        }
        Ok(())
    }

    /// The packets that the sessions have ready. Those that went on to another connection leave.
    fn ready(&mut self, bend: Option<Bend>) -> Vec<Vec<u8>> {
        let (now, rng) = (self.hub.now(), &*self.hub.random);
        let mut ready = Vec::new();
        self.sessions.retain(|session| {
            let packets = session.packets(self.link.id, now, rng);
            let here = packets.is_some();
            let packets = packets.unwrap_or_default();
            let repeat = bend == Some(Bend::Repeat) && !packets.is_empty();
            if let Some(Bend::Forge(forgery)) = bend {
                let forged = packets.into_iter();
                ready.extend(forged.map(|packet| forge(session, packet, forgery, rng)));
            } else {
                ready.extend(packets);
            }
            if repeat {
                session.repeat(now);
                let again = session.packets(self.link.id, now, rng);
                ready.extend(again.unwrap_or_default());
            }
            here
        });
        ready
    }

    fn frames(&mut self, packets: &[Vec<u8>]) -> BytesMut {
        let mut out = BytesMut::new();
        if let Some(framing) = &mut self.framing {
            for packet in packets {
                framing.encode(packet, &mut out);
            }
        }
        out
    }

    async fn send(&mut self, packets: &[Vec<u8>]) -> Result<(), Closed> {
        let out = self.frames(packets);
        self.write(&out).await
    }

    async fn write(&mut self, out: &[u8]) -> Result<(), Closed> {
        if out.is_empty() {
            return Ok(());
        }
        match timeout(STUCK, self.stream.write_all(out)).await {
            Ok(written) => Ok(written?),
            Err(_) => Err(Closed::Silence),
        }
    }

    /// When something is due although nothing comes.
    fn next_timer(&self) -> Instant {
        let now = self.hub.now().mono;
        let due = self
            .sessions
            .iter()
            .filter_map(|s| s.state.lock().protocol.deadline())
            .min()
            .map(|at| Instant::now() + at.saturating_sub(now));
        let far = Instant::now() + SILENCE;
        let held = self.held.as_ref().map(|(until, _)| *until);
        [due, self.disconnect_at, held]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(far)
    }

    /// The sessions are without a connection now.
    fn leave(&mut self) {
        for session in self.sessions.drain(..) {
            let mut state = session.state.lock();
            if state.link.as_ref().is_some_and(|l| l.id == self.link.id) {
                state.link = None;
            }
        }
    }
}
