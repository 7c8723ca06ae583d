use rusqlite::{Connection, params};
use sluice_domain::{AccountName, AccountRecord, Event, Secret, StoreError, UnixMillis};

use crate::Store;
use crate::event_log::{append, written};
use crate::fault::Fault;
use crate::rows::{
    account_row, all, find_account, from_json, from_word, int, json, moment, name, open_text,
    seal_text, word,
};
use crate::vault::Vault;

const API_HASH: &str = "api_hash";
const BOT_TOKEN: &str = "bot token";
const PROXY: &str = "proxy";

impl Store {
    pub(crate) fn all_accounts(&self) -> Result<Vec<AccountRecord>, StoreError> {
        self.query(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT name, kind, api_id, sealed_api_hash, environment, device, state,
                        state_reason, user_id, created_at, sealed_bot_token, sealed_proxy
                 FROM accounts WHERE deleted_at IS NULL ORDER BY id",
            )?;
            all(&mut statement, [], |row| {
                let name = name(&row.get::<_, String>(0)?)?;
                let hash = open_text(&self.vault, &name, API_HASH, row.get(3)?)?;
                let api_id: Option<i32> = row.get(2)?;
                let environment: Option<String> = row.get(4)?;
                Ok(AccountRecord {
                    kind: from_word(row.get(1)?)?,
                    api: api_id.zip(hash),
                    environment: environment.map(from_word).transpose()?,
                    device: from_json(&row.get::<_, String>(5)?)?,
                    state: from_word(row.get(6)?)?,
                    state_reason: row.get(7)?,
                    user_id: row.get(8)?,
                    created_at: moment(row.get(9)?),
                    bot_token: open_text(&self.vault, &name, BOT_TOKEN, row.get(10)?)?,
                    proxy: open_text(&self.vault, &name, PROXY, row.get(11)?)?,
                    name,
                })
            })
        })
    }

    pub(crate) fn add_account(&self, account: &AccountRecord) -> Result<(), StoreError> {
        let (account, vault) = (account.clone(), self.vault.clone());
        self.write(move |tx| {
            if find_account(tx.connection, &account.name)?.is_some() {
                return Err(StoreError::Exists(format!("account {}", account.name)).into());
            }
            tx.connection
                .prepare_cached(
                    "INSERT INTO accounts (name, kind, device, state, created_at)
                     VALUES (?1, '', '', '', ?2)",
                )?
                .execute(params![account.name.as_str(), int(account.created_at.0)])?;
            let row = tx.connection.last_insert_rowid();
            put(tx.connection, &vault, row, &account)
        })
    }

    pub(crate) fn put_account(
        &self,
        account: &AccountRecord,
        events: &[Event],
    ) -> Result<(), StoreError> {
        let (account, vault, rows) = (account.clone(), self.vault.clone(), written(events)?);
        self.write(move |tx| {
            let row = account_row(tx.connection, &account.name)?;
            put(tx.connection, &vault, row, &account)?;
            append(tx, &rows)?;
            Ok(())
        })
    }

    pub(crate) fn drop_account(
        &self,
        account: &AccountName,
        purge: bool,
        at: UnixMillis,
    ) -> Result<(), StoreError> {
        let account = account.clone();
        self.write(move |tx| {
            let missing = || StoreError::Missing(format!("account {account}"));
            let changed = if purge {
                tx.connection
                    .prepare_cached("DELETE FROM events WHERE account = ?1")?
                    .execute([account.as_str()])?;
                // An account that was deleted before is purged too.
                tx.connection
                    .prepare_cached("DELETE FROM accounts WHERE name = ?1")?
                    .execute([account.as_str()])?
            } else {
                tx.connection
                    .prepare_cached(
                        "UPDATE accounts SET deleted_at = ?2
                         WHERE name = ?1 AND deleted_at IS NULL",
                    )?
                    .execute(params![account.as_str(), int(at.0)])?
            };
            if changed == 0 {
                return Err(missing().into());
            }
            Ok(())
        })
    }
}

/// Fills in a row.
fn put(
    connection: &Connection,
    vault: &Vault,
    row: i64,
    account: &AccountRecord,
) -> Result<(), Fault> {
    let hash: Option<&Secret<String>> = account.api.as_ref().map(|(_, hash)| hash);
    connection
        .prepare_cached(
            "UPDATE accounts SET kind = ?2, api_id = ?3, sealed_api_hash = ?4, environment = ?5,
                    device = ?6, state = ?7, state_reason = ?8, user_id = ?9,
                    sealed_bot_token = ?10, sealed_proxy = ?11
             WHERE id = ?1",
        )?
        .execute(params![
            row,
            word(account.kind)?,
            account.api.as_ref().map(|(id, _)| *id),
            seal_text(vault, &account.name, API_HASH, hash)?,
            account.environment.map(word).transpose()?,
            json(&account.device)?,
            word(account.state)?,
            account.state_reason,
            account.user_id,
            seal_text(vault, &account.name, BOT_TOKEN, account.bot_token.as_ref())?,
            seal_text(vault, &account.name, PROXY, account.proxy.as_ref())?,
        ])?;
    Ok(())
}
