//! One user's messages and the numbered history of everything that happened to them.
//!
//! Private chats and basic groups share one numbering of messages and one `pts` per user, as at
//! Telegram: <https://core.telegram.org/api/updates>.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::peer::Peer;

/// Messages kept per user; the oldest are forgotten. Far above what a test or demo reads back.
const MESSAGES: usize = 20_000;
/// Events kept at most, whatever [`super::Bounds`] says: a few MB per user in the worst case.
pub(super) const EVENTS: usize = 50_000;
/// Events with a `qts` that are kept; clients fetch them at once or never.
const QTS_EVENTS: usize = 1_000;
/// `random_id`s remembered to find repetitions.
const RANDOM_IDS: usize = 10_000;

/// Where a forwarded message was first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Origin {
    pub(crate) from: Peer,
    pub(crate) date: i64,
    /// Its id there, if a channel said it.
    pub(crate) post: Option<i32>,
}

/// One user's copy of a message.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) id: i32,
    /// The same in everybody's copy.
    pub(crate) letter: u64,
    pub(crate) peer: Peer,
    pub(crate) from: i64,
    pub(crate) out: bool,
    pub(crate) silent: bool,
    pub(crate) date: i64,
    pub(crate) edited: Option<i64>,
    pub(crate) text: String,
    pub(crate) entities: Value,
    pub(crate) media: Value,
    /// The photo or document in `media`, which looks different to everybody.
    pub(crate) file: Option<i64>,
    pub(crate) reply_to: Option<i32>,
    /// Set for the messages of one album.
    pub(crate) grouped: Option<i64>,
    /// Where it was first, if it was forwarded.
    #[serde(default)]
    pub(crate) origin: Option<Origin>,
    /// A service message's action; null for an ordinary one.
    pub(crate) action: Value,
}

/// What happened, as `getDifference` tells it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum What {
    New(i32),
    Edited(i32),
    /// An update as it was, without `pts` and `pts_count`, and the peer it speaks of.
    Other(Value, Option<Peer>),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Event {
    /// The state after it.
    pub(crate) pts: i32,
    pub(crate) count: i32,
    pub(crate) what: What,
}

/// Something that is numbered by `qts`: secret chats, and what bots are told of members.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct QtsEvent {
    pub(crate) qts: i32,
    /// With its `qts`.
    pub(crate) update: Value,
    pub(crate) about: Vec<Peer>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Dialog {
    pub(crate) top: i32,
    pub(crate) read_in: i32,
    pub(crate) read_out: i32,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Mailbox {
    pub(crate) pts: i32,
    last_id: i32,
    pub(crate) messages: BTreeMap<i32, Message>,
    #[serde(skip)]
    copies: HashMap<u64, i32>,
    pub(crate) events: VecDeque<Event>,
    pub(crate) qts: i32,
    pub(crate) qts_events: VecDeque<QtsEvent>,
    #[serde(with = "super::saved::pairs")]
    pub(crate) dialogs: BTreeMap<Peer, Dialog>,
    #[serde(skip)]
    random_ids: HashSet<i64>,
    random_order: VecDeque<i64>,
}

impl Default for Mailbox {
    fn default() -> Self {
        Self {
            pts: 1,
            last_id: 0,
            messages: BTreeMap::new(),
            copies: HashMap::new(),
            events: VecDeque::new(),
            qts: 0,
            qts_events: VecDeque::new(),
            dialogs: BTreeMap::new(),
            random_ids: HashSet::new(),
            random_order: VecDeque::new(),
        }
    }
}

impl Mailbox {
    /// Makes again what follows from the rest.
    pub(crate) fn reindex(&mut self) {
        let messages = self.messages.values();
        self.copies = messages.map(|m| (m.letter, m.id)).collect();
        self.random_ids = self.random_order.iter().copied().collect();
    }

    /// Goes on far above the numbers that were given out; what happened before is forgotten.
    pub(crate) fn leap(&mut self, by: i32) {
        self.pts = self.pts.saturating_add(by);
        self.last_id = self.last_id.saturating_add(by);
        self.events.clear();
        if self.qts > 0 {
            self.qts = self.qts.saturating_add(by);
            self.qts_events.clear();
        }
    }

    /// Whether a `random_id` was there already.
    pub(crate) fn repeated(&self, random_id: i64) -> bool {
        self.random_ids.contains(&random_id)
    }

    /// Remembers a `random_id`; `false` if it was there already.
    pub(crate) fn fresh(&mut self, random_id: i64) -> bool {
        if !self.random_ids.insert(random_id) {
            return false;
        }
        self.random_order.push_back(random_id);
        if self.random_order.len() > RANDOM_IDS
            && let Some(old) = self.random_order.pop_front()
        {
            self.random_ids.remove(&old);
        }
        true
    }

    /// Puts a copy in under the next id and returns it.
    pub(crate) fn put(&mut self, mut message: Message) -> i32 {
        self.last_id += 1;
        let id = self.last_id;
        message.id = id;
        let dialog = self.dialogs.entry(message.peer).or_default();
        dialog.top = id;
        if message.out {
            dialog.read_in = id;
        }
        if message.out && message.peer == Peer::User(message.from) {
            dialog.read_out = id;
        }
        self.copies.insert(message.letter, id);
        self.messages.insert(id, message);
        if self.messages.len() > MESSAGES
            && let Some((_, old)) = self.messages.pop_first()
        {
            self.copies.remove(&old.letter);
        }
        id
    }

    /// This user's id of a message of which somebody else has a copy.
    pub(crate) fn copy_of(&self, letter: u64) -> Option<i32> {
        self.copies.get(&letter).copied()
    }

    /// Removes messages, and says which were there.
    pub(crate) fn remove(&mut self, ids: &[i32]) -> Vec<Message> {
        let gone: Vec<_> = ids
            .iter()
            .filter_map(|id| self.messages.remove(id))
            .collect();
        for message in &gone {
            self.copies.remove(&message.letter);
            let top = self.history(message.peer).next().map_or(0, |m| m.id);
            if let Some(dialog) = self.dialogs.get_mut(&message.peer) {
                dialog.top = top;
            }
        }
        gone
    }

    /// Numbers an event and keeps it; returns the new `pts`.
    pub(crate) fn happened(&mut self, what: What, count: i32) -> i32 {
        self.pts += count;
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

    /// Numbers an update by `qts`, keeps it and returns it with its number.
    pub(crate) fn happened_by_qts(&mut self, mut update: Value, about: Vec<Peer>) -> Value {
        self.qts += 1;
        if let Some(map) = update.as_object_mut() {
            map.insert("qts".into(), self.qts.into());
        }
        self.qts_events.push_back(QtsEvent {
            qts: self.qts,
            update: update.clone(),
            about,
        });
        if self.qts_events.len() > QTS_EVENTS {
            self.qts_events.pop_front();
        }
        update
    }

    /// A chat's messages, the newest first.
    pub(crate) fn history(&self, peer: Peer) -> impl Iterator<Item = &Message> {
        self.messages.values().rev().filter(move |m| m.peer == peer)
    }

    /// Messages of others that were not read.
    pub(crate) fn unread(&self, peer: Peer) -> usize {
        let read = self.dialogs.get(&peer).map_or(0, |d| d.read_in);
        self.messages
            .range(read.saturating_add(1)..)
            .filter(|(_, m)| m.peer == peer && !m.out)
            .count()
    }

    /// Unread messages of all chats.
    pub(crate) fn unread_total(&self) -> usize {
        self.dialogs.keys().map(|peer| self.unread(*peer)).sum()
    }
}
