use rusqlite::ErrorCode;
use sluice_domain::StoreError;

/// What can go wrong inside a transaction.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// SQLite refused.
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Store(error) => error,
            Fault::Sql(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                    Self::Damaged(error.to_string())
                }
                // A row that cannot be read as what it should be.
                None => Self::Damaged(error.to_string()),
                Some(_) => Self::Unavailable(error.to_string()),
            },
        }
    }
}
