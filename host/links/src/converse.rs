use std::time::Duration;

use bytes::Bytes;
use sluice_mtproto::session::{CallId, ClientEvent, ClientSession, RpcError};
use tokio::time::{Instant, sleep_until, timeout};

use crate::gate::jitter;
use crate::link::{Broken, End, Link};
use crate::queue::{Call, Cleaned, Command};
use crate::wire::Wire;
use crate::{CallError, PoolEvent};

/// How often a call is sent again because the server wants `initConnection` first.
const INITS: u8 = 2;
/// Calls that wait are looked at this often: whether they are late, whether they are wanted.
const LOOK: Duration = Duration::from_secs(1);
/// A deadline for an answer is counted from the last bytes that moved, but ends at this many times
/// its length: what trickles for minutes and never answers is no connection.
const STRETCH: u32 = 30;
/// The shortest pause between two rounds that nothing but the session's timer causes.
const BREATH: Duration = Duration::from_millis(5);
/// How long a link that is closed may write its last acknowledgements.
const FAREWELL: Duration = Duration::from_millis(300);

/// The timers of one connection.
struct Pulse {
    opened: Instant,
    answered: Option<Instant>,
    heard: Instant,
    /// When bytes last moved, whole packets or not.
    moved: Instant,
    looked: Instant,
    pinged: Option<Instant>,
    last_ping: Instant,
    quiet: Duration,
    used: Instant,
    inits: u8,
}

impl Pulse {
    /// When an answer to what was asked at `since` is overdue. A long answer before it on a slow
    /// line is a sign of life as long as it comes.
    fn expected(&self, since: Instant, within: Duration) -> Instant {
        let latest = since + within * STRETCH;
        (self.moved.max(since) + within).min(latest)
    }
}

impl Link {
    /// One connection, from its first encrypted byte to its end. The socket is closed on return.
    pub(crate) async fn converse(&mut self, mut wire: Wire) -> End {
        let now = Instant::now();
        let mut pulse = Pulse {
            opened: now,
            answered: None,
            heard: now,
            moved: now,
            looked: now,
            pinged: None,
            last_ping: now,
            quiet: jitter(self.shared.limits.ping, &*self.shared.random),
            used: now,
            inits: 0,
        };
        if self.line.main && self.greet {
            self.greet(&mut pulse);
        }
        if self.destroying.is_some()
            && let Some(session) = &mut self.session
        {
            session.destroy_auth_key();
        }
        self.ping(&mut pulse);
        let end = loop {
            if let Err(end) = self.round(&mut wire, &mut pulse).await {
                break end;
            }
        };
        match end {
            End::Broken(mut broken) => {
                broken.stood = pulse.answered.map(|at| at.elapsed());
                End::Broken(broken)
            }
            End::Closed | End::Idle(_) | End::Recycled(..) => {
                self.pack(&mut wire);
                // Whether the last acknowledgements arrive is not worth more than this.
                let _ = timeout(FAREWELL, wire.finish()).await;
                end
            }
        }
    }

    async fn round(&mut self, wire: &mut Wire, pulse: &mut Pulse) -> Result<(), End> {
        while let Some(command) = self.line.inbox.command() {
            self.obey(command, pulse)?;
        }
        self.take_calls(pulse);
        self.check(pulse)?;
        self.pack(wire);
        // Before this no event may be left, or it would wait for the next packet.
        self.hear_events(pulse);
        let wake = self.wake(pulse);
        tokio::select! {
            turned = wire.turn() => {
                turned.map_err(|error| End::Broken((&error).into()))?;
                pulse.moved = wire.moved();
                loop {
                    match wire.packet() {
                        Ok(Some(packet)) => self.receive(packet, pulse)?,
                        Ok(None) => break,
                        Err(error) => return Err(End::Broken((&error).into())),
                    }
                }
            }
            () = self.line.inbox.woken() => {}
            () = sleep_until(wake) => {}
            () = self.line.cancel.cancelled() => return Err(End::Closed),
        }
        Ok(())
    }

    fn obey(&mut self, command: Command, pulse: &mut Pulse) -> Result<(), End> {
        match command {
            Command::Retry => {}
            Command::Probe(reply) => {
                self.probes.push(reply);
                self.ping(pulse);
            }
            Command::Destroy(reply) => {
                self.destroying = Some(reply);
                if let Some(session) = &mut self.session {
                    session.destroy_auth_key();
                }
            }
            Command::Cleanup { force, done } => {
                let id = self.line.board.id();
                let wanted = self.wanted();
                if wanted > 0 && !force {
                    let _ = done.send(Cleaned::Kept);
                } else if self.line.main || wanted > 0 || !self.shared.retire(&self.line) {
                    return Err(End::Recycled(done, id));
                } else {
                    return Err(End::Idle(Some((done, id))));
                }
            }
        }
        Ok(())
    }

