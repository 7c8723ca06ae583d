use std::sync::Arc;
use std::time::Duration;

use sluice_domain::{AccountName, UnixMillis};

use crate::answer::Answerer;
use crate::breaker::Breaker;
use crate::canary::{Arms, chosen};
use crate::contract::Body;
use crate::diff::Diff;
use crate::evidence::Window;
use crate::replay::SwapDiff;
use crate::sidecar::Sidecar;
use crate::tally::Tally;
use crate::{Mode, Origin, PluginView};

/// One generation of a plugin. Calls that began on it finish on it, also after it was replaced.
pub(crate) struct Plugin {
    pub name: Arc<str>,
    pub origin: Origin,
    pub generation: u64,
    /// SHA-256 of the component, in hex.
    pub hash: Arc<str>,
    /// Names component and settings together.
    pub release: String,
    pub loaded_at: UnixMillis,
    /// When the release was swapped in, perhaps by an earlier process.
    pub since: UnixMillis,
    pub sidecar: Sidecar,
    /// What it would have said about the newest failures before it was swapped in.
    pub replayed: Option<SwapDiff>,
    pub body: Body,
    pub tally: Tally,
    pub breaker: Breaker,
    pub window: Window,
    /// Filled in shadow.
    pub diff: Diff,
    /// Filled as a canary.
    pub arms: Arms,
}

impl Plugin {
    /// Higher is asked first. What an operator dropped in goes before what is shipped.
    pub(crate) fn priority(&self) -> i32 {
        self.sidecar.priority.unwrap_or(match self.origin {
            Origin::Directory => 100,
            Origin::Bundled | Origin::Native => 0,
        })
    }

    /// Whether it is to be asked about this account now.
    pub(crate) fn asked(&self, account: Option<&AccountName>, now: impl Fn() -> Duration) -> bool {
        let reached = match self.sidecar.mode {
            Mode::Live => self.concerns(account),
            Mode::Canary(_) => account.is_some_and(|account| self.chosen(account)),
            Mode::Shadow | Mode::Off => false,
        };
        reached && self.breaker.closed(now)
    }

    /// Whether its operator wants it asked about this account.
    pub(crate) fn concerns(&self, account: Option<&AccountName>) -> bool {
        let accounts = &self.sidecar.accounts;
        accounts.is_empty() || account.is_none_or(|name| accounts.contains(name))
    }

    /// Whether the account is one of a canary's.
    pub(crate) fn chosen(&self, account: &AccountName) -> bool {
        let percent = self.sidecar.mode.percent().unwrap_or(0);
        self.concerns(Some(account)) && chosen(&self.name, account, percent)
    }

    /// How answers of this generation are signed.
    pub(crate) fn answerer(&self) -> Answerer {
        Answerer {
            name: self.name.clone(),
            generation: self.generation,
            hash: Some(self.hash.clone()),
            settings: self.sidecar.settings_hash.clone(),
        }
    }

    pub(crate) fn view(&self) -> PluginView {
        PluginView {
            kind: Some(self.body.kind()),
            generation: self.generation,
            hash: Some(self.hash.to_string()),
            mode: self.sidecar.mode,
            canary_percent: self.sidecar.mode.percent(),
            priority: self.priority(),
            accounts: self
                .sidecar
                .accounts
                .iter()
                .map(ToString::to_string)
                .collect(),
            loaded_at: Some(self.loaded_at),
            replayed: self.replayed.clone(),
            ..PluginView::of(self.name.to_string(), self.origin, &self.tally)
        }
    }
}
