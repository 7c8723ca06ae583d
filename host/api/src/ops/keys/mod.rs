//! API keys.

pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod revoke;

use serde::Serialize;
use sluice_domain::{AccountName, ApiKeyRecord, UnixMillis};

/// A key as it is shown: never its secret, nor its hash.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeyView {
    id: String,
    name: String,
    scopes: Vec<String>,
    accounts: Vec<AccountName>,
    methods: Vec<String>,
    created_at: UnixMillis,
    expires_at: Option<UnixMillis>,
    revoked_at: Option<UnixMillis>,
}

impl From<&ApiKeyRecord> for KeyView {
    fn from(key: &ApiKeyRecord) -> Self {
        Self {
            id: key.id.clone(),
            name: key.name.clone(),
            scopes: key.scopes.clone(),
            accounts: key.accounts.clone(),
            methods: key.methods.clone(),
            created_at: key.created_at,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
        }
    }
}
