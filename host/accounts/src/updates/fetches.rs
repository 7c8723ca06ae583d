//! What is to be asked of Telegram, and when.

use core::time::Duration;

use super::gaps::Gaps;

/// Telegram: fetch the difference after 15 minutes without updates.
const SILENCE: Duration = Duration::from_mins(15);

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

impl Gaps {
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

    /// The link stands again: what waits for its next attempt is tried at once.
    pub(crate) fn hurry(&mut self, now: Duration) {
        self.fetching.hurry(now);
        for id in &self.busy {
            if let Some(channel) = self.channels.get_mut(id) {
                channel.fetching.hurry(now);
            }
        }
    }

    /// When [`Self::tick`] or [`Self::next_fetch`] has something to do next.
    pub(crate) fn deadline(&self) -> Duration {
        let silence = self.heard.saturating_add(SILENCE);
        let common = if self.fetching.busy() {
            self.fetching.due()
        } else {
            let gaps = [
                &self.pts.deadline(),
                &self.qts.deadline(),
                &self.seq.deadline(),
            ];
            let gap = gaps.into_iter().flatten().min();
            Some(gap.map_or(silence, |gap| silence.min(*gap)))
        };
        let may_fetch = self.channel_fetches() < MAX_CHANNEL_FETCHES;
        let channels = self.busy.iter().filter_map(|id| {
            let channel = self.channels.get(id)?;
            if channel.fetching.busy() {
                let due = channel.fetching.due().filter(|_| may_fetch)?;
                Some(due.max(self.channels_rest))
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
        // Until the account's own state is known nothing can be committed.
        let rests = now < self.channels_rest;
        if !self.known || rests || self.channel_fetches() >= MAX_CHANNEL_FETCHES {
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
}
