use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use sluice_domain::{Clock, Cursor, Event, EventBody, EventFilter, EventLog, StoreError};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use crate::Live;
use crate::live::Key;

/// Events read from the log at once. Bounds what a reader holds in memory.
const CHUNK: usize = 64;

/// One account's state of one type is told at most so often.
const LIVE_EVERY: Duration = Duration::from_secs(1);

/// One thing for a reader, as the JSON text to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReaderItem {
    /// An event of the log; the text carries the cursor as `id`.
    Logged(Cursor, String),
    /// Live state; no `id`.
    Live(String),
    /// Events between the reader's cursor and this one are no longer kept; the text is a `gap` event
    /// with this cursor as `id`. What follows is what is still kept. No filter holds it back.
    Gap(Cursor, String),
}

/// One reader's place in the log.
pub struct Reader {
    log: Arc<dyn EventLog>,
    clock: Arc<dyn Clock>,
    newest: watch::Receiver<Cursor>,
    filter: EventFilter,
    /// Everything up to here was handed out.
    position: Cursor,
    /// Everything up to here was read; what passed the filter is in `ready`.
    searched: Cursor,
    /// The cursor came from the caller and was not yet held against what the log keeps.
    unproven: bool,
    ready: VecDeque<ReaderItem>,
    live: Option<LiveReader>,
}

struct LiveReader {
    live: Live,
    changed: watch::Receiver<u64>,
    /// What was told, in which version and when.
    told: BTreeMap<Key, (u64, Instant)>,
}

impl Reader {
    pub(crate) fn new(
        log: Arc<dyn EventLog>,
        live: Live,
        clock: Arc<dyn Clock>,
        newest: watch::Receiver<Cursor>,
        after: Option<Cursor>,
        filter: EventFilter,
    ) -> Self {
        let start = after.unwrap_or_else(|| *newest.borrow());
        let mut changed = live.watch();
        changed.mark_changed();
        Self {
            log,
            clock,
            newest,
            filter,
            position: start,
            searched: start,
            unproven: after.is_some(),
            ready: VecDeque::new(),
            live: Some(LiveReader {
                live,
                changed,
                told: BTreeMap::new(),
            }),
        }
    }

    /// The cursor to resume from: everything up to it was handed out.
    pub const fn position(&self) -> Cursor {
        self.position
    }

