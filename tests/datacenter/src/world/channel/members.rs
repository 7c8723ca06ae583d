//! Channels come into being, and people come and go.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Value, json};

use super::{
    super::{World, message::Letter, peer::Peer, user::valid_username},
    Admin, Channel, Subscriber,
};
use crate::refusal::Refusal;

/// What slow mode can be set to, in seconds.
const SLOW_MODES: [i64; 8] = [0, 5, 10, 30, 60, 300, 900, 3_600];

impl Subscriber {
    /// Somebody new, for whom everything up to `read` is old.
    fn new(inviter: i64, date: i64, read: i32) -> Self {
        Self {
            inviter,
            date,
            read_in: read,
            read_out: 0,
            wrote: 0,
        }
    }
}

impl World {
    /// Makes a channel (`broadcast`) or supergroup and returns its id. The creator is told by the
    /// message that says so.
    pub(crate) fn create_channel(
        &mut self,
        by: i64,
        broadcast: bool,
        title: &str,
        about: &str,
    ) -> i64 {
        let id = self.found_channel(by, broadcast, title, about);
        let action = json!({"_": "messageActionChannelCreate", "title": title});
        self.announce_in_channel(by, id, action);
        id
    }

    /// A channel with nobody but its creator, and without a message.
    pub(crate) fn found_channel(
        &mut self,
        by: i64,
        broadcast: bool,
        title: &str,
        about: &str,
    ) -> i64 {
        self.last_channel += 1;
        let id = self.last_channel;
        let date = self.clock.date();
        let channel = Channel {
            broadcast,
            title: title.to_owned(),
            about: about.to_owned(),
            username: None,
            creator: by,
            date,
            members: BTreeMap::from([(by, Subscriber::new(by, date, 0))]),
            admins: BTreeMap::new(),
            banned: BTreeSet::new(),
            muted: BTreeSet::new(),
            slow_mode: 0,
            migrated_from: None,
            // Where Telegram's channels begin.
            pts: 1,
            last_id: 0,
            messages: BTreeMap::new(),
            events: VecDeque::new(),
            changed: date,
        };
        self.channels.insert(id, channel);
        id
    }

    /// The members of a basic group come over, without anybody being asked.
    pub(crate) fn move_in(&mut self, channel: i64, by: i64, members: &[i64], from: (i64, i32)) {
        let date = self.clock.date();
        let Some(it) = self.channels.get_mut(&channel) else {
            return;
        };
        it.migrated_from = Some(from);
        for member in members.iter().filter(|id| **id != by) {
            it.members.insert(*member, Subscriber::new(by, date, 0));
        }
        self.tell_all_standing(channel);
    }

    /// Posts a service message and returns its id.
    pub(crate) fn announce_in_channel(&mut self, by: i64, channel: i64, action: Value) -> i32 {
        let letter = Letter {
            action,
            ..Letter::default()
        };
        self.post_in_channel(by, channel, &letter)
    }

    /// The channel, for somebody who has this right there.
    pub(crate) fn channel_with_right(
        &mut self,
        user: i64,
        channel: i64,
        right: &str,
    ) -> Result<&mut Channel, Refusal> {
        let it = self
            .channels
            .get_mut(&channel)
            .ok_or(Refusal::bad("CHANNEL_INVALID"))?;
        if it.may(user, right) {
            Ok(it)
        } else {
            Err(Refusal::bad("CHAT_ADMIN_REQUIRED"))
        }
    }

    /// Lets somebody in. Returns the id of the message that says so; supergroups have one.
    pub(crate) fn let_in(&mut self, by: i64, channel: i64, user: i64) -> Result<i32, Refusal> {
        let date = self.clock.date();
        let it = self
            .channels
            .get_mut(&channel)
            .ok_or(Refusal::bad("CHANNEL_INVALID"))?;
        if it.members.contains_key(&user) {
            return Err(Refusal::bad("USER_ALREADY_PARTICIPANT"));
        }
        let before = it.participant(by, user);
        it.banned.remove(&user);
        let top = it.top();
        it.members.insert(user, Subscriber::new(by, date, top));
        let broadcast = it.broadcast;
        self.tell_standing(user, channel);
        self.tell_bots(by, channel, user, &before);
        if broadcast {
            return Ok(0);
        }
        let action = json!({"_": "messageActionChatAddUser", "users": [user]});
        Ok(self.announce_in_channel(by, channel, action))
    }

