//! Writing, editing, deleting and reading in a channel.

use serde_json::{Value, json};

use super::{
    super::{
        Late, To, World,
        mailbox::{Message, What},
        message::{Letter, with_pts},
        peer::{Mentions, Peer},
    },
    MESSAGES,
};
use crate::refusal::Refusal;

impl World {
    /// Puts a letter into a channel; returns its id. All members' other sessions are told.
    pub(crate) fn post_in_channel(&mut self, from: i64, channel: i64, letter: &Letter) -> i32 {
        self.last_letter += 1;
        let number = self.last_letter;
        let now = self.clock.date();
        let Some(it) = self.channels.get_mut(&channel) else {
            return 0;
        };
        it.last_id += 1;
        let id = it.last_id;
        let message = Message {
            id,
            letter: number,
            peer: Peer::Channel(channel),
            from,
            out: false,
            silent: letter.silent,
            date: now,
            edited: None,
            text: letter.text.clone(),
            entities: letter.entities.clone(),
            media: letter.media.clone(),
            file: letter.file,
            reply_to: letter.reply_to,
            grouped: letter.grouped,
            origin: letter.origin.clone(),
            action: letter.action.clone(),
        };
        it.messages.insert(id, message);
        if it.messages.len() > MESSAGES {
            it.messages.pop_first();
        }
        if let Some(member) = it.members.get_mut(&from) {
            member.read_in = id;
            member.wrote = now;
        }
        let pts = it.happened(What::New(id), 1, now);
        self.tell_channel(channel, 0, |world, member, mentions| {
            world.new_channel_message(member, channel, id, pts, mentions)
        });
        id
    }

    /// `updateNewChannelMessage`.
    pub(crate) fn new_channel_message(
        &self,
        viewer: i64,
        channel: i64,
        id: i32,
        pts: i32,
        mentions: &mut Mentions,
    ) -> Value {
        json!({
            "_": "updateNewChannelMessage",
            "message": self.channel_message(viewer, channel, id, mentions),
            "pts": pts,
            "pts_count": 1,
        })
    }

    /// `updateEditChannelMessage`.
    pub(crate) fn edited_channel_message(
        &self,
        viewer: i64,
        channel: i64,
        id: i32,
        pts: i32,
        mentions: &mut Mentions,
    ) -> Value {
        json!({
            "_": "updateEditChannelMessage",
            "message": self.channel_message(viewer, channel, id, mentions),
            "pts": pts,
            "pts_count": 1,
        })
    }

    /// A `Message` of a channel.
    pub(crate) fn channel_message(
        &self,
        viewer: i64,
        channel: i64,
        id: i32,
        mentions: &mut Mentions,
    ) -> Value {
        match self.channel(channel).and_then(|c| c.messages.get(&id)) {
            Some(message) => self.render(viewer, message, mentions),
            None => json!({
                "_": "messageEmpty",
                "id": id,
                "peer_id": Peer::Channel(channel).json(),
            }),
        }
    }

    /// Seconds until a member may write again.
    pub(crate) fn slow_mode_left(&self, user: i64, channel: i64) -> i64 {
        let Some(it) = self.channel(channel) else {
            return 0;
        };
        let wrote = it.members.get(&user).map_or(0, |m| m.wrote);
        if it.slow_mode == 0 || it.is_admin(user) || wrote == 0 {
            return 0;
        }
        (wrote + it.slow_mode - self.clock.date()).max(0)
    }

