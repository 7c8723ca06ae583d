use std::path::Path;

use parking_lot::Mutex;
use rusqlite::Connection;
use sluice_domain::StoreError;

use crate::fault::Fault;
use crate::schema;

/// Reads at once. More wait for one another; each is short.
const CONNECTIONS: usize = 4;

/// A few connections that only read. WAL lets them read while the writer writes.
pub(crate) struct Readers {
    connections: Vec<Mutex<Connection>>,
}

impl Readers {
    pub fn open(file: &Path) -> Result<Self, StoreError> {
        let connections = (0..CONNECTIONS)
            .map(|_| schema::open_reader(file).map(Mutex::new))
            .collect::<Result<_, _>>()?;
        Ok(Self { connections })
    }

    /// Runs the read on one snapshot.
    pub fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let free = self.connections.iter().find_map(Mutex::try_lock);
        let connection = match (free, self.connections.first()) {
            (Some(connection), _) => connection,
            (None, Some(first)) => first.lock(),
            (None, None) => return Err(StoreError::Unavailable("no read connection".to_owned())),
        };
        let snapshot = connection
            .unchecked_transaction()
            .map_err(|e| StoreError::from(Fault::from(e)))?;
        read(&snapshot).map_err(StoreError::from)
    }
}
