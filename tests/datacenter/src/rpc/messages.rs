//! `messages.*` that change something.

use serde_json::{Map, Value, json};

use super::{Answer, Call};
use crate::{
    refusal::Refusal,
    value::{self, Fields},
    world::{
        chat::Chat,
        mailbox::Message,
        message::Letter,
        peer::{Mentions, Peer},
    },
};

/// Characters (UTF-16 units) in a message.
pub(super) const LONGEST: usize = 4_096;
/// The same beside a file.
pub(super) const LONGEST_CAPTION: usize = 1_024;

impl Call<'_> {
    pub(super) fn send_message(&mut self) -> Answer {
        let peer = self.target()?;
        let text = checked_text(self.params.text("message"))?;
        let letter = Letter {
            text,
            entities: self.entities()?,
            ..self.letter(peer)?
        };
        self.send(peer, &letter)
    }

    /// Where the message goes, if the caller may write there.
    pub(super) fn target(&self) -> Result<Peer, Refusal> {
        self.writable(self.params.value("peer"))
    }

    /// The peer that an `InputPeer` names, if the caller may write there.
    pub(super) fn writable(&self, input: &Value) -> Result<Peer, Refusal> {
        let peer = self.world.input_peer(self.me, input)?;
        match peer {
            Peer::Chat(id) => {
                let chat = self.world.chats.get(&id);
                let open = |c: &Chat| c.members.contains_key(&self.me) && c.migrated_to.is_none();
                if !chat.is_some_and(open) {
                    return Err(Refusal::new(403, "CHAT_WRITE_FORBIDDEN"));
                }
            }
            Peer::Channel(id) => self.may_write(id)?,
            Peer::User(id) => {
                let user = self.world.user(id);
                let bots = user.is_some_and(|u| u.bot) && self.user()?.bot;
                if bots && id != self.me {
                    return Err(Refusal::bad("USER_IS_BOT"));
                }
                if user.is_some_and(|u| u.blocked.contains(&self.me)) {
                    return Err(Refusal::new(403, "USER_IS_BLOCKED"));
                }
            }
        }
        Ok(peer)
    }

    /// Whether the caller may write into a channel.
    fn may_write(&self, id: i64) -> Result<(), Refusal> {
        let channel = self.world.channel(id);
        let channel = channel.ok_or(Refusal::bad("CHANNEL_INVALID"))?;
        if channel.broadcast {
            if channel.may(self.me, "post_messages") {
                return Ok(());
            }
            return Err(Refusal::bad("CHAT_ADMIN_REQUIRED"));
        }
        if channel.members.contains_key(&self.me) && !channel.muted.contains(&self.me) {
            return Ok(());
        }
        Err(Refusal::new(403, "CHAT_WRITE_FORBIDDEN"))
    }

    /// What all kinds of messages have in common.
    pub(super) fn letter(&self, peer: Peer) -> Result<Letter, Refusal> {
        let reply = self.params.object("reply_to");
        let reply_to = if reply.kind() == "inputReplyToMessage" {
            let id = reply.int("reply_to_msg_id");
            if self.message(peer, id)?.is_none() {
                return Err(Refusal::bad("REPLY_MESSAGE_ID_INVALID"));
            }
            Some(id)
        } else {
            None
        };
        Ok(Letter {
            reply_to,
            silent: self.params.flag("silent"),
            ..Letter::default()
        })
    }

    /// The entities as receivers see them.
    pub(super) fn entities(&self) -> Result<Value, Refusal> {
        if !self.params.has("entities") {
            return Ok(Value::Null);
        }
        let seen = self.params.list("entities").iter().map(|entity| {
            let fields = Fields::from(entity);
            if fields.kind() != "inputMessageEntityMentionName" {
                return Ok(entity.clone());
            }
            let user = self.world.input_user(self.me, fields.value("user_id"))?;
            Ok(json!({
                "_": "messageEntityMentionName",
                "offset": fields.int("offset"),
                "length": fields.int("length"),
                "user_id": user,
            }))
        });
        seen.collect::<Result<Vec<_>, Refusal>>().map(Value::Array)
    }

    /// Whether a `random_id` is there and new.
    pub(super) fn check_random_id(&self, random_id: i64) -> Result<(), Refusal> {
        if random_id == 0 {
            return Err(Refusal::bad("RANDOM_ID_EMPTY"));
        }
        if self.user()?.mailbox.repeated(random_id) {
            return Err(Refusal::new(500, "RANDOM_ID_DUPLICATE"));
        }
        Ok(())
    }

    /// Whether the caller has waited long enough.
    pub(super) fn check_slow_mode(&self, peer: Peer) -> Result<(), Refusal> {
        if let Peer::Channel(channel) = peer {
            let left = self.world.slow_mode_left(self.me, channel);
            if left > 0 {
                return Err(Refusal::new(420, format!("SLOWMODE_WAIT_{left}")));
            }
        }
        Ok(())
    }

    /// Posts what was checked; returns the caller's id of it.
    pub(super) fn post(
        &mut self,
        peer: Peer,
        random_id: i64,
        letter: &Letter,
    ) -> Result<i32, Refusal> {
        self.check_random_id(random_id)?;
        self.user_mut()?.mailbox.fresh(random_id);
        Ok(self.world.post(self.me, peer, letter))
    }

    pub(super) fn send(&mut self, peer: Peer, letter: &Letter) -> Answer {
        let random_id = self.params.long("random_id");
        self.check_random_id(random_id)?;
        self.check_slow_mode(peer)?;
        let id = self.post(peer, random_id, letter)?;
        let mailbox = &self.user()?.mailbox;
        let short = matches!(peer, Peer::User(other) if other != self.me);
        if short && letter.file.is_none() {
            return Ok(json!({
                "_": "updateShortSentMessage",
                "out": true,
                "id": id,
                "pts": mailbox.pts,
                "pts_count": 1,
                "date": mailbox.messages.get(&id).map_or(0, |m| m.date),
                "media": letter.media,
                "entities": letter.entities,
            }));
        }
        let mut mentions = Mentions::default();
        let mut updates = vec![json!({"_": "updateMessageID", "id": id, "random_id": random_id})];
        self.own_message(peer, id, &mut updates, &mut mentions);
        Ok(self.world.updates(self.me, &updates, &mentions))
    }

    /// The updates for a message that the caller has just sent.
    pub(super) fn own_message(
        &self,
        peer: Peer,
        id: i32,
        updates: &mut Vec<Value>,
        mentions: &mut Mentions,
    ) {
        match peer {
            Peer::Channel(channel) => {
                let pts = self.world.channel(channel).map_or(0, |c| c.pts);
                updates.push(json!({
                    "_": "updateReadChannelInbox",
                    "channel_id": channel,
                    "max_id": id,
                    "still_unread_count": 0,
                    "pts": pts,
                }));
                let new = self
                    .world
                    .new_channel_message(self.me, channel, id, pts, mentions);
                updates.push(new);
            }
            Peer::User(_) | Peer::Chat(_) => {
                let pts = self.world.user(self.me).map_or(0, |u| u.mailbox.pts);
                updates.push(self.world.new_message(self.me, id, pts, mentions));
            }
        }
    }

    /// A message of one of the caller's chats.
    pub(super) fn message(&self, peer: Peer, id: i32) -> Result<Option<&Message>, Refusal> {
        Ok(match peer {
            Peer::Channel(channel) => {
                let channel = self.world.channel(channel);
                channel.and_then(|c| c.messages.get(&id))
            }
            Peer::User(_) | Peer::Chat(_) => {
                let message = self.user()?.mailbox.messages.get(&id);
                message.filter(|m| m.peer == peer)
            }
        })
    }

    pub(super) fn edit_message(&mut self) -> Answer {
        let peer = self.world.input_peer(self.me, self.params.value("peer"))?;
        let id = self.params.int("id");
        if self.message(peer, id)?.is_none() {
            return Err(Refusal::bad("MESSAGE_ID_INVALID"));
        }
        let text = checked_text(self.params.text("message"))?;
        let entities = self.entities()?;
        match peer {
            Peer::Channel(channel) => self
                .world
                .edit_in_channel(self.me, channel, id, &text, &entities),
            Peer::User(_) | Peer::Chat(_) => self.world.edit(self.me, id, &text, &entities),
        }
    }

    pub(super) fn delete_messages(&mut self) -> Answer {
        let ids = self.params.list("id").iter().map(value::long);
        let ids: Vec<i32> = ids.filter_map(|id| i32::try_from(id).ok()).collect();
        let affected = self.world.delete(self.me, &ids, self.params.flag("revoke"));
        Ok(affected_messages(affected))
    }

    pub(super) fn read_history(&mut self) -> Answer {
        let peer = self.world.input_peer(self.me, self.params.value("peer"))?;
        if matches!(peer, Peer::Channel(_)) {
            // Channels have a method of their own.
            return Err(Refusal::bad("PEER_ID_INVALID"));
        }
        let affected = self.world.read(self.me, peer, self.params.int("max_id"));
        Ok(affected_messages(affected))
    }

    pub(super) fn set_typing(&mut self) -> Answer {
        let peer = self.world.input_peer(self.me, self.params.value("peer"))?;
        let me = self.me;
        let mut update = Map::new();
        update.insert("action".into(), self.params.value("action").clone());
        let readers: Vec<i64> = match peer {
            Peer::User(other) => {
                update.insert("_".into(), json!("updateUserTyping"));
                update.insert("user_id".into(), json!(me));
                vec![other]
            }
            Peer::Chat(id) => {
                update.insert("_".into(), json!("updateChatUserTyping"));
                update.insert("chat_id".into(), json!(id));
                update.insert("from_id".into(), Peer::User(me).json());
                let chat = self.world.chats.get(&id);
                chat.map(|c| c.members.keys().copied().collect())
                    .unwrap_or_default()
            }
            Peer::Channel(id) => {
                self.may_write(id)?;
                update.insert("_".into(), json!("updateChannelUserTyping"));
                update.insert("channel_id".into(), json!(id));
                update.insert("from_id".into(), Peer::User(me).json());
                let channel = self.world.channel(id).filter(|c| !c.broadcast);
                channel
                    .map(|c| c.members.keys().copied().collect())
                    .unwrap_or_default()
            }
        };
        let date = self.world.clock.date();
        let body = json!({"_": "updateShort", "update": update, "date": date});
        for reader in readers.into_iter().filter(|r| *r != me) {
            self.world.tell(reader, body.clone());
        }
        Ok(Value::Bool(true))
    }
}

/// The text beside a file, which may be empty.
pub(super) fn caption(text: &str) -> Result<String, Refusal> {
    if text.encode_utf16().count() > LONGEST_CAPTION {
        return Err(Refusal::bad("MEDIA_CAPTION_TOO_LONG"));
    }
    Ok(text.to_owned())
}

fn checked_text(text: &str) -> Result<String, Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::bad("MESSAGE_EMPTY"));
    }
    if text.encode_utf16().count() > LONGEST {
        return Err(Refusal::bad("MESSAGE_TOO_LONG"));
    }
    Ok(text.to_owned())
}

pub(super) fn affected_messages((pts, count): (i32, i32)) -> Value {
    json!({"_": "messages.affectedMessages", "pts": pts, "pts_count": count})
}
