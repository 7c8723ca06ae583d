//! Brings what serves into line with what lies in the directories.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use sluice_domain::{EventBody, UnixMillis};

use crate::admit::admit;
use crate::plugin::{Plugin, Tally};
use crate::runtime::Runtime;
use crate::scan::{Contents, Found, Unread, scan};
use crate::sidecar::Sidecar;
use crate::table::Table;
use crate::{Origin, PolicySettings};

/// What is known of every file, between looks at the directories.
#[derive(Default)]
pub(crate) struct Registry {
    entries: BTreeMap<Key, Entry>,
    generations: u64,
}

/// Directory before bundled, so that an operator's plugin comes first.
type Key = (bool, String);

#[derive(Default)]
struct Entry {
    /// The files as last judged.
    seen: Option<Found>,
    /// Hash over both files, as last judged.
    judged: Option<String>,
    /// The generation that serves, with the hash over both of its files.
    serving: Option<(Arc<Plugin>, String)>,
    /// Why the files were refused, when they were.
    refused: Option<String>,
}

/// What a look at the directories came to.
pub(crate) struct Outcome {
    /// The table to swap in, when something changed.
    pub table: Option<Table>,
    /// What to tell.
    pub events: Vec<EventBody>,
    /// A file was changing: look again soon.
    pub again: bool,
}

impl Registry {
    /// Looks at the directories and judges what changed since the last look. Compiles, so it may
    /// take a while; what serves goes on serving meanwhile.
    pub(crate) fn look(
        &mut self,
        settings: &PolicySettings,
        runtime: &Arc<Runtime>,
        now: UnixMillis,
    ) -> Outcome {
        let mut outcome = Outcome {
            table: None,
            events: Vec::new(),
            again: false,
        };
        let mut changed = false;
        let sources = [
            (Origin::Directory, Some(settings.dir.as_path())),
            (Origin::Bundled, settings.bundled.as_deref()),
        ];
        for (origin, dir) in sources {
            let Some(found) = list(origin, dir, &settings.dir) else {
                continue;
            };
            changed |= self.remove_missing(origin, &found, &mut outcome.events);
            for (name, found) in found {
                let entry = self.entries.entry(key(origin, &name)).or_default();
                let before = outcome.events.len();
                entry.judge(
                    &Subject {
                        name: &name,
                        origin,
                        settings,
                        runtime,
                        now,
                    },
                    found,
                    &mut self.generations,
                    &mut outcome,
                );
                changed |= outcome.events.len() > before;
            }
        }
        outcome.table = changed.then(|| self.table());
        outcome
    }

    fn remove_missing(
        &mut self,
        origin: Origin,
        found: &BTreeMap<String, Result<Found, String>>,
        events: &mut Vec<EventBody>,
    ) -> bool {
        let before = self.entries.len();
        self.entries.retain(|(bundled, name), entry| {
            let gone = *bundled == (origin == Origin::Bundled) && !found.contains_key(name);
            if gone && entry.serving.is_some() {
                events.push(event(name, "removed", 0, None));
            }
            !gone
        });
        self.entries.len() != before
    }

    fn table(&self) -> Table {
        let mut plugins: BTreeMap<&str, Arc<Plugin>> = BTreeMap::new();
        let mut refused = BTreeMap::new();
        for ((bundled, name), entry) in &self.entries {
            // The operator's come first in the order of keys, and are not replaced.
            if let Some((plugin, _)) = &entry.serving {
                plugins.entry(name).or_insert_with(|| plugin.clone());
            }
            if let Some(why) = &entry.refused {
                let origin = if *bundled {
                    Origin::Bundled
                } else {
                    Origin::Directory
                };
                refused
                    .entry(name.clone())
                    .or_insert_with(|| (origin, why.clone()));
            }
        }
        Table::new(plugins.into_values().collect(), refused)
    }
}

fn key(origin: Origin, name: &str) -> Key {
    (origin == Origin::Bundled, name.to_owned())
}

