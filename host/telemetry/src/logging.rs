use std::io::IsTerminal as _;

use serde::{Deserialize, Serialize};
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, Registry, fmt, reload};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Not a level nor a list of directives.
    #[error("not a log level: {0}")]
    Level(String),
    /// Another subscriber was installed before.
    #[error("logging is set up already")]
    AlreadyInstalled,
}

/// Changes the level while running.
#[derive(Clone)]
pub struct LogHandle {
    filter: reload::Handle<EnvFilter, Registry>,
}

/// Logs to standard error from now on. `level` is `error`, `warn`, `info`, `debug`, `trace`, or
/// directives by module (`info,sluice_links=debug`).
pub fn init_logging(format: LogFormat, level: &str) -> Result<LogHandle, LogError> {
    let (filter, handle) = reload::Layer::new(parse(level)?);
    let lines = match format {
        LogFormat::Text => fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal())
            .boxed(),
        LogFormat::Json => fmt::layer()
            .json()
            .flatten_event(true)
            .with_writer(std::io::stderr)
            .boxed(),
    };
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .try_init()
        .map_err(|_| LogError::AlreadyInstalled)?;
    Ok(LogHandle { filter: handle })
}

/// Whether a level, or directives by module, would be taken.
pub fn check_level(level: &str) -> Result<(), LogError> {
    parse(level).map(drop)
}

impl LogHandle {
    /// Changes the level.
    pub fn set_level(&self, level: &str) -> Result<(), LogError> {
        let filter = parse(level)?;
        self.filter
            .reload(filter)
            .map_err(|e| LogError::Level(e.to_string()))
    }
}

fn parse(level: &str) -> Result<EnvFilter, LogError> {
    if level.trim().is_empty() {
        return Err(LogError::Level("it is empty".to_owned()));
    }
    EnvFilter::builder()
        .parse(level)
        .map_err(|e| LogError::Level(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::{LogError, LogFormat, check_level, init_logging};

    #[test]
    fn levels_and_directives_are_taken_and_changed_while_running() {
        for good in ["info", "WARN", "info,sluice_links=debug", "off"] {
            check_level(good).unwrap();
        }
        for bad in ["", " ", "info,=", "a=b=c"] {
            assert!(matches!(check_level(bad), Err(LogError::Level(_))), "{bad}");
        }
        let handle = init_logging(LogFormat::Json, "warn").unwrap();
        assert!(!tracing::enabled!(tracing::Level::INFO));
        handle.set_level("debug").unwrap();
        assert!(tracing::enabled!(tracing::Level::INFO));
        assert!(handle.set_level("a=b=c").is_err());
        assert!(tracing::enabled!(tracing::Level::INFO));
        assert!(matches!(
            init_logging(LogFormat::Text, "info"),
            Err(LogError::AlreadyInstalled)
        ));
    }
}
