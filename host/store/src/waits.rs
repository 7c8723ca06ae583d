use rusqlite::params;
use sluice_domain::{Event, StoreError, UnixMillis, WaitRecord, WaitStore};

use crate::Store;
use crate::event_log::{append, written};
use crate::rows::{account_row, all, int, moment, name};

impl WaitStore for Store {
    fn waits(&self, now: UnixMillis) -> Result<Vec<WaitRecord>, StoreError> {
        self.query(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT w.id, a.name, w.method, w.chat, w.code, w.name, w.until
                 FROM waits w JOIN accounts a ON a.id = w.account
                 WHERE w.until > ?1 AND a.deleted_at IS NULL",
            )?;
            let some = |text: String| (!text.is_empty()).then_some(text);
            all(&mut statement, [int(now.0)], |row| {
                Ok(WaitRecord {
                    id: row.get(0)?,
                    account: name(&row.get::<_, String>(1)?)?,
                    method: some(row.get(2)?),
                    chat: some(row.get(3)?),
                    code: row.get(4)?,
                    name: row.get(5)?,
                    until: moment(row.get(6)?),
                })
            })
        })
    }

    fn save_wait(
        &self,
        wait: &WaitRecord,
        now: UnixMillis,
        events: &[Event],
    ) -> Result<(), StoreError> {
        let (wait, rows) = (wait.clone(), written(events)?);
        self.write(move |tx| {
            let owner = account_row(tx.connection, &wait.account)?;
            tx.connection
                .prepare_cached("DELETE FROM waits WHERE until <= ?1")?
                .execute([int(now.0)])?;
            tx.connection
                .prepare_cached(
                    "INSERT INTO waits (id, account, method, chat, code, name, until)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                     ON CONFLICT DO UPDATE
                     SET id = ?1, code = ?5, name = ?6, until = ?7",
                )?
                .execute(params![
                    wait.id,
                    owner,
                    wait.method.as_deref().unwrap_or_default(),
                    wait.chat.as_deref().unwrap_or_default(),
                    wait.code,
                    wait.name,
                    int(wait.until.0),
                ])?;
            append(tx, &rows)?;
            Ok(())
        })
    }

    fn remove_wait(&self, id: &str) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write(move |tx| {
            tx.connection
                .prepare_cached("DELETE FROM waits WHERE id = ?1")?
                .execute([id])?;
            Ok(())
        })
    }
}
