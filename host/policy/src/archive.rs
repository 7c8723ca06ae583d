//! What served before: components by their hash, and for each plugin the generations that were
//! good and those that were taken back. Survives restarts.
//!
//! Compiled code is never kept here, and nothing here is trusted: a component is read back only
//! when its bytes still have its hash, and it is admitted anew.

mod book;
mod files;

use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use sluice_domain::UnixMillis;

use book::Book;
pub(crate) use book::{Mark, Release, replace};
use files::Files;

/// The archive of the data directory; one without a directory keeps nothing.
pub(crate) struct Archive {
    /// Read by whoever asks for a component, so apart from the registry, which is held while
    /// compiling.
    files: Option<Arc<Files>>,
    book: Mutex<Book>,
}

impl Archive {
    /// Opens or makes it (mode 0700). One that cannot be used is none, and the log says why: what
    /// serves must not depend on it.
    pub(crate) fn open(dir: Option<PathBuf>, max_bytes: u64) -> Self {
        let opened = dir.and_then(|dir| match Files::open(&dir, max_bytes) {
            Ok(files) => Some((files, Book::read(dir.join("generations.json")))),
            Err(error) => {
                tracing::warn!(%error, dir = %dir.display(), "no archive of plugins; nothing can be rolled back after a restart");
                None
            }
        });
        match opened {
            Some((files, book)) => Self {
                files: Some(Arc::new(files)),
                book: Mutex::new(book),
            },
            None => Self {
                files: None,
                book: Mutex::default(),
            },
        }
    }

    /// The bytes of a component that served once.
    pub(crate) fn component(&self, hash: &str) -> Option<Vec<u8>> {
        self.files.as_ref()?.read(hash)
    }

    /// Keeps the bytes of a component.
    pub(crate) fn keep(&self, hash: &str, bytes: &[u8]) {
        if let Some(files) = &self.files {
            let needed = self.book.lock().needed();
            files.keep(hash, bytes, &needed);
        }
    }

    /// Notes a generation that serves from now on.
    pub(crate) fn serves(&self, plugin: &str, release: Release) {
        self.book.lock().serves(plugin, release);
    }

    /// Notes that a generation is not to serve again.
    pub(crate) fn take_back(&self, plugin: &str, mark: Mark) {
        self.book.lock().take_back(plugin, mark);
    }

    /// Forgets what was good of plugins that are not there any more.
    pub(crate) fn only(&self, there: impl Fn(&str) -> bool) {
        self.book.lock().only(there);
    }

    /// Why a release is not to serve, when it was taken back.
    pub(crate) fn mark(&self, plugin: &str, release: &str) -> Option<Mark> {
        self.book.lock().mark(plugin, release)
    }

    /// Lets what was taken back serve again; true when there was something.
    pub(crate) fn pardon(&self, plugin: &str) -> bool {
        self.book.lock().pardon(plugin)
    }

    /// Releases that served, newest first.
    pub(crate) fn good(&self, plugin: &str) -> Vec<Release> {
        self.book.lock().good(plugin)
    }

    /// When the release that serves now came, if it was the newest one before.
    pub(crate) fn since(&self, plugin: &str, release: &str) -> Option<UnixMillis> {
        let newest = self.good(plugin).into_iter().next()?;
        (newest.id == release).then_some(newest.at)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use sha2::{Digest as _, Sha256};

    use super::*;

    fn hash(bytes: &[u8]) -> String {
        crate::registry::hex(&Sha256::digest(bytes))
    }

    fn release(name: &str, at: u64) -> Release {
        Release {
            id: name.to_owned(),
            hash: hash(name.as_bytes()),
            sidecar: String::new(),
            at: UnixMillis(at),
        }
    }

    /// Breaks when what is read back is not what was kept, or when a hash can name another file.
    #[test]
    fn components_come_back_by_their_hash_and_by_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().join("archive");
        let archive = Archive::open(Some(at.clone()), 1 << 20);
        let mode = std::fs::metadata(&at).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let one = hash(b"one");
        archive.keep(&one, b"one");
        assert_eq!(archive.component(&one).as_deref(), Some(&b"one"[..]));
        std::fs::write(dir.path().join("secret.wasm"), "secret").unwrap();
        for name in ["", "../../secret", "..", &one[1..], &one.to_uppercase()] {
            assert_eq!(archive.component(name), None, "{name}");
        }
        // Bytes that rotted are not handed out.
        let file = at.join("components").join(format!("{one}.wasm"));
        std::fs::write(&file, "two").unwrap();
        assert_eq!(archive.component(&one), None);
    }

    /// Breaks when the archive outgrows its bound, or when making room takes what can still be
    /// rolled back to.
    #[test]
    fn it_keeps_within_its_bound_what_may_be_needed() {
        let dir = tempfile::tempdir().unwrap();
        let archive = Archive::open(Some(dir.path().to_owned()), 1_000);
        let bytes = |n: u8| vec![n; 300];
        archive.serves(
            "mine",
            Release {
                hash: hash(&bytes(0)),
                ..release("old", 1)
            },
        );
        for n in 0..10 {
            archive.keep(&hash(&bytes(n)), &bytes(n));
        }
        let kept: Vec<u8> = (0..10)
            .filter(|n| archive.component(&hash(&bytes(*n))).is_some())
            .collect();
        assert_eq!(kept, [0, 8, 9]);
        // The bound holds for what an earlier process left, too.
        drop(archive);
        let archive = Archive::open(Some(dir.path().to_owned()), 1_000);
        archive.keep(&hash(&bytes(20)), &bytes(20));
        assert!(archive.component(&hash(&bytes(0))).is_some());
        let files = std::fs::read_dir(dir.path().join("components")).unwrap();
        assert_eq!(files.count(), 3);
    }

    /// Breaks when a restart forgets what was good or what was taken back.
    #[test]
    fn the_book_survives() {
        let dir = tempfile::tempdir().unwrap();
        let open = || Archive::open(Some(dir.path().to_owned()), 1 << 20);
        let archive = open();
        for n in 0..9 {
            archive.serves("mine", release(&n.to_string(), n));
        }
        archive.serves("mine", release("5", 10));
        archive.take_back(
            "mine",
            Mark {
                release: "5".into(),
                hash: hash(b"5"),
                why: "12 traps".into(),
                at: UnixMillis(11),
                evidence: None,
            },
        );
        drop(archive);
        let archive = open();
        let names: Vec<_> = archive
            .good("mine")
            .into_iter()
            .map(|release| release.id)
            .collect();
        assert_eq!(names, ["8", "7", "6", "4"], "the newest first, and no more");
        assert_eq!(archive.mark("mine", "5").unwrap().why, "12 traps");
        assert!(archive.mark("other", "5").is_none());
        assert_eq!(archive.since("mine", "8"), Some(UnixMillis(8)));
        assert!(archive.pardon("mine") && !archive.pardon("mine"));
        drop(archive);
        assert!(open().mark("mine", "5").is_none());
        // A book that cannot be read is an empty one.
        std::fs::write(dir.path().join("generations.json"), "{").unwrap();
        assert!(open().good("mine").is_empty());
    }
}
