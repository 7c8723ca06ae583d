//! The state machine over all sequences of an account: what live updates do to it.

use core::time::Duration;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Map, Value, json};
use sluice_domain::{UpdateState, UpdateStep};

use super::channels::Channel;
use super::fetching::Fetching;
use super::output::{Batch, Gap, Item, Output, Peers};
use super::place::{Place, expand_sent, expand_short, place};
use super::sequence::Sequence;
use crate::json::{constructor, int, take_list};

/// Containers kept while the state is not known yet. Beyond this they are left to the difference.
const MAX_EARLY: usize = 1_000;

/// Early updates held over all channels. With some kilobytes each this is some tens of megabytes at
/// the worst; what is beyond is left to the channel's difference.
const MAX_HELD_BY_CHANNELS: usize = 10_000;

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
    /// Channels whose pts is not committed yet, and those that are followed no more.
    pub(super) changed: BTreeSet<i64>,
    /// Once the account's own difference is there, every channel's is wanted.
    pub(super) sweep: bool,
    /// Telegram asked to leave channels alone until then.
    pub(super) channels_rest: Duration,
    pub(super) early: Vec<Value>,
    /// Why the sequences begin anew, and where the common one stood.
    pub(super) broken: Option<(&'static str, i32)>,
    pub(super) heard: Duration,
    outputs: Vec<Output>,
    pub(super) moved: bool,
}

impl Gaps {
    /// Begins where the stored state ends (its difference is fetched first, then every channel's),
    /// or, without one, with the state that Telegram names.
    pub(crate) fn new(state: Option<&UpdateState>, me: i64, now: Duration) -> Self {
        let stored = state.cloned().unwrap_or_default();
        let mut gaps = Self {
            me,
            known: stored.pts > 0,
            pts: Sequence::new(stored.pts),
            qts: Sequence::new(stored.qts),
            seq: Sequence::new(stored.seq),
            date: stored.date,
            fetching: Fetching::default(),
            channels: HashMap::new(),
            busy: BTreeSet::new(),
            changed: BTreeSet::new(),
            sweep: false,
            channels_rest: Duration::ZERO,
            early: Vec::new(),
            broken: None,
            heard: now,
            outputs: Vec::new(),
            moved: false,
        };
        for (channel, pts) in stored.channels {
            gaps.channels.insert(channel, Channel::at(pts));
        }
        gaps.want_everything(now);
        gaps
    }

    /// The common pts reached; None before the state is known.
    pub(crate) fn pts(&self) -> Option<i32> {
        self.known.then(|| self.pts.at())
    }

    /// What waits to be committed. The caller stops feeding when it is too much.
    pub(crate) fn waiting(&self) -> usize {
        self.outputs.len()
    }

    /// The link stands again. What was pushed meanwhile comes again within the session; the
    /// difference says it sooner, and names the channels of which there is more.
    pub(crate) fn want_difference(&mut self, now: Duration) {
        self.fetching.want(now);
    }

    /// Something is lost and nothing says what: a new session, an undecodable update, a restart.
    pub(crate) fn want_everything(&mut self, now: Duration) {
        self.sweep = true;
        self.fetching.want(now);
    }

    /// An update that cannot be used as it is: the difference brings it with those it speaks of.
    pub(crate) fn incomplete(&mut self, now: Duration, update: &Value) {
        self.heard = now;
        let Place::Channel(id, pts, count) = place(update) else {
            return self.fetching.want(now);
        };
        self.channels
            .entry(id)
            .or_insert_with(|| Channel::at(pts.saturating_sub(count)));
        self.want_channel(now, id);
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
        match constructor(&updates) {
            "updateShort" => {
                if let Some(update) = updates.get_mut("update").map(Value::take) {
                    self.short(now, update);
                }
            }
            "updateShortMessage" | "updateShortChatMessage" => {
                let update = expand_short(&updates, self.me);
                self.short(now, update);
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
                // The date moves with what was applied, so that a difference never begins after
                // something that is missing.
                let whole = self.pts.whole() && self.qts.whole() && self.seq.whole();
                if let Some(date) = int(&updates, "date")
                    && whole
                    && !self.fetching.busy()
                {
                    self.date = self.date.max(date);
                }
            }
            "updateShortSentMessage" => {
                let number = |field| int(&updates, field).unwrap_or_default();
                self.affected(now, None, number("pts"), number("pts_count"));
            }
            // updatesTooLong, and whatever a later layer adds.
            _ => self.fetching.want(now),
        }
    }

