use rusqlite::params;
use sluice_domain::{AccountName, Cursor, Event, StoreError, UpdateState};

use crate::Store;
use crate::event_log::{append, newest};
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

    pub(crate) fn put_updates(
        &self,
        account: &AccountName,
        state: &UpdateState,
        events: &[Event],
    ) -> Result<Cursor, StoreError> {
        let (account, state, events) = (account.clone(), state.clone(), events.to_vec());
        self.write(move |tx| {
            let owner = account_row(tx.connection, &account)?;
            tx.connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO update_states (account, pts, qts, date, seq)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![owner, state.pts, state.qts, state.date, state.seq])?;
            put_channels(tx.connection, owner, &state.channels)?;
            match append(tx, &events)? {
                Some(cursor) => Ok(cursor),
                None => newest(tx.connection),
            }
        })
    }
}

/// Makes the channels those of the list: writes what is new, removes what is not there any more.
fn put_channels(
    connection: &rusqlite::Connection,
    owner: i64,
    channels: &[(i64, i32)],
) -> Result<(), crate::fault::Fault> {
    let mut statement =
        connection.prepare_cached("SELECT channel, pts FROM channel_states WHERE account = ?1")?;
    let mut kept: std::collections::BTreeMap<i64, i32> = all(&mut statement, [owner], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?
    .into_iter()
    .collect();
    let mut put = connection.prepare_cached(
        "INSERT OR REPLACE INTO channel_states (account, channel, pts) VALUES (?1, ?2, ?3)",
    )?;
    for (channel, pts) in channels {
        if kept.remove(channel) != Some(*pts) {
            put.execute(params![owner, channel, pts])?;
        }
    }
    let mut remove = connection
        .prepare_cached("DELETE FROM channel_states WHERE account = ?1 AND channel = ?2")?;
    for channel in kept.keys() {
        remove.execute(params![owner, channel])?;
    }
    Ok(())
}