    /// Takes calls from the queue into the session, as many as may be without an answer. Not before
    /// Telegram has answered on this connection: what dies earlier was certainly never sent.
    fn take_calls(&mut self, pulse: &mut Pulse) {
        while pulse.answered.is_some() && self.calls.len() < self.shared.limits.in_flight {
            let Some(call) = self.line.inbox.call() else {
                break;
            };
            pulse.used = Instant::now();
            self.line.board.used(self.shared.clock.now());
            self.begin(call);
        }
        self.line.board.in_flight(self.calls.len());
    }

    fn begin(&mut self, mut call: Call) {
        let Some(session) = &mut self.session else {
            self.line.inbox.push_front(call);
            return;
        };
        let body = if self.line.main {
            call.body.clone()
        } else {
            self.shared.wrapping.quiet(&call.body)
        };
        call.at = Instant::now();
        let id = session.call(body, self.shared.now());
        self.unsent.push(id);
        self.calls.insert(id, call);
    }

    /// Moves what the session has to say to the socket.
    fn pack(&mut self, wire: &mut Wire) {
        let now = self.shared.now();
        let Some(session) = &mut self.session else {
            return;
        };
        while wire.roomy() {
            let Some(packet) = session.poll_packet(now, &*self.shared.random) else {
                break;
            };
            wire.send(&packet);
        }
        let id = session.session_id();
        if self.kept_session.replace(id) != Some(id) && !self.line.seat.is_media() {
            self.shared.keys.used_by(self.line.seat.dc, id);
        }
        let calls = &self.calls;
        self.unsent.retain(|id| match calls.get(id) {
            Some(call) if session.was_sent(*id) => {
                call.sent.mark();
                false
            }
            Some(_) => true,
            None => false,
        });
    }

    fn receive(&mut self, packet: bytes::BytesMut, pulse: &mut Pulse) -> Result<(), End> {
        let now = self.shared.now();
        let Some(session) = &mut self.session else {
            return Ok(());
        };
        if let Err(violation) = session.receive(packet, now) {
            self.line
                .board
                .count("sluice_link_violations_total", "kind", violation.name());
            if violation.needs_new_session() {
                session.reset_session(self.shared.random.u64().cast_signed());
            }
            // What ends with it need not wait for the next connection.
            self.hear_events(pulse);
            return Err(End::Broken(Broken::new("violation", violation.to_string())));
        }
        pulse.heard = Instant::now();
        if pulse.answered.is_none() {
            pulse.answered = Some(pulse.heard);
            self.stands();
        }
        self.hear_events(pulse);
        Ok(())
    }

    fn hear_events(&mut self, pulse: &mut Pulse) {
        while let Some(event) = self.session.as_mut().and_then(ClientSession::next_event) {
            self.hear(event, pulse);
        }
    }

    fn hear(&mut self, event: ClientEvent, pulse: &mut Pulse) {
        match event {
            ClientEvent::Answer { call, result } if self.greeting == Some(call) => {
                self.greeting = None;
                match result {
                    Ok(config) => self.shared.addresses.learn(&config),
                    Err(error) => self.greeting_failed(error, pulse),
                }
            }
            ClientEvent::Answer { call, result } => self.answer(call, result, pulse),
            ClientEvent::Refused { call, code } => {
                if self.greeting == Some(call) {
                    self.greeting = None;
                } else if let Some(call) = self.calls.remove(&call) {
                    self.line.board.lost_call("refused");
                    call.end(Err(CallError::NeverSent {
                        reason: format!("telegram refused the message ({code})"),
                    }));
                }
            }
            ClientEvent::Unsure { call } => {
                if self.greeting == Some(call) {
                    self.greet(pulse);
                } else if let Some(call) = self.calls.remove(&call) {
                    self.line.board.lost_call("unsure");
                    call.fail("telegram cannot say whether the call arrived");
                }
            }
            ClientEvent::Update(body) => {
                if self.line.main {
                    self.shared.outbox.push(PoolEvent::Update(body));
                }
            }
            ClientEvent::Pong { rtt } => {
                pulse.pinged = None;
                self.line.board.pong(rtt);
                for probe in self.probes.drain(..) {
                    // Who asked may have gone.
                    let _ = probe.send(rtt);
                }
            }
            ClientEvent::NewSession { .. } | ClientEvent::SessionReset => {
                self.session_is_new(pulse);
            }
            ClientEvent::SaltChanged { salt } => self.learn(Some(salt), None),
            ClientEvent::TimeCorrected { offset } => self.learn(None, Some(offset)),
            ClientEvent::AuthKeyDestroyed { gone } => {
                if let Some(destroying) = self.destroying.take() {
                    let _ = destroying.send(gone);
                }
            }
            ClientEvent::Salts(_) | ClientEvent::SessionDestroyed { .. } => {}
        }
    }

    fn learn(&self, salt: Option<i64>, time_offset: Option<i32>) {
        self.shared.keys.learn(self.line.seat.dc, salt, time_offset);
    }

