//! Basic groups.

use serde_json::{Value, json};

use super::{Answer, Call};
use crate::{
    refusal::Refusal,
    value,
    world::peer::{Mentions, Peer},
};

impl Call<'_> {
    /// The `Updates` for a service message of the caller's own making.
    fn announced(&self, id: i32) -> Answer {
        let pts = self.user()?.mailbox.pts;
        let mut mentions = Mentions::default();
        let update = self.world.new_message(self.me, id, pts, &mut mentions);
        Ok(self.world.updates(self.me, &[update], &mentions))
    }

    fn invited(&self, id: i32) -> Answer {
        Ok(json!({
            "_": "messages.invitedUsers",
            "updates": self.announced(id)?,
            "missing_invitees": [],
        }))
    }

    pub(super) fn create_chat(&mut self) -> Answer {
        let title = self.params.text("title").trim();
        if title.is_empty() {
            return Err(Refusal::bad("CHAT_TITLE_EMPTY"));
        }
        let users = self.params.list("users").iter();
        let users = users.map(|input| self.world.input_user(self.me, input));
        let users = users.collect::<Result<Vec<_>, _>>()?;
        if users.is_empty() {
            return Err(Refusal::bad("USERS_TOO_FEW"));
        }
        let (_, id) = self.world.create_chat(self.me, &users, title);
        self.invited(id)
    }

    pub(super) fn add_chat_user(&mut self) -> Answer {
        let user = self
            .world
            .input_user(self.me, self.params.value("user_id"))?;
        let chat = self.params.long("chat_id");
        let id = self.world.add_member(self.me, chat, user)?;
        self.invited(id)
    }

    pub(super) fn delete_chat_user(&mut self) -> Answer {
        let user = self
            .world
            .input_user(self.me, self.params.value("user_id"))?;
        let chat = self.params.long("chat_id");
        let id = self.world.remove_member(self.me, chat, user)?;
        self.announced(id)
    }

    pub(super) fn edit_chat_title(&mut self) -> Answer {
        let title = self.params.text("title").trim();
        if title.is_empty() {
            return Err(Refusal::bad("CHAT_TITLE_EMPTY"));
        }
        let chat = self.params.long("chat_id");
        let id = self.world.retitle(self.me, chat, title)?;
        self.announced(id)
    }

    pub(super) fn migrate_chat(&mut self) -> Answer {
        let chat = self.params.long("chat_id");
        let (channel, last) = self.world.migrate_chat(self.me, chat)?;
        let pts = self.user()?.mailbox.pts;
        let mut mentions = Mentions::default();
        mentions.peer(Peer::Channel(channel));
        let updates = [
            json!({"_": "updateChannel", "channel_id": channel}),
            self.world.new_message(self.me, last, pts, &mut mentions),
        ];
        Ok(self.world.updates(self.me, &updates, &mentions))
    }

    /// Groups that the caller does not know are left out.
    pub(super) fn chats(&mut self) -> Answer {
        let ids = self.params.list("id").iter().map(value::long);
        let known = ids.filter(|id| self.world.chats.get(id).is_some_and(|c| c.knows(self.me)));
        let chats: Vec<Value> = known.map(|id| self.world.chat_json(self.me, id)).collect();
        Ok(json!({"_": "messages.chats", "chats": chats}))
    }

    pub(super) fn full_chat(&mut self) -> Answer {
        let id = self.params.long("chat_id");
        let chat = self
            .world
            .chats
            .get(&id)
            .filter(|c| c.knows(self.me))
            .ok_or(Refusal::bad("CHAT_ID_INVALID"))?;
        let mut mentions = Mentions::default();
        mentions.peer(Peer::Chat(id));
        chat.members.keys().for_each(|user| mentions.user(*user));
        let answer = json!({
            "_": "messages.chatFull",
            "full_chat": {
                "_": "chatFull",
                "id": id,
                "about": "",
                "participants": chat.participants(id),
                "notify_settings": {"_": "peerNotifySettings"},
            },
        });
        Ok(self.world.with_mentions(self.me, answer, &mentions))
    }
}