/// The files of a directory; none when it cannot be read, and then nothing about it changes.
fn list(
    origin: Origin,
    dir: Option<&Path>,
    sidecars: &Path,
) -> Option<BTreeMap<String, Result<Found, String>>> {
    let dir = dir?;
    match scan(dir, sidecars) {
        Ok(found) => Some(found),
        Err(error) if origin == Origin::Bundled => {
            tracing::debug!(%error, dir = %dir.display(), "no shipped components; the native libraries answer");
            None
        }
        Err(error) => {
            tracing::warn!(%error, dir = %dir.display(), "the plugins directory cannot be read; what serves goes on");
            None
        }
    }
}

struct Subject<'a> {
    name: &'a str,
    origin: Origin,
    settings: &'a PolicySettings,
    runtime: &'a Arc<Runtime>,
    now: UnixMillis,
}

impl Entry {
    fn judge(
        &mut self,
        subject: &Subject<'_>,
        found: Result<Found, String>,
        generations: &mut u64,
        outcome: &mut Outcome,
    ) {
        let found = match found {
            Ok(found) => found,
            Err(why) => {
                self.seen = None;
                self.judged = None;
                return self.refuse(subject, why, outcome);
            }
        };
        if self.seen.as_ref() == Some(&found) {
            return;
        }
        let contents = match found.read(subject.settings.limits.max_file_bytes) {
            Ok(contents) => contents,
            Err(Unread::Unsettled) => {
                outcome.again = true;
                return;
            }
            Err(Unread::Refused(why)) => {
                self.seen = Some(found);
                self.judged = None;
                return self.refuse(subject, why, outcome);
            }
        };
        self.seen = Some(found);
        let hash = hex(&Sha256::digest(&contents.component));
        let both = format!("{hash} {}", contents.sidecar);
        if self.judged.as_ref() == Some(&both) {
            return;
        }
        self.judged = Some(both.clone());
        if let Some((plugin, serving)) = &self.serving
            && *serving == both
        {
            // A bad file was taken back.
            if self.refused.take().is_some() {
                outcome
                    .events
                    .push(event(subject.name, "loaded", plugin.generation, None));
            }
            return;
        }
        match load(subject, &contents, &hash, *generations + 1) {
            Ok(plugin) => {
                *generations += 1;
                self.refused = None;
                outcome
                    .events
                    .push(event(subject.name, "loaded", *generations, None));
                self.serving = Some((Arc::new(plugin), both));
            }
            Err(why) => self.refuse(subject, why, outcome),
        }
    }

    fn refuse(&mut self, subject: &Subject<'_>, why: String, outcome: &mut Outcome) {
        if self.refused.as_ref() == Some(&why) {
            return;
        }
        let generation = self
            .serving
            .as_ref()
            .map_or(0, |(plugin, _)| plugin.generation);
        tracing::warn!(plugin = subject.name, why, generation, "plugin refused");
        outcome.events.push(event(
            subject.name,
            "refused",
            generation,
            Some(why.clone()),
        ));
        self.refused = Some(why);
    }
}

fn load(
    subject: &Subject<'_>,
    contents: &Contents,
    hash: &str,
    generation: u64,
) -> Result<Plugin, String> {
    let limits = &subject.settings.limits;
    let sidecar =
        Sidecar::parse(&contents.sidecar).map_err(|why| format!("{}.toml: {why}", subject.name))?;
    let body = admit(
        subject.runtime,
        subject.name,
        &contents.component,
        &sidecar,
        limits,
    )?;
    tracing::info!(
        plugin = subject.name,
        kind = body.kind().as_str(),
        generation,
        hash,
        "plugin loaded"
    );
    Ok(Plugin {
        name: subject.name.into(),
        origin: subject.origin,
        generation,
        hash: hash.into(),
        loaded_at: subject.now,
        sidecar,
        body,
        tally: Tally::default(),
        breaker: crate::breaker::Breaker::default(),
    })
}

fn event(name: &str, action: &str, generation: u64, error: Option<String>) -> EventBody {
    EventBody::Plugin {
        name: name.to_owned(),
        action: action.to_owned(),
        generation,
        error,
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            // A String takes all text.
            let _ = write!(text, "{byte:02x}");
            text
        })
}
