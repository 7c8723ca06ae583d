//! One file: judged when it changes, taken back when it does harm.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use sluice_domain::{PluginEvidence, UnixMillis};

use crate::admit::{Admitted, File};
use crate::archive::{Mark, Release};
use crate::plugin::Plugin;
use crate::registry::{Filed, Ground, Outcome, archive_key, event, hex, rolled_back, told};
use crate::replay::{Asked, before_swap};
use crate::rewrite::behaviour;
use crate::scan::{Contents, Found, Unread};
use crate::sidecar::Sidecar;
use crate::{Kind, Mode, Origin};

/// What is known of one file, between looks at its directory.
#[derive(Default)]
pub(crate) struct Entry {
    /// The files as last judged.
    seen: Option<Found>,
    /// Hash over both files, as last judged.
    judged: Option<String>,
    serving: Option<Serving>,
    /// What served before it, ready to serve again at once.
    earlier: Option<Serving>,
    /// Why the files were refused, when they were.
    refused: Option<String>,
    /// That they were taken back, when that is why.
    mark: Option<Mark>,
}

/// A generation with the hash over both of its files.
struct Serving {
    plugin: Arc<Plugin>,
    both: String,
}

/// A file and what judging it needs.
pub(crate) struct Subject<'a> {
    ground: &'a Ground<'a>,
    name: &'a str,
    origin: Origin,
    /// Its record in the archive.
    key: String,
    now: UnixMillis,
}

impl<'a> Subject<'a> {
    pub(crate) fn new(ground: &'a Ground<'a>, name: &'a str, origin: Origin) -> Self {
        Self {
            ground,
            name,
            origin,
            key: archive_key(origin, name),
            now: ground.clock.now(),
        }
    }
}

impl Entry {
    /// The generation that serves, or is there in another mode.
    pub(crate) fn plugin(&self) -> Option<&Arc<Plugin>> {
        self.serving.as_ref().map(|serving| &serving.plugin)
    }

    /// The generation that would serve again.
    pub(crate) fn earlier(&self) -> Option<&Arc<Plugin>> {
        self.earlier.as_ref().map(|earlier| &earlier.plugin)
    }

    /// Why the newest file does not serve.
    pub(crate) fn refusal(&self) -> Option<(&str, Option<&Mark>)> {
        let why = self.refused.as_deref()?;
        Some((why, self.mark.as_ref()))
    }

    /// Makes the next look judge the file anew.
    pub(crate) fn forget(&mut self) {
        self.seen = None;
        self.judged = None;
    }

    pub(crate) fn judge(
        &mut self,
        subject: &Subject<'_>,
        found: Result<Found, String>,
        generations: &mut u64,
        outcome: &mut Outcome,
    ) {
        let found = match found {
            Ok(found) => found,
            Err(why) => {
                self.forget();
                return self.refuse(subject, why, outcome);
            }
        };
        if self.seen.as_ref() == Some(&found) {
            return;
        }
        let contents = match found.read(subject.ground.settings.limits.max_file_bytes) {
            Ok(contents) => contents,
            Err(Unread::Unsettled) => {
                outcome.again = true;
                return;
            }
            Err(Unread::Refused(why)) => {
                self.seen = Some(found);
                self.judged = None;
                return self.turn_away(subject, why, None, generations, outcome);
            }
        };
        let young = found.young(subject.now);
        self.seen = Some(found);
        let hash = hex(&Sha256::digest(&contents.component));
        let both = format!("{hash} {}", contents.sidecar);
        if self.judged.as_ref() == Some(&both) {
            return;
        }
        if self.serving.as_ref().is_some_and(|now| now.both == both) {
            self.judged = Some(both);
            // A bad file was taken away again.
            if self.refused.take().is_some() {
                self.mark = None;
                let serving = self.plugin().map(Arc::as_ref);
                outcome
                    .events
                    .push(event(subject.name, "loaded", serving, None));
            }
            return;
        }
        let mark = marked(subject, &hash, &contents.sidecar);
        if let Some(mark) = mark {
            self.judged = Some(both);
            let why = rolled_back(&mark);
            return self.turn_away(subject, why, Some(mark), generations, outcome);
        }
        match load(subject, &contents, &hash, *generations + 1) {
            Ok(mut plugin) => {
                self.judged = Some(both.clone());
                *generations += 1;
                if self.serving.is_none()
                    && let Some(since) = subject.ground.archive.since(&subject.key, &plugin.release)
                {
                    // It served before the restart.
                    plugin.since = since;
                }
                self.enter(subject, plugin, both, contents, outcome);
                self.refused = None;
                self.mark = None;
            }
            // Perhaps it is still being written.
            Err(_) if young => {
                self.forget();
                outcome.again = true;
            }
            Err(why) => {
                self.judged = Some(both);
                self.turn_away(subject, why, None, generations, outcome);
            }
        }
    }

