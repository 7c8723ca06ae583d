//! The components that gave answers, in the engine that counts fuel: to ask them again.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use sluice_domain::{Author, DecisionRecord, Provenance};

use super::record::UNREADABLE;
use crate::registry::{archive_key, hex};
use crate::sidecar::Sidecar;
use crate::{Candidate, Origin, Policies, Workbench};

/// Components that are kept ready: those that serve, and some that did.
const KEPT: usize = 8;
/// Time of a batch of the journal that goes into counting fuel. There are at most ten batches a
/// second, so it takes at most a twentieth of a core; what is left out is counted when it is asked for.
const TIME: Duration = Duration::from_millis(5);

/// How long one that was not found is not looked for again: its file may come back.
const MISSING: Duration = Duration::from_secs(10);

/// Components that were asked again lately, the newest last.
#[derive(Default)]
pub(crate) struct Metered(Mutex<VecDeque<Kept>>);

struct Kept {
    author: Author,
    /// None for one that was not found, and when that was.
    candidate: Result<Arc<Candidate>, Instant>,
}

impl Policies {
    /// The very component that gave an answer, with the settings it had; none when it is not kept
    /// any more, and for the native library. Compiles the first time.
    pub(crate) fn metered(&self, by: &Author) -> Option<Arc<Candidate>> {
        by.hash.as_ref()?;
        // Held while compiling: two at once would compile the same.
        let mut kept = self.metered.0.lock();
        if let Some(known) = kept.iter().find(|known| known.author == *by) {
            match &known.candidate {
                Ok(candidate) => return Some(candidate.clone()),
                Err(looked) if looked.elapsed() < MISSING => return None,
                Err(_) => {}
            }
        }
        let candidate = self.load_again(by).map(Arc::new).ok_or_else(Instant::now);
        kept.retain(|known| known.author != *by);
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back(Kept {
            author: by.clone(),
            candidate: candidate.clone(),
        });
        candidate.ok()
    }

    fn load_again(&self, by: &Author) -> Option<Candidate> {
        let (component, sidecar) = self.files_of(by).or_else(|| self.archived(by))?;
        let bench = Workbench::on(self.runtime.clone(), self.settings.limits.clone());
        // It was let in once; if it is not now, there is nothing to ask.
        bench.load(&by.plugin, &component, &sidecar).ok()
    }

    /// Component and sidecar as they served once.
    fn archived(&self, by: &Author) -> Option<(Vec<u8>, String)> {
        let hash = by.hash.as_deref()?;
        let of_then = |sidecar: &str| {
            let settings = Sidecar::parse(sidecar).ok()?.settings_hash;
            (settings.as_deref() == by.settings.as_deref()).then(|| sidecar.to_owned())
        };
        let kept = [Origin::Directory, Origin::Bundled]
            .into_iter()
            .flat_map(|origin| self.archive.good(&archive_key(origin, &by.plugin)))
            .filter(|release| release.hash == hash)
            .find_map(|release| of_then(&release.sidecar));
        // Without settings, no file beside it is needed.
        let sidecar = kept.or_else(|| by.settings.is_none().then(String::new))?;
        Some((self.archive.component(hash)?, sidecar))
    }

    /// Component and sidecar as they lie in the directories, if they are still those.
    fn files_of(&self, by: &Author) -> Option<(Vec<u8>, String)> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if !by.plugin.bytes().all(plain) {
            return None;
        }
        let dirs = [
            Some(self.settings.dir.as_path()),
            self.settings.bundled.as_deref(),
        ];
        let dirs = || dirs.into_iter().flatten();
        let beside = format!("{}.toml", by.plugin);
        let sidecar = dirs()
            .find_map(|dir| std::fs::read_to_string(dir.join(&beside)).ok())
            .unwrap_or_default();
        let settings = Sidecar::parse(&sidecar).ok()?.settings_hash;
        if settings.as_deref() != by.settings.as_deref() {
            return None;
        }
        let component = dirs().find_map(|dir| self.component_in(dir, by))?;
        Some((component, sidecar))
    }

    fn component_in(&self, dir: &Path, by: &Author) -> Option<Vec<u8>> {
        let file = dir.join(format!("{}.wasm", by.plugin));
        let size = std::fs::metadata(&file).ok()?.len();
        if size > self.settings.limits.max_file_bytes {
            return None;
        }
        let component = std::fs::read(&file).ok()?;
        let hash = hex(&Sha256::digest(&component));
        (by.hash.as_ref() == Some(&hash)).then_some(component)
    }

    /// Counts the fuel of answers that are about to be written, for as long as there is time.
    pub(super) fn measure(&self, records: &mut [DecisionRecord]) {
        let ends = Instant::now() + TIME;
        for record in records {
            if Instant::now() >= ends {
                return;
            }
            let attempt = &record.attempt;
            if attempt.failure.name == UNREADABLE {
                continue;
            }
            let (named, decided) = (&mut record.named, &mut record.decided);
            named.fuel = self.answered(named).and_then(|candidate| {
                let (_, spent) = candidate.categorize(&attempt.failure, named.at).ok()?;
                spent.fuel
            });
            if let Some(decided) = decided {
                decided.fuel = self.answered(decided).and_then(|candidate| {
                    let (_, spent) = candidate.decide(attempt, decided.at).ok()?;
                    spent.fuel
                });
            }
        }
    }

    /// The component, if it was it that answered.
    pub(super) fn answered<T>(&self, of: &Provenance<T>) -> Option<Arc<Candidate>> {
        let failed = of.failed.as_ref();
        if failed.is_some_and(|failed| failed.plugin == of.by.plugin) {
            return None;
        }
        self.metered(&of.by)
    }
}
