use std::path::{Path, PathBuf};

/// The data directory, locked for this process for as long as this lives.
pub struct DataDir {
    dir: PathBuf,
}

/// Why the data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("{} is in use by process {}", dir.display(), pid.map_or_else(|| "(unknown)".to_owned(), |p| p.to_string()))]
    Held {
        /// The directory.
        dir: PathBuf,
        /// The process that has it, if it wrote its number.
        pid: Option<u32>,
    },
    /// It cannot be made, opened or locked.
    #[error("{}: {source}", dir.display())]
    Io {
        /// The directory.
        dir: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl DataDir {
    /// Makes the directory (0700) if it is not there, and locks it.
    pub fn lock(_dir: &Path) -> Result<Self, LockError> {
        todo!()
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// Where the admin socket is.
    pub fn admin_socket(&self) -> PathBuf {
        self.dir.join("admin.sock")
    }

    /// Where the master key is, unless the configuration names another file.
    pub fn master_key(&self) -> PathBuf {
        self.dir.join("master.key")
    }
}
