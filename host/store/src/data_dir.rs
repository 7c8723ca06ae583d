use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The data directory, locked for this process for as long as this lives.
pub struct DataDir {
    dir: PathBuf,
    // The lock ends with the open file, so also when the process is killed.
    lock: File,
}

impl Drop for DataDir {
    fn drop(&mut self) {
        // Closing alone would leave it to a child process that is just being started, until it has
        // let go of its copy of the open file.
        let _ = self.lock.unlock();
    }
}

/// Why the data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("{} is in use by {}", dir.display(), match pid {
        Some(pid) => format!("process {pid}"),
        None => "another process".to_owned(),
    })]
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
    pub fn lock(dir: &Path) -> Result<Self, LockError> {
        let io = |source| LockError::Io {
            dir: dir.to_owned(),
            source,
        };
        let mut lock = open(dir).map_err(io)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let pid = lock.read_to_string(&mut text).ok();
                return Err(LockError::Held {
                    dir: dir.to_owned(),
                    pid: pid.and_then(|_| text.trim().parse().ok()),
                });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        name_ourselves(&mut lock).map_err(io)?;
        Ok(Self {
            dir: dir.to_owned(),
            lock,
        })
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

    pub(crate) fn database(&self) -> PathBuf {
        self.dir.join(crate::store::FILE)
    }
}

fn open(dir: &Path) -> std::io::Result<File> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    fs::set_permissions(dir, Permissions::from_mode(0o700))?;
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(dir.join("lock"))
}

fn name_ourselves(lock: &mut File) -> std::io::Result<()> {
    lock.set_len(0)?;
    lock.rewind()?;
    writeln!(lock, "{}", std::process::id())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::{DataDir, LockError};

    #[test]
    fn the_second_is_refused_and_told_who_is_first() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("a/b");
        let first = DataDir::lock(&dir).unwrap();
        match DataDir::lock(&dir) {
            Err(LockError::Held { pid, .. }) => assert_eq!(pid, Some(std::process::id())),
            other => panic!("not held: {:?}", other.map(|_| ())),
        }
        drop(first);
        DataDir::lock(&dir).unwrap();
    }

    #[test]
    fn only_the_owner_gets_in() {
        let parent = tempfile::tempdir().unwrap();
        std::fs::set_permissions(parent.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let dir = DataDir::lock(parent.path()).unwrap();
        let mode = std::fs::metadata(dir.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
