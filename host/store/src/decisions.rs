//! The journal of decisions: a file of its own, because losing it costs nobody a session.
//!
//! It does not wait for the disk as the store does (`synchronous=NORMAL`), never stands in the
//! way of the store's one writer, is bounded in bytes as a file, and can be deleted. What is damaged is put
//! aside and begun anew. A killed process loses nothing that was committed; a power cut may lose the newest.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use sluice_domain::{
    AccountName, Cursor, DecisionFilter, DecisionLog, DecisionPage, DecisionRecord, StoreError,
};

use crate::fault::Fault;
use crate::rows::{from_json, int, json};
use crate::schema;

/// The file's name in the data directory.
const FILE: &str = "journal.db";
/// Rows one read looks at. A filter that lets little through then answers in time, with how far it
/// got.
const SEARCHED: usize = 20_000;
/// What goes when the file is full, as a part of what may be kept: seldom enough that a batch is not
/// followed by a delete each time, little enough that a delete takes milliseconds.
const TRIMMED: u64 = 32;
/// Pages given back to the file system in one go.
const VACUUMED: u32 = 1_000;

/// The journal of decisions in a data directory.
pub struct Decisions {
    file: PathBuf,
    max_bytes: AtomicU64,
    // None while it cannot be opened: tried again with every batch.
    writer: Mutex<Option<Connection>>,
    reader: Mutex<Option<Connection>>,
}

impl Decisions {
    /// The journal in this data directory, kept within so many bytes. What cannot be opened now is
    /// tried again later: a gateway runs without its journal.
    pub fn new(dir: &Path, max_bytes: u64) -> Self {
        Self {
            file: dir.join(FILE),
            max_bytes: AtomicU64::new(max_bytes),
            writer: Mutex::default(),
            reader: Mutex::default(),
        }
    }

    /// Keeps it within so many bytes from the next batch on.
    pub fn set_max_bytes(&self, max_bytes: u64) {
        self.max_bytes.store(max_bytes, Ordering::Relaxed);
    }

    fn with<T>(
        &self,
        slot: &Mutex<Option<Connection>>,
        open: fn(&Path) -> Result<Connection, StoreError>,
        work: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let mut slot = slot.lock();
        let connection = match slot.take() {
            Some(connection) => connection,
            None => open(&self.file)?,
        };
        let done = work(&connection).map_err(StoreError::from);
        if !matches!(done, Err(StoreError::Damaged(_))) {
            *slot = Some(connection);
        }
        done
    }

    /// A disk that has no room for more than this.
    #[cfg(test)]
    pub(crate) fn limit_pages(&self, pages: u32) {
        let limit = |connection: &Connection| {
            connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
            Ok(())
        };
        self.with(&self.writer, schema::open_journal, limit)
            .unwrap();
    }

    /// Makes room for a new file.
    fn put_aside(&self, why: &str) {
        tracing::warn!(why, file = %self.file.display(), "the journal of decisions is damaged; it is put aside and begun anew");
        *self.reader.lock() = None;
        for ending in ["", "-wal", "-shm"] {
            let mut old = self.file.as_os_str().to_owned();
            old.push(ending);
            let mut aside = self.file.as_os_str().to_owned();
            aside.push(".damaged");
            aside.push(ending);
            // What is not there needs no moving.
            let _ = std::fs::rename(old, aside);
        }
    }
}

impl DecisionLog for Decisions {
    fn append_decisions(&self, records: &[DecisionRecord]) -> Result<(), StoreError> {
        let max_bytes = self.max_bytes.load(Ordering::Relaxed);
        let done = self.with(&self.writer, schema::open_journal, |connection| {
            let transaction = connection.unchecked_transaction()?;
            insert(&transaction, records)?;
            trim(&transaction, max_bytes)?;
            transaction.commit()?;
            give_back(connection, max_bytes)
        });
        if let Err(StoreError::Damaged(why)) = &done {
            self.put_aside(why);
        }
        done
    }

    fn decisions(
        &self,
        before: Option<Cursor>,
        filter: &DecisionFilter,
        limit: usize,
    ) -> Result<DecisionPage, StoreError> {
        if !self.file.exists() {
            return Ok(DecisionPage::default());
        }
        self.with(&self.reader, schema::open_reader, |connection| {
            page(connection, before, filter, limit)
        })
    }

    fn decision(&self, at: Cursor) -> Result<Option<DecisionRecord>, StoreError> {
        if !self.file.exists() {
            return Ok(None);
        }
        self.with(&self.reader, schema::open_reader, |connection| {
            let body: Option<String> = connection
                .prepare_cached("SELECT body FROM decisions WHERE id = ?1")?
                .query_row([int(at.0)], |row| row.get(0))
                .optional()?;
            body.map(|body| from_json(&body)).transpose()
        })
    }
}

