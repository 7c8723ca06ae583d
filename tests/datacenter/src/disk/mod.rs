//! A directory that keeps the world: one snapshot, replaced as a whole, and a file for each photo
//! or document.
//!
//! `state` is a line `sluice-datacenter 1 SHA-256 LENGTH` and JSON. It is written beside, synced and
//! renamed, so that at any moment there is one whole snapshot; `unsaved` is there while it is not
//! the newest. Owns the bytes on disk; what is in
//! them is `snapshot`'s.

mod snapshot;

use std::{
    collections::HashSet,
    fmt::Write as _,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

pub(crate) use snapshot::{Ports, SavedKey, Snapshot, image};

/// What the first line begins with: the format's name and version.
const HEADER: &str = "sluice-datacenter 1";

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The system refuses.
    #[error("{path}: {source}")]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another process has it.
    #[error("{0} is in use by another data center")]
    Locked(PathBuf),
    /// What is there was not written so.
    #[error("{path} is damaged: {reason}; remove it, or the whole directory, to begin anew")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> DiskError {
    let path = path.to_owned();
    move |source| DiskError::Io { path, source }
}

fn damaged(path: &Path, reason: impl Into<String>) -> DiskError {
    DiskError::Damaged {
        path: path.to_owned(),
        reason: reason.into(),
    }
}

/// The directory, held by this process.
pub(crate) struct Disk {
    dir: PathBuf,
    /// Locked as long as it is open.
    _lock: File,
    /// The number of the snapshot that was written last; held while one is written.
    written: Mutex<u64>,
    /// The photos and documents that are there.
    files: Mutex<HashSet<i64>>,
    numbers: AtomicU64,
    /// Whether something changed since the last snapshot was made; then `unsaved` is there.
    unsaved: Mutex<bool>,
    /// Something is to be written.
    pub(crate) changed: Notify,
}

/// A snapshot on its way to the disk.
pub(crate) struct Image {
    /// Counts snapshots: one that is overtaken is not written any more.
    number: u64,
    state: Vec<u8>,
    /// Files that are not there yet.
    files: Vec<(i64, Bytes)>,
}

impl Disk {
    /// Takes the directory, made if it is not there (0700), and reads what was kept, and whether
    /// the process before was killed between a change and its snapshot.
    pub(crate) fn open(dir: &Path) -> Result<(Self, Option<(Snapshot, bool)>), DiskError> {
        let files = dir.join("files");
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&files)
            .map_err(io_error(&files))?;
        let path = dir.join("lock");
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(io_error(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(DiskError::Locked(dir.to_owned())),
            Err(fs::TryLockError::Error(source)) => return Err(DiskError::Io { path, source }),
        }
        let disk = Self {
            dir: dir.to_owned(),
            _lock: lock,
            written: Mutex::new(0),
            files: Mutex::default(),
            numbers: AtomicU64::new(0),
            unsaved: Mutex::new(false),
            changed: Notify::new(),
        };
        let snapshot = disk.read()?;
        let lost = disk.marker().exists();
        *disk.unsaved.lock() = lost;
        Ok((disk, snapshot.map(|snapshot| (snapshot, lost))))
    }

    fn read(&self) -> Result<Option<Snapshot>, DiskError> {
        let path = self.dir.join("state");
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error(&path)(error)),
        };
        let body = body(&bytes).map_err(|reason| damaged(&path, reason))?;
        let mut snapshot: Snapshot = serde_json::from_slice(body)
            .map_err(|error| damaged(&path, format!("unreadable: {error}")))?;
        for (id, file) in &mut snapshot.world.files {
            let path = self.file(*id);
            let content = fs::read(&path).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => damaged(&path, "it is missing"),
                _ => io_error(&path)(error),
            })?;
            if Sha256::digest(&content).as_slice() != file.digest {
                return Err(damaged(&path, "its checksum is another one"));
            }
            file.content = Bytes::from(content);
            self.files.lock().insert(*id);
        }
        Ok(Some(snapshot))
    }

    fn file(&self, id: i64) -> PathBuf {
        self.dir.join("files").join(id.to_string())
    }

    /// There as long as something changed that no snapshot has. It is not synced: it tells of a
    /// process that was killed, not of a machine that lost its power.
    fn marker(&self) -> PathBuf {
        self.dir.join("unsaved")
    }

    /// Something changed. The world must be locked.
    pub(crate) fn touch(&self) {
        let mut unsaved = self.unsaved.lock();
        if !std::mem::replace(&mut *unsaved, true)
            && let Err(error) = fs::write(self.marker(), b"")
        {
            tracing::error!(%error, "the data directory cannot be written");
        }
        self.changed.notify_one();
    }

    /// Numbers a snapshot. The world must be locked, so that numbers follow its changes.
    fn image(&self, state: Vec<u8>, all: impl Iterator<Item = (i64, Bytes)>) -> Image {
        *self.unsaved.lock() = false;
        let there = self.files.lock();
        Image {
            number: self.numbers.fetch_add(1, Ordering::Relaxed) + 1,
            state,
            files: all.filter(|(id, _)| !there.contains(id)).collect(),
        }
    }

    /// Writes a snapshot, files first. What cannot be written is logged, and tried again with the
    /// next change; the snapshot before stays.
    pub(crate) fn write(&self, image: &Image) {
        if let Err(error) = self.try_write(image) {
            tracing::error!(%error, "the world could not be saved");
            *self.unsaved.lock() = true;
        }
    }

    fn try_write(&self, image: &Image) -> Result<(), DiskError> {
        let mut written = self.written.lock();
        for (id, content) in &image.files {
            if !self.files.lock().contains(id) {
                replace(&self.file(*id), &[content])?;
                self.files.lock().insert(*id);
            }
        }
        if image.number < *written {
            return Ok(());
        }
        let digest = checksum(&image.state);
        let header = format!("{HEADER} {digest} {}\n", image.state.len());
        replace(&self.dir.join("state"), &[header.as_bytes(), &image.state])?;
        *written = image.number;
        let unsaved = self.unsaved.lock();
        if !*unsaved && image.number == self.numbers.load(Ordering::Relaxed) {
            match fs::remove_file(self.marker()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(io_error(&self.marker())(error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// SHA-256 in hexadecimal.
fn checksum(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(bytes) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Checks the first line and gives what comes after it.
fn body(bytes: &[u8]) -> Result<&[u8], String> {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let (line, body) = bytes.split_at(end.ok_or("it has no first line")?);
    let body = body.get(1..).unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let rest = line
        .strip_prefix(HEADER)
        .ok_or_else(|| format!("its first line does not begin with `{HEADER}`"))?;
    let (digest, length) = rest
        .trim_start()
        .split_once(' ')
        .ok_or("its first line is cut off")?;
    if length.parse() != Ok(body.len()) {
        return Err(format!("it has {} bytes instead of {length}", body.len()));
    }
    if checksum(body) == digest {
        Ok(body)
    } else {
        Err("its checksum is another one".to_owned())
    }
}

/// Replaces a file as a whole: after a crash there is the old one or the new one.
fn replace(path: &Path, parts: &[&[u8]]) -> Result<(), DiskError> {
    let beside = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)
        .map_err(io_error(&beside))?;
    for part in parts {
        file.write_all(part).map_err(io_error(&beside))?;
    }
    file.sync_all().map_err(io_error(&beside))?;
    fs::rename(&beside, path).map_err(io_error(path))?;
    let dir = path.parent().unwrap_or(path);
    let synced = File::open(dir).and_then(|dir| dir.sync_all());
    synced.map_err(io_error(dir))
}
