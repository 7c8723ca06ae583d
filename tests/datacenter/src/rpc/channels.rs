//! `channels.*` that look.

use serde_json::{Value, json};

use super::{Answer, Call};
use crate::{
    refusal::Refusal,
    value::{self, Fields},
    world::{
        channel::Channel,
        peer::{Mentions, Peer},
    },
};

/// Members in one answer, as at Telegram.
const PAGE: usize = 200;

impl Call<'_> {
    /// The channel that the call names, if the caller can look inside.
    pub(super) fn channel(&self) -> Result<i64, Refusal> {
        self.world
            .input_channel(self.me, self.params.value("channel"))
    }

    /// The same with what is in it.
    pub(super) fn channel_entry(&self) -> Result<(i64, &Channel), Refusal> {
        let id = self.channel()?;
        let channel = self.world.channel(id);
        Ok((id, channel.ok_or(Refusal::bad("CHANNEL_INVALID"))?))
    }

    pub(super) fn channels(&mut self) -> Answer {
        let ids = self.params.list("id").iter();
        let ids = ids.map(|input| self.world.input_channel(self.me, input));
        let ids = ids.collect::<Result<Vec<i64>, Refusal>>()?;
        let chats = ids.iter().map(|id| self.world.channel_json(self.me, *id));
        Ok(json!({"_": "messages.chats", "chats": chats.collect::<Vec<_>>()}))
    }

    pub(super) fn full_channel(&mut self) -> Answer {
        let (id, channel) = self.channel_entry()?;
        let admin = channel.is_admin(self.me);
        let member = channel.members.get(&self.me);
        let top = channel.top();
        let mut full = json!({
            "_": "channelFull",
            "id": id,
            "about": channel.about,
            "participants_count": channel.members.len(),
            "read_inbox_max_id": member.map_or(top, |m| m.read_in),
            "read_outbox_max_id": member.map_or(0, |m| m.read_out),
            "unread_count": channel.unread(self.me),
            "chat_photo": {"_": "photoEmpty", "id": 0},
            "notify_settings": {"_": "peerNotifySettings"},
            "bot_info": [],
            "pts": channel.pts,
        });
        let mut set = |name: &str, value: Value| {
            if let Some(map) = full.as_object_mut() {
                map.insert(name.to_owned(), value);
            }
        };
        if !channel.broadcast || admin {
            set("can_view_participants", json!(true));
        }
        if admin {
            set("admins_count", json!(channel.admins.len() + 1));
            set("kicked_count", json!(channel.banned.len()));
            set("banned_count", json!(channel.muted.len()));
        }
        if channel.creator == self.me {
            set("can_set_username", json!(true));
            set("can_delete_channel", json!(true));
        }
        if channel.broadcast && admin {
            set("can_view_stats", json!(true));
            set("stats_dc", json!(self.world.stats_dc(channel)));
        }
        if channel.slow_mode > 0 {
            set("slowmode_seconds", json!(channel.slow_mode));
            let left = self.world.slow_mode_left(self.me, id);
            if left > 0 {
                let next = self.world.clock.date() + left;
                set("slowmode_next_send_date", json!(next));
            }
        }
        if let Some((chat, last)) = channel.migrated_from {
            set("migrated_from_chat_id", json!(chat));
            set("migrated_from_max_id", json!(last));
        }
        let mut mentions = Mentions::default();
        mentions.peer(Peer::Channel(id));
        let answer = json!({"_": "messages.chatFull", "full_chat": full});
        Ok(self.world.with_mentions(self.me, answer, &mentions))
    }

    pub(super) fn participants(&mut self) -> Answer {
        let (id, channel) = self.channel_entry()?;
        let admin = channel.is_admin(self.me);
        if channel.broadcast && !admin {
            return Err(Refusal::bad("CHAT_ADMIN_REQUIRED"));
        }
        let filter = self.params.object("filter");
        let wanted = filter.text("q").to_lowercase();
        let named = |id: &&i64| {
            self.world.user(**id).is_some_and(|u| {
                let name = u.username.as_deref().unwrap_or_default().to_lowercase();
                u.first_name.to_lowercase().contains(&wanted) || name.contains(&wanted)
            })
        };
        let all: Vec<i64> = match filter.kind() {
            "channelParticipantsAdmins" => {
                let admins = channel.admins.keys();
                std::iter::once(&channel.creator)
                    .chain(admins)
                    .copied()
                    .collect()
            }
            "channelParticipantsKicked" | "channelParticipantsBanned" if !admin => {
                return Err(Refusal::bad("CHAT_ADMIN_REQUIRED"));
            }
            "channelParticipantsKicked" => channel.banned.iter().filter(named).copied().collect(),
            "channelParticipantsBanned" => channel.muted.iter().filter(named).copied().collect(),
            "channelParticipantsBots" => {
                let bot = |id: &&i64| self.world.user(**id).is_some_and(|u| u.bot);
                channel.members.keys().filter(bot).copied().collect()
            }
            "channelParticipantsContacts" => {
                let contacts = &self.user()?.contacts;
                let mine = channel
                    .members
                    .keys()
                    .filter(|id| contacts.contains_key(id));
                mine.filter(named).copied().collect()
            }
            _ => channel.members.keys().filter(named).copied().collect(),
        };
        let offset = usize::try_from(self.params.int("offset")).unwrap_or(0);
        let limit = usize::try_from(self.params.int("limit")).unwrap_or(0);
        let mut mentions = Mentions::default();
        mentions.peer(Peer::Channel(id));
        let page = all.iter().skip(offset).take(limit.min(PAGE));
        let page = page.map(|user| {
            mentions.user(*user);
            channel.participant(self.me, *user)
        });
        let answer = json!({
            "_": "channels.channelParticipants",
            "count": all.len(),
            "participants": page.collect::<Vec<_>>(),
        });
        Ok(self.world.with_mentions(self.me, answer, &mentions))
    }

    pub(super) fn participant(&mut self) -> Answer {
        let (id, channel) = self.channel_entry()?;
        let user = self
            .world
            .input_user(self.me, self.params.value("participant"))
            .map_err(|_| Refusal::bad("PARTICIPANT_ID_INVALID"))?;
        if channel.broadcast && user != self.me && !channel.is_admin(self.me) {
            return Err(Refusal::bad("CHAT_ADMIN_REQUIRED"));
        }
        let participant = channel.participant(self.me, user);
        if participant.is_null() {
            return Err(Refusal::bad("USER_NOT_PARTICIPANT"));
        }
        let mut mentions = Mentions::default();
        mentions.peer(Peer::Channel(id));
        mentions.user(user);
        let answer = json!({"_": "channels.channelParticipant", "participant": participant});
        Ok(self.world.with_mentions(self.me, answer, &mentions))
    }

    pub(super) fn read_channel_history(&mut self) -> Answer {
        let id = self.channel()?;
        let new = self
            .world
            .read_channel(self.me, id, self.params.int("max_id"));
        Ok(Value::Bool(new))
    }

    pub(super) fn delete_channel_messages(&mut self) -> Answer {
        let id = self.channel()?;
        let ids = self.params.list("id").iter().map(value::long);
        let ids: Vec<i32> = ids.filter_map(|id| i32::try_from(id).ok()).collect();
        let affected = self.world.delete_in_channel(self.me, id, &ids)?;
        Ok(super::messages::affected_messages(affected))
    }

    /// For a name that may be given: `true`, or what is wrong with it.
    pub(super) fn check_channel_username(&mut self) -> Answer {
        let input = self.params.value("channel");
        if Fields::from(input).kind() != "inputChannelEmpty" {
            self.channel()?;
        }
        self.check_username()
    }

    /// The caller's own channels that have a name.
    pub(super) fn public_channels(&mut self) -> Answer {
        let all = self.world.channels.iter();
        let mine = all.filter(|(_, c)| c.creator == self.me && c.username.is_some());
        let mine = mine.map(|(id, _)| self.world.channel_json(self.me, *id));
        Ok(json!({"_": "messages.chats", "chats": mine.collect::<Vec<_>>()}))
    }
}