    /// Lets a generation serve.
    fn enter(
        &mut self,
        subject: &Subject<'_>,
        plugin: Plugin,
        both: String,
        contents: Contents,
        outcome: &mut Outcome,
    ) {
        let plugin = Arc::new(plugin);
        outcome
            .events
            .push(event(subject.name, "loaded", Some(&plugin), None));
        let release = Release {
            id: plugin.release.clone(),
            hash: plugin.hash.to_string(),
            sidecar: contents.sidecar,
            at: plugin.since,
        };
        let serves = plugin.sidecar.mode.serves();
        outcome.filed.push(Filed {
            hash: plugin.hash.clone(),
            component: contents.component,
            serves: serves.then(|| (subject.key.clone(), release)),
        });
        let before = self.serving.replace(Serving { plugin, both });
        // The same release in another mode is nothing to go back to, nor is what never served.
        if let Some(before) = before
            && before.plugin.sidecar.mode.serves()
            && self
                .plugin()
                .is_none_or(|now| now.release != before.plugin.release)
        {
            self.earlier = Some(before);
        }
    }

    /// Refuses the newest files. When nothing serves, as after a restart, what was good before does.
    fn turn_away(
        &mut self,
        subject: &Subject<'_>,
        why: String,
        mark: Option<Mark>,
        generations: &mut u64,
        outcome: &mut Outcome,
    ) {
        if self.serving.is_none() {
            self.restore(subject, generations, outcome);
        }
        self.refuse(subject, why, outcome);
        self.mark = mark;
    }

    fn refuse(&mut self, subject: &Subject<'_>, why: String, outcome: &mut Outcome) {
        if self.refused.as_ref() == Some(&why) {
            return;
        }
        let serving = self.plugin().map(Arc::as_ref);
        tracing::warn!(plugin = subject.name, why, "plugin refused");
        outcome
            .events
            .push(event(subject.name, "refused", serving, Some(why.clone())));
        self.refused = Some(why);
    }

    /// Takes back what serves. The generation before it serves again, from memory or from the
    /// archive; where there is none, whatever is behind it in the order does.
    pub(crate) fn roll_back(
        &mut self,
        subject: &Subject<'_>,
        why: String,
        evidence: Option<PluginEvidence>,
        generations: &mut u64,
        outcome: &mut Outcome,
    ) {
        let Some(bad) = self.serving.take() else {
            return;
        };
        let mark = Mark {
            release: bad.plugin.release.clone(),
            hash: bad.plugin.hash.to_string(),
            why,
            at: subject.now,
            evidence,
        };
        // Of a generation that came out of the archive the file in the directory is another.
        let of_file = self.judged.as_ref() == Some(&bad.both);
        subject.ground.archive.take_back(&subject.key, mark.clone());
        let why = rolled_back(&mark);
        self.serving = self
            .earlier
            .take()
            .filter(|earlier| earlier.plugin.release != mark.release);
        if self.serving.is_none() {
            self.restore(subject, generations, outcome);
        }
        let serving = self.plugin().map(Arc::as_ref);
        tracing::warn!(
            plugin = subject.name,
            bad = bad.plugin.generation,
            serving = serving.map(|plugin| plugin.generation),
            why,
            "plugin rolled back"
        );
        outcome.events.push(told(
            subject.name,
            "rolled_back",
            serving,
            Some(mark.why.clone()),
            mark.evidence.clone(),
        ));
        if of_file || self.mark.is_none() {
            self.refused = Some(why);
            self.mark = Some(mark);
        }
    }

