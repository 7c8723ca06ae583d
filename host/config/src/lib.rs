//! The configuration: one TOML file, the environment above it, flags above both; checked as a whole,
//! reloaded while running.
//!
//! Owns reading the environment (nothing else in the gateway does). Knows nothing of what the values
//! are for. `config/sluice.toml` documents every key at its default. Paths that are not absolute are
//! taken from the working directory.

mod changes;
mod check;
mod document;
mod error;
mod humane;
mod load;
mod overrides;
mod sections;
mod watch;

#[cfg(test)]
mod tests;

pub use error::ConfigError;
pub use humane::duration::parse as parse_duration;
pub use load::load;
pub use overrides::Overrides;
pub use sections::{
    AdminSection, CallsSection, Config, CustomDc, CustomSection, DataSection, EventsSection,
    ExportSection, ExportTarget, LogFormat, LogSection, PolicySection, ProbeSection,
    RollbackSection, ServerSection, TelegramSection,
};
pub use watch::{Reload, Watch};
