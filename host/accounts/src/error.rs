use sluice_domain::StoreError;

/// Why the accounts could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// The store did not give what it keeps. Safe to repeat.
    #[error("reading accounts: {0}")]
    Store(#[from] StoreError),
}
