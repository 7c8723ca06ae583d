//! What lies in a directory of plugins, without trusting any of it.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use sluice_domain::UnixMillis;

/// Bytes of a sidecar. It is a page of text.
const MAX_SIDECAR: u64 = 64 << 10;
/// Entries of a directory that are looked at.
const MAX_ENTRIES: usize = 10_000;
/// A file that was written to so lately is not refused yet: whoever copies it into place writes it
/// bit by bit. Copies pause for less, and nobody minds that a bad file is told of so much later.
const SETTLING_MS: u64 = 100;
/// Letters of a name.
const MAX_NAME: usize = 64;

/// A file that claims to be a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    file: PathBuf,
    stamp: Stamp,
    sidecar: Option<(PathBuf, Stamp)>,
}

/// What changes when a file changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(meta: &Metadata) -> Self {
        Self {
            device: meta.dev(),
            inode: meta.ino(),
            length: meta.len(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
        }
    }
}

/// The bytes of a plugin and the text beside it.
pub(crate) struct Contents {
    pub component: Vec<u8>,
    pub sidecar: String,
}

/// Why there are no contents.
pub(crate) enum Unread {
    /// They change while they are read: look again soon.
    Unsettled,
    /// They are not to be read.
    Refused(String),
}

/// Every `NAME.wasm` of a directory by its name, or why it is not to be read. The sidecar is looked
/// for in `sidecars` first and then beside the file, so that an operator can write one for a
/// component that is shipped.
pub(crate) fn scan(
    dir: &Path,
    sidecars: &Path,
) -> io::Result<BTreeMap<String, Result<Found, String>>> {
    let root = dir.canonicalize()?;
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(&root)?.take(MAX_ENTRIES) {
        let file = entry?.file_name();
        let Some(stem) = Path::new(&file)
            .extension()
            .filter(|extension| *extension == "wasm")
            .and_then(|_| Path::new(&file).file_stem())
        else {
            continue;
        };
        let name = stem.to_string_lossy().into_owned();
        if !plain(&name) {
            let shown: String = name.escape_debug().take(MAX_NAME).collect();
            let why = "has a name that is not plain: letters, digits, '-' and '_', up to 64";
            found.insert(shown, Err(why.to_owned()));
            continue;
        }
        let sidecar = [sidecars, root.as_path()]
            .into_iter()
            .map(|dir| (dir, dir.join(format!("{name}.toml"))))
            .find(|(_, path)| path.symlink_metadata().is_ok());
        let all = inside(&root, &root.join(&file)).and_then(|(file, stamp)| {
            let sidecar = match sidecar {
                Some((dir, path)) => {
                    let dir = dir.canonicalize().map_err(|error| error.to_string())?;
                    Some(inside(&dir, &path)?)
                }
                None => None,
            };
            Ok(Found {
                file,
                stamp,
                sidecar,
            })
        });
        found.insert(name, all);
    }
    Ok(found)
}

/// The text of the sidecar that applies to a name; empty when there is none. The error is for
/// people.
pub(crate) fn sidecar(dirs: &[&Path], name: &str) -> Result<String, String> {
    if !plain(name) {
        return Err("has a name that is not plain".into());
    }
    for dir in dirs {
        let path = dir.join(format!("{name}.toml"));
        if path.symlink_metadata().is_err() {
            continue;
        }
        let root = dir.canonicalize().map_err(|error| error.to_string())?;
        let (file, stamp) = inside(&root, &path)?;
        let bytes = read(&file, stamp, MAX_SIDECAR).map_err(|unread| match unread {
            Unread::Unsettled => "is being changed by somebody else".to_owned(),
            Unread::Refused(why) => why,
        })?;
        return String::from_utf8(bytes).map_err(|_| "has a sidecar that is not text".into());
    }
    Ok(String::new())
}

/// Whether a plugin can have this name.
pub(crate) fn plain(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (1..=MAX_NAME).contains(&name.len()) && name.chars().all(fits) && !name.starts_with('-')
}

/// The file behind a path, when it is a plain file and stays inside the directory.
fn inside(root: &Path, path: &Path) -> Result<(PathBuf, Stamp), String> {
    let real = path
        .canonicalize()
        .map_err(|error| format!("cannot be found: {error}"))?;
    if !real.starts_with(root) {
        return Err("is a link that leads out of the directory".into());
    }
    let meta = real
        .symlink_metadata()
        .map_err(|error| format!("cannot be read: {error}"))?;
    if !meta.is_file() {
        return Err("is not a plain file".into());
    }
    Ok((real, Stamp::of(&meta)))
}