    /// `updateShortSentMessage`, the answer to a send, with the parameters of that send.
    pub(crate) fn sent(&mut self, now: Duration, sent: &Value, params: &Map<String, Value>) {
        match expand_sent(sent, params, self.me) {
            Some(update) => self.updates(now, json!({"_": "updateShort", "update": update})),
            None => self.updates(now, sent.clone()),
        }
    }

    /// A result that moves a pts without an update (`messages.affectedMessages`).
    pub(crate) fn affected(&mut self, now: Duration, channel: Option<i64>, pts: i32, count: i32) {
        if !self.known || pts <= 0 {
            return; // the state that is being fetched includes it
        }
        match channel {
            None => self.common_item(now, (pts, count), Item::silent()),
            Some(channel) => self.channel_item(now, channel, (pts, count), Item::silent()),
        }
    }

    fn short(&mut self, now: Duration, update: Value) {
        self.container(now, vec![update], &Arc::default(), None);
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
        let Some(place) = seq else {
            return self.emit(unordered);
        };
        let hold = self.fetching.running();
        let mut due = Vec::new();
        self.seq.offer(now, hold, place, unordered, &mut due);
        self.moved |= !due.is_empty();
        self.emit(due.into_iter().flatten());
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
        let place = place(&update);
        let item = Item::update(update, peers);
        match place {
            Place::Common(pts, count) => self.common_item(now, (pts, count), item),
            Place::Qts(qts) => {
                if self.qts.at() == 0 {
                    // Telegram did not name one: the first that comes is where it begins.
                    self.qts = Sequence::new(qts.saturating_sub(1));
                }
                let hold = self.fetching.running();
                let mut due = Vec::new();
                self.qts.offer(now, hold, (qts, 1), item, &mut due);
                self.emit(due);
            }
            Place::Channel(channel, pts, count) => {
                self.channel_item(now, channel, (pts, count), item);
                self.bound_channel(channel);
            }
            Place::Unordered => unordered.push(item),
        }
    }

    fn common_item(&mut self, now: Duration, place: (i32, i32), item: Item) {
        let hold = self.fetching.running();
        let mut due = Vec::new();
        self.pts.offer(now, hold, place, item, &mut due);
        self.emit(due);
    }

    /// Leaves what a channel holds to its difference when all of them hold too much.
    fn bound_channel(&mut self, id: i64) {
        let all = |gaps: &Self| {
            let held = |id: &i64| gaps.channels.get(id).map_or(0, |it| it.pts.held());
            gaps.busy.iter().map(held).sum::<usize>()
        };
        let holds = |gaps: &Self| gaps.channels.get(&id).is_some_and(|it| it.pts.held() > 0);
        if holds(self)
            && all(self) > MAX_HELD_BY_CHANNELS
            && let Some(channel) = self.channels.get_mut(&id)
        {
            channel.pts.overflow();
        }
    }

    /// The sequence cannot be continued: begin with the state Telegram names.
    pub(super) fn start_over(&mut self, now: Duration, reason: &'static str) {
        self.broken.get_or_insert((reason, self.pts.at()));
        self.known = false;
        self.sweep = true;
        self.fetching.want(now);
    }

    /// The state is known: what came before it is looked at.
    pub(super) fn replay_early(&mut self, now: Duration) {
        let early = core::mem::take(&mut self.early);
        // With no room left, some may have been dropped.
        if early.len() == MAX_EARLY {
            self.want_everything(now);
        }
        for updates in early {
            self.updates(now, updates);
        }
    }

    pub(super) fn emit(&mut self, items: impl IntoIterator<Item = Item>) {
        for item in items {
            self.moved = true;
            self.outputs.extend(item.into_output());
        }
    }

    pub(super) fn gap(&mut self, gap: Gap) {
        self.outputs.push(Output::Gap(gap));
    }

    /// What has to be committed, with the state it leads to.
    pub(crate) fn take_batch(&mut self) -> Option<Batch> {
        let moved = self.moved || !self.changed.is_empty();
        if !self.known || (self.outputs.is_empty() && !moved) {
            return None;
        }
        self.moved = false;
        let channels = core::mem::take(&mut self.changed).into_iter();
        let reached = |id| (id, self.channels.get(&id).map(|channel| channel.pts.at()));
        Some(Batch {
            step: UpdateStep {
                pts: self.pts.at(),
                qts: self.qts.at(),
                date: self.date,
                seq: self.seq.at(),
                channels: channels.map(reached).collect(),
            },
            outputs: core::mem::take(&mut self.outputs),
        })
    }
}