    /// Lets somebody go, or sends them away. Returns the id of the message that says so.
    pub(crate) fn let_go(&mut self, by: i64, channel: i64, user: i64) -> Result<i32, Refusal> {
        let it = self
            .channels
            .get_mut(&channel)
            .ok_or(Refusal::bad("CHANNEL_INVALID"))?;
        if !it.members.contains_key(&user) {
            return Err(Refusal::bad("USER_NOT_PARTICIPANT"));
        }
        let before = it.participant(by, user);
        it.members.remove(&user);
        it.admins.remove(&user);
        it.muted.remove(&user);
        let broadcast = it.broadcast;
        self.tell_standing(user, channel);
        self.tell_bots(by, channel, user, &before);
        if broadcast {
            return Ok(0);
        }
        let action = json!({"_": "messageActionChatDeleteUser", "user_id": user});
        Ok(self.announce_in_channel(by, channel, action))
    }

    /// Sends somebody away for good (`away`), lets them read only (`mute`), or neither.
    pub(crate) fn restrict(
        &mut self,
        by: i64,
        channel: i64,
        user: i64,
        away: bool,
        mute: bool,
    ) -> Result<(), Refusal> {
        let it = self.channel_with_right(by, channel, "ban_users")?;
        if it.is_admin(user) {
            return Err(Refusal::bad("USER_ADMIN_INVALID"));
        }
        if away {
            it.banned.insert(user);
            if it.members.contains_key(&user) {
                self.let_go(by, channel, user)?;
            }
            return Ok(());
        }
        it.banned.remove(&user);
        if mute {
            it.muted.insert(user);
        } else {
            it.muted.remove(&user);
        }
        self.tell_standing(user, channel);
        Ok(())
    }

    /// Makes somebody an administrator, or an ordinary member again if there are no rights in
    /// `rights`.
    pub(crate) fn promote(
        &mut self,
        by: i64,
        channel: i64,
        user: i64,
        rights: &Value,
        rank: &str,
    ) -> Result<(), Refusal> {
        let bot = self.user(user).is_some_and(|u| u.bot);
        let it = self.channel_with_right(by, channel, "add_admins")?;
        if user == it.creator {
            return Err(Refusal::bad("USER_CREATOR"));
        }
        let broadcast = it.broadcast;
        if !it.members.contains_key(&user) {
            // A bot comes into a channel by being made an administrator.
            if !(broadcast && bot) {
                return Err(Refusal::bad("USER_NOT_PARTICIPANT"));
            }
            self.let_in(by, channel, user)?;
        }
        let any = rights
            .as_object()
            .is_some_and(|r| r.values().any(|v| v.as_bool() == Some(true)));
        let it = self.channel_with_right(by, channel, "add_admins")?;
        let before = it.participant(by, user);
        if any {
            let admin = Admin {
                by,
                rights: rights.clone(),
                rank: rank.to_owned(),
            };
            it.admins.insert(user, admin);
        } else {
            it.admins.remove(&user);
        }
        self.tell_standing(user, channel);
        self.tell_bots(by, channel, user, &before);
        Ok(())
    }

