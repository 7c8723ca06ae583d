use rusqlite::{Row, params};
use sluice_domain::{AccountName, RotationRecord, StoreError, UnixMillis};

use crate::Store;
use crate::fault::Fault;
use crate::rows::{account_row, all, first, from_json, from_word, json, name, word};

const COLUMNS: &str = "r.id, a.name, r.status, r.steps, r.error
     FROM rotations r JOIN accounts a ON a.id = r.account";

impl Store {
    pub(crate) fn put_rotation(&self, rotation: &RotationRecord) -> Result<(), StoreError> {
        let rotation = rotation.clone();
        self.write(move |tx| {
            let owner = account_row(tx.connection, &rotation.account)?;
            let steps: Vec<(&str, u64)> = rotation
                .steps
                .iter()
                .map(|(step, at)| (step.as_str(), at.0))
                .collect();
            tx.connection
                .prepare_cached(
                    "INSERT INTO rotations (id, account, status, steps, error)
                     VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT (id) DO UPDATE SET status = ?3, steps = ?4, error = ?5",
                )?
                .execute(params![
                    rotation.id,
                    owner,
                    word(rotation.status)?,
                    json(&steps)?,
                    rotation.error
                ])?;
            Ok(())
        })
    }

    pub(crate) fn account_rotations(
        &self,
        account: &AccountName,
    ) -> Result<Vec<RotationRecord>, StoreError> {
        self.query(|connection| {
            let owner = account_row(connection, account)?;
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} WHERE r.account = ?1 ORDER BY r.place DESC"
            ))?;
            all(&mut statement, [owner], record)
        })
    }

    pub(crate) fn find_rotation(&self, id: &str) -> Result<Option<RotationRecord>, StoreError> {
        self.query(|connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} WHERE r.id = ?1 AND a.deleted_at IS NULL"
            ))?;
            first(&mut statement, [id], record)
        })
    }
}

fn record(row: &Row<'_>) -> Result<RotationRecord, Fault> {
    let steps: Vec<(String, u64)> = from_json(&row.get::<_, String>(3)?)?;
    Ok(RotationRecord {
        id: row.get(0)?,
        account: name(&row.get::<_, String>(1)?)?,
        status: from_word(row.get(2)?)?,
        steps: steps
            .into_iter()
            .map(|(step, at)| (step, UnixMillis(at)))
            .collect(),
        error: row.get(4)?,
    })
}
