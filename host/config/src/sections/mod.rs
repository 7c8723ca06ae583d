mod admin;
mod calls;
mod data;
mod events;
mod export;
mod log;
mod policy;
mod probe;
mod server;
mod telegram;

use serde::{Deserialize, Serialize};

pub use admin::AdminSection;
pub use calls::CallsSection;
pub use data::DataSection;
pub use events::EventsSection;
pub use export::{ExportSection, ExportTarget};
pub use log::{LogFormat, LogSection};
pub use policy::{PolicySection, RollbackSection};
pub use probe::ProbeSection;
pub use server::ServerSection;
pub use telegram::{CustomDc, CustomSection, TelegramSection};

/// The whole configuration. Serialising it shows every key; secrets are replaced by a mark.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Listeners and their limits.
    pub server: ServerSection,
    /// Which Telegram, and as which application.
    pub telegram: TelegramSection,
    /// Where state is kept.
    pub data: DataSection,
    /// Plugins.
    pub policy: PolicySection,
    /// Where exporters may send to.
    pub export: ExportSection,
    /// Deadlines and waits of calls.
    pub calls: CallsSection,
    /// Probing of links.
    pub probe: ProbeSection,
    /// The event log and its readers.
    pub events: EventsSection,
    /// Logging.
    pub log: LogSection,
    /// The admin listener.
    pub admin: AdminSection,
}
