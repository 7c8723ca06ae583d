use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension as _, params};
use sluice_domain::{Clock, UnixMillis};

use crate::event_log::{newest, oldest, set_oldest};
use crate::fault::Fault;
use crate::rows::int;

/// How long the keys of a deleted account are kept.
const DELETED_KEPT: Duration = Duration::from_hours(30 * 24);
/// Events removed in one transaction: writers wait for it, so it stays at some milliseconds.
const CHUNK: u64 = 2_000;
/// How often age is looked at.
const EVERY: Duration = Duration::from_mins(1);

/// How much of the event log is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// At most so many events.
    pub max_count: u64,
    /// None older than this.
    pub max_age: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            max_count: 1_000_000,
            max_age: Duration::from_hours(7 * 24),
        }
    }
}

/// What the writer does between writes: the event log stays within its retention, deleted accounts
/// go when their time is over.
pub(crate) struct Upkeep {
    retention: Arc<Mutex<Retention>>,
    clock: Arc<dyn Clock>,
    next: Duration,
}

impl Upkeep {
    pub fn new(retention: Arc<Mutex<Retention>>, clock: Arc<dyn Clock>) -> Self {
        Self {
            retention,
            clock,
            next: Duration::ZERO,
        }
    }

    /// One step; true when there is more to do.
    pub fn step(&mut self, connection: &Connection) -> Result<bool, Fault> {
        let retention = *self.retention.lock();
        let now = self.clock.monotonic();
        if now < self.next && !crowded(connection, retention)? {
            return Ok(false);
        }
        let transaction = connection.unchecked_transaction()?;
        let more = trim(&transaction, retention, self.clock.now())?;
        if now >= self.next {
            forget_deleted(&transaction, self.clock.now())?;
        }
        transaction.commit()?;
        if !more {
            self.next = now + EVERY;
        }
        Ok(more)
    }
}

/// Whether there are a chunk's worth of events too many. Less is left to the next minute, so that
/// not every append is followed by a delete.
fn crowded(connection: &Connection, retention: Retention) -> Result<bool, Fault> {
    let kept = (newest(connection)?.0 + 1).saturating_sub(oldest(connection)?.0);
    Ok(kept
        >= retention
            .max_count
            .saturating_add(CHUNK.min(retention.max_count / 8 + 1)))
}

/// Removes a chunk of events that are too many or too old; true when there are more of them.
pub(crate) fn trim(
    connection: &Connection,
    retention: Retention,
    now: UnixMillis,
) -> Result<bool, Fault> {
    let (newest, oldest) = (newest(connection)?.0, oldest(connection)?.0);
    let by_count = (newest + 1).saturating_sub(retention.max_count);
    let most = (oldest + CHUNK).min(newest + 1);
    let age = u64::try_from(retention.max_age.as_millis()).unwrap_or(u64::MAX);
    let by_age = first_younger(connection, most, now.0.saturating_sub(age))?;
    let keep_from = by_count.max(by_age.unwrap_or(most)).min(most);
    if keep_from <= oldest {
        return Ok(false);
    }
    connection
        .prepare_cached("DELETE FROM events WHERE cursor < ?1")?
        .execute([int(keep_from)])?;
    set_oldest(connection, keep_from)?;
    Ok(keep_from == most && keep_from <= newest)
}

/// The first event before `most` that is young enough; None if all there are too old. Events come in
/// the order of time but for small steps of the clock, so that one ends the old ones.
fn first_younger(connection: &Connection, most: u64, limit: u64) -> Result<Option<u64>, Fault> {
    let young: Option<i64> = connection
        .prepare_cached(
            "SELECT cursor FROM events WHERE cursor < ?1 AND at >= ?2 ORDER BY cursor LIMIT 1",
        )?
        .query_row([int(most), int(limit)], |row| row.get(0))
        .optional()?;
    Ok(young.map(i64::cast_unsigned))
}

fn forget_deleted(connection: &Connection, now: UnixMillis) -> Result<(), Fault> {
    let kept = u64::try_from(DELETED_KEPT.as_millis()).unwrap_or(u64::MAX);
    connection
        .prepare_cached("DELETE FROM accounts WHERE deleted_at < ?1")?
        .execute(params![int(now.0.saturating_sub(kept))])?;
    Ok(())
}
