//! Brings what serves into line with what lies in the directories.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use sluice_domain::{Clock, DecisionLog, EventBody, PluginEvidence};

use crate::archive::{Archive, Mark, Release};
use crate::entry::{Entry, Subject};
use crate::evidence::Rollback;
use crate::plugin::Plugin;
use crate::runtime::Runtime;
use crate::scan::{Found, scan};
use crate::table::{Refusal, Table};
use crate::{Origin, PolicySettings};

/// What is known of every file, between looks at the directories.
#[derive(Default)]
pub(crate) struct Registry {
    entries: BTreeMap<Key, Entry>,
    generations: u64,
}

/// Directory before bundled, so that an operator's plugin comes first.
type Key = (bool, String);

/// What looks at the directories stand on.
pub(crate) struct Ground<'a> {
    pub settings: &'a PolicySettings,
    pub runtime: &'a Arc<Runtime>,
    pub archive: &'a Archive,
    pub clock: &'a dyn Clock,
    /// What was decided lately; none before the gateway serves.
    pub decisions: Option<&'a dyn DecisionLog>,
}

/// What a look at the directories came to.
#[derive(Default)]
pub(crate) struct Outcome {
    /// What to tell. Nothing changed without it.
    pub events: Vec<EventBody>,
    /// A file was changing: look again soon.
    pub again: bool,
    /// What to put into the archive.
    pub filed: Vec<Filed>,
    /// A generation went without its file being told of.
    pub gone: bool,
}

/// A component that was let in.
pub(crate) struct Filed {
    pub hash: Arc<str>,
    pub component: Vec<u8>,
    /// Under which name it serves, when it does.
    pub serves: Option<(String, Release)>,
}

impl Outcome {
    /// Whether another table has to be swapped in.
    pub(crate) fn changed(&self) -> bool {
        self.gone || !self.events.is_empty()
    }
}

impl Registry {
    /// Looks at the directories and judges what changed since the last look. Compiles, so it may
    /// take a while; what serves goes on serving meanwhile.
    pub(crate) fn look(&mut self, ground: &Ground<'_>, outcome: &mut Outcome) {
        let dir = ground.settings.dir.as_path();
        let sources = [
            (Origin::Directory, Some(dir)),
            (Origin::Bundled, ground.settings.bundled.as_deref()),
        ];
        for (origin, source) in sources {
            let Some(found) = list(origin, source, dir) else {
                continue;
            };
            self.remove_missing(origin, &found, outcome);
            let of_origin = archive_key(origin, "");
            ground.archive.only(|plugin| {
                plugin
                    .strip_prefix(&of_origin)
                    .is_none_or(|name| found.contains_key(name))
            });
            for (name, found) in found {
                let subject = Subject::new(ground, &name, origin);
                let entry = self.entries.entry(key(origin, &name)).or_default();
                entry.judge(&subject, found, &mut self.generations, outcome);
            }
        }
    }

    fn remove_missing(
        &mut self,
        origin: Origin,
        found: &BTreeMap<String, Result<Found, String>>,
        outcome: &mut Outcome,
    ) {
        let before = self.entries.len();
        self.entries.retain(|(bundled, name), entry| {
            let gone = *bundled == (origin == Origin::Bundled) && !found.contains_key(name);
            if gone && entry.plugin().is_some() {
                outcome.events.push(event(name, "removed", None, None));
            }
            !gone
        });
        outcome.gone |= self.entries.len() != before;
    }

    /// Takes back what does harm since it was swapped in.
    pub(crate) fn review(&mut self, ground: &Ground<'_>, bounds: &Rollback, outcome: &mut Outcome) {
        let (now, monotonic) = (ground.clock.now(), ground.clock.monotonic());
        for ((bundled, name), entry) in &mut self.entries {
            let Some(plugin) = entry.plugin() else {
                continue;
            };
            let earlier = entry.earlier().map(|plugin| plugin.tally.counts());
            let Some((why, evidence)) = plugin.fails(earlier, bounds, now, monotonic) else {
                continue;
            };
            let subject = Subject::new(ground, name, origin(*bundled));
            let generations = &mut self.generations;
            entry.roll_back(&subject, why, Some(evidence), generations, outcome);
        }
    }

