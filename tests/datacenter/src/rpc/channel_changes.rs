//! `channels.*` that change a channel or who is in it.

use serde_json::{Value, json};

use super::{Answer, Call};
use crate::{
    refusal::Refusal,
    world::peer::{Mentions, Peer},
};

/// Characters in a title.
const TITLE: usize = 128;
/// Characters in a description.
const ABOUT: usize = 255;

impl Call<'_> {
    /// The `Updates` that carries the channel and, if there is one, a service message of the
    /// caller's own making.
    fn changed(&self, channel: i64, message: i32) -> Value {
        let mut mentions = Mentions::default();
        mentions.peer(Peer::Channel(channel));
        let mut updates = vec![json!({"_": "updateChannel", "channel_id": channel})];
        let member = self
            .world
            .channel(channel)
            .is_some_and(|c| c.members.contains_key(&self.me));
        if message != 0 && member {
            self.own_message(Peer::Channel(channel), message, &mut updates, &mut mentions);
        }
        self.world.updates(self.me, &updates, &mentions)
    }

    fn title(&self) -> Result<String, Refusal> {
        let title = self.params.text("title").trim();
        if title.is_empty() {
            return Err(Refusal::bad("CHAT_TITLE_EMPTY"));
        }
        Ok(title.chars().take(TITLE).collect())
    }

    pub(super) fn create_channel(&mut self) -> Answer {
        let title = self.title()?;
        let about = self.params.text("about");
        if about.chars().count() > ABOUT {
            return Err(Refusal::bad("CHAT_ABOUT_TOO_LONG"));
        }
        let broadcast = !self.params.flag("megagroup");
        let id = self.world.create_channel(self.me, broadcast, &title, about);
        Ok(self.changed(id, 1))
    }

    pub(super) fn invite_to_channel(&mut self) -> Answer {
        let (id, channel) = self.channel_entry()?;
        let broadcast = channel.broadcast;
        // Members of a supergroup may bring others in.
        let free = !broadcast && channel.members.contains_key(&self.me);
        if !free && !channel.may(self.me, "invite_users") {
            return Err(Refusal::bad("CHAT_ADMIN_REQUIRED"));
        }
        let users = self.params.list("users").iter();
        let users = users.map(|input| self.world.input_user(self.me, input));
        let users = users.collect::<Result<Vec<_>, _>>()?;
        if users.is_empty() {
            return Err(Refusal::bad("USERS_TOO_FEW"));
        }
        let bot = |id: &i64| self.world.user(*id).is_some_and(|u| u.bot);
        if broadcast && users.iter().any(bot) {
            return Err(Refusal::bad("USER_BOT"));
        }
        let banned = self.world.channel(id).map(|c| c.banned.clone());
        if users
            .iter()
            .any(|u| banned.as_ref().is_some_and(|b| b.contains(u)))
        {
            return Err(Refusal::bad("USER_KICKED"));
        }
        let mut last = 0;
        for user in users {
            // Who is in already stays in.
            match self.world.let_in(self.me, id, user) {
                Ok(message) => last = message,
                Err(refusal) if refusal.name == "USER_ALREADY_PARTICIPANT" => {}
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(json!({
            "_": "messages.invitedUsers",
            "updates": self.changed(id, last),
            "missing_invitees": [],
        }))
    }

    pub(super) fn join_channel(&mut self) -> Answer {
        let id = self.channel()?;
        let message = self.world.let_in(self.me, id, self.me)?;
        Ok(json!({
            "_": "messages.chatInviteJoinResultOk",
            "updates": self.changed(id, message),
        }))
    }

    pub(super) fn leave_channel(&mut self) -> Answer {
        let (id, channel) = self.channel_entry()?;
        if channel.creator == self.me {
            return Err(Refusal::bad("USER_CREATOR"));
        }
        self.world.let_go(self.me, id, self.me)?;
        Ok(self.changed(id, 0))
    }

    pub(super) fn delete_channel(&mut self) -> Answer {
        let id = self.channel()?;
        self.world.delete_channel(self.me, id)
    }

    pub(super) fn edit_channel_title(&mut self) -> Answer {
        let id = self.channel()?;
        let title = self.title()?;
        let message = self.world.retitle_channel(self.me, id, &title)?;
        Ok(self.changed(id, message))
    }

    pub(super) fn update_channel_username(&mut self) -> Answer {
        let id = self.channel()?;
        let name = self.params.text("username");
        let name = (!name.is_empty()).then_some(name);
        self.world.rename_channel(self.me, id, name)?;
        Ok(Value::Bool(true))
    }

    pub(super) fn toggle_slow_mode(&mut self) -> Answer {
        let id = self.channel()?;
        let seconds = self.params.long("seconds");
        self.world.slow_down(self.me, id, seconds)?;
        Ok(self.changed(id, 0))
    }

    pub(super) fn edit_admin(&mut self) -> Answer {
        let id = self.channel()?;
        let user = self
            .world
            .input_user(self.me, self.params.value("user_id"))?;
        let rights = self.params.value("admin_rights");
        let rank = self.params.text("rank");
        self.world.promote(self.me, id, user, rights, rank)?;
        Ok(self.changed(id, 0))
    }

    pub(super) fn edit_banned(&mut self) -> Answer {
        let id = self.channel()?;
        let user = self
            .world
            .input_user(self.me, self.params.value("participant"))
            .map_err(|_| Refusal::bad("PARTICIPANT_ID_INVALID"))?;
        let rights = self.params.object("banned_rights");
        let (away, mute) = (rights.flag("view_messages"), rights.flag("send_messages"));
        self.world.restrict(self.me, id, user, away, mute)?;
        Ok(self.changed(id, 0))
    }
}
