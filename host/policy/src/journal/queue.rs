use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

use sluice_domain::DecisionLog;

use super::Noted;
use crate::{Policies, PolicyError};

/// Records that wait for the disk: some four megabytes. What comes when it is full is counted and
/// forgotten, for no call waits for its record.
const QUEUE: usize = 4_096;
/// Records of one transaction.
const BATCH: usize = 1_000;
/// How long a batch is gathered, so at most ten transactions and 10,000 records a second are written.
/// It is also what a killed process loses.
const GATHER: Duration = Duration::from_millis(100);

/// Takes decisions without waiting and writes them in batches on a thread of its own. When it is
/// dropped, what waits is written first.
pub struct Journal {
    log: Arc<dyn DecisionLog>,
    lost: Arc<AtomicU64>,
    thread: Thread,
    // None only while it is dropped.
    queue: Option<SyncSender<Item>>,
    handle: Option<JoinHandle<()>>,
}

enum Item {
    Noted(Box<Noted>),
    /// Answered when everything before it is on the disk, or lost.
    Flush(SyncSender<()>),
}

impl Journal {
    /// Starts the thread that writes into `log`, with the fuel that answers cost under `policies`.
    pub fn start(
        log: Arc<dyn DecisionLog>,
        policies: Option<Arc<Policies>>,
    ) -> Result<Self, PolicyError> {
        let (queue, waiting) = sync_channel(QUEUE);
        let lost = Arc::<AtomicU64>::default();
        let writer = Writer {
            log: Arc::clone(&log),
            lost: Arc::clone(&lost),
            policies,
            failing: false,
        };
        let handle = thread::Builder::new()
            .name("sluice-journal".into())
            .spawn(move || writer.serve(&waiting))
            .map_err(PolicyError::Thread)?;
        Ok(Self {
            log,
            lost,
            thread: handle.thread().clone(),
            queue: Some(queue),
            handle: Some(handle),
        })
    }

    /// Takes a decision for the disk. Never waits: when the disk cannot follow, it is lost and
    /// counted.
    pub fn note(&self, noted: Noted) {
        let item = Item::Noted(Box::new(noted));
        let full = self.queue.as_ref().map(|queue| queue.try_send(item));
        if let Some(Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) = full {
            lose(&self.lost, 1);
        }
    }

    /// Waits, at most so long, until what was noted before is on the disk. Blocks.
    pub fn flush(&self, patience: Duration) {
        let (written, wait) = sync_channel(1);
        let sent = self
            .queue
            .as_ref()
            .map(|queue| queue.try_send(Item::Flush(written)));
        if let Some(Ok(())) = sent {
            self.thread.unpark();
            // A disk that takes longer is no reason to wait longer.
            let _ = wait.recv_timeout(patience);
        }
    }

    /// What lies on the disk.
    pub fn log(&self) -> &Arc<dyn DecisionLog> {
        &self.log
    }

    /// Decisions that were not written, since the start.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.queue = None;
        self.thread.unpark();
        if let Some(handle) = self.handle.take() {
            // What became of it shows in `lost`.
            let _ = handle.join();
        }
    }
}

fn lose(lost: &AtomicU64, records: u64) {
    lost.fetch_add(records, Ordering::Relaxed);
    metrics::counter!("sluice_journal_lost_total").increment(records);
}

struct Writer {
    log: Arc<dyn DecisionLog>,
    lost: Arc<AtomicU64>,
    policies: Option<Arc<Policies>>,
    /// The last batch was lost. Said once, not ten times a second.
    failing: bool,
}

impl Writer {
    fn serve(mut self, waiting: &Receiver<Item>) {
        while let Ok(first) = waiting.recv() {
            if matches!(first, Item::Noted(_)) {
                // Woken early by who waits for the disk, and by the end.
                thread::park_timeout(GATHER);
            }
            let mut batch = Vec::new();
            let mut flushes = Vec::new();
            for item in std::iter::once(first).chain(waiting.try_iter().take(BATCH - 1)) {
                match item {
                    Item::Noted(noted) => batch.push(*noted),
                    Item::Flush(flush) => flushes.push(flush),
                }
            }
            self.write(batch);
            for flush in flushes {
                // Who waited may have lost patience.
                let _ = flush.send(());
            }
        }
    }

    fn write(&mut self, batch: Vec<Noted>) {
        if batch.is_empty() {
            return;
        }
        let mut batch: Vec<_> = batch.into_iter().map(Noted::record).collect();
        if let Some(policies) = &self.policies {
            policies.measure(&mut batch);
        }
        match self.log.append_decisions(&batch) {
            Ok(()) if self.failing => {
                self.failing = false;
                let lost = self.lost.load(Ordering::Relaxed);
                tracing::info!(lost, "the journal of decisions is written again");
            }
            Ok(()) => {}
            Err(error) => {
                lose(&self.lost, u64::try_from(batch.len()).unwrap_or(u64::MAX));
                if !self.failing {
                    self.failing = true;
                    tracing::warn!(%error, "decisions are not written into the journal; calls go on");
                }
            }
        }
    }
}