fn insert(connection: &Connection, records: &[DecisionRecord]) -> Result<(), Fault> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO decisions (at, account, method, code, named_by, decided_by, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for record in records {
        let decided_by = record.decided.as_ref().map(|by| by.by.plugin.as_str());
        statement.execute(params![
            int(record.at.0),
            record.account.as_str(),
            record.attempt.failure.method,
            record.attempt.verdict.code,
            record.named.by.plugin,
            decided_by.unwrap_or_default(),
            json(record)?,
        ])?;
    }
    Ok(())
}

fn pragma(connection: &Connection, name: &str) -> Result<u64, Fault> {
    let value: i64 = connection.pragma_query_value(None, name, |row| row.get(0))?;
    Ok(u64::try_from(value).unwrap_or(0))
}

/// Removes the oldest rows until what is left fits.
fn trim(connection: &Connection, max_bytes: u64) -> Result<(), Fault> {
    let page = pragma(connection, "page_size")?;
    loop {
        let pages = pragma(connection, "page_count")?;
        let used = pages.saturating_sub(pragma(connection, "freelist_count")?);
        let used = used.saturating_mul(page);
        let (Some(oldest), Some(newest)) = bounds(connection)? else {
            return Ok(());
        };
        if used <= max_bytes || oldest >= newest {
            return Ok(());
        }
        let kept = newest - oldest + 1;
        let wanted = max_bytes - max_bytes / TRIMMED;
        let too_many = u128::from(kept) * u128::from(used - wanted) / u128::from(used);
        let too_many = u64::try_from(too_many).unwrap_or(kept).clamp(1, kept - 1);
        connection
            .prepare_cached("DELETE FROM decisions WHERE id < ?1")?
            .execute([int(oldest + too_many)])?;
    }
}

/// Rows come and go in the order of their ids, so these two say how many there are.
fn bounds(connection: &Connection) -> Result<(Option<u64>, Option<u64>), Fault> {
    let id = |id: Option<i64>| id.map(i64::cast_unsigned);
    // Apart: together, SQLite would walk the table.
    let one = |sql: &str| -> Result<Option<u64>, Fault> {
        let mut statement = connection.prepare_cached(sql)?;
        Ok(id(statement.query_row([], |row| row.get(0))?))
    };
    Ok((
        one("SELECT min(id) FROM decisions")?,
        one("SELECT max(id) FROM decisions")?,
    ))
}

/// Shortens a file that was once allowed to be longer.
fn give_back(connection: &Connection, max_bytes: u64) -> Result<(), Fault> {
    let size = pragma(connection, "page_count")?.saturating_mul(pragma(connection, "page_size")?);
    if size > max_bytes.saturating_add(max_bytes / TRIMMED) {
        let mut statement =
            connection.prepare(&format!("PRAGMA incremental_vacuum({VACUUMED})"))?;
        let mut pages = statement.query([])?;
        // One page a step.
        while pages.next()?.is_some() {}
    }
    Ok(())
}

fn page(
    connection: &Connection,
    before: Option<Cursor>,
    filter: &DecisionFilter,
    limit: usize,
) -> Result<DecisionPage, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT id, at, account, method, code, named_by, decided_by, body
         FROM decisions WHERE id < ?1 ORDER BY id DESC",
    )?;
    let mut rows = statement.query([before.map_or(i64::MAX, |before| int(before.0))])?;
    let mut page = DecisionPage::default();
    let mut searched = 0;
    while let Some(row) = rows.next()? {
        let id = Cursor(row.get::<_, i64>(0)?.cast_unsigned());
        let at: i64 = row.get(1)?;
        if filter.since.is_some_and(|since| at < int(since.0)) {
            return Ok(page);
        }
        if passes(row, filter)? {
            match from_json(&row.get::<_, String>(7)?) {
                Ok(record) => page.records.push((id, record)),
                // Written by another version of the gateway.
                Err(error) => tracing::debug!(%error, %id, "a decision cannot be read back"),
            }
        }
        searched += 1;
        if page.records.len() >= limit || searched >= SEARCHED {
            page.next = Some(id);
            return Ok(page);
        }
    }
    Ok(page)
}

fn passes(row: &Row<'_>, filter: &DecisionFilter) -> Result<bool, Fault> {
    let column = |index: usize| -> Result<&str, Fault> {
        Ok(row.get_ref(index)?.as_str().unwrap_or_default())
    };
    let is = |index: usize, wanted: &Option<String>| -> Result<bool, Fault> {
        Ok(match wanted {
            Some(wanted) => column(index)? == wanted,
            None => true,
        })
    };
    let account = column(2)?;
    let accounts = filter.accounts.iter().map(AccountName::as_str);
    Ok(
        (filter.accounts.is_empty() || accounts.into_iter().any(|name| name == account))
            && is(3, &filter.method)?
            && is(4, &filter.code)?
            && (is(5, &filter.plugin)? || is(6, &filter.plugin)?),
    )
}
