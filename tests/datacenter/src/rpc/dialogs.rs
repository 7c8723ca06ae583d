//! The list of chats.

use serde_json::{Value, json};

use super::{Answer, Call};
use crate::{
    refusal::Refusal,
    value::Fields,
    world::{
        channel::Channel,
        peer::{Mentions, Peer},
    },
};

/// Dialogs in one answer.
const PAGE: usize = 100;

impl Call<'_> {
    /// Dialogs with a message, the newest first, with that message's date and id.
    fn sorted_dialogs(&self) -> Result<Vec<(i64, i32, Peer)>, Refusal> {
        let mailbox = &self.user()?.mailbox;
        let mut all: Vec<_> = mailbox
            .dialogs
            .iter()
            .filter_map(|(peer, dialog)| {
                let top = mailbox.messages.get(&dialog.top)?;
                Some((top.date, top.id, *peer))
            })
            .collect();
        let channels = self.world.channels_of(self.me).filter_map(|(id, channel)| {
            let (top, message) = channel.messages.last_key_value()?;
            Some((message.date, *top, Peer::Channel(id)))
        });
        all.extend(channels);
        all.sort_unstable_by(|a, b| b.cmp(a));
        Ok(all)
    }

    pub(super) fn dialog_json(&self, peer: Peer) -> Result<Value, Refusal> {
        if let Peer::Channel(id) = peer {
            return Ok(self.channel_dialog(id));
        }
        let mailbox = &self.user()?.mailbox;
        let dialog = mailbox.dialogs.get(&peer).cloned().unwrap_or_default();
        Ok(json!({
            "_": "dialog",
            "peer": peer.json(),
            "top_message": dialog.top,
            "read_inbox_max_id": dialog.read_in,
            "read_outbox_max_id": dialog.read_out,
            "unread_count": mailbox.unread(peer),
            "unread_mentions_count": 0,
            "unread_reactions_count": 0,
            "unread_poll_votes_count": 0,
            "notify_settings": {"_": "peerNotifySettings"},
        }))
    }

    fn channel_dialog(&self, id: i64) -> Value {
        let channel = self.world.channel(id);
        let member = channel.and_then(|c| c.members.get(&self.me));
        let (pts, top) = channel.map_or((0, 0), |c| (c.pts, c.top()));
        json!({
            "_": "dialog",
            "peer": Peer::Channel(id).json(),
            "top_message": top,
            "read_inbox_max_id": member.map_or(top, |m| m.read_in),
            "read_outbox_max_id": member.map_or(0, |m| m.read_out),
            "unread_count": channel.map_or(0, |c| c.unread(self.me)),
            "unread_mentions_count": 0,
            "unread_reactions_count": 0,
            "unread_poll_votes_count": 0,
            "notify_settings": {"_": "peerNotifySettings"},
            "pts": pts,
        })
    }

    /// `dialogs`, `messages`, `users` and `chats` for these peers.
    fn dialog_fields(&self, peers: &[(i32, Peer)]) -> Answer {
        let mut mentions = Mentions::default();
        let (mut dialogs, mut messages) = (Vec::new(), Vec::new());
        for (top, peer) in peers {
            mentions.peer(*peer);
            dialogs.push(self.dialog_json(*peer)?);
            if *top != 0 {
                messages.push(match peer {
                    Peer::Channel(id) => {
                        self.world
                            .channel_message(self.me, *id, *top, &mut mentions)
                    }
                    Peer::User(_) | Peer::Chat(_) => {
                        self.world.message_json(self.me, *top, &mut mentions)
                    }
                });
            }
        }
        let answer = json!({"dialogs": dialogs, "messages": messages});
        Ok(self.world.with_mentions(self.me, answer, &mentions))
    }

    pub(super) fn dialogs(&mut self) -> Answer {
        let all = self.sorted_dialogs()?;
        if self.params.int("folder_id") != 0 {
            let mut empty = self.dialog_fields(&[])?;
            set(&mut empty, "_", json!("messages.dialogs"));
            return Ok(empty);
        }
        let (date, id) = (
            self.params.long("offset_date"),
            self.params.int("offset_id"),
        );
        let rest: Vec<_> = all
            .iter()
            .filter(|(d, i, _)| match (date, id) {
                (0, 0) => true,
                (0, id) => *i < id,
                (date, 0) => *d < date,
                (date, id) => (*d, *i) < (date, id),
            })
            .collect();
        let limit = usize::try_from(self.params.int("limit")).unwrap_or(0);
        let limit = if limit == 0 { PAGE } else { limit.min(PAGE) };
        let page: Vec<_> = rest.iter().take(limit).map(|(_, i, p)| (*i, *p)).collect();
        let whole = page.len() == all.len();
        let mut answer = self.dialog_fields(&page)?;
        if whole {
            set(&mut answer, "_", json!("messages.dialogs"));
        } else {
            set(&mut answer, "_", json!("messages.dialogsSlice"));
            set(&mut answer, "count", json!(all.len()));
        }
        Ok(answer)
    }

    fn peer_dialogs_of(&mut self, peers: &[(i32, Peer)]) -> Answer {
        let mut answer = self.dialog_fields(peers)?;
        set(&mut answer, "_", json!("messages.peerDialogs"));
        let state = self.state()?;
        set(&mut answer, "state", state);
        Ok(answer)
    }

    pub(super) fn peer_dialogs(&mut self) -> Answer {
        let mut peers = Vec::new();
        for input in self.params.list("peers") {
            let input = Fields::from(input).value("peer");
            let peer = self.world.input_peer(self.me, input)?;
            let top = match peer {
                Peer::Channel(id) => self.world.channel(id).map_or(0, Channel::top),
                Peer::User(_) | Peer::Chat(_) => {
                    self.user()?.mailbox.dialogs.get(&peer).map_or(0, |d| d.top)
                }
            };
            peers.push((top, peer));
        }
        self.peer_dialogs_of(&peers)
    }

    pub(super) fn pinned_dialogs(&mut self) -> Answer {
        self.peer_dialogs_of(&[])
    }

    pub(super) fn dialog_filters(&mut self) -> Answer {
        Ok(json!({
            "_": "messages.dialogFilters",
            "filters": [{"_": "dialogFilterDefault"}],
        }))
    }
}

fn set(object: &mut Value, name: &str, value: Value) {
    if let Some(map) = object.as_object_mut() {
        map.insert(name.to_owned(), value);
    }
}
