use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};

use crate::registry::hex;

/// Components that are kept at most, however small: the index of them is in memory.
const MOST: usize = 512;

/// Components on the disk, each under its hash.
pub(super) struct Files {
    dir: PathBuf,
    max_bytes: u64,
    index: Mutex<Index>,
}

/// What is there, by when it was kept last.
#[derive(Default)]
struct Index {
    sizes: HashMap<String, (u64, u64)>,
    by_age: BTreeMap<u64, String>,
    bytes: u64,
    next: u64,
}

impl Files {
    pub(super) fn open(dir: &Path, max_bytes: u64) -> io::Result<Self> {
        let dir = dir.join("components");
        // What is admitted from here was admitted before: nobody else may write here.
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&dir)?;
        let mut found: Vec<(SystemTime, String, u64)> = Vec::new();
        for entry in fs::read_dir(&dir)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let meta = entry.metadata()?;
            match name.strip_suffix(".wasm").filter(|hash| is_hash(hash)) {
                Some(hash) => found.push((meta.modified()?, hash.to_owned(), meta.len())),
                // What a process that was killed left half written.
                None => drop(fs::remove_file(entry.path())),
            }
        }
        found.sort();
        let mut index = Index::default();
        for (_, hash, bytes) in found {
            index.add(&hash, bytes);
        }
        Ok(Self {
            dir,
            max_bytes,
            index: Mutex::new(index),
        })
    }

    pub(super) fn read(&self, hash: &str) -> Option<Vec<u8>> {
        if !is_hash(hash) {
            return None;
        }
        let bytes = fs::read(self.path(hash)).ok()?;
        (hex(&Sha256::digest(&bytes)) == hash).then_some(bytes)
    }

    /// Writes a component and makes room for it. What is needed stays.
    pub(super) fn keep(&self, hash: &str, bytes: &[u8], needed: &HashSet<String>) {
        let mut index = self.index.lock();
        if !index.touch(hash) {
            let part = self.dir.join(format!("{hash}.part"));
            let written = fs::write(&part, bytes).and_then(|()| fs::rename(&part, self.path(hash)));
            if let Err(error) = written {
                tracing::warn!(%error, "a plugin is not archived");
                return;
            }
            index.add(hash, bytes.len() as u64);
        }
        while index.bytes > self.max_bytes || index.sizes.len() > MOST {
            let Some(oldest) = index.oldest(|name| name != hash && !needed.contains(name)) else {
                break;
            };
            index.remove(&oldest);
            // One that cannot be removed is found again at the next start.
            let _ = fs::remove_file(self.path(&oldest));
        }
    }

    fn path(&self, hash: &str) -> PathBuf {
        self.dir.join(format!("{hash}.wasm"))
    }
}

impl Index {
    fn add(&mut self, hash: &str, bytes: u64) {
        self.next += 1;
        self.by_age.insert(self.next, hash.to_owned());
        self.sizes.insert(hash.to_owned(), (bytes, self.next));
        self.bytes += bytes;
    }

    fn remove(&mut self, hash: &str) {
        if let Some((bytes, age)) = self.sizes.remove(hash) {
            self.by_age.remove(&age);
            self.bytes = self.bytes.saturating_sub(bytes);
        }
    }

    /// Makes it the newest; false when it is not there.
    fn touch(&mut self, hash: &str) -> bool {
        let Some((bytes, _)) = self.sizes.get(hash).copied() else {
            return false;
        };
        self.remove(hash);
        self.add(hash, bytes);
        true
    }

    fn oldest(&self, may_go: impl Fn(&str) -> bool) -> Option<String> {
        self.by_age.values().find(|hash| may_go(hash)).cloned()
    }
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}
