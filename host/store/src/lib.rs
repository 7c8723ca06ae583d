//! What the gateway keeps: accounts, sealed keys, update state, the event log, API keys.
//!
//! Owns SQLite (one file, WAL, one writer thread, a few read connections), the vault that seals
//! secrets at rest, and the data directory with its lock. Knows nothing of Telegram: a key is bytes.

mod api_keys;
mod data_dir;
mod store;
mod vault;

pub use api_keys::{ApiKeys, KeyRefused, NewApiKey};
pub use data_dir::{DataDir, LockError};
pub use store::{Retention, Store};
pub use vault::Vault;
