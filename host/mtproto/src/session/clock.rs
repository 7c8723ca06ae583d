use std::time::Duration;

use crate::{Now, Violation, msg_id};

/// Messages of the server may be so many seconds old.
const MAX_AGE: i64 = 300;
/// Messages of the server may be so many seconds ahead.
const MAX_AHEAD: i64 = 30;

/// The server's clock as a client knows it. It runs on our monotonic clock, so that a jump of the
/// wall clock changes nothing.
#[derive(Debug)]
pub(super) struct ServerClock {
    /// Server's time when the monotonic clock was 0.
    epoch: Duration,
    /// Whether the server itself has told its time to this session, and nothing since said
    /// otherwise.
    known: bool,
}

impl ServerClock {
    /// A clock so many seconds off the wall clock, until better is known.
    pub(super) fn new(offset: i32, now: Now) -> Self {
        let distance = Duration::from_secs(offset.unsigned_abs().into());
        let time = if offset < 0 {
            now.unix.saturating_sub(distance)
        } else {
            now.unix + distance
        };
        Self {
            epoch: time.saturating_sub(now.mono),
            known: false,
        }
    }

    /// The server's time.
    pub(super) fn time(&self, now: Now) -> Duration {
        self.epoch.saturating_add(now.mono)
    }

    /// The server's time in seconds.
    pub(super) fn seconds(&self, now: Now) -> i64 {
        i64::try_from(self.time(now).as_secs()).unwrap_or(i64::MAX)
    }

    /// Server's clock minus the wall clock, in seconds.
    pub(super) fn offset(&self, now: Now) -> i32 {
        let wall = i64::try_from(now.unix.as_secs()).unwrap_or(i64::MAX);
        let offset = self.seconds(now).saturating_sub(wall);
        i32::try_from(offset).unwrap_or(if offset < 0 { i32::MIN } else { i32::MAX })
    }

    /// Sets the clock by a message that the server has just made. Whether that changed it by more
    /// than a second.
    pub(super) fn set(&mut self, msg_id: i64, now: Now) -> bool {
        self.known = true;
        let before = self.seconds(now);
        let after = msg_id::seconds(msg_id);
        let changed = before.abs_diff(after) > 1;
        if changed {
            let time = Duration::from_secs(after.unsigned_abs());
            self.epoch = time.saturating_sub(now.mono);
        }
        changed
    }

    /// Checks the time of a message. The first one of a session, and the first after one that was
    /// out of time, sets the clock instead if it is no repeated one. Whether that changed it.
    ///
    /// The monotonic clock stands still while a machine is suspended: without a doubt after the
    /// first message that seems to come from the future, all others would seem so for ever.
    pub(super) fn check(
        &mut self,
        msg_id: i64,
        repeated: bool,
        now: Now,
    ) -> Result<bool, Violation> {
        if !self.known && !repeated {
            return Ok(self.set(msg_id, now));
        }
        let age = self.seconds(now).saturating_sub(msg_id::seconds(msg_id));
        let violation = if age > MAX_AGE {
            Violation::MsgIdOld
        } else if age < -MAX_AHEAD {
            Violation::MsgIdAhead
        } else {
            return Ok(false);
        };
        self.known = false;
        Err(violation)
    }
}
