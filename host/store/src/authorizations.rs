use rusqlite::{Connection, params};
use sluice_domain::{
    AccountName, AuthorizationId, AuthorizationRecord, AuthorizationRole, DcKey, StoreError,
    UnixMillis,
};
use subtle::ConstantTimeEq as _;

use crate::Store;
use crate::fault::Fault;
use crate::rows::{account_row, all, damaged, first, int, moment, role, role_word};
use crate::vault::Place;

impl Store {
    pub(crate) fn account_authorizations(
        &self,
        account: &AccountName,
    ) -> Result<Vec<AuthorizationRecord>, StoreError> {
        self.query(|connection| {
            let owner = account_row(connection, account)?;
            let mut statement = connection.prepare_cached(
                "SELECT id, role, home_dc, created_at FROM authorizations
                 WHERE account = ?1 ORDER BY id",
            )?;
            all(&mut statement, [owner], |row| {
                Ok(AuthorizationRecord {
                    id: AuthorizationId(row.get(0)?),
                    account: account.clone(),
                    role: role(&row.get::<_, String>(1)?)?,
                    home_dc: row.get(2)?,
                    created_at: moment(row.get(3)?),
                })
            })
        })
    }

    pub(crate) fn add_authorization(
        &self,
        account: &AccountName,
        role: AuthorizationRole,
        home_dc: i32,
        at: UnixMillis,
    ) -> Result<AuthorizationRecord, StoreError> {
        let account = account.clone();
        self.write(move |tx| {
            let owner = account_row(tx.connection, &account)?;
            if role == AuthorizationRole::Current && has_current(tx.connection, owner)? {
                let what = format!("a current authorization of {account}");
                return Err(StoreError::Exists(what).into());
            }
            tx.connection
                .prepare_cached(
                    "INSERT INTO authorizations (account, role, home_dc, created_at)
                     VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![owner, role_word(role), home_dc, int(at.0)])?;
            Ok(AuthorizationRecord {
                id: AuthorizationId(tx.connection.last_insert_rowid()),
                account,
                role,
                home_dc,
                created_at: at,
            })
        })
    }

    pub(crate) fn move_home(&self, id: AuthorizationId, dc: i32) -> Result<(), StoreError> {
        self.write(move |tx| {
            let changed = tx
                .connection
                .prepare_cached("UPDATE authorizations SET home_dc = ?2 WHERE id = ?1")?
                .execute(params![id.0, dc])?;
            found(changed, id)
        })
    }

    pub(crate) fn promote(&self, next: AuthorizationId) -> Result<(), StoreError> {
        self.write(move |tx| {
            // Twice the same is once: a rotation that was killed after this step repeats it.
            tx.connection
                .prepare_cached(
                    "UPDATE authorizations SET role = 'old' WHERE role = 'current' AND id <> ?1
                     AND account = (SELECT account FROM authorizations WHERE id = ?1)",
                )?
                .execute([next.0])?;
            let changed = tx
                .connection
                .prepare_cached("UPDATE authorizations SET role = 'current' WHERE id = ?1")?
                .execute([next.0])?;
            found(changed, next)
        })
    }

    pub(crate) fn drop_authorization(&self, id: AuthorizationId) -> Result<(), StoreError> {
        self.write(move |tx| {
            let changed = tx
                .connection
                .prepare_cached("DELETE FROM authorizations WHERE id = ?1")?
                .execute([id.0])?;
            found(changed, id)
        })
    }

    pub(crate) fn authorization_keys(&self, id: AuthorizationId) -> Result<Vec<DcKey>, StoreError> {
        self.query(|connection| {
            let owner = owner(connection, id)?;
            let mut statement = connection.prepare_cached(
                "SELECT dc, sealed_key, salt, time_offset, authorized, session FROM auth_keys
                 WHERE authorization = ?1 ORDER BY dc",
            )?;
            all(&mut statement, [id.0], |row| {
                let dc = row.get(0)?;
                let sealed: Vec<u8> = row.get(1)?;
                let item = item(id, dc);
                Ok(DcKey {
                    dc,
                    key: self.vault.open(place(&owner, &item), &sealed)?,
                    salt: row.get(2)?,
                    time_offset: row.get(3)?,
                    authorized: row.get(4)?,
                    session: row.get(5)?,
                })
            })
        })
    }

