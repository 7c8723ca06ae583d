//! How values stand in columns.

use rusqlite::{Connection, OptionalExtension as _, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sluice_domain::{AccountName, AuthorizationRole, PeerKind, Secret, StoreError, UnixMillis};

use crate::fault::Fault;
use crate::vault::{Place, Vault};

/// SQLite's integers are signed.
pub(crate) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A moment from a column.
pub(crate) fn moment(value: i64) -> UnixMillis {
    UnixMillis(u64::try_from(value).unwrap_or(0))
}

/// JSON for a column.
pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(|e| StoreError::Damaged(e.to_string()).into())
}

/// A value from a column with JSON.
pub(crate) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|e| damaged(&e))
}

/// The name of a unit variant, as serde has it.
pub(crate) fn word<T: Serialize>(value: T) -> Result<String, Fault> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        Ok(_) => Err(StoreError::Damaged("not a word".to_owned()).into()),
        Err(e) => Err(damaged(&e)),
    }
}

/// A unit variant from its name.
pub(crate) fn from_word<T: DeserializeOwned>(word: String) -> Result<T, Fault> {
    serde_json::from_value(serde_json::Value::String(word)).map_err(|e| damaged(&e))
}

pub(crate) fn damaged(error: &dyn std::fmt::Display) -> Fault {
    StoreError::Damaged(error.to_string()).into()
}

pub(crate) fn name(text: &str) -> Result<AccountName, Fault> {
    text.parse().map_err(|e| damaged(&e))
}

pub(crate) const fn role_word(role: AuthorizationRole) -> &'static str {
    match role {
        AuthorizationRole::Current => "current",
        AuthorizationRole::Next => "next",
        AuthorizationRole::Old => "old",
    }
}

pub(crate) fn role(word: &str) -> Result<AuthorizationRole, Fault> {
    match word {
        "current" => Ok(AuthorizationRole::Current),
        "next" => Ok(AuthorizationRole::Next),
        "old" => Ok(AuthorizationRole::Old),
        other => Err(damaged(&format!("no authorization is {other:?}"))),
    }
}

pub(crate) const fn peer_word(kind: PeerKind) -> &'static str {
    match kind {
        PeerKind::User => "user",
        PeerKind::Chat => "chat",
        PeerKind::Channel => "channel",
    }
}

pub(crate) fn peer_kind(word: &str) -> Result<PeerKind, Fault> {
    match word {
        "user" => Ok(PeerKind::User),
        "chat" => Ok(PeerKind::Chat),
        "channel" => Ok(PeerKind::Channel),
        other => Err(damaged(&format!("no peer is a {other:?}"))),
    }
}

/// The row of an account that is not deleted.
pub(crate) fn account_row(connection: &Connection, account: &AccountName) -> Result<i64, Fault> {
    find_account(connection, account)?
        .ok_or_else(|| StoreError::Missing(format!("account {account}")).into())
}

pub(crate) fn find_account(
    connection: &Connection,
    account: &AccountName,
) -> Result<Option<i64>, Fault> {
    Ok(connection
        .prepare_cached("SELECT id FROM accounts WHERE name = ?1 AND deleted_at IS NULL")?
        .query_row([account.as_str()], |row| row.get(0))
        .optional()?)
}

/// Seals a text of an account.
pub(crate) fn seal_text(
    vault: &Vault,
    account: &AccountName,
    item: &str,
    text: Option<&Secret<String>>,
) -> Result<Option<Vec<u8>>, Fault> {
    let place = Place {
        account: account.as_str(),
        item,
    };
    text.map(|text| vault.seal(place, text.expose().as_bytes()))
        .transpose()
        .map_err(Fault::from)
}

/// Opens a text of an account.
pub(crate) fn open_text(
    vault: &Vault,
    account: &AccountName,
    item: &str,
    sealed: Option<Vec<u8>>,
) -> Result<Option<Secret<String>>, Fault> {
    let place = Place {
        account: account.as_str(),
        item,
    };
    let Some(sealed) = sealed else {
        return Ok(None);
    };
    let text = vault.open(place, &sealed)?;
    let text = std::str::from_utf8(text.expose()).map_err(|e| damaged(&e))?;
    Ok(Some(Secret::new(text.to_owned())))
}

/// Every row of a statement, each read by `read`.
pub(crate) fn all<T>(
    statement: &mut rusqlite::CachedStatement<'_>,
    params: impl rusqlite::Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut rows = statement.query(params)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(read(row)?);
    }
    Ok(all)
}

/// The first row of a statement, read by `read`.
pub(crate) fn first<T>(
    statement: &mut rusqlite::CachedStatement<'_>,
    params: impl rusqlite::Params,
    read: impl FnOnce(&Row<'_>) -> Result<T, Fault>,
) -> Result<Option<T>, Fault> {
    let mut rows = statement.query(params)?;
    rows.next()?.map(read).transpose()
}
