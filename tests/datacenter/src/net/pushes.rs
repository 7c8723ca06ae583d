//! What happens to updates on their way to a client, when it is asked for: lost, doubled, overtaken.
//!
//! Answers to calls are not touched: rules are for those.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::session::Session;

/// An update that is overtaken is overtaken by at most so many.
const BEHIND: u64 = 4;

/// Which updates are lost, doubled and overtaken on their way. What is absent never happens.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PushFaults {
    /// Only updates of this user or bot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<i64>,
    /// With this probability (0..=1) one is never sent.
    pub drop: f64,
    /// With this probability one is sent twice, as two messages.
    pub double: f64,
    /// With this probability one comes after up to four later ones.
    pub reorder: f64,
    /// The same seed does the same to the same updates.
    pub seed: u64,
}

/// How often it happened since the faults were set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PushCounts {
    /// Updates that were looked at.
    pub seen: u64,
    /// Never sent.
    pub dropped: u64,
    /// Sent twice.
    pub doubled: u64,
    /// Overtaken by later ones.
    pub reordered: u64,
}

#[derive(Default)]
pub(crate) struct Pushes {
    faults: Option<PushFaults>,
    counts: PushCounts,
    /// State of the generator (`SplitMix64`).
    dice: u64,
    /// Held back until so many others of the same session have passed.
    held: VecDeque<Held>,
}

struct Held {
    session: Arc<Session>,
    passing: u64,
    body: Bytes,
}

impl Pushes {
    /// Sets or ends the faults. What was held back goes out now.
    pub(crate) fn set(
        &mut self,
        faults: Option<PushFaults>,
        mut send: impl FnMut(&Session, Bytes),
    ) {
        for held in self.held.drain(..) {
            send(&held.session, held.body);
        }
        self.dice = faults.as_ref().map_or(0, |faults| faults.seed);
        self.counts = PushCounts::default();
        self.faults = faults;
    }

    pub(crate) fn counts(&self) -> PushCounts {
        self.counts
    }

    /// An update for a user's session: what is to be sent of it, and of those held back, goes to
    /// `send`.
    pub(crate) fn pass(
        &mut self,
        user: i64,
        session: &Arc<Session>,
        body: Bytes,
        mut send: impl FnMut(&Session, Bytes),
    ) {
        let Some(faults) = self.faults.clone() else {
            return send(session, body);
        };
        if faults.account.is_some_and(|only| only != user) {
            return send(session, body);
        }
        self.counts.seen += 1;
        // Each update takes as many numbers, so that what happens to one does not depend on what
        // happened to those before.
        let (lost, twice, late) = (self.chance(), self.chance(), self.chance());
        let passing = self.roll() % BEHIND + 1;
        if lost < faults.drop {
            self.counts.dropped += 1;
        } else if late < faults.reorder {
            self.counts.reordered += 1;
            self.held.push_back(Held {
                session: Arc::clone(session),
                // This one counts itself.
                passing: passing + 1,
                body,
            });
        } else {
            send(session, body.clone());
            if twice < faults.double {
                self.counts.doubled += 1;
                send(session, body);
            }
        }
        let mut waiting = VecDeque::new();
        for mut held in self.held.drain(..) {
            if Arc::ptr_eq(&held.session, session) {
                held.passing -= 1;
            }
            if held.passing == 0 {
                send(&held.session, held.body);
            } else {
                waiting.push_back(held);
            }
        }
        self.held = waiting;
    }

    fn roll(&mut self) -> u64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.dice;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A uniform number in 0..1.
    fn chance(&mut self) -> f64 {
        let bits = u32::try_from(self.roll() >> 32).unwrap_or(u32::MAX);
        f64::from(bits) / (f64::from(u32::MAX) + 1.0)
    }
}