    /// Takes back what serves under a name, because an operator says so. False when nothing does.
    pub(crate) fn roll_back(
        &mut self,
        ground: &Ground<'_>,
        name: &str,
        outcome: &mut Outcome,
    ) -> bool {
        let serving = |(_, entry): &(&Key, &mut Entry)| entry.plugin().is_some();
        let mut of_name = self.entries.iter_mut().filter(|((_, of), _)| of == name);
        let Some(((bundled, _), entry)) = of_name.find(serving) else {
            return false;
        };
        let evidence = entry.plugin().map(|plugin| {
            let earlier = entry.earlier().map(|plugin| plugin.tally.counts());
            plugin.evidence(plugin.tally.counts(), earlier, 1)
        });
        let subject = Subject::new(ground, name, origin(*bundled));
        let why = "an operator asked for it".to_owned();
        entry.roll_back(&subject, why, evidence, &mut self.generations, outcome);
        true
    }

    /// Lets the file of a name be judged anew at the next look, also when it was taken back.
    pub(crate) fn pardon(&mut self, archive: &Archive, name: &str) {
        for ((bundled, of), entry) in &mut self.entries {
            if of == name {
                archive.pardon(&archive_key(origin(*bundled), name));
                entry.forget();
            }
        }
    }

    /// Where the file of a name comes from; the operator's first.
    pub(crate) fn origin(&self, name: &str) -> Option<Origin> {
        let mut names = self.entries.keys().filter(|(_, of)| of == name);
        names.next().map(|(bundled, _)| origin(*bundled))
    }

    pub(crate) fn table(&self) -> Table {
        let mut plugins: BTreeMap<&str, Arc<Plugin>> = BTreeMap::new();
        let mut refused: BTreeMap<String, Refusal> = BTreeMap::new();
        for ((bundled, name), entry) in &self.entries {
            // The operator's come first in the order of keys, and are not replaced.
            if let Some(plugin) = entry.plugin() {
                plugins.entry(name).or_insert_with(|| plugin.clone());
            }
            if let Some((why, mark)) = entry.refusal() {
                refused.entry(name.clone()).or_insert_with(|| Refusal {
                    origin: origin(*bundled),
                    why: why.to_owned(),
                    mark: mark.cloned(),
                });
            }
        }
        Table::new(plugins.into_values().collect(), refused)
    }
}

fn key(origin: Origin, name: &str) -> Key {
    (origin == Origin::Bundled, name.to_owned())
}

const fn origin(bundled: bool) -> Origin {
    if bundled {
        Origin::Bundled
    } else {
        Origin::Directory
    }
}

/// Under what the archive keeps the record of a file.
pub(crate) fn archive_key(origin: Origin, name: &str) -> String {
    match origin {
        Origin::Bundled => format!("bundled/{name}"),
        Origin::Directory | Origin::Native => format!("directory/{name}"),
    }
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

/// What happened to a plugin, and what serves in its name now.
pub(crate) fn event(
    name: &str,
    action: &str,
    serving: Option<&Plugin>,
    error: Option<String>,
) -> EventBody {
    told(name, action, serving, error, None)
}

/// The same with what the generation did that went.
pub(crate) fn told(
    name: &str,
    action: &str,
    serving: Option<&Plugin>,
    error: Option<String>,
    evidence: Option<PluginEvidence>,
) -> EventBody {
    EventBody::Plugin {
        name: name.to_owned(),
        action: action.to_owned(),
        generation: serving.map_or(0, |plugin| plugin.generation),
        mode: serving.map(|plugin| plugin.sidecar.mode.to_string()),
        error,
        replayed: serving
            .filter(|_| action == "loaded")
            .and_then(|plugin| plugin.replayed.as_ref().map(ToString::to_string)),
        evidence,
    }
}

/// As `Mark` says it to people.
pub(crate) fn rolled_back(mark: &Mark) -> String {
    format!("was rolled back: {}", mark.why)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            // A String takes all text.
            let _ = write!(text, "{byte:02x}");
            text
        })
}
