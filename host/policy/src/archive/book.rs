use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sluice_domain::{PluginEvidence, UnixMillis};

/// Good releases of a plugin that are remembered. One is rolled back to; the others are for when
/// that one is not good either.
const GOOD: usize = 5;
/// Releases taken back that are remembered. A file that comes back after so many others is new.
const MARKS: usize = 8;
/// Plugins that are remembered, gone ones included; the one that was swapped longest ago goes.
const PLUGINS: usize = 256;

/// A component with what its operator said about it: all that is needed to let it serve again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Release {
    /// Names component and settings together; modes and priorities come and go beneath it.
    pub id: String,
    /// SHA-256 of the component, in hex.
    pub hash: String,
    /// The text of the sidecar.
    pub sidecar: String,
    /// When it was swapped in.
    pub at: UnixMillis,
}

/// That a release was taken back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Mark {
    /// Which.
    pub release: String,
    /// SHA-256 of the component, in hex.
    pub hash: String,
    /// Why, for people.
    pub why: String,
    /// When.
    pub at: UnixMillis,
    /// What it did, unless an operator took it back.
    pub evidence: Option<PluginEvidence>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Record {
    good: VecDeque<Release>,
    marks: VecDeque<Mark>,
    /// Counts up with every change, so that the one that was quiet longest can go.
    turn: u64,
}

/// Every plugin's record, written as a whole.
#[derive(Default)]
pub(super) struct Book {
    path: Option<PathBuf>,
    records: BTreeMap<String, Record>,
    turn: u64,
}

impl Book {
    pub(super) fn read(path: PathBuf) -> Self {
        let records: BTreeMap<String, Record> = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                tracing::warn!(%error, path = %path.display(), "what plugins did before cannot be read and is forgotten");
                BTreeMap::new()
            }),
            Err(_) => BTreeMap::new(),
        };
        let turn = records.values().map(|record| record.turn).max();
        Self {
            path: Some(path),
            records,
            turn: turn.unwrap_or(0),
        }
    }

    pub(super) fn serves(&mut self, plugin: &str, release: Release) {
        let good = &mut self.record(plugin).good;
        if let Some(newest) = good.front_mut()
            && newest.id == release.id
        {
            // The same with another mode or priority.
            newest.sidecar = release.sidecar;
        } else {
            good.retain(|other| other.id != release.id);
            good.push_front(release);
            good.truncate(GOOD);
        }
        self.write();
    }

    /// Forgets what was good of plugins whose files are gone: their operator took them away, and a
    /// bad file of that name must not bring them back. What was taken back stays so.
    pub(super) fn only(&mut self, there: impl Fn(&str) -> bool) {
        let mut changed = false;
        for (plugin, record) in &mut self.records {
            if !record.good.is_empty() && !there(plugin) {
                record.good.clear();
                changed = true;
            }
        }
        if changed {
            self.write();
        }
    }

    pub(super) fn take_back(&mut self, plugin: &str, mark: Mark) {
        let record = self.record(plugin);
        record.good.retain(|good| good.id != mark.release);
        record.marks.retain(|other| other.release != mark.release);
        record.marks.push_front(mark);
        record.marks.truncate(MARKS);
        self.write();
    }

    pub(super) fn mark(&self, plugin: &str, release: &str) -> Option<Mark> {
        let marks = &self.records.get(plugin)?.marks;
        marks.iter().find(|mark| mark.release == release).cloned()
    }

    pub(super) fn pardon(&mut self, plugin: &str) -> bool {
        let Some(record) = self.records.get_mut(plugin) else {
            return false;
        };
        if record.marks.is_empty() {
            return false;
        }
        record.marks.clear();
        self.write();
        true
    }

    pub(super) fn good(&self, plugin: &str) -> Vec<Release> {
        let record = self.records.get(plugin);
        record.map_or_else(Vec::new, |record| record.good.iter().cloned().collect())
    }

    /// Components that may have to serve again: of each plugin the newest two.
    pub(super) fn needed(&self) -> HashSet<String> {
        let newest = |record: &Record| -> Vec<String> {
            let good = record.good.iter().take(2);
            good.map(|release| release.hash.clone()).collect()
        };
        self.records.values().flat_map(newest).collect()
    }

    fn record(&mut self, plugin: &str) -> &mut Record {
        if !self.records.contains_key(plugin) && self.records.len() >= PLUGINS {
            let oldest = self.records.iter().min_by_key(|(_, record)| record.turn);
            if let Some(name) = oldest.map(|(name, _)| name.clone()) {
                self.records.remove(&name);
            }
        }
        self.turn += 1;
        let record = self.records.entry(plugin.to_owned()).or_default();
        record.turn = self.turn;
        record
    }

    fn write(&self) {
        let Some(path) = &self.path else {
            return;
        };
        let written = serde_json::to_vec_pretty(&self.records)
            .map_err(io::Error::from)
            .and_then(|bytes| replace(path, &bytes));
        if let Err(error) = written {
            tracing::warn!(%error, path = %path.display(), "what plugins did is not written down");
        }
    }
}

/// Writes a file as a whole or not at all.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // Hidden, and with no ending that anybody looks for.
    let part = path.with_file_name(format!(".{name}.part"));
    let mut file = File::create(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&part, path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}
