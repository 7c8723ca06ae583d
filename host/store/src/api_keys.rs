use std::collections::BTreeMap;
use std::sync::Arc;

use hmac::{Hmac, KeyInit as _, Mac as _};
use parking_lot::RwLock;
use rusqlite::params;
use sha2::Sha256;
use sluice_domain::{AccountName, ApiKeyRecord, Clock, Random, Secret, StoreError, UnixMillis};
use subtle::ConstantTimeEq as _;

use crate::Store;
use crate::rows::{all, from_json, int, json, moment};

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 62^8 ids: enough to have no two alike, short enough to read out.
const ID: usize = 8;
/// 62^43 > 2^256.
const SECRET: usize = 43;

/// What a new API key may do.
#[derive(Debug, Clone, Default)]
pub struct NewApiKey {
    /// For people.
    pub name: String,
    /// `read`, `call`, `admin`, `dangerous`.
    pub scopes: Vec<String>,
    /// Accounts it is limited to; empty for all.
    pub accounts: Vec<AccountName>,
    /// Method patterns (`messages.*`) it is limited to; empty for all.
    pub methods: Vec<String>,
    /// When it ends.
    pub expires_at: Option<UnixMillis>,
}

/// Why a key does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefused {
    /// Not of the form `slc_<id>_<secret>`, or no such key, or the wrong secret.
    #[error("unknown API key")]
    Unknown,
    /// Its time is over.
    #[error("the API key has expired")]
    Expired,
    /// It was revoked.
    #[error("the API key was revoked")]
    Revoked,
}

/// The API keys, held in memory so that a check costs no disk. A token is `slc_<id>_<secret>`, both
/// base62; only HMAC-SHA256 of the secret with the store's pepper is kept.
pub struct ApiKeys {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    pepper: Secret<Vec<u8>>,
    // By id.
    keys: RwLock<BTreeMap<String, Arc<ApiKeyRecord>>>,
}

