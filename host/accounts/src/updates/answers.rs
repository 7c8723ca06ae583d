//! What the answers to fetches mean for the sequences.

use core::time::Duration;
use std::sync::Arc;

use serde_json::{Value, json};

use super::fetches::{Fetch, FetchFailure};
use super::gaps::Gaps;
use super::output::{Gap, Item, Peers};
use super::place::{Place, new_message, place};
use crate::json::{constructor, flag, int, take_list};

impl Gaps {
    /// The answer to a fetch.
    pub(crate) fn fetched(
        &mut self,
        now: Duration,
        fetch: &Fetch,
        answer: Result<Value, FetchFailure>,
    ) {
        match (fetch, answer) {
            (Fetch::Channel { channel, .. }, Ok(answer)) => {
                self.channel_addressed(*channel);
                self.channel_answer(now, *channel, answer);
            }
            (Fetch::Channel { channel, .. }, Err(failure)) => {
                self.channel_failed(now, *channel, &failure);
            }
            (Fetch::State, Ok(state)) => {
                self.heard = now;
                self.fetching.answered(now, false);
                self.begin(&state);
                self.replay_early(now);
                self.sweep_if_settled(now);
            }
            (Fetch::Difference { .. }, Ok(answer)) => {
                self.heard = now;
                self.difference(now, answer);
                self.sweep_if_settled(now);
            }
            (Fetch::Difference { .. }, Err(failure))
                if matches!(
                    failure.name.as_str(),
                    "PERSISTENT_TIMESTAMP_INVALID" | "PERSISTENT_TIMESTAMP_EMPTY"
                ) =>
            {
                self.fetching.answered(now, true);
                self.start_over(now, "state_refused");
            }
            // PERSISTENT_TIMESTAMP_OUTDATED among them: a server that lags behind.
            (_, Err(failure)) => self.fetching.failed(now, failure.wait),
        }
    }

    /// The first state, or the one that sequences go on from which could not be continued.
    fn begin(&mut self, state: &Value) {
        let at = |field, old| int(state, field).unwrap_or(old);
        let (pts, qts) = (at("pts", self.pts.at()), at("qts", self.qts.at()));
        let seq = at("seq", self.seq.at());
        self.date = at("date", self.date);
        self.known = true;
        self.moved = true;
        if let Some((reason, from)) = self.broken.take() {
            self.gap(Gap {
                reason,
                channel: None,
                from: Some(from),
                to: Some(pts),
            });
        }
        let mut due = Vec::new();
        self.pts.reset(pts, &mut due);
        self.qts.reset(qts, &mut due);
        let mut containers = Vec::new();
        self.seq.reset(seq, &mut containers);
        due.extend(containers.into_iter().flatten());
        self.emit(due);
    }

    fn sweep_if_settled(&mut self, now: Duration) {
        if self.known && !self.fetching.busy() && core::mem::take(&mut self.sweep) {
            self.sweep_channels(now);
        }
    }

    fn difference(&mut self, now: Duration, mut answer: Value) {
        match constructor(&answer) {
            "updates.differenceEmpty" => {
                self.fetching.answered(now, false);
                let seq = int(&answer, "seq").unwrap_or_else(|| self.seq.at());
                self.date = int(&answer, "date").unwrap_or(self.date);
                self.settle(now, self.pts.at(), self.qts.at(), seq);
            }
            "updates.differenceTooLong" => {
                let from = self.pts.at();
                let pts = int(&answer, "pts").unwrap_or(from);
                self.gap(Gap {
                    reason: "difference_too_long",
                    channel: None,
                    from: Some(from),
                    to: Some(pts),
                });
                self.fetching.answered(now, true);
                self.settle(now, pts, self.qts.at(), self.seq.at());
            }
            kind @ ("updates.difference" | "updates.differenceSlice") => {
                let (field, more) = match kind {
                    "updates.difference" => ("state", false),
                    _ => ("intermediate_state", true),
                };
                let state = answer.get_mut(field).map(Value::take).unwrap_or_default();
                let at = |field, old| int(&state, field).unwrap_or(old);
                let (pts, qts) = (at("pts", self.pts.at()), at("qts", self.qts.at()));
                let seq = at("seq", self.seq.at());
                self.date = at("date", self.date);
                self.contents(now, &mut answer, pts, qts);
                self.fetching.answered(now, more);
                self.settle(now, pts, qts, seq);
            }
            _ => self.fetching.failed(now, None),
        }
    }

