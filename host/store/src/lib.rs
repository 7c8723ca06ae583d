//! What the gateway keeps: accounts, sealed keys, update state, the event log, API keys.
//!
//! Owns SQLite (one file, WAL, one writer thread, a few read connections), the vault that seals
//! secrets at rest, and the data directory with its lock. Knows nothing of Telegram: a key is bytes.

mod accounts;
mod api_keys;
mod authorizations;
mod data_dir;
mod decisions;
mod event_log;
mod fault;
mod peers;
mod readers;
mod rotations;
mod rows;
mod schema;
mod session_store;
mod store;
mod updates;
mod upkeep;
mod vault;
mod waits;
mod writer;

#[cfg(test)]
mod tests;

pub use api_keys::{ApiKeys, KeyRefused, NewApiKey};
pub use data_dir::{DataDir, LockError};
pub use decisions::Decisions;
pub use store::Store;
pub use upkeep::Retention;
pub use vault::Vault;