impl ApiKeys {
    /// Reads the keys of the store.
    pub fn open(
        store: Arc<Store>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, StoreError> {
        let pepper = store.own_secret("API key pepper")?;
        let keys = store
            .api_keys()?
            .into_iter()
            .map(|key| (key.id.clone(), Arc::new(key)))
            .collect();
        Ok(Self {
            store,
            clock,
            random,
            pepper,
            keys: RwLock::new(keys),
        })
    }

    /// Makes a key; the token (`slc_<id>_<secret>`) is shown this once.
    pub fn create(&self, new: NewApiKey) -> Result<(ApiKeyRecord, Secret<String>), StoreError> {
        let id = self.base62::<ID>();
        let secret = Secret::new(self.base62::<SECRET>());
        let token = Secret::new(format!("slc_{id}_{}", secret.expose()));
        let key = ApiKeyRecord {
            hash: self.hash(secret.expose()),
            id,
            name: new.name,
            scopes: new.scopes,
            accounts: new.accounts,
            methods: new.methods,
            created_at: self.clock.now(),
            expires_at: new.expires_at,
            revoked_at: None,
        };
        self.store.add_api_key(&key)?;
        self.keys
            .write()
            .insert(key.id.clone(), Arc::new(key.clone()));
        Ok((key, token))
    }

    /// Every key, revoked and expired ones too, oldest first.
    pub fn list(&self) -> Vec<Arc<ApiKeyRecord>> {
        let mut keys: Vec<_> = self.keys.read().values().cloned().collect();
        keys.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        keys
    }

    /// Revokes a key. It is refused from this moment on.
    pub fn revoke(&self, id: &str) -> Result<Arc<ApiKeyRecord>, StoreError> {
        let missing = || StoreError::Missing(format!("API key {id}"));
        let kept = self.keys.read().get(id).cloned().ok_or_else(missing)?;
        if kept.revoked_at.is_some() {
            return Ok(kept);
        }
        let mut key = ApiKeyRecord::clone(&kept);
        let now = self.clock.now();
        key.revoked_at = Some(now);
        // Refused at once, even if the disk is full: then the caller hears that it will not last.
        let key = Arc::new(key);
        self.keys.write().insert(id.to_owned(), Arc::clone(&key));
        self.store.mark_api_key_revoked(id, now)?;
        Ok(key)
    }

    /// The key that this token is. The secret is compared in constant time, and a token with an
    /// unknown id takes as long as one with a wrong secret.
    pub fn authenticate(&self, token: &str) -> Result<Arc<ApiKeyRecord>, KeyRefused> {
        let (id, secret) = token
            .strip_prefix("slc_")
            .and_then(|rest| rest.split_once('_'))
            .filter(|(_, secret)| secret.len() == SECRET)
            .ok_or(KeyRefused::Unknown)?;
        let hash = self.hash(secret);
        let key = self.keys.read().get(id).cloned();
        let expected = key.as_ref().map_or(&[0; 32][..], |key| &key.hash);
        let same = bool::from(expected.ct_eq(&hash));
        let key = key.filter(|_| same).ok_or(KeyRefused::Unknown)?;
        self.usable(&key)?;
        Ok(key)
    }

    /// Whether a key that opened a socket is still good. Cheap: call it before each event.
    pub fn still_good(&self, id: &str) -> Result<(), KeyRefused> {
        let key = self.keys.read().get(id).cloned();
        self.usable(&*key.ok_or(KeyRefused::Unknown)?)
    }

    fn usable(&self, key: &ApiKeyRecord) -> Result<(), KeyRefused> {
        if key.revoked_at.is_some() {
            return Err(KeyRefused::Revoked);
        }
        match key.expires_at {
            Some(end) if end <= self.clock.now() => Err(KeyRefused::Expired),
            _ => Ok(()),
        }
    }

    fn hash(&self, secret: &str) -> Vec<u8> {
        // HMAC takes keys of any length; the empty digest of the other arm would match nothing.
        Hmac::<Sha256>::new_from_slice(self.pepper.expose())
            .map(|mac| mac.chain_update(secret.as_bytes()).finalize())
            .map(|tag| tag.into_bytes().to_vec())
            .unwrap_or_default()
    }

    /// Random base62 text. Bytes from 248 on are thrown away: 248 is 4 x 62, so each digit is as
    /// likely as any other.
    fn base62<const N: usize>(&self) -> String {
        let mut text = String::with_capacity(N);
        while text.len() < N {
            let mut bytes = [0; 64];
            self.random.fill(&mut bytes);
            let digits = bytes
                .iter()
                .filter(|b| **b < 248)
                .filter_map(|b| BASE62.get(usize::from(b % 62)));
            text.extend(digits.take(N - text.len()).map(|d| char::from(*d)));
        }
        text
    }
}

impl Store {
    fn api_keys(&self) -> Result<Vec<ApiKeyRecord>, StoreError> {
        self.query(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, name, hash, scopes, accounts, methods, created_at, expires_at, revoked_at
                 FROM api_keys ORDER BY place",
            )?;
            all(&mut statement, [], |row| {
                let accounts: Vec<String> = from_json(&row.get::<_, String>(4)?)?;
                Ok(ApiKeyRecord {
                    id: row.get(0)?,
                    name: row.get(1)?,
                    hash: row.get(2)?,
                    scopes: from_json(&row.get::<_, String>(3)?)?,
                    accounts: accounts
                        .iter()
                        .map(|name| crate::rows::name(name))
                        .collect::<Result<_, _>>()?,
                    methods: from_json(&row.get::<_, String>(5)?)?,
                    created_at: moment(row.get(6)?),
                    expires_at: row.get::<_, Option<i64>>(7)?.map(moment),
                    revoked_at: row.get::<_, Option<i64>>(8)?.map(moment),
                })
            })
        })
    }

    fn add_api_key(&self, key: &ApiKeyRecord) -> Result<(), StoreError> {
        let key = key.clone();
        self.write(move |tx| {
            tx.connection
                .prepare_cached(
                    "INSERT INTO api_keys
                     (id, name, hash, scopes, accounts, methods, created_at, expires_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                )?
                .execute(params![
                    key.id,
                    key.name,
                    key.hash,
                    json(&key.scopes)?,
                    json(&key.accounts)?,
                    json(&key.methods)?,
                    int(key.created_at.0),
                    key.expires_at.map(|at| int(at.0)),
                ])?;
            Ok(())
        })
    }

    fn mark_api_key_revoked(&self, id: &str, at: UnixMillis) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write(move |tx| {
            tx.connection
                .prepare_cached("UPDATE api_keys SET revoked_at = ?2 WHERE id = ?1")?
                .execute(params![id, int(at.0)])?;
            Ok(())
        })
    }
}
