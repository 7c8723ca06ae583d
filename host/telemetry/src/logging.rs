/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
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
    _private: (),
}

/// Logs to standard error from now on. `level` is `error`, `warn`, `info`, `debug`, `trace`, or
/// directives by module (`info,sluice_links=debug`).
pub fn init_logging(_format: LogFormat, _level: &str) -> Result<LogHandle, LogError> {
    todo!()
}

impl LogHandle {
    /// Changes the level.
    pub fn set_level(&self, _level: &str) -> Result<(), LogError> {
        todo!()
    }
}
