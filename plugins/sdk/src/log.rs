//! Lines in the gateway's log, under the plugin's name. Cut at 1,024 bytes; at most 16 for each
//! question. In tests on your own machine they are kept for
//! [`testing::log_lines`](crate::testing::log_lines).

/// How loud a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For whoever writes the policy.
    Debug,
    /// Normal running.
    Info,
    /// Worth a look.
    Warning,
    /// Something is broken.
    Error,
}

/// Writes a line for whoever writes the policy.
pub fn debug(message: &str) {
    write(Level::Debug, message);
}

/// Writes a line about normal running.
pub fn info(message: &str) {
    write(Level::Info, message);
}

/// Writes a line that is worth a look.
pub fn warning(message: &str) {
    write(Level::Warning, message);
}

/// Writes a line about something that is broken.
pub fn error(message: &str) {
    write(Level::Error, message);
}

/// Writes a line.
pub fn write(level: Level, message: &str) {
    #[cfg(target_arch = "wasm32")]
    crate::guest::log(level as u32, message);
    #[cfg(not(target_arch = "wasm32"))]
    crate::testing::keep(level, message);
}
