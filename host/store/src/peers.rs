use rusqlite::{Params, params};
use sluice_domain::{AccountName, PeerKind, PeerRecord, StoreError};

use crate::Store;
use crate::rows::{account_row, first, peer_kind, peer_word};

impl Store {
    pub(crate) fn put_peers(
        &self,
        account: &AccountName,
        peers: &[PeerRecord],
    ) -> Result<(), StoreError> {
        let (account, peers) = (account.clone(), peers.to_vec());
        self.write(move |tx| {
            let owner = account_row(tx.connection, &account)?;
            // A name or number moves to whoever has it now.
            let mut free_name = tx.connection.prepare_cached(
                "UPDATE peers SET username = NULL
                 WHERE account = ?1 AND username = ?2 AND NOT (kind = ?3 AND id = ?4)",
            )?;
            let mut free_phone = tx.connection.prepare_cached(
                "UPDATE peers SET phone = NULL
                 WHERE account = ?1 AND phone = ?2 AND NOT (kind = ?3 AND id = ?4)",
            )?;
            // Telegram leaves out what a reduced ("min") peer does not show, so nothing known is
            // replaced by nothing.
            let mut put = tx.connection.prepare_cached(
                "INSERT INTO peers (account, kind, id, access_hash, username, phone)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT DO UPDATE SET
                     access_hash = iif(excluded.access_hash <> 0, excluded.access_hash, access_hash),
                     username = coalesce(excluded.username, username),
                     phone = coalesce(excluded.phone, phone)",
            )?;
            for peer in &peers {
                let kind = peer_word(peer.kind);
                if peer.username.is_some() {
                    free_name.execute(params![owner, peer.username, kind, peer.id])?;
                }
                if peer.phone.is_some() {
                    free_phone.execute(params![owner, peer.phone, kind, peer.id])?;
                }
                put.execute(params![
                    owner,
                    kind,
                    peer.id,
                    peer.access_hash,
                    peer.username,
                    peer.phone
                ])?;
            }
            Ok(())
        })
    }

    pub(crate) fn find_peer(
        &self,
        account: &AccountName,
        kind: PeerKind,
        id: i64,
    ) -> Result<Option<PeerRecord>, StoreError> {
        self.one_peer(
            "a.name = ?1 AND p.kind = ?2 AND p.id = ?3",
            params![account.as_str(), peer_word(kind), id],
        )
    }

    pub(crate) fn find_peer_by_username(
        &self,
        account: &AccountName,
        username: &str,
    ) -> Result<Option<PeerRecord>, StoreError> {
        self.one_peer(
            "a.name = ?1 AND p.username = ?2",
            params![account.as_str(), username],
        )
    }

    pub(crate) fn find_peer_by_phone(
        &self,
        account: &AccountName,
        phone: &str,
    ) -> Result<Option<PeerRecord>, StoreError> {
        self.one_peer(
            "a.name = ?1 AND p.phone = ?2",
            params![account.as_str(), phone],
        )
    }

    fn one_peer(
        &self,
        condition: &str,
        params: impl Params,
    ) -> Result<Option<PeerRecord>, StoreError> {
        self.query(|connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT p.kind, p.id, p.access_hash, p.username, p.phone
                 FROM accounts a JOIN peers p ON p.account = a.id
                 WHERE a.deleted_at IS NULL AND {condition} LIMIT 1"
            ))?;
            first(&mut statement, params, |row| {
                Ok(PeerRecord {
                    kind: peer_kind(&row.get::<_, String>(0)?)?,
                    id: row.get(1)?,
                    access_hash: row.get(2)?,
                    username: row.get(3)?,
                    phone: row.get(4)?,
                })
            })
        })
    }
}
