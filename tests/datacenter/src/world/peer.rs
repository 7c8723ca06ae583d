//! Who a message can go to, and what users and groups look like to somebody.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::World;
use crate::{refusal::Refusal, value::Fields};

/// A private chat (named by the other side), a basic group, or a channel (supergroups too).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Peer {
    User(i64),
    Chat(i64),
    Channel(i64),
}

impl Peer {
    pub(crate) fn json(self) -> Value {
        match self {
            Self::User(id) => json!({"_": "peerUser", "user_id": id}),
            Self::Chat(id) => json!({"_": "peerChat", "chat_id": id}),
            Self::Channel(id) => json!({"_": "peerChannel", "channel_id": id}),
        }
    }
}

/// Whom an answer speaks of; their objects go along with it.
#[derive(Default)]
pub(crate) struct Mentions {
    users: BTreeSet<i64>,
    chats: BTreeSet<i64>,
    channels: BTreeSet<i64>,
}

impl Mentions {
    pub(crate) fn user(&mut self, id: i64) {
        self.users.insert(id);
    }

    pub(crate) fn peer(&mut self, peer: Peer) {
        match peer {
            Peer::User(id) => self.users.insert(id),
            Peer::Chat(id) => self.chats.insert(id),
            Peer::Channel(id) => self.channels.insert(id),
        };
    }
}

impl World {
    /// `access_hash` of a user for one viewer: the same on all of the viewer's sessions, and
    /// worthless to anybody else.
    pub(crate) fn access_hash(&self, viewer: i64, user: i64) -> i64 {
        self.hash_for(viewer, "user", user)
    }

    /// The same for other things with an id.
    pub(crate) fn hash_for(&self, viewer: i64, kind: &str, id: i64) -> i64 {
        let digest = Sha256::new()
            .chain_update(self.secret)
            .chain_update(kind)
            .chain_update(viewer.to_le_bytes())
            .chain_update(id.to_le_bytes())
            .finalize();
        let mut first = [0; 8];
        first
            .iter_mut()
            .zip(digest.iter())
            .for_each(|(to, from)| *to = *from);
        i64::from_le_bytes(first) | 1
    }

    /// The user an `InputUser` or `InputPeer` of a user names.
    pub(crate) fn input_user(&self, viewer: i64, input: &Value) -> Result<i64, Refusal> {
        let fields = Fields::from(input);
        let id = fields.long("user_id");
        let known = match fields.kind() {
            "inputUserSelf" | "inputPeerSelf" => return Ok(viewer),
            "inputUser" | "inputPeerUser" => {
                let hash = fields.long("access_hash");
                let bot = self.user(viewer).is_some_and(|u| u.bot);
                hash == self.access_hash(viewer, id) || id == viewer || (bot && hash == 0)
            }
            "inputUserFromMessage" | "inputPeerUserFromMessage" => true,
            _ => false,
        };
        if known && self.user(id).is_some() {
            Ok(id)
        } else {
            Err(Refusal::bad("USER_ID_INVALID"))
        }
    }

    /// The peer an `InputPeer` names.
    pub(crate) fn input_peer(&self, viewer: i64, input: &Value) -> Result<Peer, Refusal> {
        let fields = Fields::from(input);
        match fields.kind() {
            "inputPeerChat" => {
                let id = fields.long("chat_id");
                self.chats
                    .get(&id)
                    .filter(|chat| chat.knows(viewer))
                    .map(|_| Peer::Chat(id))
                    .ok_or(Refusal::bad("PEER_ID_INVALID"))
            }
            "inputPeerChannel" | "inputPeerChannelFromMessage" => {
                self.input_channel(viewer, input).map(Peer::Channel)
            }
            _ => self
                .input_user(viewer, input)
                .map(Peer::User)
                .map_err(|_| Refusal::bad("PEER_ID_INVALID")),
        }
    }

    /// A `User` as the viewer sees it.
    pub(crate) fn user_json(&self, viewer: i64, id: i64) -> Value {
        let Some(user) = self.user(id) else {
            return json!({"_": "userEmpty", "id": id});
        };
        let contact = self.user(viewer).and_then(|v| v.contacts.get(&id));
        let mutual = contact.is_some() && user.contacts.contains_key(&viewer);
        let mut json = json!({
            "_": "user",
            "id": id,
            "access_hash": self.access_hash(viewer, id),
            "first_name": contact.map_or(&user.first_name, |c| &c.first_name),
        });
        let mut set = |name: &str, value: Value| {
            if let Some(map) = json.as_object_mut() {
                map.insert(name.to_owned(), value);
            }
        };
        let last_name = contact.map_or(&user.last_name, |c| &c.last_name);
        if !last_name.is_empty() {
            set("last_name", json!(last_name));
        }
        if let Some(username) = &user.username {
            set("username", json!(username));
        }
        if user.bot {
            set("bot", json!(true));
            set("bot_info_version", json!(1));
        } else {
            set("status", json!({"_": "userStatusRecently"}));
        }
        // A contact was added by its number, so the number is no secret.
        if let Some(phone) = user
            .phone
            .as_ref()
            .filter(|_| id == viewer || contact.is_some())
        {
            set("phone", json!(phone));
        }
        if id == viewer {
            set("self", json!(true));
        }
        if contact.is_some() {
            set("contact", json!(true));
        }
        if mutual {
            set("mutual_contact", json!(true));
        }
        json
    }

    /// A `Chat` as the viewer sees it.
    pub(crate) fn chat_json(&self, viewer: i64, id: i64) -> Value {
        let Some(chat) = self.chats.get(&id) else {
            return json!({"_": "chatEmpty", "id": id});
        };
        let mut json = json!({
            "_": "chat",
            "id": id,
            "title": chat.title,
            "photo": {"_": "chatPhotoEmpty"},
            "participants_count": chat.members.len(),
            "date": chat.date,
            "version": chat.version,
        });
        if let Some(map) = json.as_object_mut() {
            if chat.creator == viewer {
                map.insert("creator".into(), json!(true));
            }
            if !chat.members.contains_key(&viewer) {
                map.insert("left".into(), json!(true));
            }
            if let Some(channel) = chat.migrated_to {
                map.insert("deactivated".into(), json!(true));
                let to = json!({
                    "_": "inputChannel",
                    "channel_id": channel,
                    "access_hash": self.hash_for(viewer, "channel", channel),
                });
                map.insert("migrated_to".into(), to);
            }
        }
        json
    }

    /// The `users` and `chats` vectors for an answer.
    pub(crate) fn mentioned(&self, viewer: i64, mentions: &Mentions) -> (Value, Value) {
        let users = mentions.users.iter().map(|id| self.user_json(viewer, *id));
        let chats = mentions.chats.iter().map(|id| self.chat_json(viewer, *id));
        let channels = mentions.channels.iter();
        let channels = channels.map(|id| self.channel_json(viewer, *id));
        (users.collect(), chats.chain(channels).collect())
    }

    /// Puts `users` and `chats` into an answer that has both fields.
    pub(crate) fn with_mentions(
        &self,
        viewer: i64,
        mut answer: Value,
        mentions: &Mentions,
    ) -> Value {
        let (users, chats) = self.mentioned(viewer, mentions);
        if let Some(map) = answer.as_object_mut() {
            map.insert("users".into(), users);
            map.insert("chats".into(), chats);
        }
        answer
    }
}
