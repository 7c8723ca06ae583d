//! One connection: frames in, frames out. One task, one read buffer, nothing that grows.

use std::{io, sync::Arc, time::Duration};

use bytes::BytesMut;
use sluice_mtproto::{
    Sender, Violation,
    exchange::{ExchangeError, ServerExchange, ServerStep},
    packet_key_id,
    session::ServerEvent,
    transport::{Frame, Framing, FramingError},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep_until, timeout},
};

use super::{Hub, link::Link, session::Session};

/// A client that has sent nothing for so long is gone; one that pings keeps its connection.
const SILENCE: Duration = Duration::from_mins(10);
/// A client that does not read for so long is gone.
const STUCK: Duration = Duration::from_secs(30);
/// How much is read at once.
const READ: usize = 8 * 1024;
/// How long the end of an overtaken connection may take to arrive.
const FAREWELL: Duration = Duration::from_millis(200);

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
    #[error("an unknown auth key")]
    UnknownKey,
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
    let mut connection = Connection {
        hub,
        stream,
        link,
        framing: None,
        exchange: None,
        sessions: Vec::new(),
        disconnect_at: None,
        doomed: None,
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
}

impl Connection {
    async fn run(&mut self) -> Result<std::convert::Infallible, Closed> {
        self.stream.set_nodelay(true)?;
        let mut buffer = BytesMut::new();
        let mut silent_at = Instant::now() + SILENCE;
        loop {
            self.flush().await?;
            let timer = self.next_timer();
            let link = Arc::clone(&self.link);
            buffer.reserve(READ);
            tokio::select! {
                read = self.stream.read_buf(&mut buffer) => {
                    if read? == 0 {
                        return Err(Closed::ByClient);
                    }
                    silent_at = Instant::now() + SILENCE;
                    self.take_frames(&mut buffer).await?;
                    if buffer.is_empty() {
                        // An idle connection holds no buffer.
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
            self.framing = Framing::detect(buffer)?;
        }
        while let Some(framing) = &mut self.framing {
            match framing.decode(buffer)? {
                Some(Frame::Packet(packet)) => self.take_packet(packet).await?,
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
            let mut out = BytesMut::new();
            if let Some(framing) = &mut self.framing {
                framing.encode_error(404, &mut out);
            }
            self.stream.write_all(&out).await?;
            return Err(Closed::UnknownKey);
        };
        let opened = sluice_mtproto::open(&key.secret, Sender::Client, packet)?;
        let (now, hub) = (self.hub.now(), Arc::clone(&self.hub));
        let session = key.session(opened.header.session_id, now, &*hub.random);
        let (mut calls, mut destroyed) = (Vec::new(), Vec::new());
        {
            let mut salts = key.salts.lock();
            let mut state = session.state.lock();
            if state.link.as_ref().is_none_or(|l| l.id != self.link.id) {
                state.link = Some(Arc::clone(&self.link));
                if std::mem::replace(&mut state.met, true) {
                    state.protocol.reattached(now);
                }
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
            let overtaken = !self.link.media && !key.claim_main(self.link.id);
            if overtaken && self.is_ending().await {
                // It was on its way when the client went over to a new connection.
                return Err(Closed::ByClient);
            }
            hub.call(&session, &self.link, msg_id, &body, overtaken);
        }
        Ok(())
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
        let now = self.hub.now();
        let mut ready = Vec::new();
        self.sessions.retain(|session| {
            let packets = session.packets(self.link.id, now, &*self.hub.random);
            let here = packets.is_some();
            ready.extend(packets.unwrap_or_default());
            here
        });
        self.send(&ready).await?;
        if let Some(key) = self.doomed.take() {
            self.hub.forget_key(key);
        }
        Ok(())
    }

    async fn send(&mut self, packets: &[Vec<u8>]) -> Result<(), Closed> {
        let Some(framing) = self.framing.as_mut().filter(|_| !packets.is_empty()) else {
            return Ok(());
        };
        let mut out = BytesMut::new();
        for packet in packets {
            framing.encode(packet, &mut out);
        }
        match timeout(STUCK, self.stream.write_all(&out)).await {
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
        [due, self.disconnect_at]
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
