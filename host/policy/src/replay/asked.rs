use sluice_domain::{AccountName, Attempt, Decision, Failure, UnixMillis, Verdict};

use crate::contract::Body;
use crate::{Fault, Kind};

/// A component that is asked about records and does not serve.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// The component, where its fuel is counted.
    pub body: &'a Body,
    /// Accounts it is to be asked about; empty for all.
    pub accounts: &'a [AccountName],
}

/// Its answer, none when it abstains, with the fuel it burned.
pub(crate) type Answered<T> = Result<(Option<T>, Option<u64>), Fault>;

impl Asked<'_> {
    pub(super) const fn kind(&self) -> Kind {
        self.body.kind()
    }

    pub(super) fn concerns(&self, account: &AccountName) -> bool {
        self.accounts.is_empty() || self.accounts.contains(account)
    }

    pub(super) fn decide(&self, attempt: &Attempt, at: UnixMillis) -> Answered<Decision> {
        let (decision, spent) = self.body.decide(attempt, at)?;
        Ok((decision, spent.fuel))
    }

    pub(super) fn categorize(&self, failure: &Failure, at: UnixMillis) -> Answered<Verdict> {
        let (verdict, spent) = self.body.categorize(failure, at)?;
        Ok((verdict, spent.fuel))
    }
}