    /// Lets the newest good release of the archive serve.
    fn restore(&mut self, subject: &Subject<'_>, generations: &mut u64, outcome: &mut Outcome) {
        let archive = subject.ground.archive;
        for good in archive.good(&subject.key) {
            if archive.mark(&subject.key, &good.id).is_some() {
                continue;
            }
            let Some(component) = archive.component(&good.hash) else {
                continue;
            };
            let contents = Contents {
                component,
                sidecar: good.sidecar,
            };
            match load(subject, &contents, &good.hash, *generations + 1) {
                Ok(mut plugin) => {
                    *generations += 1;
                    plugin.since = good.at;
                    let both = format!("{} {}", good.hash, contents.sidecar);
                    return self.enter(subject, plugin, both, contents, outcome);
                }
                Err(why) => {
                    tracing::warn!(
                        plugin = subject.name,
                        why,
                        "an earlier generation is not let in"
                    );
                }
            }
        }
    }
}

/// That these files were taken back. Switching a plugin off is always possible.
fn marked(subject: &Subject<'_>, hash: &str, sidecar: &str) -> Option<Mark> {
    let archive = subject.ground.archive;
    let mark = archive.mark(&subject.key, &release(hash, sidecar))?;
    let off = Sidecar::parse(sidecar).is_ok_and(|sidecar| sidecar.mode == Mode::Off);
    (!off).then_some(mark)
}

/// Names a component with its settings.
fn release(hash: &str, sidecar: &str) -> String {
    hex(&Sha256::digest(format!("{hash} {}", behaviour(sidecar))))
}

fn load(
    subject: &Subject<'_>,
    contents: &Contents,
    hash: &str,
    generation: u64,
) -> Result<Plugin, String> {
    let Ground {
        settings,
        runtime,
        decisions,
        ..
    } = subject.ground;
    let sidecar =
        Sidecar::parse(&contents.sidecar).map_err(|why| format!("{}.toml: {why}", subject.name))?;
    let file = File {
        runtime,
        name: subject.name,
        bytes: &contents.component,
        sidecar: &sidecar,
        limits: &settings.limits,
    };
    let Admitted {
        serving: body,
        metered,
    } = file.admit()?;
    if body.kind() == Kind::Export && sidecar.mode.percent().is_some() {
        return Err(format!(
            "{}.toml: an exporter is asked about no account, so it is no canary: take shadow or live",
            subject.name
        ));
    }
    let asked = Asked {
        body: &metered,
        accounts: &sidecar.accounts,
    };
    let replayed = decisions.and_then(|log| before_swap(asked, &settings.limits, log));
    tracing::info!(
        plugin = subject.name,
        kind = body.kind().as_str(),
        mode = %sidecar.mode,
        generation,
        hash,
        "plugin loaded"
    );
    Ok(Plugin {
        name: subject.name.into(),
        origin: subject.origin,
        generation,
        hash: hash.into(),
        release: release(hash, &contents.sidecar),
        loaded_at: subject.now,
        since: subject.now,
        sidecar,
        replayed,
        body,
        tally: crate::tally::Tally::default(),
        breaker: crate::breaker::Breaker::default(),
        window: crate::evidence::Window::default(),
        diff: crate::diff::Diff::default(),
        arms: crate::canary::Arms::default(),
    })
}
