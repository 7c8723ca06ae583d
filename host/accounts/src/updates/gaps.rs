//! The state machine over all sequences of an account.

use core::time::Duration;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Map, Value, json};
use sluice_domain::UpdateState;

use super::fetching::Fetching;
use super::output::{Batch, Item, Output, Peers};
use super::place::{Place, expand_sent, expand_short, place};
use super::sequence::Sequence;
use crate::json::{constructor, int, long, take_list};

/// Telegram: fetch the difference after 15 minutes without updates.
const SILENCE: Duration = Duration::from_mins(15);

/// Containers kept while the state is not known yet. Beyond this they are left to the difference.
const MAX_EARLY: usize = 1_000;

/// Channel differences under way at once, so that a return after a long absence is no storm.
const MAX_CHANNEL_FETCHES: usize = 4;

/// What is to be asked of Telegram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fetch {
    /// `updates.getState`.
    State,
    /// `updates.getDifference`.
    Difference { pts: i32, date: i32, qts: i32 },
    /// `updates.getChannelDifference`.
    Channel { channel: i64, pts: i32 },
}

/// Why there is no answer to a fetch.
#[derive(Debug, Clone)]
pub(crate) struct FetchFailure {
    /// Telegram's name, or ours.
    pub(crate) name: String,
    /// Seconds to wait at least.
    pub(crate) wait: Option<u64>,
}

pub(super) struct Channel {
    pub(super) pts: Sequence<Item>,
    pub(super) fetching: Fetching,
}

/// Every sequence of an account.
pub(crate) struct Gaps {
    me: i64,
    /// False until the state was read from Telegram for the first time.
    pub(super) known: bool,
    pub(super) pts: Sequence<Item>,
    pub(super) qts: Sequence<Item>,
    pub(super) seq: Sequence<Vec<Item>>,
    pub(super) date: i32,
    pub(super) fetching: Fetching,
    pub(super) channels: HashMap<i64, Channel>,
    /// Channels that hold something back or fetch.
    pub(super) busy: BTreeSet<i64>,
    pub(super) early: Vec<Value>,
    pub(super) heard: Duration,
    outputs: Vec<Output>,
    pub(super) moved: bool,
}

impl Gaps {
    /// Begins where the stored state ends (its difference is fetched first), or, without one, with
    /// the state that Telegram names.
    pub(crate) fn new(state: Option<&UpdateState>, me: i64, now: Duration) -> Self {
        let stored = state.cloned().unwrap_or_default();
        let mut gaps = Self {
            me,
            known: state.is_some(),
            pts: Sequence::new(stored.pts),
            qts: Sequence::new(stored.qts),
            seq: Sequence::new(stored.seq),
            date: stored.date,
            fetching: Fetching::default(),
            channels: HashMap::new(),
            busy: BTreeSet::new(),
            early: Vec::new(),
            heard: now,
            outputs: Vec::new(),
            moved: false,
        };
        for (channel, pts) in stored.channels {
            gaps.channels.insert(channel, Channel::at(pts));
        }
        gaps.fetching.want(now);
        gaps
    }

    /// The common pts reached; None before the state is known.
    pub(crate) fn pts(&self) -> Option<i32> {
        self.known.then(|| self.pts.at())
    }

    /// A new session, an undecodable update, a restart: only the difference tells what was missed.
    pub(crate) fn want_difference(&mut self, now: Duration) {
        self.fetching.want(now);
    }

    /// An `Updates` object, pushed or the result of a call.
    pub(crate) fn updates(&mut self, now: Duration, mut updates: Value) {
        self.heard = now;
        if !self.known {
            if self.early.len() < MAX_EARLY {
                self.early.push(updates);
            }
            return;
        }
        let none = Arc::new(Peers::default());
        match constructor(&updates) {
            "updateShort" => {
                if let Some(update) = updates.get_mut("update").map(Value::take) {
                    self.container(now, vec![update], &none, None);
                }
            }
            "updateShortMessage" | "updateShortChatMessage" => {
                let update = expand_short(&updates, self.me);
                self.container(now, vec![update], &none, None);
            }
            kind @ ("updates" | "updatesCombined") => {
                let end = int(&updates, "seq").unwrap_or_default();
                let start = match kind {
                    "updates" => end,
                    _ => int(&updates, "seq_start").unwrap_or(end),
                };
                let peers = Arc::new(Peers {
                    users: take_list(&mut updates, "users"),
                    chats: take_list(&mut updates, "chats"),
                });
                let seq =
                    (start != 0).then_some((end, end.saturating_sub(start).saturating_add(1)));
                let list = take_list(&mut updates, "updates");
                self.container(now, list, &peers, seq);
            }
            "updateShortSentMessage" => {
                self.affected(
                    now,
                    None,
                    int(&updates, "pts").unwrap_or_default(),
                    int(&updates, "pts_count").unwrap_or_default(),
                );
            }
            // updatesTooLong, and whatever a later layer adds.
            _ => self.fetching.want(now),
        }
        if let Some(date) = int(&updates, "date") {
            self.date = self.date.max(date);
        }
    }

