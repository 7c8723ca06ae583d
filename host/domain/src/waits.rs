use super::{AccountName, Event, StoreError, UnixMillis};

/// A wait that Telegram imposed, as it is kept. At most one is in force for an account, method and
/// chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitRecord {
    /// Names it, for its removal.
    pub id: String,
    /// Whose.
    pub account: AccountName,
    /// The method held back (`upload.*` for all of them); None for the whole account.
    pub method: Option<String>,
    /// The chat held back, when it is only one.
    pub chat: Option<String>,
    /// Telegram's code for it.
    pub code: i32,
    /// Its name as Telegram sent it (`FLOOD_WAIT_37`).
    pub name: String,
    /// When it ends.
    pub until: UnixMillis,
}

/// Waits that outlive a restart. Calls block for the length of a transaction.
pub trait WaitStore: Send + Sync + 'static {
    /// Waits of accounts that are not deleted, which end after `now`.
    fn waits(&self, now: UnixMillis) -> Result<Vec<WaitRecord>, StoreError>;
    /// In one transaction: keeps a wait in the place of an earlier one for the same account, method
    /// and chat, forgets those that are over, and logs the events.
    fn save_wait(
        &self,
        wait: &WaitRecord,
        now: UnixMillis,
        events: &[Event],
    ) -> Result<(), StoreError>;
    /// Forgets a wait. One that is not there is forgotten already.
    fn remove_wait(&self, id: &str) -> Result<(), StoreError>;
}
