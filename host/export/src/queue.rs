use std::collections::VecDeque;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

/// What waits for one target: a batch of datagrams is some hundred parcels, one of requests a few.
/// Beyond either bound the oldest go, because the newest measurements are worth most.
const PARCELS: usize = 4_096;
const BYTES: usize = 32 << 20;

/// One delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    /// Name of the target.
    pub target: String,
    /// Media type of a request.
    pub content_type: Option<String>,
    /// The body or payload.
    pub body: Bytes,
}

/// A parcel with the moment it came.
pub(crate) struct Waiting {
    pub parcel: Parcel,
    pub since: Instant,
}

/// What waits for one target, oldest first.
#[derive(Default)]
pub(crate) struct Queue {
    waiting: Mutex<Contents>,
    more: Notify,
}

#[derive(Default)]
struct Contents {
    parcels: VecDeque<Waiting>,
    bytes: usize,
}

impl Queue {
    /// Adds a parcel; how many of the oldest had to go for it.
    pub fn push(&self, parcel: Parcel, now: Instant) -> u64 {
        let mut dropped = 0;
        {
            let mut waiting = self.waiting.lock();
            waiting.bytes += parcel.body.len();
            waiting.parcels.push_back(Waiting { parcel, since: now });
            while waiting.parcels.len() > PARCELS || waiting.bytes > BYTES {
                let Some(oldest) = waiting.parcels.pop_front() else {
                    break;
                };
                waiting.bytes -= oldest.parcel.body.len();
                dropped += 1;
            }
        }
        self.more.notify_one();
        dropped
    }

    /// The oldest parcel, once there is one. Cancel-safe.
    pub async fn pop(&self) -> Waiting {
        loop {
            if let Some(oldest) = self.try_pop() {
                return oldest;
            }
            self.more.notified().await;
        }
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.lock().parcels.len()
    }

    fn try_pop(&self) -> Option<Waiting> {
        let mut waiting = self.waiting.lock();
        let oldest = waiting.parcels.pop_front()?;
        waiting.bytes -= oldest.parcel.body.len();
        Some(oldest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parcel(bytes: usize) -> Parcel {
        Parcel {
            target: "t".into(),
            content_type: None,
            body: vec![0; bytes].into(),
        }
    }

    #[tokio::test]
    async fn the_oldest_go_first_and_are_counted() {
        let queue = Queue::default();
        let now = Instant::now();
        let mut dropped = 0;
        for n in 0..PARCELS + 10 {
            dropped += queue.push(parcel(n % 100), now);
        }
        assert_eq!((dropped, queue.len()), (10, PARCELS));
        assert_eq!(queue.pop().await.parcel.body.len(), 10);
        let dropped = queue.push(parcel(BYTES), now);
        assert_eq!(dropped, PARCELS as u64 - 1, "it fills the queue alone");
        assert_eq!(queue.push(parcel(1), now), 1);
        assert_eq!(queue.pop().await.parcel.body.len(), 1);
        assert_eq!(queue.len(), 0);
    }
}
