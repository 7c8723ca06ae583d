use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, Label, counter, gauge, histogram};
use parking_lot::Mutex;
use sluice_domain::UnixMillis;
use tokio::time::Instant;

use crate::shared::Seat;
use crate::{LinkRole, LinkState, LinkStatus};

/// Bytes within this time make a link active.
const ACTIVE: Duration = Duration::from_secs(5);
/// Kinds of failure that are silence.
const SILENCE: [&str; 4] = [
    "connect_timeout",
    "handshake_timeout",
    "first_answer",
    "pong",
];
/// The outcome of a call that Telegram carried out.
const GOOD: &str = "ok";
/// The weight of a new round trip in the smoothed one.
const FRESH: f64 = 0.25;

/// What is measured of one link, for [`LinkStatus`] and for the metrics.
pub(crate) struct Board {
    name: String,
    dc: i32,
    role: LinkRole,
    measured: Mutex<Measured>,
    labels: Vec<Label>,
    bytes_in: Counter,
    bytes_out: Counter,
    connects: Counter,
    good_calls: Counter,
    connected: Gauge,
    in_flight: Gauge,
    call_seconds: Histogram,
    ping_seconds: Histogram,
}

#[derive(Default)]
struct Measured {
    connected_since: Option<UnixMillis>,
    last_bytes: Option<Instant>,
    last_used: Option<UnixMillis>,
    last_error: Option<String>,
    /// It was silence that broke it.
    silent: bool,
    latency_ms: Option<f64>,
    in_flight: usize,
    errors: u64,
    connects: u64,
    bytes_in: u64,
    bytes_out: u64,
    session: Option<i64>,
}

impl Board {
    pub(crate) fn new(seat: Seat, role: LinkRole, name: String) -> Self {
        // Not by account or link: a thousand accounts would be tens of thousands of series, each
        // kept for good. What one link does is in its status.
        let labels = vec![
            Label::new("dc", seat.dc.to_string()),
            Label::new("role", role.as_str()),
        ];
        let good = labels.iter().cloned();
        let good: Vec<_> = good.chain([Label::new("outcome", GOOD)]).collect();
        Self {
            name,
            dc: seat.dc,
            role,
            measured: Mutex::default(),
            bytes_in: counter!("sluice_link_received_bytes_total", labels.iter()),
            bytes_out: counter!("sluice_link_sent_bytes_total", labels.iter()),
            connects: counter!("sluice_link_connects_total", labels.iter()),
            good_calls: counter!("sluice_link_calls_total", good),
            connected: gauge!("sluice_link_connected", labels.iter()),
            in_flight: gauge!("sluice_link_in_flight", labels.iter()),
            call_seconds: histogram!("sluice_link_call_seconds", labels.iter()),
            ping_seconds: histogram!("sluice_link_ping_seconds", labels.iter()),
            labels,
        }
    }

    /// A socket was opened. That alone proves nothing.
    pub(crate) fn opened(&self) {
        self.connects.increment(1);
        self.measured.lock().connects += 1;
    }

    /// Telegram answered over the present socket.
    pub(crate) fn answered(&self, now: UnixMillis) {
        let mut measured = self.measured.lock();
        if measured.connected_since.replace(now).is_none() {
            self.connected.increment(1.0);
        }
        measured.last_error = None;
    }

    /// The socket was closed on purpose.
    pub(crate) fn closed(&self) {
        let was_open = self.measured.lock().connected_since.take().is_some();
        if was_open {
            self.connected.decrement(1.0);
        }
        self.in_flight(0);
    }

    /// The socket broke, or could not be opened. `kind` is a stable name.
    pub(crate) fn broke(&self, kind: &'static str, reason: &str) {
        self.closed();
        self.count("sluice_link_failures_total", "kind", kind);
        let mut measured = self.measured.lock();
        measured.errors += 1;
        measured.last_error = Some(reason.to_owned());
        measured.silent = SILENCE.contains(&kind);
    }