    /// Changes a message. Returns the editor's update.
    pub(crate) fn edit_in_channel(
        &mut self,
        by: i64,
        channel: i64,
        id: i32,
        text: &str,
        entities: &Value,
    ) -> Result<Value, Refusal> {
        let now = self.clock.date();
        let it = self
            .channels
            .get_mut(&channel)
            .ok_or(Refusal::bad("CHANNEL_INVALID"))?;
        let any = it.broadcast && it.may(by, "edit_messages");
        let message = it
            .messages
            .get_mut(&id)
            .ok_or(Refusal::bad("MESSAGE_ID_INVALID"))?;
        if !message.action.is_null() || (message.from != by && !any) {
            return Err(Refusal::new(403, "MESSAGE_AUTHOR_REQUIRED"));
        }
        if message.text == text && message.entities == *entities {
            return Err(Refusal::bad("MESSAGE_NOT_MODIFIED"));
        }
        if !any && now - message.date > super::super::EDIT_TIME {
            return Err(Refusal::bad("MESSAGE_EDIT_TIME_EXPIRED"));
        }
        text.clone_into(&mut message.text);
        message.entities = entities.clone();
        message.edited = Some(now);
        let pts = it.happened(What::Edited(id), 1, now);
        Ok(self.tell_channel(channel, by, |world, member, mentions| {
            world.edited_channel_message(member, channel, id, pts, mentions)
        }))
    }

    /// Deletes messages for everybody. Returns (`pts`, `pts_count`).
    pub(crate) fn delete_in_channel(
        &mut self,
        by: i64,
        channel: i64,
        ids: &[i32],
    ) -> Result<(i32, i32), Refusal> {
        let now = self.clock.date();
        let it = self
            .channels
            .get_mut(&channel)
            .ok_or(Refusal::bad("CHANNEL_INVALID"))?;
        let there: Vec<i32> = ids
            .iter()
            .copied()
            .filter(|id| it.messages.contains_key(id))
            .collect();
        let foreign = there
            .iter()
            .any(|id| it.messages.get(id).is_some_and(|m| m.from != by));
        if foreign && !it.may(by, "delete_messages") {
            return Err(Refusal::new(403, "MESSAGE_DELETE_FORBIDDEN"));
        }
        if there.is_empty() {
            return Ok((it.pts, 0));
        }
        for id in &there {
            it.messages.remove(id);
        }
        let count = i32::try_from(there.len()).unwrap_or(i32::MAX);
        let update = json!({
            "_": "updateDeleteChannelMessages",
            "channel_id": channel,
            "messages": there,
        });
        let pts = it.happened(What::Other(update.clone(), None), count, now);
        self.tell_channel(channel, 0, |_, _, _| with_pts(update.clone(), pts, count));
        Ok((pts, count))
    }

    /// A member has read up to `max_id` (everything if 0); authors of supergroups are told. Says
    /// whether anything was new.
    pub(crate) fn read_channel(&mut self, user: i64, channel: i64, max_id: i32) -> bool {
        let Some(it) = self.channels.get_mut(&channel) else {
            return false;
        };
        let top = it.top();
        let upto = if max_id <= 0 { top } else { max_id.min(top) };
        let Some(member) = it.members.get_mut(&user).filter(|m| m.read_in < upto) else {
            return false;
        };
        let before = std::mem::replace(&mut member.read_in, upto);
        let mut authors = std::collections::BTreeMap::new();
        if !it.broadcast {
            for (id, message) in it.messages.range(before.saturating_add(1)..=upto) {
                authors.insert(message.from, *id);
            }
        }
        authors.remove(&user);
        authors.retain(|author, id| match it.members.get_mut(author) {
            Some(author) if author.read_out < *id => {
                author.read_out = *id;
                true
            }
            _ => false,
        });
        let (pts, unread) = (it.pts, it.unread(user));
        let update = json!({
            "_": "updateReadChannelInbox",
            "channel_id": channel,
            "max_id": upto,
            "still_unread_count": unread,
            "pts": pts,
        });
        self.tell_short(user, channel, &update);
        for (author, id) in authors {
            let update = json!({
                "_": "updateReadChannelOutbox",
                "channel_id": channel,
                "max_id": id,
            });
            self.tell_short(author, channel, &update);
        }
        true
    }

    fn tell_short(&mut self, user: i64, channel: i64, update: &Value) {
        let date = self.clock.date();
        let body = json!({"_": "updateShort", "update": update, "date": date});
        self.push(To::User(user), body, Some(Late::Channel(channel)));
    }
}
