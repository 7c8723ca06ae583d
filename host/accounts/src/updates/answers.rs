//! What the answers to fetches mean for the sequences.

use core::time::Duration;
use std::sync::Arc;

use serde_json::{Value, json};

use super::gaps::{Fetch, FetchFailure, Gaps};
use super::output::{Item, Peers};
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
                self.channel_answer(now, *channel, answer);
            }
            (Fetch::Channel { channel, .. }, Err(failure)) => {
                self.channel_failed(now, *channel, &failure);
            }
            (Fetch::State, Ok(state)) => {
                self.heard = now;
                self.fetching.answered(now, false);
                self.known = true;
                self.take_state(now, &state);
                for updates in core::mem::take(&mut self.early) {
                    self.updates(now, updates);
                }
            }
            (Fetch::Difference { .. }, Ok(answer)) => {
                self.heard = now;
                self.difference(now, answer);
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
            (_, Err(failure)) => self.fetching.failed(now, failure.wait),
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
                self.gap("difference_too_long", None);
                let pts = int(&answer, "pts").unwrap_or_else(|| self.pts.at());
                self.fetching.answered(now, true);
                self.settle(now, pts, self.qts.at(), self.seq.at());
            }
            kind @ ("updates.difference" | "updates.differenceSlice") => {
                let (field, more) = match kind {
                    "updates.difference" => ("state", false),
                    _ => ("intermediate_state", true),
                };
                let state = answer.get_mut(field).map(Value::take).unwrap_or_default();
                let pts = int(&state, "pts").unwrap_or_else(|| self.pts.at());
                let qts = int(&state, "qts").unwrap_or_else(|| self.qts.at());
                self.contents(now, &mut answer, pts, qts);
                self.fetching.answered(now, more);
                self.take_state(now, &state);
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
        // Telegram says whether there is more; an answer that does not move is the last one, lest
        // it be asked for ever.
        let more = !flag(&answer, "final") && pts != channel.pts.at();
        let mut before = Vec::new();
        if kind == "updates.channelDifference" {
            let peers = Arc::new(Peers {
                users: take_list(&mut answer, "users"),
                chats: take_list(&mut answer, "chats"),
            });
            for message in take_list(&mut answer, "new_messages") {
                before.push(Item::update(new_message(message, pts), &peers));
            }
            for update in take_list(&mut answer, "other_updates") {
                before.push(Item::update(update, &peers));
            }
        }
        channel.fetching.answered(now, more);
        channel.pts.moved(now, pts, !more, &mut before);
        if !channel.fetching.busy() && channel.pts.deadline().is_none() {
            self.busy.remove(&id);
        }
        if too_long {
            self.gap("channel_difference_too_long", Some(id));
        }
        self.moved = true;
        self.emit(before);
    }

    fn channel_failed(&mut self, now: Duration, id: i64, failure: &FetchFailure) {
        let gone = matches!(
            failure.name.as_str(),
            "CHANNEL_PRIVATE" | "CHANNEL_INVALID" | "USER_BANNED_IN_CHANNEL" | "PEER_UNKNOWN"
        );
        let restart = matches!(
            failure.name.as_str(),
            "PERSISTENT_TIMESTAMP_INVALID" | "PERSISTENT_TIMESTAMP_EMPTY"
        );
        if gone || restart {
            // The channel was left, or its sequence cannot be continued; the next update of it
            // begins a new one.
            self.channels.remove(&id);
            self.busy.remove(&id);
            self.moved = true;
            let reason = if gone {
                "channel_left"
            } else {
                "state_refused"
            };
            self.gap(reason, Some(id));
        } else if let Some(channel) = self.channels.get_mut(&id) {
            channel.fetching.failed(now, failure.wait);
        }
    }

    fn take_state(&mut self, now: Duration, state: &Value) {
        let at = |field, old| int(state, field).unwrap_or(old);
        let (pts, qts) = (at("pts", self.pts.at()), at("qts", self.qts.at()));
        let seq = at("seq", self.seq.at());
        self.date = at("date", self.date);
        self.settle(now, pts, qts, seq);
    }

    fn settle(&mut self, now: Duration, pts: i32, qts: i32, seq: i32) {
        let last = !self.fetching.busy();
        let mut due = Vec::new();
        self.pts.moved(now, pts, last, &mut due);
        self.qts.moved(now, qts, last, &mut due);
        let mut containers = Vec::new();
        self.seq.moved(now, seq, last, &mut containers);
        due.extend(containers.into_iter().flatten());
        self.moved = true;
        self.emit(due);
    }
}