    /// Messages and updates of a difference. They are in order and none came before, except those
    /// of channels, which have their own sequences.
    fn contents(&mut self, now: Duration, answer: &mut Value, pts: i32, qts: i32) {
        let peers = Arc::new(Peers {
            users: take_list(answer, "users"),
            chats: take_list(answer, "chats"),
        });
        for message in take_list(answer, "new_messages") {
            self.emit([Item::update(new_message(message, pts), &peers)]);
        }
        for message in take_list(answer, "new_encrypted_messages") {
            let update = json!({"_": "updateNewEncryptedMessage", "message": message, "qts": qts});
            self.emit([Item::update(update, &peers)]);
        }
        for update in take_list(answer, "other_updates") {
            if constructor(&update) == "updateChannelTooLong" {
                self.channel_too_long(now, &update);
            } else if let Place::Channel(channel, pts, count) = place(&update) {
                self.channel_item(now, channel, (pts, count), Item::update(update, &peers));
            } else {
                self.emit([Item::update(update, &peers)]);
            }
        }
    }

    fn channel_answer(&mut self, now: Duration, id: i64, mut answer: Value) {
        let Some(channel) = self.channels.get_mut(&id) else {
            return;
        };
        let kind = constructor(&answer);
        let too_long = kind == "updates.channelDifferenceTooLong";
        let pts = match answer.get("dialog") {
            Some(dialog) if too_long => int(dialog, "pts"),
            _ => int(&answer, "pts"),
        };
        let Some(pts) = pts else {
            channel.fetching.failed(now, None);
            return;
        };
        let from = channel.pts.at();
        // Telegram says whether there is more; an answer that does not move is the last one, lest
        // it be asked for ever.
        let more = !flag(&answer, "final") && pts > from;
        let mut due = Vec::new();
        if kind == "updates.channelDifference" {
            let peers = Arc::new(Peers {
                users: take_list(&mut answer, "users"),
                chats: take_list(&mut answer, "chats"),
            });
            for message in take_list(&mut answer, "new_messages") {
                due.push(Item::update(new_message(message, pts), &peers));
            }
            for update in take_list(&mut answer, "other_updates") {
                due.push(Item::update(update, &peers));
            }
        }
        channel.fetching.answered(now, more);
        let last = !channel.fetching.busy();
        let hole = channel.pts.moved(now, pts, last, &mut due);
        self.rest_channel(id);
        self.changed.insert(id);
        if too_long {
            // Its messages are the newest, some of which were handed out before; which ones, nothing
            // says. They are left to `messages.getHistory`.
            self.gap(Gap {
                reason: "channel_difference_too_long",
                channel: Some(id),
                from: Some(from),
                to: Some(pts),
            });
        }
        if let Some((from, to)) = hole {
            self.gap(Gap {
                reason: "not_in_difference",
                channel: Some(id),
                from: Some(from),
                to: Some(to),
            });
        }
        self.emit(due);
    }

    fn settle(&mut self, now: Duration, pts: i32, qts: i32, seq: i32) {
        let last = !self.fetching.busy();
        let mut due = Vec::new();
        let hole = self.pts.moved(now, pts, last, &mut due);
        if let Some((from, to)) = hole {
            self.gap(Gap {
                reason: "not_in_difference",
                channel: None,
                from: Some(from),
                to: Some(to),
            });
        }
        let mut containers = Vec::new();
        let unnumbered = [
            self.qts.moved(now, qts, last, &mut due),
            self.seq.moved(now, seq, last, &mut containers),
        ];
        if unnumbered.iter().any(Option::is_some) {
            self.gap(Gap {
                reason: "not_in_difference",
                channel: None,
                from: None,
                to: None,
            });
        }
        due.extend(containers.into_iter().flatten());
        self.moved = true;
        self.emit(due);
    }
}