    /// Bots that administrate a channel, and the bot it is about, are told of every change of a
    /// member, numbered by `qts`.
    fn tell_bots(&mut self, by: i64, channel: i64, user: i64, before: &Value) {
        let date = self.clock.date();
        let Some(it) = self.channel(channel) else {
            return;
        };
        let bots: BTreeSet<i64> = it
            .admins
            .keys()
            .chain([&user])
            .copied()
            .filter(|id| self.user(*id).is_some_and(|u| u.bot))
            .collect();
        let after = it.participant(by, user);
        for bot in bots {
            let update = json!({
                "_": "updateChannelParticipant",
                "channel_id": channel,
                "date": date,
                "actor_id": by,
                "user_id": user,
                "prev_participant": before,
                "new_participant": after,
            });
            let about = vec![Peer::Channel(channel), Peer::User(by), Peer::User(user)];
            self.tell_by_qts(bot, update, about);
        }
    }

    /// Renames a channel and says so. Returns the message's id.
    pub(crate) fn retitle_channel(
        &mut self,
        by: i64,
        channel: i64,
        title: &str,
    ) -> Result<i32, Refusal> {
        let it = self.channel_with_right(by, channel, "change_info")?;
        if it.title == title {
            return Err(Refusal::bad("CHAT_NOT_MODIFIED"));
        }
        title.clone_into(&mut it.title);
        let action = json!({"_": "messageActionChatEditTitle", "title": title});
        Ok(self.announce_in_channel(by, channel, action))
    }

    /// Makes a channel public under a name, or private.
    pub(crate) fn rename_channel(
        &mut self,
        by: i64,
        channel: i64,
        name: Option<&str>,
    ) -> Result<(), Refusal> {
        if name.is_some_and(|name| !valid_username(name)) {
            return Err(Refusal::bad("USERNAME_INVALID"));
        }
        let owner = name.and_then(|name| self.named(name));
        if owner.is_some_and(|peer| peer != Peer::Channel(channel)) {
            return Err(Refusal::bad("USERNAME_OCCUPIED"));
        }
        let it = self
            .channels
            .get_mut(&channel)
            .filter(|it| it.creator == by)
            .ok_or(Refusal::bad("CHAT_ADMIN_REQUIRED"))?;
        if it.username.as_deref() == name {
            return Err(Refusal::bad("USERNAME_NOT_MODIFIED"));
        }
        let old = std::mem::replace(&mut it.username, name.map(str::to_owned));
        self.rename_peer(Peer::Channel(channel), old.as_deref(), name);
        self.tell_all_standing(channel);
        Ok(())
    }

    /// Sets slow mode. `SECONDS_INVALID` for what Telegram does not offer.
    pub(crate) fn slow_down(&mut self, by: i64, channel: i64, seconds: i64) -> Result<(), Refusal> {
        let it = self.channel_with_right(by, channel, "ban_users")?;
        if it.broadcast {
            return Err(Refusal::bad("CHAT_ID_INVALID"));
        }
        if !SLOW_MODES.contains(&seconds) {
            return Err(Refusal::bad("SECONDS_INVALID"));
        }
        if it.slow_mode == seconds {
            return Err(Refusal::bad("CHAT_NOT_MODIFIED"));
        }
        it.slow_mode = seconds;
        self.tell_all_standing(channel);
        Ok(())
    }

    /// Deletes a channel. Returns the `Updates` for who did it.
    pub(crate) fn delete_channel(&mut self, by: i64, channel: i64) -> Result<Value, Refusal> {
        let it = self
            .channel(channel)
            .filter(|it| it.creator == by)
            .ok_or(Refusal::bad("CHAT_ADMIN_REQUIRED"))?;
        let members: Vec<i64> = it.members.keys().copied().collect();
        let name = it.username.clone();
        self.channels.remove(&channel);
        self.rename_peer(Peer::Channel(channel), name.as_deref(), None);
        for member in members {
            self.tell_standing(member, channel);
        }
        Ok(self.standing(by, channel))
    }

    fn tell_all_standing(&mut self, channel: i64) {
        let members = self.channel(channel).map(|it| it.members.keys().copied());
        let members: Vec<i64> = members.into_iter().flatten().collect();
        for member in members {
            self.tell_standing(member, channel);
        }
    }
}
