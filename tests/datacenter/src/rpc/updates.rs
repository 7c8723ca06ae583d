//! `updates.*`: where the caller's history stands, and what was missed. Channels have their own
//! history, in `channel_difference`.

use serde_json::json;

use super::{Answer, Call};
use crate::{
    refusal::Refusal,
    world::{
        mailbox::{Event, QtsEvent, What},
        message::with_pts,
        peer::{Mentions, Peer},
    },
};

/// The most that a client can ask for at once.
const MOST: usize = 1_000;

/// Channels that are named in one answer.
const CHANNELS: usize = 100;

/// `seq` never moves: nothing here is ordered by it.
const SEQ: i32 = 1;

/// What an answer carries.
struct Missed<'a> {
    events: Vec<&'a Event>,
    by_qts: Vec<&'a QtsEvent>,
    /// Channels in which something happened.
    channels: Vec<(i64, i32)>,
    /// The state after it.
    pts: i32,
    qts: i32,
    whole: bool,
}

impl Call<'_> {
    fn state_at(&self, pts: i32, qts: i32) -> Answer {
        Ok(json!({
            "_": "updates.state",
            "pts": pts,
            "qts": qts,
            "date": self.world.clock.date(),
            "seq": SEQ,
            "unread_count": self.user()?.mailbox.unread_total(),
        }))
    }

    pub(super) fn state(&mut self) -> Answer {
        let mailbox = &self.user()?.mailbox;
        self.state_at(mailbox.pts, mailbox.qts)
    }

    pub(super) fn difference(&mut self) -> Answer {
        let (from, from_qts) = (self.params.int("pts"), self.params.int("qts"));
        if from <= 0 {
            return Err(Refusal::bad("PERSISTENT_TIMESTAMP_EMPTY"));
        }
        let bounds = self.world.bounds;
        let mailbox = &self.user()?.mailbox;
        if from > mailbox.pts {
            return Err(Refusal::bad("PERSISTENT_TIMESTAMP_INVALID"));
        }
        let oldest = mailbox
            .events
            .front()
            .map_or(mailbox.pts, |e| e.pts - e.count);
        let most = self.params.int("pts_total_limit");
        let first = mailbox.events.partition_point(|e| e.pts <= from);
        let behind = mailbox.events.len() - first;
        if from < oldest || behind > bounds.common_events || (most > 0 && mailbox.pts - from > most)
        {
            return Ok(json!({"_": "updates.differenceTooLong", "pts": mailbox.pts}));
        }
        let slice = |limit: &str| match usize::try_from(self.params.int(limit)) {
            Ok(limit) if limit > 0 => limit.min(MOST),
            _ => bounds.slice,
        };
        let events: Vec<&Event> = mailbox
            .events
            .range(first..)
            .take(slice("pts_limit"))
            .collect();
        let missed = mailbox.qts_events.iter().filter(|e| e.qts > from_qts);
        let by_qts: Vec<&QtsEvent> = missed.take(slice("qts_limit")).collect();
        let pts = events.last().map_or(from, |e| e.pts);
        let qts = by_qts.last().map_or(mailbox.qts, |e| e.qts);
        let whole = pts == mailbox.pts && qts == mailbox.qts;
        let channels = if whole {
            self.moved_channels(self.params.long("date"))
        } else {
            Vec::new()
        };
        if events.is_empty() && by_qts.is_empty() && channels.is_empty() {
            return Ok(json!({
                "_": "updates.differenceEmpty",
                "date": self.world.clock.date(),
                "seq": SEQ,
            }));
        }
        self.difference_of(&Missed {
            events,
            by_qts,
            channels,
            pts,
            qts,
            whole,
        })
    }

    /// The caller's channels in which something happened since `date`, with their `pts`: what a
    /// client missed there it must fetch from the channel.
    fn moved_channels(&self, date: i64) -> Vec<(i64, i32)> {
        let mine = self.world.channels_of(self.me);
        let moved = mine.filter(|(_, c)| date > 0 && c.changed >= date);
        moved.map(|(id, c)| (id, c.pts)).take(CHANNELS).collect()
    }

    fn difference_of(&self, missed: &Missed<'_>) -> Answer {
        let mailbox = &self.user()?.mailbox;
        let mut mentions = Mentions::default();
        let (mut messages, mut others) = (Vec::new(), Vec::new());
        let mut encrypted = Vec::new();
        for event in &missed.events {
            match &event.what {
                // What was deleted since is told by its own event.
                What::New(id) | What::Edited(id) if !mailbox.messages.contains_key(id) => {}
                What::New(id) => {
                    messages.push(self.world.message_json(self.me, *id, &mut mentions));
                }
                What::Edited(id) => {
                    let update = self
                        .world
                        .edited_message(self.me, *id, event.pts, &mut mentions);
                    others.push(update);
                }
                What::Other(update, about) => {
                    if let Some(peer) = about {
                        mentions.peer(*peer);
                    }
                    others.push(with_pts(update.clone(), event.pts, event.count));
                }
            }
        }
        for event in &missed.by_qts {
            for peer in &event.about {
                mentions.peer(*peer);
            }
            match event.update.get("message") {
                Some(message) => encrypted.push(message.clone()),
                None => others.push(event.update.clone()),
            }
        }
        for (id, pts) in &missed.channels {
            mentions.peer(Peer::Channel(*id));
            others.push(json!({"_": "updateChannelTooLong", "channel_id": id, "pts": pts}));
        }
        let (kind, state) = if missed.whole {
            ("updates.difference", "state")
        } else {
            ("updates.differenceSlice", "intermediate_state")
        };
        let mut answer = json!({
            "_": kind,
            "new_messages": messages,
            "new_encrypted_messages": encrypted,
            "other_updates": others,
        });
        if let Some(map) = answer.as_object_mut() {
            map.insert(state.to_owned(), self.state_at(missed.pts, missed.qts)?);
        }
        Ok(self.world.with_mentions(self.me, answer, &mentions))
    }
}
