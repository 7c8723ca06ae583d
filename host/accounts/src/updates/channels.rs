//! The sequences of channels and supergroups, each with its own difference.

use core::time::Duration;

use serde_json::Value;

use super::fetches::FetchFailure;
use super::fetching::Fetching;
use super::gaps::Gaps;
use super::output::{Gap, Item};
use super::sequence::Sequence;
use crate::json::{int, long};

/// Attempts to address a channel whose access hash is not known. Each is preceded by a difference
/// of the account, which may introduce it.
const MAX_STRANGE: u32 = 3;

pub(super) struct Channel {
    pub(super) pts: Sequence<Item>,
    pub(super) fetching: Fetching,
    /// Fetches that failed because nothing says how to address it.
    strange: u32,
}

impl Channel {
    pub(super) fn at(pts: i32) -> Self {
        Self {
            pts: Sequence::new(pts),
            fetching: Fetching::default(),
            strange: 0,
        }
    }
}

impl Gaps {
    /// An item of a channel. The first of a channel says where its sequence begins.
    pub(super) fn channel_item(&mut self, now: Duration, id: i64, place: (i32, i32), item: Item) {
        let (pts, count) = place;
        let channel = self
            .channels
            .entry(id)
            .or_insert_with(|| Channel::at(pts.saturating_sub(count)));
        let mut due = Vec::new();
        let hold = channel.fetching.running();
        channel.pts.offer(now, hold, place, item, &mut due);
        if !channel.pts.whole() {
            self.busy.insert(id);
        }
        if !due.is_empty() {
            self.changed.insert(id);
            self.emit(due);
        }
    }

    /// The channel's difference is wanted.
    pub(super) fn want_channel(&mut self, now: Duration, id: i64) {
        if let Some(channel) = self.channels.get_mut(&id) {
            channel.fetching.want(now);
            self.busy.insert(id);
        }
    }

    /// `updateChannelTooLong`: there is more of a channel than is pushed. One that was never heard
    /// of is followed from the number that comes with it
    /// (<https://core.telegram.org/constructor/updateChannelTooLong>).
    pub(super) fn channel_too_long(&mut self, now: Duration, update: &Value) {
        let Some(id) = long(update, "channel_id") else {
            return;
        };
        let pts = int(update, "pts").filter(|pts| *pts > 0);
        match (self.channels.get(&id), pts) {
            (Some(channel), Some(pts)) if pts <= channel.pts.at() => {}
            (Some(_), _) => self.want_channel(now, id),
            (None, _) => {
                // Nothing was ever taken of this channel, so what came before is not known.
                self.gap(Gap {
                    reason: "channel_not_followed",
                    channel: Some(id),
                    from: None,
                    to: pts,
                });
                if let Some(pts) = pts {
                    self.channels.insert(id, Channel::at(pts));
                    self.changed.insert(id);
                    self.want_channel(now, id);
                }
            }
        }
    }

    /// Every channel's difference is wanted: what was lost may have been anything.
    pub(super) fn sweep_channels(&mut self, now: Duration) {
        for (id, channel) in &mut self.channels {
            if !channel.fetching.busy() {
                channel.fetching.want(now);
                self.busy.insert(*id);
            }
        }
    }

    /// Nothing of the channel is held, wanted or under way any more.
    pub(super) fn rest_channel(&mut self, id: i64) {
        let idle = |channel: &Channel| !channel.fetching.busy() && channel.pts.whole();
        if self.channels.get(&id).is_none_or(idle) {
            self.busy.remove(&id);
        }
    }

    /// There is no answer to a channel's difference.
    pub(super) fn channel_failed(&mut self, now: Duration, id: i64, failure: &FetchFailure) {
        let Some(channel) = self.channels.get_mut(&id) else {
            return;
        };
        let reason = match failure.name.as_str() {
            "CHANNEL_PRIVATE" | "CHANNEL_PUBLIC_GROUP_NA" | "USER_BANNED_IN_CHANNEL" => {
                "channel_left"
            }
            "CHANNEL_INVALID" => "channel_invalid",
            "PERSISTENT_TIMESTAMP_INVALID" | "PERSISTENT_TIMESTAMP_EMPTY" => "state_refused",
            "PEER_UNKNOWN" => {
                channel.strange += 1;
                if channel.strange < MAX_STRANGE {
                    channel.fetching.failed(now, None);
                    self.fetching.want(now);
                    return;
                }
                "channel_unknown"
            }
            _ => {
                // PERSISTENT_TIMESTAMP_OUTDATED among them: a server that lags behind.
                channel.fetching.failed(now, failure.wait);
                if let Some(wait) = failure.wait {
                    // The wait is the method's, so it holds for every channel.
                    let until = now.saturating_add(Duration::from_secs(wait));
                    self.channels_rest = self.channels_rest.max(until);
                }
                return;
            }
        };
        // Its sequence cannot be continued; the next update of it begins a new one.
        let from = channel.pts.at();
        self.channels.remove(&id);
        self.busy.remove(&id);
        self.changed.insert(id);
        self.gap(Gap {
            reason,
            channel: Some(id),
            from: Some(from),
            to: None,
        });
    }

    pub(super) fn channel_addressed(&mut self, id: i64) {
        if let Some(channel) = self.channels.get_mut(&id) {
            channel.strange = 0;
        }
    }
}
