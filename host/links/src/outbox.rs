use std::collections::VecDeque;

use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::PoolEvent;

/// Events and bytes of updates that may wait for the account. Beyond it updates are dropped, and
/// the account is told to fetch the difference: the link never waits for the account, because the
/// account may be waiting for an answer from the link.
const EVENTS: usize = 1024;
const BYTES: usize = 16 << 20;

/// What the pool has to tell, in order.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: Mutex<Waiting>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    events: VecDeque<PoolEvent>,
    bytes: usize,
}

impl Outbox {
    /// Adds an event.
    pub(crate) fn push(&self, event: PoolEvent) {
        let mut waiting = self.waiting.lock();
        if waiting.events.back() == Some(&event) && event == PoolEvent::PoolChanged {
            return;
        }
        waiting.bytes += size(&event);
        waiting.events.push_back(event);
        if waiting.events.len() > EVENTS || waiting.bytes > BYTES && waiting.events.len() > 1 {
            metrics::counter!("sluice_link_overflows_total").increment(1);
            waiting.shed();
        }
        drop(waiting);
        self.filled.notify_one();
    }

    fn pop(&self) -> Option<PoolEvent> {
        let mut waiting = self.waiting.lock();
        let event = waiting.events.pop_front()?;
        waiting.bytes -= size(&event);
        Some(event)
    }

    /// Hands the events to the account until the pool ends, or nobody reads them any more.
    pub(crate) async fn pump(&self, to: mpsc::Sender<PoolEvent>, end: CancellationToken) {
        loop {
            while let Some(event) = self.pop() {
                tokio::select! {
                    sent = to.send(event) => if sent.is_err() { return },
                    () = end.cancelled() => return,
                }
            }
            tokio::select! {
                () = self.filled.notified() => {}
                () = to.closed() => return,
                () = end.cancelled() => return,
            }
        }
    }
}

impl Waiting {
    /// Drops what can be fetched again, and of what repeats itself all but the last.
    fn shed(&mut self) {
        let mut kept: VecDeque<PoolEvent> = VecDeque::new();
        for event in self.events.drain(..).rev() {
            let wanted = match &event {
                PoolEvent::Update(_) | PoolEvent::NewSession => false,
                other => !kept.contains(other),
            };
            if wanted {
                kept.push_front(event);
            }
        }
        kept.push_back(PoolEvent::NewSession);
        self.events = kept;
        self.bytes = 0;
    }
}

fn size(event: &PoolEvent) -> usize {
    match event {
        PoolEvent::Update(body) => body.len(),
        _ => 0,
    }
}
