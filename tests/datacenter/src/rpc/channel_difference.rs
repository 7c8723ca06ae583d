//! What was missed in a channel: <https://core.telegram.org/api/updates>.

use serde_json::{Value, json};

use super::{Answer, Call};
use crate::{
    refusal::Refusal,
    value::Fields,
    world::{
        mailbox::{Event, What},
        message::with_pts,
        peer::{Mentions, Peer},
    },
};

/// Events in one answer to a user, as at Telegram.
const MOST: usize = 100;
/// Events in one answer to a bot.
const MOST_FOR_BOTS: usize = 100_000;
/// Seconds after which a client that looks at a channel without being in it may ask again.
const TIMEOUT: i32 = 30;

impl Call<'_> {
    pub(super) fn channel_difference(&mut self) -> Answer {
        let id = self.channel()?;
        let from = self.params.int("pts");
        if from <= 0 {
            return Err(Refusal::bad("PERSISTENT_TIMESTAMP_EMPTY"));
        }
        let ranges = self.params.object("filter").list("ranges").iter();
        if ranges
            .map(Fields::from)
            .any(|r| r.int("min_id") > r.int("max_id"))
        {
            return Err(Refusal::bad("RANGES_INVALID"));
        }
        let channel = self.world.channel(id);
        let channel = channel.ok_or(Refusal::bad("CHANNEL_INVALID"))?;
        if from > channel.pts {
            return Err(Refusal::bad("PERSISTENT_TIMESTAMP_INVALID"));
        }
        if from == channel.pts {
            return Ok(json!({
                "_": "updates.channelDifferenceEmpty",
                "final": true,
                "pts": from,
                "timeout": TIMEOUT,
            }));
        }
        let most = if self.user()?.bot {
            MOST_FOR_BOTS
        } else {
            MOST
        };
        let limit = usize::try_from(self.params.int("limit")).unwrap_or(0);
        let limit = limit.clamp(1, most);
        let Some(missed) = channel.since(from, self.world.bounds) else {
            return self.too_long(id, limit);
        };
        let events: Vec<&Event> = missed.take(limit).collect();
        let pts = events.last().map_or(channel.pts, |e| e.pts);
        let mut mentions = Mentions::default();
        mentions.peer(Peer::Channel(id));
        let (messages, others) = self.channel_events(id, &events, &mut mentions);
        let mut answer = json!({
            "_": "updates.channelDifference",
            "pts": pts,
            "timeout": TIMEOUT,
            "new_messages": messages,
            "other_updates": others,
        });
        finish(&mut answer, pts == channel.pts);
        Ok(self.world.with_mentions(self.me, answer, &mentions))
    }

    fn channel_events(
        &self,
        id: i64,
        events: &[&Event],
        mentions: &mut Mentions,
    ) -> (Vec<Value>, Vec<Value>) {
        let (mut messages, mut others) = (Vec::new(), Vec::new());
        let there = |message: &i32| {
            let channel = self.world.channel(id);
            channel.is_some_and(|c| c.messages.contains_key(message))
        };
        for event in events {
            match &event.what {
                // What was deleted since is told by its own event.
                What::New(message) | What::Edited(message) if !there(message) => {}
                What::New(message) => {
                    let message = self.world.channel_message(self.me, id, *message, mentions);
                    messages.push(message);
                }
                What::Edited(message) => {
                    let (me, pts) = (self.me, event.pts);
                    let update = self
                        .world
                        .edited_channel_message(me, id, *message, pts, mentions);
                    others.push(update);
                }
                What::Other(update, _) => {
                    others.push(with_pts(update.clone(), event.pts, event.count));
                }
            }
        }
        (messages, others)
    }

    /// The client is too far behind: it gets the channel as it is now.
    fn too_long(&self, id: i64, limit: usize) -> Answer {
        let mut mentions = Mentions::default();
        mentions.peer(Peer::Channel(id));
        let newest = self.world.channel(id).map(|c| c.messages.keys().rev());
        let ids: Vec<i32> = newest.into_iter().flatten().take(limit).copied().collect();
        let messages: Vec<Value> = ids
            .into_iter()
            .map(|m| self.world.channel_message(self.me, id, m, &mut mentions))
            .collect();
        let mut answer = json!({
            "_": "updates.channelDifferenceTooLong",
            "timeout": TIMEOUT,
            "dialog": self.dialog_json(Peer::Channel(id))?,
            "messages": messages,
        });
        finish(&mut answer, true);
        Ok(self.world.with_mentions(self.me, answer, &mentions))
    }
}

fn finish(answer: &mut Value, last: bool) {
    if let Some(map) = answer.as_object_mut().filter(|_| last) {
        map.insert("final".into(), json!(true));
    }
}
