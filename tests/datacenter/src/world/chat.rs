//! Basic groups.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{World, message::Letter, peer::Peer};
use crate::refusal::Refusal;

/// How one came into a group.
pub(crate) struct Member {
    pub(crate) inviter: i64,
    pub(crate) date: i64,
}

pub(crate) struct Chat {
    pub(crate) title: String,
    pub(crate) creator: i64,
    pub(crate) date: i64,
    pub(crate) version: i32,
    pub(crate) members: BTreeMap<i64, Member>,
    /// Left or removed: they keep what they have read.
    pub(crate) former: Vec<i64>,
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
            group.members.remove(&user);
            group.former.push(user);
        }
        Ok(id)
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
            .filter(|c| c.members.contains_key(&user))
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
    /// `ChatParticipants` of the group.
    pub(crate) fn participants(&self, id: i64) -> Value {
        let list = self.members.iter().map(|(user, member)| {
            if *user == self.creator {
                json!({"_": "chatParticipantCreator", "user_id": user})
            } else {
                json!({
                    "_": "chatParticipant",
                    "user_id": user,
                    "inviter_id": member.inviter,
                    "date": member.date,
                })
            }
        });
        json!({
            "_": "chatParticipants",
            "chat_id": id,
            "participants": list.collect::<Vec<_>>(),
            "version": self.version,
        })
    }
}
