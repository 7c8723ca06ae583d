//! Writing, editing, deleting and reading: what it does to everybody's mailbox, and who is told.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    World,
    mailbox::{Message, Origin, What},
    peer::{Mentions, Peer},
};
use crate::refusal::Refusal;

/// A message on its way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Letter {
    pub(crate) text: String,
    /// Null, or a vector of `MessageEntity`.
    pub(crate) entities: Value,
    /// Null, or a `MessageMedia`.
    pub(crate) media: Value,
    /// The photo or document that belongs into `media`.
    pub(crate) file: Option<i64>,
    /// Set for the messages of one album.
    pub(crate) grouped: Option<i64>,
    /// Where it was first, if it is forwarded.
    pub(crate) origin: Option<Origin>,
    /// Null, or a `MessageAction`.
    pub(crate) action: Value,
    /// In the sender's numbering.
    pub(crate) reply_to: Option<i32>,
    pub(crate) silent: bool,
}

impl World {
    /// Who has a copy of what is written in a chat of `owner`.
    fn readers(&self, owner: i64, peer: Peer) -> Vec<i64> {
        match peer {
            Peer::User(other) if other == owner => vec![owner],
            Peer::User(other) => vec![owner, other],
            Peer::Chat(id) => self
                .chats
                .get(&id)
                .map(|chat| chat.members.keys().copied().collect())
                .unwrap_or_default(),
            // What is written there lies in the channel, not in mailboxes.
            Peer::Channel(_) => Vec::new(),
        }
    }

    /// Delivers a letter; returns the sender's id of it. Everybody's other sessions are told.
    pub(crate) fn post(&mut self, from: i64, to: Peer, letter: &Letter) -> i32 {
        if let Peer::Channel(channel) = to {
            return self.post_in_channel(from, channel, letter);
        }
        self.last_letter += 1;
        let number = self.last_letter;
        let date = self.clock.date();
        let replied = letter.reply_to.and_then(|id| {
            let message = self.user(from)?.mailbox.messages.get(&id)?;
            Some(message.letter)
        });
        let mut sent = 0;
        for reader in self.readers(from, to) {
            let peer = match to {
                Peer::User(_) if reader != from => Peer::User(from),
                other => other,
            };
            let Some(user) = self.users.get_mut(&reader) else {
                continue;
            };
            let known = user.mailbox.dialogs.contains_key(&peer);
            let id = user.mailbox.put(Message {
                id: 0,
                letter: number,
                peer,
                from,
                out: reader == from,
                silent: letter.silent,
                date,
                edited: None,
                text: letter.text.clone(),
                entities: letter.entities.clone(),
                media: letter.media.clone(),
                file: letter.file,
                grouped: letter.grouped,
                origin: letter.origin.clone(),
                reply_to: replied.and_then(|r| user.mailbox.copy_of(r)),
                action: letter.action.clone(),
            });
            let pts = user.mailbox.happened(What::New(id), 1);
            if reader == from {
                sent = id;
            }
            let plain =
                letter.media.is_null() && letter.action.is_null() && letter.origin.is_none();
            if !self.has_sessions(reader) {
                continue;
            }
            let body = if known && plain && reader != from {
                self.short_message(reader, id, pts)
            } else {
                let mut mentions = Mentions::default();
                let update = self.new_message(reader, id, pts, &mut mentions);
                self.updates(reader, &[update], &mentions)
            };
            self.tell_numbered(reader, body);
        }
        sent
    }

    /// `updateNewMessage` for one of the owner's messages.
    pub(crate) fn new_message(
        &self,
        owner: i64,
        id: i32,
        pts: i32,
        mentions: &mut Mentions,
    ) -> Value {
        json!({
            "_": "updateNewMessage",
            "message": self.message_json(owner, id, mentions),
            "pts": pts,
            "pts_count": 1,
        })
    }

    /// The short forms that Telegram uses where the receiver knows the sender.
    fn short_message(&self, owner: i64, id: i32, pts: i32) -> Value {
        let Some(message) = self.user(owner).and_then(|u| u.mailbox.messages.get(&id)) else {
            return Value::Null;
        };
        let mut body = json!({
            "id": id,
            "message": message.text,
            "pts": pts,
            "pts_count": 1,
            "date": message.date,
            "entities": message.entities,
        });
        if let Some(map) = body.as_object_mut() {
            match message.peer {
                Peer::User(other) => {
                    map.insert("_".into(), json!("updateShortMessage"));
                    map.insert("user_id".into(), json!(other));
                }
                Peer::Chat(chat) | Peer::Channel(chat) => {
                    map.insert("_".into(), json!("updateShortChatMessage"));
                    map.insert("from_id".into(), json!(message.from));
                    map.insert("chat_id".into(), json!(chat));
                }
            }
            if message.out {
                map.insert("out".into(), json!(true));
            }
            if message.silent {
                map.insert("silent".into(), json!(true));
            }
            if let Some(reply) = message.reply_to {
                map.insert("reply_to".into(), reply_header(reply));
            }
        }
        body
    }

