use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use arc_swap::ArcSwap;
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use parking_lot::Mutex;
use sluice_domain::EventBody;

use crate::changes::changes;
use crate::load::{load_text, read};
use crate::{Config, ConfigError, Overrides};

/// A file that was written to is read once it was left alone for this long.
const SETTLED: Duration = Duration::from_millis(100);
/// A file that is never left alone is read so often.
const ROUNDS: usize = 20;

/// What a change of the file came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reload {
    /// It is in force.
    Applied {
        /// Keys that changed and are in force.
        changed: Vec<String>,
        /// Keys that changed and need a restart.
        restart_needed: Vec<String>,
    },
    /// It is wrong; what was in force stays.
    Refused {
        /// What is wrong.
        error: ConfigError,
    },
}

impl Reload {
    const fn is_nothing(&self) -> bool {
        match self {
            Self::Applied {
                changed,
                restart_needed,
            } => changed.is_empty() && restart_needed.is_empty(),
            Self::Refused { .. } => false,
        }
    }
}

impl From<Reload> for EventBody {
    fn from(reload: Reload) -> Self {
        match reload {
            Reload::Applied {
                changed,
                restart_needed,
            } => Self::Config {
                action: "applied".to_owned(),
                changed,
                restart_needed,
                error: None,
            },
            Reload::Refused { error } => Self::Config {
                action: "refused".to_owned(),
                changed: Vec::new(),
                restart_needed: Vec::new(),
                error: Some(error.to_string()),
            },
        }
    }
}

/// Watches the file for as long as it lives.
pub struct Watch {
    source: Arc<Source>,
    // Dropping it ends the thread that waits for its events.
    _watcher: RecommendedWatcher,
}

struct Source {
    path: PathBuf,
    overrides: Overrides,
    current: Arc<ArcSwap<Config>>,
    /// What was read last, whatever it came to. Also keeps reloads one after the other.
    last: Mutex<Option<Result<String, ConfigError>>>,
    report: Box<dyn Fn(Reload) + Send + Sync>,
}

impl Watch {
    /// Watches the file. A change that is right goes into `current`; `report` hears of every change,
    /// from a thread of its own.
    pub fn start(
        path: PathBuf,
        overrides: Overrides,
        current: Arc<ArcSwap<Config>>,
        report: impl Fn(Reload) + Send + Sync + 'static,
    ) -> Result<Self, ConfigError> {
        // One place is enough: what the thread does for one event it does for all before it.
        let (wake, woken) = sync_channel(1);
        let names = names(&path);
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                let ours = event.is_ok_and(|event| {
                    // Reading the file is an event too, and must not lead to reading it again.
                    !event.kind.is_access() && event.paths.iter().any(|path| concerns(path, &names))
                });
                if ours {
                    // Full: it is about to be read anyway.
                    let _ = wake.try_send(());
                }
            })
            .map_err(|e| unwatched(&path, &e))?;
        // Directories, not the file: a rename into place puts another file there.
        for dir in dirs(&path) {
            let watched = watcher.watch(&dir, RecursiveMode::NonRecursive);
            watched.map_err(|e| unwatched(&path, &e))?;
        }
        let source = Arc::new(Source {
            path,
            overrides,
            current,
            last: Mutex::new(None),
            report: Box::new(report),
        });
        let served = Arc::clone(&source);
        std::thread::Builder::new()
            .name("config-watch".to_owned())
            .spawn(move || serve(&served, &woken))
            .map_err(|e| unwatched(&source.path, &e))?;
        Ok(Self {
            source,
            _watcher: watcher,
        })
    }

    /// Reads the file again now (SIGHUP), changed or not; reports like any other change.
    pub fn reload(&self) -> Reload {
        let mut last = self.source.last.lock();
        let text = read(&self.source.path);
        *last = Some(text.clone());
        let reload = self.source.take(text);
        drop(last);
        (self.source.report)(reload.clone());
        reload
    }
}

fn serve(source: &Source, woken: &Receiver<()>) {
    // The file may have changed since it was loaded and before the watch began.
    source.look();
    while woken.recv().is_ok() {
        for _ in 0..ROUNDS {
            match woken.recv_timeout(SETTLED) {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        source.look();
    }
}

impl Source {
    /// Reads the file and takes it if it is not what was read last.
    fn look(&self) {
        let mut last = self.last.lock();
        let text = read(&self.path);
        if last.as_ref() == Some(&text) {
            return;
        }
        let first = last.replace(text.clone()).is_none();
        let reload = self.take(text);
        drop(last);
        if !(first && reload.is_nothing()) {
            (self.report)(reload);
        }
    }

    /// Puts what was read into force, if it is right.
    fn take(&self, text: Result<String, ConfigError>) -> Reload {
        let loaded = text.and_then(|text| {
            // A disk that filled up while the file was written leaves it empty. That would be a valid
            // file, and all defaults.
            if text.trim().is_empty() {
                let message = "the file is empty, which is not taken while running";
                return Err(ConfigError::of_file(&self.path, message.to_owned()));
            }
            load_text(Some(&self.path), &text, &self.overrides)
        });
        match loaded {
            Ok(config) => {
                let (changed, restart_needed) = changes(&self.current.load(), &config);
                self.current.store(Arc::new(config));
                Reload::Applied {
                    changed,
                    restart_needed,
                }
            }
            Err(error) => Reload::Refused { error },
        }
    }
}

fn unwatched(path: &Path, why: &dyn std::fmt::Display) -> ConfigError {
    ConfigError::of_file(path, format!("cannot be watched: {why}"))
}

/// Where changes of the file show: its directory, and that of the file it is a link to.
fn dirs(path: &Path) -> BTreeSet<PathBuf> {
    let parent = |path: &Path| match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir.to_owned(),
        _ => PathBuf::from("."),
    };
    let target = path.canonicalize().ok();
    let dirs = [Some(parent(path)), target.as_deref().map(parent)];
    let whole = dirs.into_iter().flatten();
    whole.map(|dir| dir.canonicalize().unwrap_or(dir)).collect()
}

/// The names under which it may change in those directories.
fn names(path: &Path) -> BTreeSet<std::ffi::OsString> {
    let target = path.canonicalize().ok();
    let paths = [Some(path), target.as_deref()];
    let names = paths.into_iter().flatten().filter_map(Path::file_name);
    // Kubernetes mounts a directory whose files are links through `..data`, and swaps that.
    names
        .map(ToOwned::to_owned)
        .chain(["..data".into()])
        .collect()
}

fn concerns(path: &Path, names: &BTreeSet<std::ffi::OsString>) -> bool {
    path.file_name().is_some_and(|name| names.contains(name))
}
