use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use sluice_domain::StoreError;

use crate::fault::Fault;

/// Each step takes the database from version `index` to `index + 1` (`user_version`). Steps that were
/// released are never edited.
const MIGRATIONS: [&str; 4] = [
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
];

/// The same for the file of the journal.
const JOURNAL: [&str; 1] = [include_str!("schema/journal.sql")];

/// Opens the file for writing, makes it when it is not there, brings it to the newest version.
pub(crate) fn open_writer(file: &Path) -> Result<Connection, StoreError> {
    let mut connection = create(file)?;
    let mut prepare = || -> Result<(), Fault> {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // An auth key that was used and then forgotten by a power cut is a lost session.
        connection.pragma_update(None, "synchronous", "FULL")?;
        // Removed keys are overwritten, not just unlinked.
        connection.pragma_update(None, "secure_delete", true)?;
        connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
        migrate(&mut connection, &MIGRATIONS)
    };
    prepare().map_err(StoreError::from)?;
    Ok(connection)
}

/// Opens the journal's file for writing, makes it when it is not there.
pub(crate) fn open_journal(file: &Path) -> Result<Connection, StoreError> {
    let mut connection = create(file)?;
    let mut prepare = || -> Result<(), Fault> {
        // Before the first table, or it has no effect: a file that was full can be made shorter.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // No batch waits for the disk. A killed process loses nothing by it.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "secure_delete", false)?;
        connection.pragma_update(None, "journal_size_limit", 4 << 20)?;
        migrate(&mut connection, &JOURNAL)
    };
    prepare().map_err(StoreError::from)?;
    Ok(connection)
}

fn create(file: &Path) -> Result<Connection, StoreError> {
    // SQLite gives the WAL and its index the mode of the file itself.
    std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(file)
        .map_err(|e| StoreError::Unavailable(format!("{}: {e}", file.display())))?;
    connect(file).map_err(StoreError::from)
}

/// Opens the file for reading.
pub(crate) fn open_reader(file: &Path) -> Result<Connection, StoreError> {
    let open = || -> Result<Connection, Fault> {
        let connection = connect(file)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    };
    open().map_err(StoreError::from)
}

fn connect(file: &Path) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    // Only a backup tool can hold the lock: the data directory is ours alone.
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn migrate(connection: &mut Connection, migrations: &[&str]) -> Result<(), Fault> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let version = usize::try_from(version).unwrap_or(usize::MAX);
    if version > migrations.len() {
        return Err(StoreError::Damaged(format!(
            "the database has version {version}, this gateway knows {}",
            migrations.len()
        ))
        .into());
    }
    for (index, step) in migrations.iter().enumerate().skip(version) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", i64::try_from(index + 1).unwrap_or(0))?;
        transaction.commit()?;
    }
    Ok(())
}