    /// `updateShortSentMessage`, the answer to a send, with the parameters of that send.
    pub(crate) fn sent(&mut self, now: Duration, sent: &Value, params: &Map<String, Value>) {
        match expand_sent(sent, params, self.me) {
            Some(update) => {
                let date = int(sent, "date").unwrap_or_default();
                self.updates(
                    now,
                    json!({"_": "updateShort", "update": update, "date": date}),
                );
            }
            None => self.updates(now, sent.clone()),
        }
    }

    /// A result that moves a pts without an update (`messages.affectedMessages`).
    pub(crate) fn affected(&mut self, now: Duration, channel: Option<i64>, pts: i32, count: i32) {
        if !self.known {
            return; // the state that is being fetched includes it
        }
        match channel {
            None => {
                let hold = self.fetching.busy();
                let mut due = Vec::new();
                self.pts
                    .offer(now, hold, (pts, count), Item::silent(), &mut due);
                self.emit(due);
            }
            Some(channel) => self.channel_item(now, channel, (pts, count), Item::silent()),
        }
        self.moved = true;
    }

    fn container(
        &mut self,
        now: Duration,
        updates: Vec<Value>,
        peers: &Arc<Peers>,
        seq: Option<(i32, i32)>,
    ) {
        let mut unordered = Vec::new();
        for update in updates {
            self.route(now, update, peers, &mut unordered);
        }
        match seq {
            None => self.emit(unordered),
            Some(place) => {
                let hold = self.fetching.busy();
                let mut due = Vec::new();
                self.seq.offer(now, hold, place, unordered, &mut due);
                self.emit(due.into_iter().flatten());
                self.moved = true;
            }
        }
    }

    fn route(
        &mut self,
        now: Duration,
        update: Value,
        peers: &Arc<Peers>,
        unordered: &mut Vec<Item>,
    ) {
        match constructor(&update) {
            "updateChannelTooLong" => return self.channel_too_long(now, &update),
            "updatePtsChanged" => return self.start_over(now, "pts_changed"),
            _ => {}
        }
        let hold = self.fetching.busy();
        let mut due = Vec::new();
        match place(&update) {
            Place::Common(pts, count) => {
                let item = Item::update(update, peers);
                self.pts.offer(now, hold, (pts, count), item, &mut due);
            }
            Place::Qts(qts) => {
                let item = Item::update(update, peers);
                self.qts.offer(now, hold, (qts, 1), item, &mut due);
            }
            Place::Channel(channel, pts, count) => {
                let item = Item::update(update, peers);
                self.channel_item(now, channel, (pts, count), item);
            }
            Place::Unordered => unordered.push(Item::update(update, peers)),
        }
        self.emit(due);
    }

    pub(super) fn channel_item(&mut self, now: Duration, id: i64, place: (i32, i32), item: Item) {
        let (pts, count) = place;
        let channel = self
            .channels
            .entry(id)
            .or_insert_with(|| Channel::at(pts.saturating_sub(count)));
        let mut due = Vec::new();
        let hold = channel.fetching.busy();
        channel.pts.offer(now, hold, place, item, &mut due);
        if channel.pts.deadline().is_some() {
            self.busy.insert(id);
        }
        self.moved = true;
        self.emit(due);
    }

    pub(super) fn channel_too_long(&mut self, now: Duration, update: &Value) {
        let Some(id) = long(update, "channel_id") else {
            return;
        };
        if let Some(channel) = self.channels.get_mut(&id) {
            channel.fetching.want(now);
            self.busy.insert(id);
        } else {
            // Nothing was ever taken of this channel, so nothing says where to begin.
            if let Some(pts) = int(update, "pts") {
                self.channels.insert(id, Channel::at(pts));
            }
            self.gap("channel_not_followed", Some(id));
        }
    }