    /// The next item. Cancel-safe: dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<ReaderItem, StoreError> {
        loop {
            if let Some(item) = self.take().await? {
                return Ok(item);
            }
            self.changed().await?;
        }
    }

    /// For long polls: waits up to `wait` for a first event, then takes what is there, up to `limit`.
    /// Live state is left out: a poll that began with it would never wait.
    pub async fn batch(
        &mut self,
        limit: usize,
        wait: Duration,
    ) -> Result<Vec<ReaderItem>, StoreError> {
        self.live = None;
        let mut items = Vec::new();
        match timeout(wait, self.next()).await {
            Ok(first) => items.push(first?),
            Err(_) => return Ok(items),
        }
        while items.len() < limit {
            match self.take().await? {
                Some(item) => items.push(item),
                None => break,
            }
        }
        Ok(items)
    }

    /// What is there now, without waiting for more to happen.
    async fn take(&mut self) -> Result<Option<ReaderItem>, StoreError> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                self.position = match (&item, self.ready.is_empty()) {
                    // With nothing of the log left to hand out, what the filter held back counts too.
                    (_, true) => self.searched,
                    (ReaderItem::Logged(cursor, _) | ReaderItem::Gap(cursor, _), _) => *cursor,
                    (ReaderItem::Live(_), _) => self.position,
                };
                return Ok(Some(item));
            }
            self.position = self.searched;
            if let Some(live) = &mut self.live {
                live.collect(&self.filter, &mut self.ready);
            }
            let behind = self.searched < *self.newest.borrow_and_update();
            if behind || self.unproven {
                self.read().await?;
            } else if self.ready.is_empty() {
                return Ok(None);
            }
        }
    }

    /// Waits until there may be something.
    async fn changed(&mut self) -> Result<(), StoreError> {
        let gone = || StoreError::Unavailable("the event log was closed".to_owned());
        let Some(live) = &mut self.live else {
            return self.newest.changed().await.map_err(|_| gone());
        };
        let due = live.next_due(&self.filter);
        tokio::select! {
            grown = self.newest.changed() => grown.map_err(|_| gone()),
            told = live.changed.changed() => told.map_err(|_| gone()),
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => Ok(()),
        }
    }

    /// Reads on in the log, and says so when what should have come next is no longer kept.
    async fn read(&mut self) -> Result<(), StoreError> {
        let (log, filter, after) = (Arc::clone(&self.log), self.filter.clone(), self.searched);
        let read = tokio::task::spawn_blocking(move || read(log.as_ref(), after, &filter));
        let page = read
            .await
            .map_err(|_| StoreError::Unavailable("reading the event log failed".to_owned()))??;
        self.unproven = false;
        if let Some(cursor) = page.gap {
            self.ready
                .push_back(ReaderItem::Gap(cursor, self.gap(cursor)));
        }
        let events = page.events.into_iter();
        self.ready
            .extend(events.map(|(cursor, text)| ReaderItem::Logged(cursor, text)));
        self.searched = page.searched;
        Ok(())
    }

    fn gap(&self, cursor: Cursor) -> String {
        let event = Event {
            body: EventBody::Gap {
                reason: "events up to here are no longer kept".to_owned(),
                channel: None,
                from_pts: None,
                to_pts: None,
            },
            account: None,
            at: self.clock.now(),
        };
        let text = serde_json::to_string(&event).unwrap_or_default();
        let members = text.strip_prefix('{').unwrap_or("}");
        format!("{{\"id\":\"{cursor}\",{members}")
    }
}

struct Page {
    /// The reader's place was not in the log; it goes on after this cursor.
    gap: Option<Cursor>,
    events: Vec<(Cursor, String)>,
    searched: Cursor,
}

fn read(log: &dyn EventLog, after: Cursor, filter: &EventFilter) -> Result<Page, StoreError> {
    let (mut newest, mut oldest) = log.bounds()?;
    loop {
        // Older than what is kept, or newer than what there is: a cursor of another log.
        let gap = if after.0.saturating_add(1) < oldest.0 {
            Some(Cursor(oldest.0.saturating_sub(1)))
        } else {
            (after > newest).then_some(newest)
        };
        let (events, searched) = log.read(gap.unwrap_or(after), filter, CHUNK)?;
        // Events may have been removed while we read; then look again rather than skip in silence.
        let now = log.bounds()?;
        if now.1 == oldest {
            return Ok(Page {
                gap,
                events,
                searched,
            });
        }
        (newest, oldest) = now;
    }
}

impl LiveReader {
    /// Takes what changed and is due.
    fn collect(&mut self, filter: &EventFilter, ready: &mut VecDeque<ReaderItem>) {
        let now = Instant::now();
        let told = &mut self.told;
        self.changed.mark_unchanged();
        self.live.each(filter, |key, version, text| {
            let due = told
                .get(key)
                .is_none_or(|(last, at)| *last < version && *at + LIVE_EVERY <= now);
            if due {
                told.insert(key.clone(), (version, now));
                ready.push_back(ReaderItem::Live(text.to_string()));
            }
        });
    }

    /// When a state that changed may be told.
    fn next_due(&self, filter: &EventFilter) -> Option<Instant> {
        let mut due = None;
        self.live.each(filter, |key, version, _| {
            if let Some((last, at)) = self.told.get(key)
                && *last < version
            {
                due = Some(due.map_or(*at + LIVE_EVERY, |d: Instant| d.min(*at + LIVE_EVERY)));
            }
        });
        due
    }
}
