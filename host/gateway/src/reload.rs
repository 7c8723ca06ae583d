use std::sync::Arc;

use arc_swap::ArcSwap;
use sluice_accounts::{Accounts, Settings};
use sluice_config::{Config, Reload};
use sluice_store::{Decisions, Store};
use sluice_telemetry::LogHandle;

use crate::exports::Exports;
use crate::reports::Reports;
use crate::settings as settings_of;

/// What happens when the configuration's file changed: those who keep a part of it get theirs, and
/// the event goes into the log.
#[expect(
    clippy::too_many_arguments,
    reason = "everybody who obeys a part of the configuration"
)]
pub(crate) fn follow(
    config: &Arc<ArcSwap<Config>>,
    settings: &Arc<ArcSwap<Settings>>,
    accounts: &Arc<Accounts>,
    store: &Arc<Store>,
    exports: Exports,
    decisions: &Arc<Decisions>,
    log: Option<LogHandle>,
    reports: Reports,
) -> impl Fn(Reload) + Send + Sync + 'static {
    let (config, settings, store) = (Arc::clone(config), Arc::clone(settings), Arc::clone(store));
    let (accounts, decisions) = (Arc::clone(accounts), Arc::clone(decisions));
    move |reload| {
        match &reload {
            Reload::Applied {
                changed,
                restart_needed,
            } => {
                tracing::info!(?changed, ?restart_needed, "the configuration was reloaded");
                let config = config.load();
                settings.store(Arc::new(settings_of::accounts(&config)));
                accounts.settings_changed();
                exports
                    .policies
                    .set_rollback(settings_of::rollback(&config));
                exports.apply(&config);
                decisions.set_max_bytes(config.policy.journal_max_bytes);
                if let Err(error) = store.set_retention(settings_of::retention(&config)) {
                    tracing::warn!(%error, "the event log keeps its retention");
                }
                if let Some(Err(error)) = log.as_ref().map(|log| log.set_level(&config.log.level)) {
                    tracing::warn!(%error, "the log keeps its level");
                }
            }
            Reload::Refused { error } => {
                tracing::warn!(%error, "the changed configuration is refused; the old one stays");
            }
        }
        reports.report(reload.into());
    }
}