    pub(crate) fn put_key(&self, id: AuthorizationId, key: &DcKey) -> Result<(), StoreError> {
        let (key, vault) = (key.clone(), self.vault.clone());
        self.write(move |tx| {
            let owner = owner(tx.connection, id)?;
            let item = item(id, key.dc);
            let place = place(&owner, &item);
            let mut statement = tx.connection.prepare_cached(
                "SELECT sealed_key, authorized FROM auth_keys WHERE authorization = ?1 AND dc = ?2",
            )?;
            let kept: Option<(Vec<u8>, bool)> =
                first(&mut statement, params![id.0, key.dc], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?;
            let sealed = match kept {
                None => vault.seal(place, key.key.expose())?,
                Some((sealed, authorized)) => match vault.open(place, &sealed) {
                    Ok(old) if bool::from(old.expose().ct_eq(key.key.expose())) => sealed,
                    // Also one that does not open: it may open with the right master key.
                    _ if authorized => {
                        let what = format!("another authorized key on data center {}", key.dc);
                        return Err(StoreError::Exists(what).into());
                    }
                    _ => vault.seal(place, key.key.expose())?,
                },
            };
            tx.connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO auth_keys
                     (authorization, dc, sealed_key, salt, time_offset, authorized, session)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?
                .execute(params![
                    id.0,
                    key.dc,
                    sealed,
                    key.salt,
                    key.time_offset,
                    key.authorized,
                    key.session
                ])?;
            Ok(())
        })
    }

    pub(crate) fn drop_key(&self, id: AuthorizationId, dc: i32) -> Result<(), StoreError> {
        self.write(move |tx| {
            // The authorized key at home is the session itself: it goes with its authorization only.
            let home: bool = tx
                .connection
                .prepare_cached(
                    "SELECT EXISTS (SELECT 1 FROM auth_keys k JOIN authorizations a
                     ON a.id = k.authorization
                     WHERE a.id = ?1 AND k.dc = ?2 AND a.home_dc = k.dc AND k.authorized)",
                )?
                .query_row(params![id.0, dc], |row| row.get(0))?;
            if home {
                let what = format!("an authorized key on the home data center {dc}");
                return Err(StoreError::Exists(what).into());
            }
            tx.connection
                .prepare_cached("DELETE FROM auth_keys WHERE authorization = ?1 AND dc = ?2")?
                .execute(params![id.0, dc])?;
            Ok(())
        })
    }
}

fn has_current(connection: &Connection, owner: i64) -> Result<bool, Fault> {
    Ok(connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM authorizations WHERE account = ?1 AND role = 'current')",
        )?
        .query_row([owner], |row| row.get(0))?)
}

fn missing(id: AuthorizationId) -> StoreError {
    StoreError::Missing(format!("authorization {}", id.0))
}

fn found(changed: usize, id: AuthorizationId) -> Result<(), Fault> {
    if changed == 0 {
        return Err(missing(id).into());
    }
    Ok(())
}

/// The name of the account that an authorization belongs to.
fn owner(connection: &Connection, id: AuthorizationId) -> Result<AccountName, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT c.name FROM authorizations a JOIN accounts c ON c.id = a.account WHERE a.id = ?1",
    )?;
    let name: Option<String> = first(&mut statement, [id.0], |row| Ok(row.get(0)?))?;
    name.ok_or_else(|| missing(id))?
        .parse()
        .map_err(|e| damaged(&e))
}

fn item(id: AuthorizationId, dc: i32) -> String {
    format!("auth key {}/{dc}", id.0)
}

fn place<'a>(owner: &'a AccountName, item: &'a str) -> Place<'a> {
    Place {
        account: owner.as_str(),
        item,
    }
}
