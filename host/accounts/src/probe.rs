//! What is proven of an account's connection, and when it was.

use core::time::Duration;

use sluice_domain::UnixMillis;

/// An authorised call proves the authorization for so long.
pub(crate) const AUTHORIZED_FOR: Duration = Duration::from_mins(10);

/// Results of the probes. Times are of the monotonic clock, except those shown.
#[derive(Debug, Clone, Default)]
pub(crate) struct Probe {
    /// The end of the last probe.
    pub(crate) last_checked: Option<UnixMillis>,
    /// When the main link answered last, and whether it failed since.
    pub(crate) pong: Option<Duration>,
    pub(crate) pong_failed: Option<String>,
    /// When an authorised call worked last since the link stood, and whether one failed since.
    pub(crate) authorized: Option<Duration>,
    pub(crate) authorized_at: Option<UnixMillis>,
    pub(crate) authorized_failed: Option<String>,
    /// Round trip of the last ping.
    pub(crate) latency: Option<Duration>,
    /// Updates Telegram had that were not taken yet, at the last `updates.getState`.
    pub(crate) pts_lag: Option<i64>,
    pub(crate) pts_checked: Option<UnixMillis>,
    /// Something threw doubt on the authorization: it is tried at the next probe.
    pub(crate) doubted: bool,
    /// When an update came last.
    pub(crate) last_update: Option<UnixMillis>,
}

impl Probe {
    /// Whether the last probes prove a connection.
    pub(crate) fn proves(&self, now: Duration, interval: Duration) -> bool {
        let within = |at: Option<Duration>, span: Duration| {
            at.is_some_and(|at| now.saturating_sub(at) <= span)
        };
        self.pong_failed.is_none()
            && self.authorized_failed.is_none()
            && within(self.pong, interval.saturating_mul(2))
            && within(self.authorized, AUTHORIZED_FOR)
    }

    /// The link broke: nothing is proven until it stands again and both probes were made.
    pub(crate) fn broken(&mut self, at: UnixMillis, reason: String) {
        self.last_checked = Some(at);
        self.pong = None;
        self.pong_failed = Some(reason);
        self.authorized = None;
    }

    /// The main link answered.
    pub(crate) fn answered(&mut self, now: Duration, at: UnixMillis) {
        self.last_checked = Some(at);
        self.pong = Some(now);
        self.pong_failed = None;
    }

    /// An authorised call worked.
    pub(crate) fn authorized(&mut self, now: Duration, at: UnixMillis) {
        self.answered(now, at);
        self.authorized = Some(now);
        self.authorized_at = Some(at);
        self.authorized_failed = None;
    }
}
