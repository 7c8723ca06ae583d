use std::path::PathBuf;

/// Why the component runtime cannot start. A bad plugin is never among these: it is refused and
/// shown, and the native library answers.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// A directory cannot be made or read.
    #[error("plugins directory {path}: {source}")]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The engine refuses this machine.
    #[error("component engine: {0}")]
    Engine(String),
    /// The operating system gives no thread.
    #[error("policy thread: {0}")]
    Thread(std::io::Error),
}
