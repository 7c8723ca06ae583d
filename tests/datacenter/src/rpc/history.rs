//! `messages.*` that read messages back.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Answer, Call};
use crate::{
    refusal::Refusal,
    value::Fields,
    world::{
        mailbox::Message,
        peer::{Mentions, Peer},
    },
};

/// Messages in one answer, as at Telegram.
const PAGE: i32 = 100;

impl Call<'_> {
    pub(super) fn history(&mut self) -> Answer {
        let peer = self.world.input_peer(self.me, self.params.value("peer"))?;
        self.page(Some(peer), |_| true)
    }

    /// Without a peer it looks through private chats and basic groups.
    pub(super) fn search(&mut self) -> Answer {
        let input = self.params.value("peer");
        let peer = match Fields::from(input).kind() {
            "inputPeerEmpty" => None,
            _ => Some(self.world.input_peer(self.me, input)?),
        };
        let from = match self.params.value("from_id") {
            Value::Null => None,
            input => Some(self.world.input_peer(self.me, input)?),
        };
        let filter = self.params.object("filter").kind();
        let wanted = self.params.text("q").to_lowercase();
        let (since, until) = (self.params.long("min_date"), self.params.long("max_date"));
        self.page(peer, |m| {
            m.action.is_null()
                && self.fits(filter, m)
                && from.is_none_or(|f| f == Peer::User(m.from))
                && (since == 0 || m.date >= since)
                && (until == 0 || m.date <= until)
                && m.text.to_lowercase().contains(&wanted)
        })
    }

    fn fits(&self, filter: &str, message: &Message) -> bool {
        let media = Fields::from(&message.media).kind();
        match filter {
            "inputMessagesFilterEmpty" => true,
            "inputMessagesFilterDocument" => media == "messageMediaDocument",
            "inputMessagesFilterPhotos" => media == "messageMediaPhoto",
            "inputMessagesFilterPhotoVideo" => {
                matches!(media, "messageMediaPhoto" | "messageMediaDocument")
            }
            "inputMessagesFilterGeo" => media == "messageMediaGeo",
            "inputMessagesFilterContacts" => media == "messageMediaContact",
            _ => false,
        }
    }

    /// One page of a chat, the newest first: <https://core.telegram.org/api/offsets>.
    fn page(&self, peer: Option<Peer>, wanted: impl Fn(&Message) -> bool) -> Answer {
        let (max, min) = (self.params.int("max_id"), self.params.int("min_id"));
        let offset_id = self.params.int("offset_id");
        let offset_date = self.params.long("offset_date");
        let source = self.source(peer)?;
        let own = |m: &Message| peer.is_none_or(|p| p == m.peer);
        let all: Vec<&Message> = source
            .values()
            .rev()
            .filter(|m| own(m) && (max == 0 || m.id < max) && m.id > min && wanted(m))
            .collect();
        let newer = |m: &&&Message| {
            (offset_id > 0 && m.id >= offset_id) || (offset_date > 0 && m.date >= offset_date)
        };
        let start = all.iter().take_while(newer).count();
        let start = i64::try_from(start).unwrap_or(i64::MAX);
        let limit = i64::from(self.params.int("limit").clamp(0, PAGE));
        let from = start + i64::from(self.params.int("add_offset"));
        // A page that begins above the newest message is cut, not moved.
        let end = usize::try_from(from + limit).unwrap_or(0).min(all.len());
        let from = usize::try_from(from).unwrap_or(0).min(end);
        let ids = all.get(from..end).unwrap_or_default().iter().map(|m| m.id);
        let whole = from == 0 && end == all.len();
        if let Some(Peer::Channel(channel)) = peer {
            return Ok(self.channel_messages_object(channel, ids, Some(all.len())));
        }
        Ok(self.messages_object(ids, (!whole).then_some(all.len())))
    }

    /// Where the messages of a chat lie.
    fn source(&self, peer: Option<Peer>) -> Result<&BTreeMap<i32, Message>, Refusal> {
        match peer {
            Some(Peer::Channel(id)) => {
                let channel = self.world.channel(id);
                channel
                    .map(|c| &c.messages)
                    .ok_or(Refusal::bad("CHANNEL_INVALID"))
            }
            _ => Ok(&self.user()?.mailbox.messages),
        }
    }

    /// `messages.messages`, or with a total `messages.messagesSlice`.
    fn messages_object(&self, ids: impl Iterator<Item = i32>, total: Option<usize>) -> Value {
        let mut mentions = Mentions::default();
        let list: Vec<Value> = ids
            .map(|id| self.world.message_json(self.me, id, &mut mentions))
            .collect();
        let answer = match total {
            None => json!({"_": "messages.messages", "messages": list, "topics": []}),
            Some(count) => json!({
                "_": "messages.messagesSlice",
                "count": count,
                "messages": list,
                "topics": [],
            }),
        };
        self.world.with_mentions(self.me, answer, &mentions)
    }

    /// `messages.channelMessages`.
    fn channel_messages_object(
        &self,
        channel: i64,
        ids: impl Iterator<Item = i32>,
        total: Option<usize>,
    ) -> Value {
        let mut mentions = Mentions::default();
        mentions.peer(Peer::Channel(channel));
        let list: Vec<Value> = ids
            .map(|id| {
                self.world
                    .channel_message(self.me, channel, id, &mut mentions)
            })
            .collect();
        let answer = json!({
            "_": "messages.channelMessages",
            "pts": self.world.channel(channel).map_or(0, |c| c.pts),
            "count": total.unwrap_or(list.len()),
            "messages": list,
            "topics": [],
        });
        self.world.with_mentions(self.me, answer, &mentions)
    }

    pub(super) fn messages(&mut self) -> Answer {
        let ids = self.asked_for(None)?;
        Ok(self.messages_object(ids.into_iter(), None))
    }

    pub(super) fn channel_messages(&mut self) -> Answer {
        let channel = self.channel()?;
        let ids = self.asked_for(Some(Peer::Channel(channel)))?;
        Ok(self.channel_messages_object(channel, ids.into_iter(), None))
    }

    /// The ids that a vector of `InputMessage` names.
    fn asked_for(&self, peer: Option<Peer>) -> Result<Vec<i32>, Refusal> {
        let messages = self.source(peer)?;
        let ids = self.params.list("id").iter().map(|input| {
            let input = Fields::from(input);
            match input.kind() {
                "inputMessageID" => Ok(input.int("id")),
                "inputMessageReplyTo" => {
                    let message = messages.get(&input.int("id"));
                    Ok(message.and_then(|m| m.reply_to).unwrap_or_default())
                }
                _ => Err(Refusal::bad("MESSAGE_ID_INVALID")),
            }
        });
        ids.collect()
    }
}
