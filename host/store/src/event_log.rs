use rusqlite::{Connection, OptionalExtension as _, params};
use sluice_domain::{AccountName, Cursor, Event, EventBody, EventFilter, EventLog, StoreError};

use crate::Store;
use crate::fault::Fault;
use crate::rows::{all, int, json};
use crate::store::{meta, set_meta};
use crate::writer::Tx;

/// Rows one read looks at. A filter that lets little through then answers in time, with how far it
/// got.
const SEARCHED: u64 = 20_000;

/// The oldest cursor that is kept stands here, since the oldest event itself may have been purged
/// with its account.
const OLDEST: &str = "oldest event";

impl EventLog for Store {
    fn append(&self, events: &[Event]) -> Result<Cursor, StoreError> {
        let rows = written(events)?;
        self.write(move |tx| match append(tx, &rows)? {
            Some(cursor) => Ok(cursor),
            None => newest(tx.connection),
        })
    }

    fn read(
        &self,
        after: Cursor,
        filter: &EventFilter,
        limit: usize,
    ) -> Result<(Vec<(Cursor, String)>, Cursor), StoreError> {
        self.query(|connection| {
            let newest = newest(connection)?.0;
            let until = newest.min(after.0.saturating_add(SEARCHED));
            let (types, accounts) = (json(&filter.types)?, json(&filter.accounts)?);
            let mut statement = connection.prepare_cached(
                "SELECT cursor, body FROM events
                 WHERE cursor > ?1 AND cursor <= ?2
                   AND (?3 = '[]' OR type IN (SELECT value FROM json_each(?3)))
                   AND (?4 = '[]' OR account IS NULL
                        OR account IN (SELECT value FROM json_each(?4)))
                 ORDER BY cursor LIMIT ?5",
            )?;
            let limit_sql = i64::try_from(limit).unwrap_or(i64::MAX);
            let found = all(
                &mut statement,
                params![int(after.0), int(until), types, accounts, limit_sql],
                |row| {
                    let cursor = Cursor(row.get::<_, i64>(0)?.cast_unsigned());
                    let body = with_id(cursor, &row.get::<_, String>(1)?);
                    Ok((cursor, body))
                },
            )?;
            let searched = match found.last() {
                Some((last, _)) if found.len() >= limit => *last,
                _ => Cursor(until.max(after.0)),
            };
            Ok((found, searched))
        })
    }

    fn bounds(&self) -> Result<(Cursor, Cursor), StoreError> {
        self.query(|connection| Ok((newest(connection)?, oldest(connection)?)))
    }

    fn on_append(&self, wake: Box<dyn Fn(Cursor) + Send + Sync>) {
        self.watch(wake);
    }
}

/// An event as a row of the log.
pub(crate) struct EventRow {
    kind: &'static str,
    account: Option<String>,
    at: i64,
    body: String,
}

/// Writes events out as rows.
pub(crate) fn written(events: &[Event]) -> Result<Vec<EventRow>, StoreError> {
    let row = |event: &Event| {
        if matches!(
            event.body,
            EventBody::Status { .. } | EventBody::PoolStatus { .. }
        ) {
            let what = format!("a {} event is not for the log", event.body.kind());
            return Err(StoreError::Damaged(what));
        }
        Ok(EventRow {
            kind: event.body.kind(),
            account: event.account.as_ref().map(AccountName::to_string),
            at: int(event.at.0),
            body: json(event).map_err(StoreError::from)?,
        })
    };
    events.iter().map(row).collect()
}

/// Appends events to the log within a write. None when there was none.
pub(crate) fn append(tx: &mut Tx<'_>, rows: &[EventRow]) -> Result<Option<Cursor>, Fault> {
    let mut statement = tx
        .connection
        .prepare_cached("INSERT INTO events (type, account, at, body) VALUES (?1, ?2, ?3, ?4)")?;
    let mut last = None;
    for row in rows {
        statement.execute(params![row.kind, row.account, row.at, row.body])?;
        last = Some(Cursor(tx.connection.last_insert_rowid().cast_unsigned()));
    }
    tx.appended = last.or(tx.appended);
    Ok(last)
}

/// The event's JSON object, with `id` as its first member.
fn with_id(cursor: Cursor, body: &str) -> String {
    let members = body.strip_prefix('{').unwrap_or(body);
    format!("{{\"id\":\"{cursor}\",{members}")
}

/// The cursor given out last, even if that event is gone.
pub(crate) fn newest(connection: &Connection) -> Result<Cursor, Fault> {
    let newest: Option<i64> = connection
        .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'events'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(Cursor(newest.unwrap_or(0).cast_unsigned()))
}

/// The first cursor that retention has not removed.
pub(crate) fn oldest(connection: &Connection) -> Result<Cursor, Fault> {
    let bytes = meta(connection, OLDEST)?;
    let oldest = bytes.and_then(|b| b.try_into().ok().map(u64::from_le_bytes));
    Ok(Cursor(oldest.unwrap_or(1)))
}

/// Says that everything before this was removed.
pub(crate) fn set_oldest(connection: &Connection, oldest: u64) -> Result<(), Fault> {
    set_meta(connection, OLDEST, &oldest.to_le_bytes())
}
