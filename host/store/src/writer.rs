use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::Connection;
use sluice_domain::{Cursor, StoreError};

use crate::fault::Fault;

/// Writes waiting for the writer; a full queue makes the next caller wait, which is back-pressure.
const QUEUE: usize = 256;
/// Writes that share one commit (and so one fsync). Bounds how long the first of them waits.
const GROUP: usize = 64;
/// How long the writer is idle before it looks after the event log's age.
const IDLE: Duration = Duration::from_mins(1);

/// What a write sees.
pub(crate) struct Tx<'a> {
    pub connection: &'a Connection,
    /// The newest event this write appended.
    pub appended: Option<Cursor>,
}

type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
/// A write. Given an error instead of a transaction, it is not run and answers with the error.
type Job = Box<dyn FnOnce(Result<&mut Tx<'_>, StoreError>) -> Answer + Send>;
type Wake = Box<dyn Fn(Cursor) + Send + Sync>;

/// Who hears of new events.
type Wakes = Mutex<Vec<Wake>>;

/// The one thread that writes. Dropping this waits until it has ended: then the file is closed.
pub(crate) struct Writer {
    // None only while it is dropped.
    jobs: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
    wakes: Arc<Wakes>,
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take()
            // A watcher may hold the last reference to the store.
            && thread.thread().id() != std::thread::current().id()
        {
            // Writes catch their panics; there is nothing to hear of.
            let _ = thread.join();
        }
    }
}

impl Writer {
    /// Starts the thread. `tend` runs between groups, at least once a minute; true asks for another
    /// round soon.
    pub fn start(
        connection: Connection,
        tend: impl FnMut(&Connection) -> Result<bool, Fault> + Send + 'static,
    ) -> Result<Self, StoreError> {
        let (jobs, queue) = sync_channel(QUEUE);
        let wakes = Arc::<Wakes>::default();
        let heard = Arc::clone(&wakes);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || serve(&connection, &queue, &heard, tend))
            .map_err(|e| StoreError::Unavailable(e.to_string()))?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
            wakes,
        })
    }

    /// Calls this after every commit that added events.
    pub fn watch(&self, wake: Wake) {
        self.wakes.lock().push(wake);
    }

    /// Runs the write and waits until it is committed. A write that fails leaves nothing behind, and
    /// does not touch the others of its group.
    pub fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&mut Tx<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = sync_channel(1);
        let job: Job = Box::new(move |tx| {
            let outcome = tx.map_err(Fault::from).and_then(|tx| attempt(tx, write));
            Box::new(move |committed| {
                let outcome = match (outcome, committed) {
                    (Ok(value), Ok(())) => Ok(value),
                    (Ok(_), Err(error)) => Err(error),
                    (Err(fault), _) => Err(fault.into()),
                };
                // The caller waits for it; there is room for one.
                let _ = answer.send(outcome);
            })
        });
        let gone = || StoreError::Unavailable("the writer has stopped".to_owned());
        let jobs = self.jobs.as_ref().ok_or_else(gone)?;
        jobs.send(job).map_err(|_| gone())?;
        answered.recv().map_err(|_| gone())?
    }
}

/// One write inside a savepoint of the group's transaction.
fn attempt<T>(
    tx: &mut Tx<'_>,
    write: impl FnOnce(&mut Tx<'_>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let before = tx.appended;
    tx.connection.execute_batch("SAVEPOINT job")?;
    let outcome = catch_unwind(AssertUnwindSafe(|| write(tx))).unwrap_or_else(|_| {
        Err(StoreError::Unavailable("a write failed inside the store".to_owned()).into())
    });
    match outcome {
        Ok(value) => {
            tx.connection.execute_batch("RELEASE job")?;
            Ok(value)
        }
        Err(fault) => {
            tx.appended = before;
            // A full disk has rolled the whole transaction back already; then this fails, and the
            // group sees it by the transaction being gone.
            let _ = tx.connection.execute_batch("ROLLBACK TO job; RELEASE job");
            Err(fault)
        }
    }
}

fn serve(
    connection: &Connection,
    queue: &Receiver<Job>,
    wakes: &Wakes,
    mut tend: impl FnMut(&Connection) -> Result<bool, Fault>,
) {
    let mut again = true;
    loop {
        let patience = if again { Duration::ZERO } else { IDLE };
        match queue.recv_timeout(patience) {
            Ok(first) => {
                let group = std::iter::once(first).chain(queue.try_iter().take(GROUP - 1));
                run(connection, group, wakes);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        again = tend(connection).unwrap_or_else(|fault| {
            tracing::warn!(error = %fault, "the store could not be tidied");
            false
        });
    }
}

/// Runs a group of writes in one transaction and answers them once it is committed.
fn run(connection: &Connection, group: impl Iterator<Item = Job>, wakes: &Wakes) {
    let mut tx = Tx {
        connection,
        appended: None,
    };
    let mut going = batch(connection, "BEGIN IMMEDIATE");
    let mut answers = Vec::new();
    for job in group {
        answers.push(job(match &going {
            Ok(()) => Ok(&mut tx),
            Err(error) => Err(again(error)),
        }));
        if going.is_ok() && connection.is_autocommit() {
            // SQLite rolls everything back by itself when the disk is full or fails.
            going = Err(StoreError::Unavailable(
                "the transaction was lost".to_owned(),
            ));
        }
    }
    let committed = going.and_then(|()| batch(connection, "COMMIT"));
    if !connection.is_autocommit() {
        let _ = batch(connection, "ROLLBACK");
    }
    if let (Ok(()), Some(cursor)) = (&committed, tx.appended) {
        for wake in wakes.lock().iter() {
            wake(cursor);
        }
    }
    for answer in answers {
        answer(match &committed {
            Ok(()) => Ok(()),
            Err(error) => Err(again(error)),
        });
    }
}

fn batch(connection: &Connection, sql: &str) -> Result<(), StoreError> {
    connection
        .execute_batch(sql)
        .map_err(|e| Fault::from(e).into())
}

/// The same error for the next of a group.
fn again(error: &StoreError) -> StoreError {
    match error {
        StoreError::Damaged(why) => StoreError::Damaged(why.clone()),
        other => StoreError::Unavailable(other.to_string()),
    }
}
