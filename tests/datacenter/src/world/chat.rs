//! Basic groups.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{World, message::Letter, peer::Peer};
use crate::refusal::Refusal;

/// How one came into a group.
#[derive(Serialize, Deserialize)]
pub(crate) struct Member {
    pub(crate) inviter: i64,
    pub(crate) date: i64,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Chat {
    pub(crate) title: String,
    pub(crate) creator: i64,
    pub(crate) date: i64,
    pub(crate) version: i32,
    pub(crate) members: BTreeMap<i64, Member>,
    /// Left or removed: they keep what they have read.
    pub(crate) former: Vec<i64>,
    /// The supergroup it has become.
    pub(crate) migrated_to: Option<i64>,
}

impl Chat {
    /// Whether the group exists for this user at all.
    pub(crate) fn knows(&self, user: i64) -> bool {
        self.members.contains_key(&user) || self.former.contains(&user)
    }
}

impl World {
    /// Makes a group and says so in it. Returns the group's id and the creator's message id.
    pub(crate) fn create_chat(&mut self, by: i64, with: &[i64], title: &str) -> (i64, i32) {
        self.last_chat += 1;
        let id = self.last_chat;
        let date = self.clock.date();
        let mut members = BTreeMap::new();
        for user in with.iter().chain([&by]) {
            members.insert(*user, Member { inviter: by, date });
        }
        let users: Vec<i64> = members.keys().copied().collect();
        let chat = Chat {
            title: title.to_owned(),
            creator: by,
            date,
            version: 1,
            members,
            former: Vec::new(),
            migrated_to: None,
        };
        self.chats.insert(id, chat);
        let action = json!({"_": "messageActionChatCreate", "title": title, "users": users});
        (id, self.announce(by, id, action))
    }

    /// Adds somebody and says so.
    pub(crate) fn add_member(&mut self, by: i64, chat: i64, user: i64) -> Result<i32, Refusal> {
        let date = self.clock.date();
        let group = self.member_of(by, chat)?;
        if group.members.contains_key(&user) {
            return Err(Refusal::bad("USER_ALREADY_PARTICIPANT"));
        }
        group.members.insert(user, Member { inviter: by, date });
        group.former.retain(|u| *u != user);
        group.version += 1;
        self.tell_bots_of(by, chat, user, &Value::Null);
        let action = json!({"_": "messageActionChatAddUser", "users": [user]});
        Ok(self.announce(by, chat, action))
    }

    /// Removes somebody, possibly oneself, and says so while they still can see it.
    pub(crate) fn remove_member(&mut self, by: i64, chat: i64, user: i64) -> Result<i32, Refusal> {
        let group = self.member_of(by, chat)?;
        if !group.members.contains_key(&user) {
            return Err(Refusal::bad("USER_NOT_PARTICIPANT"));
        }
        if user != by && by != group.creator {
            return Err(Refusal::bad("CHAT_ADMIN_REQUIRED"));
        }
        group.version += 1;
        let action = json!({"_": "messageActionChatDeleteUser", "user_id": user});
        let id = self.announce(by, chat, action);
        if let Some(group) = self.chats.get_mut(&chat) {
            let before = group.participant(user);
            group.members.remove(&user);
            group.former.push(user);
            self.tell_bots_of(by, chat, user, &before);
        }
        Ok(id)
    }

    /// The bots in a group, and the bot it is about, are told of a change of a member, numbered by
    /// `qts`.
    fn tell_bots_of(&mut self, by: i64, chat: i64, user: i64, before: &Value) {
        let date = self.clock.date();
        let Some(group) = self.chats.get(&chat) else {
            return;
        };
        let all: BTreeSet<i64> = group.members.keys().chain([&user]).copied().collect();
        let after = group.participant(user);
        for bot in all {
            if !self.user(bot).is_some_and(|u| u.bot) {
                continue;
            }
            let update = json!({
                "_": "updateChatParticipant",
                "chat_id": chat,
                "date": date,
                "actor_id": by,
                "user_id": user,
                "prev_participant": before,
                "new_participant": after,
            });
            let about = vec![Peer::Chat(chat), Peer::User(by), Peer::User(user)];
            self.tell_by_qts(bot, update, about);
        }
    }

    /// Makes a supergroup of a basic group: <https://core.telegram.org/api/channel#migration>.
    /// Returns the supergroup's id and the creator's id of the group's last message.
    pub(crate) fn migrate_chat(&mut self, by: i64, chat: i64) -> Result<(i64, i32), Refusal> {
        let group = self.member_of(by, chat)?;
        if group.creator != by {
            return Err(Refusal::bad("CHAT_ADMIN_REQUIRED"));
        }
        if group.migrated_to.is_some() {
            return Err(Refusal::bad("CHAT_ID_INVALID"));
        }
        let title = group.title.clone();
        let members: Vec<i64> = group.members.keys().copied().collect();
        let channel = self.found_channel(by, false, &title, "");
        let action = json!({"_": "messageActionChatMigrateTo", "channel_id": channel});
        let last = self.announce(by, chat, action);
        if let Some(group) = self.chats.get_mut(&chat) {
            group.migrated_to = Some(channel);
            group.version += 1;
        }
        self.move_in(channel, by, &members, (chat, last));
        let action = json!({
            "_": "messageActionChannelMigrateFrom",
            "title": title,
            "chat_id": chat,
        });
        self.announce_in_channel(by, channel, action);
        Ok((channel, last))
    }

    /// Renames a group and says so.
    pub(crate) fn retitle(&mut self, by: i64, chat: i64, title: &str) -> Result<i32, Refusal> {
        let group = self.member_of(by, chat)?;
        if group.title == title {
            return Err(Refusal::bad("CHAT_NOT_MODIFIED"));
        }
        title.clone_into(&mut group.title);
        group.version += 1;
        let action = json!({"_": "messageActionChatEditTitle", "title": title});
        Ok(self.announce(by, chat, action))
    }

    fn member_of(&mut self, user: i64, chat: i64) -> Result<&mut Chat, Refusal> {
        self.chats
            .get_mut(&chat)
            .filter(|c| c.members.contains_key(&user) && c.migrated_to.is_none())
            .ok_or(Refusal::bad("CHAT_ID_INVALID"))
    }

    fn announce(&mut self, by: i64, chat: i64, action: Value) -> i32 {
        let letter = Letter {
            action,
            ..Letter::default()
        };
        self.post(by, Peer::Chat(chat), &letter)
    }
}

impl Chat {
    /// A `ChatParticipant`; null for who is not in.
    pub(crate) fn participant(&self, user: i64) -> Value {
        match self.members.get(&user) {
            None => Value::Null,
            Some(_) if user == self.creator => {
                json!({"_": "chatParticipantCreator", "user_id": user})
            }
            Some(member) => json!({
                "_": "chatParticipant",
                "user_id": user,
                "inviter_id": member.inviter,
                "date": member.date,
            }),
        }
    }

    /// `ChatParticipants` of the group.
    pub(crate) fn participants(&self, id: i64) -> Value {
        let list = self.members.keys().map(|user| self.participant(*user));
        json!({
            "_": "chatParticipants",
            "chat_id": id,
            "participants": list.collect::<Vec<_>>(),
            "version": self.version,
        })
    }
}
