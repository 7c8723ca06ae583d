use std::collections::VecDeque;

use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::PoolEvent;

/// Events and bytes of updates that may wait for the account. Those that come on top are dropped, and
/// behind those that wait the account is told to fetch the difference: the link never waits for the
/// account, because the account may be waiting for an answer from the link.
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
    /// Updates are dropped until the account hears that it has to fetch them.
    dropping: bool,
}

impl Outbox {
    /// Adds an event.
    pub(crate) fn push(&self, event: PoolEvent) {
        let mut waiting = self.waiting.lock();
        if waiting.events.back() == Some(&event) && event == PoolEvent::PoolChanged {
            return;
        }
        if matches!(event, PoolEvent::Update(_)) {
            if waiting.dropping {
                return;
            }
            let some = !waiting.events.is_empty();
            if waiting.events.len() >= EVENTS || some && waiting.bytes + size(&event) > BYTES {
                metrics::counter!("sluice_link_overflows_total").increment(1);
                waiting.dropping = true;
                waiting.events.push_back(PoolEvent::NewSession);
                return;
            }
        }
        waiting.bytes += size(&event);
        waiting.events.push_back(event);
        if waiting.events.len() > 2 * EVENTS {
            waiting.shed();
        }
        drop(waiting);
        self.filled.notify_one();
    }

    fn pop(&self) -> Option<PoolEvent> {
        let mut waiting = self.waiting.lock();
        let event = waiting.events.pop_front()?;
        waiting.bytes -= size(&event);
        if event == PoolEvent::NewSession {
            waiting.dropping = false;
        }
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn update(number: usize) -> PoolEvent {
        PoolEvent::Update(Bytes::from(number.to_string()))
    }

    /// Breaks when what waits in order is thrown away with what does not fit, when what was dropped
    /// is not told, or when nothing is taken any more after it.
    #[test]
    fn what_is_too_much_is_dropped_behind_what_waits_and_told_once() {
        let outbox = Outbox::default();
        for number in 0..EVENTS + 500 {
            outbox.push(update(number));
        }
        for number in 0..EVENTS {
            assert_eq!(outbox.pop(), Some(update(number)));
        }
        outbox.push(update(7));
        assert_eq!(outbox.pop(), Some(PoolEvent::NewSession));
        assert_eq!(outbox.pop(), None, "still to be fetched");
        outbox.push(update(8));
        assert_eq!(outbox.pop(), Some(update(8)));
    }

    #[test]
    fn bytes_are_bounded_too() {
        let outbox = Outbox::default();
        let large = PoolEvent::Update(Bytes::from(vec![0; BYTES]));
        outbox.push(large.clone());
        outbox.push(update(1));
        assert_eq!(outbox.pop(), Some(large));
        assert_eq!(outbox.pop(), Some(PoolEvent::NewSession));
        assert_eq!(outbox.pop(), None);
    }
}