    /// A `Message` as its owner sees it.
    pub(crate) fn message_json(&self, owner: i64, id: i32, mentions: &mut Mentions) -> Value {
        match self.user(owner).and_then(|u| u.mailbox.messages.get(&id)) {
            Some(message) => self.render(owner, message, mentions),
            None => json!({"_": "messageEmpty", "id": id}),
        }
    }

    /// A `Message` as `viewer` sees it.
    pub(crate) fn render(&self, viewer: i64, message: &Message, mentions: &mut Mentions) -> Value {
        mentions.peer(message.peer);
        let mut json = json!({
            "id": message.id,
            "peer_id": message.peer.json(),
            "date": message.date,
        });
        let Some(map) = json.as_object_mut() else {
            return json;
        };
        let post = self.is_post(message.peer);
        let out = message.from == viewer;
        if post {
            map.insert("post".into(), json!(true));
        } else {
            mentions.user(message.from);
        }
        // In a private chat the sender follows from `out` and `peer_id`; a broadcast channel
        // speaks for itself.
        if !post && (out || !matches!(message.peer, Peer::User(_))) {
            map.insert("from_id".into(), Peer::User(message.from).json());
        }
        if out {
            map.insert("out".into(), json!(true));
        }
        if message.silent {
            map.insert("silent".into(), json!(true));
        }
        if let Some(reply) = message.reply_to {
            map.insert("reply_to".into(), reply_header(reply));
        }
        if message.action.is_null() {
            map.insert("_".into(), json!("message"));
            map.insert("message".into(), json!(message.text));
            map.insert("entities".into(), message.entities.clone());
            let media = self.media_json(viewer, &message.media, message.file);
            map.insert("media".into(), media);
            if let Some(edited) = message.edited {
                map.insert("edit_date".into(), json!(edited));
            }
            if let Some(origin) = &message.origin {
                mentions.peer(origin.from);
                let mut header = json!({
                    "_": "messageFwdHeader",
                    "from_id": origin.from.json(),
                    "date": origin.date,
                });
                if let (Some(post), Some(header)) = (origin.post, header.as_object_mut()) {
                    header.insert("channel_post".into(), json!(post));
                }
                map.insert("fwd_from".into(), header);
            }
            if let Some(grouped) = message.grouped {
                map.insert("grouped_id".into(), json!(grouped));
            }
            if post {
                map.insert("views".into(), json!(1));
                map.insert("forwards".into(), json!(0));
            }
        } else {
            map.insert("_".into(), json!("messageService"));
            map.insert("action".into(), message.action.clone());
            let action = crate::value::Fields::from(&message.action);
            for user in action.list("users") {
                mentions.user(crate::value::long(user));
            }
            if action.has("user_id") {
                mentions.user(action.long("user_id"));
            }
        }
        json
    }

    /// A `MessageMedia` as `viewer` sees it.
    pub(crate) fn media_json(&self, viewer: i64, media: &Value, file: Option<i64>) -> Value {
        let mut media = media.clone();
        if let (Some(file), Some(map)) = (file, media.as_object_mut()) {
            let object = self.file_json(viewer, file);
            let photo = crate::value::Fields::from(&object).kind() == "photo";
            map.insert(if photo { "photo" } else { "document" }.into(), object);
        }
        media
    }

    /// Changes a message everywhere. Returns the owner's update.
    pub(crate) fn edit(
        &mut self,
        owner: i64,
        id: i32,
        text: &str,
        entities: &Value,
    ) -> Result<Value, Refusal> {
        let now = self.clock.date();
        let message = self
            .user(owner)
            .and_then(|u| u.mailbox.messages.get(&id))
            .ok_or(Refusal::bad("MESSAGE_ID_INVALID"))?;
        if !message.out || !message.action.is_null() {
            return Err(Refusal::new(403, "MESSAGE_AUTHOR_REQUIRED"));
        }
        if message.text == text && message.entities == *entities {
            return Err(Refusal::bad("MESSAGE_NOT_MODIFIED"));
        }
        let saved = message.peer == Peer::User(owner);
        if !saved && now - message.date > super::EDIT_TIME {
            return Err(Refusal::bad("MESSAGE_EDIT_TIME_EXPIRED"));
        }
        let (letter, peer) = (message.letter, message.peer);
        let mut own = Value::Null;
        for reader in self.readers(owner, peer) {
            let Some(mailbox) = self.users.get_mut(&reader).map(|u| &mut u.mailbox) else {
                continue;
            };
            let Some(copy) = mailbox.copy_of(letter) else {
                continue;
            };
            if let Some(message) = mailbox.messages.get_mut(&copy) {
                text.clone_into(&mut message.text);
                message.entities = entities.clone();
                message.edited = Some(now);
            }
            let pts = mailbox.happened(What::Edited(copy), 1);
            let mut mentions = Mentions::default();
            let update = self.edited_message(reader, copy, pts, &mut mentions);
            let body = self.updates(reader, &[update], &mentions);
            if reader == owner {
                own = body.clone();
            }
            self.tell_numbered(reader, body);
        }
        Ok(own)
    }

