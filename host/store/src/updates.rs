use rusqlite::{Connection, params};
use sluice_domain::{AccountName, Cursor, Event, StoreError, UpdateState, UpdateStep};

use crate::Store;
use crate::event_log::{append, newest, written};
use crate::fault::Fault;
use crate::rows::{account_row, all, first};

impl Store {
    pub(crate) fn read_update_state(
        &self,
        account: &AccountName,
    ) -> Result<Option<UpdateState>, StoreError> {
        self.query(|connection| {
            let owner = account_row(connection, account)?;
            let mut statement = connection.prepare_cached(
                "SELECT pts, qts, date, seq FROM update_states WHERE account = ?1",
            )?;
            let state = first(&mut statement, [owner], |row| {
                Ok(UpdateState {
                    pts: row.get(0)?,
                    qts: row.get(1)?,
                    date: row.get(2)?,
                    seq: row.get(3)?,
                    channels: Vec::new(),
                })
            })?;
            let Some(mut state) = state else {
                return Ok(None);
            };
            let mut statement = connection.prepare_cached(
                "SELECT channel, pts FROM channel_states WHERE account = ?1 ORDER BY channel",
            )?;
            state.channels = all(&mut statement, [owner], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
            Ok(Some(state))
        })
    }

    pub(crate) fn put_update_state(
        &self,
        account: &AccountName,
        state: &UpdateState,
    ) -> Result<(), StoreError> {
        let (account, state) = (account.clone(), state.clone());
        let step = UpdateStep {
            pts: state.pts,
            qts: state.qts,
            date: state.date,
            seq: state.seq,
            channels: state
                .channels
                .into_iter()
                .map(|(channel, pts)| (channel, Some(pts)))
                .collect(),
        };
        self.write(move |tx| {
            let owner = account_row(tx.connection, &account)?;
            tx.connection
                .prepare_cached("DELETE FROM channel_states WHERE account = ?1")?
                .execute([owner])?;
            put_step(tx.connection, owner, &step)
        })
    }

    pub(crate) fn put_updates(
        &self,
        account: &AccountName,
        step: &UpdateStep,
        events: &[Event],
    ) -> Result<Cursor, StoreError> {
        // Written out here, on the caller's thread: the writer's has the disk to wait for.
        let rows = written(events)?;
        let (account, step) = (account.clone(), step.clone());
        self.write(move |tx| {
            let owner = account_row(tx.connection, &account)?;
            put_step(tx.connection, owner, &step)?;
            match append(tx, &rows)? {
                Some(cursor) => Ok(cursor),
                None => newest(tx.connection),
            }
        })
    }
}

/// Writes the numbers, and of the channels only those that the step names.
fn put_step(connection: &Connection, owner: i64, step: &UpdateStep) -> Result<(), Fault> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO update_states (account, pts, qts, date, seq)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![owner, step.pts, step.qts, step.date, step.seq])?;
    for (channel, pts) in &step.channels {
        match pts {
            Some(pts) => connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO channel_states (account, channel, pts)
                     VALUES (?1, ?2, ?3)",
                )?
                .execute(params![owner, channel, pts])?,
            None => connection
                .prepare_cached("DELETE FROM channel_states WHERE account = ?1 AND channel = ?2")?
                .execute(params![owner, channel])?,
        };
    }
    Ok(())
}