    /// The sequence cannot be continued: begin with the state Telegram names.
    pub(super) fn start_over(&mut self, now: Duration, reason: &'static str) {
        self.gap(reason, None);
        self.known = false;
        self.fetching.want(now);
    }

    /// Time has passed: gaps that waited long enough and a long silence lead to differences.
    pub(crate) fn tick(&mut self, now: Duration) {
        let gap = self.pts.expired(now) || self.qts.expired(now) || self.seq.expired(now);
        if !self.fetching.busy() && (gap || now >= self.heard.saturating_add(SILENCE)) {
            self.fetching.want(now);
        }
        for id in &self.busy {
            if let Some(channel) = self.channels.get_mut(id)
                && !channel.fetching.busy()
                && channel.pts.expired(now)
            {
                channel.fetching.want(now);
            }
        }
    }

    /// When [`Self::tick`] or [`Self::next_fetch`] has something to do next.
    pub(crate) fn deadline(&self) -> Duration {
        let silence = self.heard.saturating_add(SILENCE);
        let common = if self.fetching.busy() {
            self.fetching.due()
        } else {
            [
                self.pts.deadline(),
                self.qts.deadline(),
                self.seq.deadline(),
            ]
            .into_iter()
            .flatten()
            .min()
            .map_or(Some(silence), |gap| Some(gap.min(silence)))
        };
        let may_fetch = self.channel_fetches() < MAX_CHANNEL_FETCHES;
        let channels = self.busy.iter().filter_map(|id| {
            let channel = self.channels.get(id)?;
            if channel.fetching.busy() {
                channel.fetching.due().filter(|_| may_fetch)
            } else {
                channel.pts.deadline()
            }
        });
        channels.chain(common).min().unwrap_or(Duration::MAX)
    }

    fn channel_fetches(&self) -> usize {
        let running = |id: &&i64| {
            self.channels
                .get(*id)
                .is_some_and(|channel| channel.fetching.running())
        };
        self.busy.iter().filter(running).count()
    }

    /// What to fetch now; its answer goes to [`Self::fetched`].
    pub(crate) fn next_fetch(&mut self, now: Duration) -> Option<Fetch> {
        if self.fetching.due().is_some_and(|at| at <= now) {
            self.fetching.started();
            self.pts.asked(now);
            self.qts.asked(now);
            self.seq.asked(now);
            return Some(if self.known {
                Fetch::Difference {
                    pts: self.pts.at(),
                    date: self.date,
                    qts: self.qts.at(),
                }
            } else {
                Fetch::State
            });
        }
        if self.channel_fetches() >= MAX_CHANNEL_FETCHES {
            return None;
        }
        self.busy.iter().copied().find_map(|id| {
            let channel = self.channels.get_mut(&id)?;
            channel.fetching.due().filter(|at| *at <= now)?;
            channel.fetching.started();
            channel.pts.asked(now);
            Some(Fetch::Channel {
                channel: id,
                pts: channel.pts.at(),
            })
        })
    }

    pub(super) fn emit(&mut self, items: impl IntoIterator<Item = Item>) {
        for item in items {
            self.moved = true;
            self.outputs.extend(item.into_output());
        }
    }

    pub(super) fn gap(&mut self, reason: &'static str, channel: Option<i64>) {
        self.outputs.push(Output::Gap { reason, channel });
    }

    /// What has to be committed, with the state it leads to.
    pub(crate) fn take_batch(&mut self) -> Option<Batch> {
        if !self.known || (self.outputs.is_empty() && !core::mem::take(&mut self.moved)) {
            return None;
        }
        self.moved = false;
        let mut channels: Vec<_> = self
            .channels
            .iter()
            .map(|(id, channel)| (*id, channel.pts.at()))
            .collect();
        channels.sort_unstable();
        Some(Batch {
            outputs: core::mem::take(&mut self.outputs),
            state: UpdateState {
                pts: self.pts.at(),
                qts: self.qts.at(),
                date: self.date,
                seq: self.seq.at(),
                channels,
            },
        })
    }
}

impl Channel {
    fn at(pts: i32) -> Self {
        Self {
            pts: Sequence::new(pts),
            fetching: Fetching::default(),
        }
    }
}
