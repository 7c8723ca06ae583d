//! Channels and supergroups: <https://core.telegram.org/api/channel>. A channel has its own
//! numbering of messages and its own `pts`; what everybody reads lies there once.

mod members;
mod post;
mod view;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Bounds, Late, To, World,
    mailbox::{EVENTS, Event, Message, What},
    peer::{Mentions, Peer},
};
use crate::{refusal::Refusal, value::Fields};

/// Messages kept per channel; the oldest are forgotten.
const MESSAGES: usize = 50_000;

/// How one came into a channel, and what one has read there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Subscriber {
    pub(crate) inviter: i64,
    pub(crate) date: i64,
    pub(crate) read_in: i32,
    /// The newest of one's own messages that others have read.
    pub(crate) read_out: i32,
    /// When one wrote last, for slow mode.
    pub(crate) wrote: i64,
}

/// An administrator.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Admin {
    pub(crate) by: i64,
    /// A `ChatAdminRights`.
    pub(crate) rights: Value,
    pub(crate) rank: String,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Channel {
    /// A broadcast channel, else a supergroup.
    pub(crate) broadcast: bool,
    pub(crate) title: String,
    pub(crate) about: String,
    pub(crate) username: Option<String>,
    pub(crate) creator: i64,
    pub(crate) date: i64,
    pub(crate) members: BTreeMap<i64, Subscriber>,
    pub(crate) admins: BTreeMap<i64, Admin>,
    /// Who must not come back.
    pub(crate) banned: BTreeSet<i64>,
    /// Who may read only.
    pub(crate) muted: BTreeSet<i64>,
    /// Seconds between two messages of one member; 0 is off.
    pub(crate) slow_mode: i64,
    /// The basic group it was made from, and its last message there.
    pub(crate) migrated_from: Option<(i64, i32)>,
    pub(crate) pts: i32,
    pub(crate) last_id: i32,
    pub(crate) messages: BTreeMap<i32, Message>,
    pub(crate) events: VecDeque<Event>,
    /// When something happened last.
    pub(crate) changed: i64,
}

impl Channel {
    /// Whether a member may do something that needs an administrator's right.
    pub(crate) fn may(&self, user: i64, right: &str) -> bool {
        user == self.creator
            || self
                .admins
                .get(&user)
                .is_some_and(|admin| Fields::from(&admin.rights).flag(right))
    }

    pub(crate) fn is_admin(&self, user: i64) -> bool {
        user == self.creator || self.admins.contains_key(&user)
    }

    /// Whether somebody can look inside: members, and anybody if it has a name.
    pub(crate) fn open_to(&self, user: i64) -> bool {
        self.members.contains_key(&user)
            || (self.username.is_some() && !self.banned.contains(&user))
    }

    /// The id of the newest message, 0 if there is none.
    pub(crate) fn top(&self) -> i32 {
        self.messages.last_key_value().map_or(0, |(id, _)| *id)
    }

    /// Messages of others that a member has not read.
    pub(crate) fn unread(&self, user: i64) -> usize {
        let Some(member) = self.members.get(&user) else {
            return 0;
        };
        self.messages
            .range(member.read_in.saturating_add(1)..)
            .filter(|(_, m)| m.from != user)
            .count()
    }

    /// Numbers an event and keeps it; returns the new `pts`.
    fn happened(&mut self, what: What, count: i32, now: i64) -> i32 {
        self.pts += count;
        self.changed = now;
        self.events.push_back(Event {
            pts: self.pts,
            count,
            what,
        });
        if self.events.len() > EVENTS {
            self.events.pop_front();
        }
        self.pts
    }

    /// The events after `pts`, unless that is too long ago.
    pub(crate) fn since(&self, pts: i32, bounds: Bounds) -> Option<impl Iterator<Item = &Event>> {
        let oldest = self.events.front().map_or(self.pts, |e| e.pts - e.count);
        let first = self.events.partition_point(|e| e.pts <= pts);
        let behind = self.events.len() - first;
        (pts >= oldest && behind <= bounds.channel_events).then(|| self.events.range(first..))
    }
}

impl World {
    pub(crate) fn channel(&self, id: i64) -> Option<&Channel> {
        self.channels.get(&id)
    }

    /// Whether messages of this peer speak for the channel and not for who wrote them.
    pub(crate) fn is_post(&self, peer: Peer) -> bool {
        matches!(peer, Peer::Channel(id) if self.channel(id).is_some_and(|c| c.broadcast))
    }

    /// The channel an `InputChannel` or `InputPeer` names, if the viewer can look inside.
    pub(crate) fn input_channel(&self, viewer: i64, input: &Value) -> Result<i64, Refusal> {
        let id = self.named_channel(viewer, input)?;
        let channel = self.channel(id).ok_or(Refusal::bad("CHANNEL_PRIVATE"))?;
        if channel.open_to(viewer) {
            Ok(id)
        } else {
            Err(Refusal::bad("CHANNEL_PRIVATE"))
        }
    }

    /// The id in an `InputChannel`, if the viewer may know it.
    fn named_channel(&self, viewer: i64, input: &Value) -> Result<i64, Refusal> {
        let fields = Fields::from(input);
        let id = fields.long("channel_id");
        let known = match fields.kind() {
            "inputChannel" | "inputPeerChannel" => {
                let hash = fields.long("access_hash");
                let member = self
                    .channel(id)
                    .is_some_and(|c| c.members.contains_key(&viewer));
                let bot = self.user(viewer).is_some_and(|u| u.bot);
                hash == self.hash_for(viewer, "channel", id) || (hash == 0 && bot && member)
            }
            "inputChannelFromMessage" | "inputPeerChannelFromMessage" => true,
            _ => false,
        };
        known.then_some(id).ok_or(Refusal::bad("CHANNEL_INVALID"))
    }

    /// The channels somebody is in.
    pub(crate) fn channels_of(&self, user: i64) -> impl Iterator<Item = (i64, &Channel)> {
        self.channels
            .iter()
            .filter(move |(_, c)| c.members.contains_key(&user))
            .map(|(id, c)| (*id, c))
    }

    /// Tells every member, each in their own words. Returns what `own` is to be told.
    fn tell_channel(
        &mut self,
        channel: i64,
        own: i64,
        update: impl Fn(&Self, i64, &mut Mentions) -> Value,
    ) -> Value {
        let members: Vec<i64> = match self.channel(channel) {
            Some(it) => it.members.keys().copied().collect(),
            None => return Value::Null,
        };
        let mut answer = Value::Null;
        for member in members {
            if member != own && !self.has_sessions(member) {
                continue;
            }
            let mut mentions = Mentions::default();
            mentions.peer(Peer::Channel(channel));
            let update = update(self, member, &mut mentions);
            let body = self.updates(member, &[update], &mentions);
            if member == own {
                answer = body.clone();
            }
            self.push(To::User(member), body, Some(Late::Channel(channel)));
        }
        answer
    }

    /// Tells somebody that their standing in a channel is another one.
    pub(crate) fn tell_standing(&mut self, user: i64, channel: i64) {
        let body = self.standing(user, channel);
        self.tell(user, body);
    }

    /// The `Updates` that carries a channel as it is now for somebody.
    pub(crate) fn standing(&self, user: i64, channel: i64) -> Value {
        let mut mentions = Mentions::default();
        mentions.peer(Peer::Channel(channel));
        let update = serde_json::json!({"_": "updateChannel", "channel_id": channel});
        self.updates(user, &[update], &mentions)
    }
}