    pub(crate) fn edited_message(
        &self,
        owner: i64,
        id: i32,
        pts: i32,
        mentions: &mut Mentions,
    ) -> Value {
        json!({
            "_": "updateEditMessage",
            "message": self.message_json(owner, id, mentions),
            "pts": pts,
            "pts_count": 1,
        })
    }

    /// Deletes the owner's copies, and with `revoke` everybody's. Returns (`pts`, `pts_count`).
    pub(crate) fn delete(&mut self, owner: i64, ids: &[i32], revoke: bool) -> (i32, i32) {
        let Some(user) = self.users.get_mut(&owner) else {
            return (0, 0);
        };
        let gone = user.mailbox.remove(ids);
        let own: Vec<i32> = gone.iter().map(|m| m.id).collect();
        let affected = self.deleted(owner, &own);
        if revoke {
            let mut others: BTreeMap<i64, Vec<i32>> = BTreeMap::new();
            for message in &gone {
                for reader in self.readers(owner, message.peer) {
                    let copy = self
                        .user(reader)
                        .and_then(|u| u.mailbox.copy_of(message.letter));
                    if let Some(copy) = copy {
                        others.entry(reader).or_default().push(copy);
                    }
                }
            }
            for (reader, ids) in others {
                if let Some(user) = self.users.get_mut(&reader) {
                    user.mailbox.remove(&ids);
                }
                self.deleted(reader, &ids);
            }
        }
        affected
    }

    fn deleted(&mut self, owner: i64, ids: &[i32]) -> (i32, i32) {
        let count = i32::try_from(ids.len()).unwrap_or(i32::MAX);
        let update = json!({"_": "updateDeleteMessages", "messages": ids});
        if count == 0 {
            return (self.user(owner).map_or(0, |u| u.mailbox.pts), 0);
        }
        (self.numbered(owner, update, None, count), count)
    }

    /// Gives an update its numbers, keeps it for `getDifference` and tells the owner's sessions.
    fn numbered(&mut self, owner: i64, update: Value, about: Option<Peer>, count: i32) -> i32 {
        let Some(user) = self.users.get_mut(&owner) else {
            return 0;
        };
        let pts = user
            .mailbox
            .happened(What::Other(update.clone(), about), count);
        let mut mentions = Mentions::default();
        if let Some(peer) = about {
            mentions.peer(peer);
        }
        let body = self.updates(owner, &[with_pts(update, pts, count)], &mentions);
        self.tell_numbered(owner, body);
        pts
    }

    /// The owner has read up to `max_id` (everything if 0). Returns (`pts`, `pts_count`).
    pub(crate) fn read(&mut self, owner: i64, peer: Peer, max_id: i32) -> (i32, i32) {
        let Some(user) = self.users.get_mut(&owner) else {
            return (0, 0);
        };
        let mailbox = &mut user.mailbox;
        let before = mailbox.dialogs.get(&peer).map_or(0, |d| d.read_in);
        let newest = mailbox
            .history(peer)
            .find(|m| !m.out && (max_id == 0 || m.id <= max_id))
            .map(|m| (m.id, m.letter, m.from));
        let Some((newest, letter, author)) = newest.filter(|(id, ..)| *id > before) else {
            return (mailbox.pts, 0);
        };
        if let Some(dialog) = mailbox.dialogs.get_mut(&peer) {
            dialog.read_in = newest;
        }
        let unread = mailbox.unread(peer);
        let update = json!({
            "_": "updateReadHistoryInbox",
            "peer": peer.json(),
            "max_id": newest,
            "still_unread_count": unread,
        });
        let pts = self.numbered(owner, update, Some(peer), 1);

        let (author, theirs) = match peer {
            Peer::User(other) => (other, Peer::User(owner)),
            Peer::Chat(_) | Peer::Channel(_) => (author, peer),
        };
        if let Some(mailbox) = self.users.get_mut(&author).map(|u| &mut u.mailbox)
            && author != owner
            && let Some(copy) = mailbox.copy_of(letter)
            && let Some(dialog) = mailbox.dialogs.get_mut(&theirs)
            && dialog.read_out < copy
        {
            dialog.read_out = copy;
            let update = json!({
                "_": "updateReadHistoryOutbox",
                "peer": theirs.json(),
                "max_id": copy,
            });
            self.numbered(author, update, Some(theirs), 1);
        }
        (pts, 1)
    }

    /// An `updates` container with all the objects it speaks of. `seq` is 0: nothing here is
    /// ordered by it, as with Telegram's own containers of numbered updates.
    pub(crate) fn updates(&self, viewer: i64, updates: &[Value], mentions: &Mentions) -> Value {
        let body = json!({
            "_": "updates",
            "updates": updates,
            "date": self.clock.date(),
            "seq": 0,
        });
        self.with_mentions(viewer, body, mentions)
    }
}

fn reply_header(id: i32) -> Value {
    json!({"_": "messageReplyHeader", "reply_to_msg_id": id})
}

/// An update that was kept without its numbers, with them.
pub(crate) fn with_pts(mut update: Value, pts: i32, count: i32) -> Value {
    if let Some(map) = update.as_object_mut() {
        map.insert("pts".into(), json!(pts));
        map.insert("pts_count".into(), json!(count));
    }
    update
}