    /// Why there is no connection, if somebody said so: a refusal, a reset, an error. Of a server
    /// that is silent there is nothing to tell.
    pub(crate) fn refusal(&self) -> Option<String> {
        let measured = self.measured.lock();
        let told = measured.last_error.as_ref().filter(|_| !measured.silent);
        told.cloned()
    }

    /// Calls that have no answer yet.
    pub(crate) fn load(&self) -> usize {
        self.measured.lock().in_flight
    }

    /// A call was answered, and how long that took if it says something of the link.
    pub(crate) fn answered_call(&self, outcome: &'static str, took: Option<Duration>) {
        if outcome == GOOD {
            self.good_calls.increment(1);
        } else {
            self.count("sluice_link_calls_total", "outcome", outcome);
        }
        if let Some(took) = took {
            self.call_seconds.record(took.as_secs_f64());
            self.latency(took);
        }
    }

    /// A call ended without an answer.
    pub(crate) fn lost_call(&self, outcome: &'static str) {
        self.count("sluice_link_calls_total", "outcome", outcome);
        self.measured.lock().errors += 1;
    }

    pub(crate) fn pong(&self, rtt: Duration) {
        self.ping_seconds.record(rtt.as_secs_f64());
        self.latency(rtt);
    }

    pub(crate) fn count(&self, name: &'static str, key: &'static str, value: &'static str) {
        let mut labels = self.labels.clone();
        labels.push(Label::new(key, value));
        counter!(name, labels).increment(1);
    }

    fn latency(&self, took: Duration) {
        let took = took.as_secs_f64() * 1000.0;
        let mut measured = self.measured.lock();
        measured.latency_ms = Some(match measured.latency_ms {
            None => took,
            Some(before) => before + (took - before) * FRESH,
        });
    }

    pub(crate) fn received(&self, bytes: usize) {
        self.bytes_in.increment(bytes as u64);
        let mut measured = self.measured.lock();
        measured.bytes_in += bytes as u64;
        measured.last_bytes = Some(Instant::now());
    }

    pub(crate) fn sent(&self, bytes: usize) {
        self.bytes_out.increment(bytes as u64);
        let mut measured = self.measured.lock();
        measured.bytes_out += bytes as u64;
        measured.last_bytes = Some(Instant::now());
    }

    pub(crate) fn used(&self, now: UnixMillis) {
        self.measured.lock().last_used = Some(now);
    }

    #[expect(clippy::cast_precision_loss, reason = "a handful of calls")]
    pub(crate) fn in_flight(&self, calls: usize) {
        let mut measured = self.measured.lock();
        let change = calls as f64 - measured.in_flight as f64;
        if measured.in_flight != calls {
            measured.in_flight = calls;
            self.in_flight.increment(change);
        }
    }

    /// The session in use, which outlives a panic of the link's task only here. Gives back the one
    /// before.
    pub(crate) fn session(&self, id: i64) -> Option<i64> {
        let before = self.measured.lock().session.replace(id);
        before.filter(|before| *before != id)
    }

    /// Names the present connection.
    pub(crate) fn id(&self) -> String {
        format!("{}-{}", self.name, self.measured.lock().connects)
    }

    pub(crate) fn status(&self, waiting: usize) -> LinkStatus {
        let id = self.id();
        let measured = self.measured.lock();
        let in_flight = measured.in_flight + waiting;
        let lively = measured.last_bytes.is_some_and(|at| at.elapsed() < ACTIVE);
        LinkStatus {
            id,
            dc: self.dc,
            role: self.role,
            status: match measured.connected_since {
                None => LinkState::Error,
                Some(_) if in_flight > 0 || lively => LinkState::Active,
                Some(_) => LinkState::Idle,
            },
            latency_ms: measured.latency_ms,
            errors: measured.errors,
            last_used: measured.last_used,
            in_flight,
            bytes_in: measured.bytes_in,
            bytes_out: measured.bytes_out,
            connected_since: measured.connected_since,
            connects: measured.connects,
            last_error: measured.last_error.clone(),
        }
    }
}