impl Found {
    /// Whether one of the files was written to a moment ago, so that more may be to come.
    pub(crate) fn young(&self, now: UnixMillis) -> bool {
        let written = |stamp: &Stamp| {
            let (seconds, nanos) = stamp.modified;
            let millis = seconds
                .saturating_mul(1_000)
                .saturating_add(nanos / 1_000_000);
            UnixMillis(u64::try_from(millis).unwrap_or(0))
        };
        let sidecar = self.sidecar.as_ref().map(|(_, stamp)| written(stamp));
        let newest = sidecar.max(Some(written(&self.stamp)));
        newest.is_some_and(|at| at <= now && now.since(at) < SETTLING_MS)
    }

    /// Reads both files, bounded, and makes sure that they did not change meanwhile.
    pub(crate) fn read(&self, max_bytes: u64) -> Result<Contents, Unread> {
        let component = read(&self.file, self.stamp, max_bytes)?;
        let sidecar = match &self.sidecar {
            Some((path, stamp)) => String::from_utf8(read(path, *stamp, MAX_SIDECAR)?)
                .map_err(|_| Unread::Refused("has a sidecar that is not text".into()))?,
            None => String::new(),
        };
        Ok(Contents { component, sidecar })
    }
}

fn read(path: &Path, stamp: Stamp, max_bytes: u64) -> Result<Vec<u8>, Unread> {
    if stamp.length > max_bytes {
        return Err(Unread::Refused(format!(
            "has {} bytes; at most {max_bytes} are allowed",
            stamp.length
        )));
    }
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Unread::Unsettled,
        _ => Unread::Refused(format!("cannot be read: {error}")),
    };
    let mut file = File::open(path).map_err(failed)?;
    // Of the file that was opened, not of what has the name by now.
    let opened = file.metadata().map_err(failed)?;
    if Stamp::of(&opened) != stamp {
        return Err(Unread::Unsettled);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(stamp.length).unwrap_or(0));
    Read::by_ref(&mut file)
        .take(max_bytes)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    let after = file.metadata().map_err(failed)?;
    if Stamp::of(&after) == stamp && bytes.len() as u64 == stamp.length {
        Ok(bytes)
    } else {
        Err(Unread::Unsettled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Breaks when a name or a link can make the gateway read outside its directory, or block on
    /// something that is no file.
    #[test]
    fn only_plain_files_inside_are_read() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret.wasm"), "secret").unwrap();
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let link = std::os::unix::fs::symlink::<PathBuf, PathBuf>;
        fs::write(at("good.wasm"), "abc").unwrap();
        fs::write(at("good.toml"), "priority = 1").unwrap();
        fs::write(at("readme.md"), "").unwrap();
        fs::write(at("spa ce.wasm"), "").unwrap();
        fs::write(at(&format!("{}.wasm", "n".repeat(65))), "").unwrap();
        fs::create_dir(at("folder.wasm")).unwrap();
        link(outside.path().join("secret.wasm"), at("out.wasm")).unwrap();
        link("/etc/passwd".into(), at("side.toml")).unwrap();
        fs::write(at("side.wasm"), "").unwrap();
        link(at("good.wasm"), at("in.wasm")).unwrap();
        link(at("nowhere"), at("dangling.wasm")).unwrap();

        let found = scan(dir.path(), dir.path()).unwrap();
        let refused = |name: &str| found[name].as_ref().unwrap_err().as_str();
        assert!(refused("out").contains("leads out"));
        assert!(refused("side").contains("leads out"));
        assert!(refused("folder").contains("not a plain file"));
        assert!(refused("dangling").contains("cannot be found"));
        assert!(refused("spa ce").contains("not plain"));
        assert_eq!(found.values().filter(|f| f.is_err()).count(), 6);
        assert_eq!(found.values().filter(|f| f.is_ok()).count(), 2);
        let contents = found["good"].as_ref().unwrap().read(3).ok().unwrap();
        assert_eq!(
            (contents.component.as_slice(), contents.sidecar.as_str()),
            (&b"abc"[..], "priority = 1")
        );
        assert!(matches!(
            found["in"].as_ref().unwrap().read(2),
            Err(Unread::Refused(_))
        ));
        // Replaced between the look and the reading.
        fs::write(at("good.wasm"), "abcd").unwrap();
        assert!(matches!(
            found["good"].as_ref().unwrap().read(9),
            Err(Unread::Unsettled)
        ));
    }
}
