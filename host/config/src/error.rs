use std::fmt;
use std::path::{Path, PathBuf};

/// What is wrong with the configuration, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file it is in.
    pub file: Option<PathBuf>,
    /// The line in the file, from 1.
    pub line: Option<u32>,
    /// The column in the line, from 1, in characters.
    pub column: Option<u32>,
    /// The environment variable or flag it came from, when not from the file.
    pub origin: Option<String>,
    /// The key (`server.listen`).
    pub key: Option<String>,
    /// What is wrong. Never a secret's value.
    pub message: String,
}

impl ConfigError {
    /// Something that is wrong with the file as a whole.
    pub(crate) fn of_file(file: &Path, message: String) -> Self {
        Self {
            file: Some(file.to_owned()),
            line: None,
            column: None,
            origin: None,
            key: None,
            message,
        }
    }
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.origin, &self.file) {
            (Some(origin), _) => write!(f, "{origin}: ")?,
            (None, Some(file)) => {
                write!(f, "{}", file.display())?;
                if let Some(line) = self.line {
                    write!(f, ":{line}")?;
                }
                if let Some(column) = self.column {
                    write!(f, ":{column}")?;
                }
                f.write_str(": ")?;
            }
            (None, None) => {}
        }
        if let Some(key) = &self.key {
            write!(f, "{key}: ")?;
        }
        f.write_str(&self.message)
    }
}