    fn answer(&mut self, id: CallId, result: Result<Bytes, RpcError>, pulse: &Pulse) {
        let Some(mut call) = self.calls.remove(&id) else {
            return;
        };
        // Of a call that was made over an earlier connection the time says nothing.
        let took = (call.at >= pulse.opened).then(|| call.at.elapsed());
        match result {
            Err(error) if wants_init(&error) && call.inits < INITS => {
                call.inits += 1;
                if let Some(session) = &mut self.session {
                    session.repeat_preamble();
                }
                self.begin(call);
            }
            Err(RpcError { code, message }) => {
                self.line.board.answered_call("error", took);
                call.end(Err(CallError::Rpc { code, message }));
            }
            Ok(body) => {
                self.line.board.answered_call("ok", took);
                call.end(Ok(body));
            }
        }
    }

    /// Asks for the server's configuration, so that the session is initialised and updates come.
    fn greet(&mut self, pulse: &mut Pulse) {
        self.greeting = None;
        self.greet = false;
        if let Some(session) = &mut self.session
            && pulse.inits <= INITS
        {
            pulse.inits += 1;
            self.greeting = Some(session.call(self.shared.wrapping.greeting(), self.shared.now()));
        }
    }

    fn greeting_failed(&mut self, error: RpcError, pulse: &mut Pulse) {
        if wants_init(&error) && pulse.inits <= INITS {
            if let Some(session) = &mut self.session {
                session.repeat_preamble();
            }
            self.greet(pulse);
            return;
        }
        self.shared.outbox.push(PoolEvent::Refused {
            code: error.code,
            message: error.message,
        });
    }

    /// The server has begun the session anew, or we have: it does not know who we are.
    fn session_is_new(&mut self, pulse: &mut Pulse) {
        if let Some(session) = &mut self.session {
            self.line.board.session(session.session_id());
            session.repeat_preamble();
        }
        if self.line.main {
            if self.greeting.is_none() {
                self.greet(pulse);
            }
            self.shared.outbox.push(PoolEvent::NewSession);
        }
    }

    fn ping(&mut self, pulse: &mut Pulse) {
        let Some(session) = &mut self.session else {
            return;
        };
        // The server closes what it has not heard of for so long: half-open sockets among them.
        let delay = self.shared.limits.ping * 2 + self.shared.limits.pong;
        let delay = i32::try_from(delay.as_secs()).unwrap_or(i32::MAX);
        session.ping(self.shared.now(), Some(delay));
        let now = Instant::now();
        pulse.pinged.get_or_insert(now);
        pulse.last_ping = now;
        pulse.quiet = jitter(self.shared.limits.ping, &*self.shared.random);
    }

    /// Deadlines that passed.
    fn check(&mut self, pulse: &mut Pulse) -> Result<(), End> {
        let limits = &self.shared.limits;
        let now = Instant::now();
        if pulse.answered.is_none() && now >= pulse.expected(pulse.opened, limits.first_answer) {
            return Err(End::Broken(Broken::new(
                "first_answer",
                "no answer after connecting",
            )));
        }
        if pulse
            .pinged
            .is_some_and(|at| now >= pulse.expected(at, limits.pong))
        {
            return Err(End::Broken(Broken::new("pong", "no answer to a ping")));
        }
        if !self.line.main
            && now >= pulse.used + limits.idle
            && self.wanted() == 0
            && self.shared.retire(&self.line)
        {
            return Err(End::Idle(None));
        }
        let (late, in_flight) = (limits.late, limits.in_flight);
        let mut silent = false;
        if now >= pulse.looked + LOOK || self.calls.len() >= in_flight {
            pulse.looked = now;
            self.drop_unwanted();
            let oldest = self.calls.values().map(|call| call.at).min();
            silent = oldest.is_some_and(|at| now >= at + late && now >= pulse.last_ping + late);
        }
        if pulse.pinged.is_none() && (silent || now >= pulse.heard + pulse.quiet) {
            self.ping(pulse);
        }
        Ok(())
    }

    /// Calls whose callers gave up.
    fn drop_unwanted(&mut self) {
        let Some(session) = &mut self.session else {
            return;
        };
        let board = &self.line.board;
        self.calls.retain(|id, call| {
            let wanted = !call.reply.is_closed();
            if !wanted {
                session.forget(*id);
                board.lost_call("deadline");
            }
            wanted
        });
    }

    /// When something is to be done even if nothing happens.
    fn wake(&self, pulse: &Pulse) -> Instant {
        let limits = &self.shared.limits;
        let now = Instant::now();
        let mut wake = match pulse.pinged {
            Some(at) => pulse.expected(at, limits.pong),
            None => pulse.heard + pulse.quiet,
        };
        if !self.calls.is_empty() {
            wake = wake.min(now + LOOK);
        }
        if pulse.answered.is_none() {
            wake = wake.min(pulse.expected(pulse.opened, limits.first_answer));
        }
        if !self.line.main {
            wake = wake.min((pulse.used + limits.idle).max(now + LOOK));
        }
        if let Some(session) = self.session.as_ref().and_then(ClientSession::deadline) {
            wake = wake.min((self.shared.epoch + session).max(now + BREATH));
        }
        wake
    }
}

fn wants_init(error: &RpcError) -> bool {
    matches!(
        error.message.as_str(),
        "CONNECTION_NOT_INITED" | "CONNECTION_LAYER_INVALID"
    )
}
