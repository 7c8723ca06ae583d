use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension as _, params};
use sluice_domain::{Clock, Secret, StoreError};

use crate::Vault;
use crate::fault::Fault;
use crate::readers::Readers;
use crate::schema;
use crate::upkeep::{self, Retention, Upkeep};
use crate::vault::Place;
use crate::writer::{Tx, Writer};

/// The database's name in the data directory.
pub(crate) const FILE: &str = "sluice.db";

const KEY_CHECK: &[u8] = b"sluice";

/// The SQLite store. Every method blocks for the length of a transaction.
pub struct Store {
    writer: Writer,
    readers: Readers,
    pub(crate) vault: Vault,
    retention: Arc<Mutex<Retention>>,
    clock: Arc<dyn Clock>,
}

impl Store {
    /// Opens (or makes) `sluice.db` in the data directory. A vault with another master key than the
    /// one the store was made with is `Damaged`.
    pub fn open(dir: &Path, vault: Vault, clock: Arc<dyn Clock>) -> Result<Arc<Self>, StoreError> {
        let file = dir.join(FILE);
        let connection = schema::open_writer(&file)?;
        check_master_key(&connection, &vault)?;
        let retention = Arc::<Mutex<Retention>>::default();
        let mut upkeep = Upkeep::new(Arc::clone(&retention), Arc::clone(&clock));
        let writer = Writer::start(connection, move |connection| upkeep.step(connection))?;
        Ok(Arc::new(Self {
            writer,
            readers: Readers::open(&file)?,
            vault,
            retention,
            clock,
        }))
    }

    /// How much of the event log is kept from now on. What is too much goes before this returns.
    pub fn set_retention(&self, retention: Retention) -> Result<(), StoreError> {
        *self.retention.lock() = retention;
        let now = self.clock.now();
        while self.write(move |tx| upkeep::trim(tx.connection, retention, now))? {}
        Ok(())
    }

    /// Whether the store can be written to now, by writing. For `/readyz`.
    pub fn check_writable(&self) -> Result<(), StoreError> {
        self.write(|tx| {
            set_meta(tx.connection, "write_check", b"ok")?;
            Ok(())
        })
    }

    /// A secret of the gateway's own, 32 random bytes made at first use and sealed.
    pub(crate) fn own_secret(&self, name: &'static str) -> Result<Secret<Vec<u8>>, StoreError> {
        let vault = self.vault.clone();
        self.write(move |tx| {
            let place = Place {
                account: "",
                item: name,
            };
            if let Some(sealed) = meta(tx.connection, name)? {
                return Ok(vault.open(place, &sealed)?);
            }
            let secret: Secret<Vec<u8>> = Secret::new(vault.random_bytes::<32>().to_vec());
            set_meta(tx.connection, name, &vault.seal(place, secret.expose())?)?;
            Ok(secret)
        })
    }

    pub(crate) fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&mut Tx<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.write(write)
    }

    pub(crate) fn query<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        self.readers.read(read)
    }

    pub(crate) fn watch(&self, wake: Box<dyn Fn(sluice_domain::Cursor) + Send + Sync>) {
        self.writer.watch(wake);
    }
}

fn check_master_key(connection: &Connection, vault: &Vault) -> Result<(), StoreError> {
    let name = "master key check";
    let place = Place {
        account: "",
        item: name,
    };
    let check = || -> Result<(), Fault> {
        match meta(connection, name)? {
            Some(sealed) => drop(vault.open(place, &sealed)?),
            None => set_meta(connection, name, &vault.seal(place, KEY_CHECK)?)?,
        }
        Ok(())
    };
    check().map_err(StoreError::from)
}

pub(crate) fn meta(connection: &Connection, name: &str) -> Result<Option<Vec<u8>>, Fault> {
    Ok(connection
        .prepare_cached("SELECT value FROM meta WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?)
}

pub(crate) fn set_meta(connection: &Connection, name: &str, value: &[u8]) -> Result<(), Fault> {
    connection
        .prepare_cached("INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2")?
        .execute(params![name, value])?;
    Ok(())
}
