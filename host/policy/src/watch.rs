//! Follows the operator's directory.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use crate::{Policies, PolicyError};

/// Quiet after which a burst of changes counts as over.
const QUIET: Duration = Duration::from_millis(8);
/// A burst that does not end is looked at all the same.
const BURST: Duration = Duration::from_millis(100);
/// Looks without a change being told: for file systems that tell nothing, and for a directory that
/// was away for a while.
const PATROL: Duration = Duration::from_secs(5);
/// Time after which a file that was changing is looked at again.
const UNSETTLED: Duration = Duration::from_millis(50);

/// Wakes the thread that follows, or ends it once the policies are gone.
pub(crate) struct Watch {
    wake: SyncSender<()>,
}

impl Watch {
    /// Asks for a look soon. Never waits.
    pub(crate) fn wake(&self) {
        // A full channel says it already.
        let _ = self.wake.try_send(());
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.wake();
    }
}

/// Starts a thread that calls [`Policies::refresh`] after changes, for as long as the policies
/// live.
pub(crate) fn start(policies: &Arc<Policies>, dir: &Path) -> Result<Watch, PolicyError> {
    // One place is enough: it says that something changed, and a look sees all of it.
    let (wake, woken) = sync_channel(1);
    // Before this returns, so that no change after it goes unseen.
    let attached = Attached::new(dir, &wake);
    thread::Builder::new()
        .name("sluice-plugins".into())
        .spawn({
            let policies = Arc::downgrade(policies);
            let dir = dir.to_owned();
            let wake = wake.clone();
            move || follow(&policies, &dir, attached, &wake, &woken)
        })
        .map_err(PolicyError::Thread)?;
    Ok(Watch { wake })
}

fn follow(
    policies: &Weak<Policies>,
    dir: &Path,
    mut attached: Option<Attached>,
    wake: &SyncSender<()>,
    woken: &Receiver<()>,
) {
    let mut again = false;
    loop {
        if woken
            .recv_timeout(if again { UNSETTLED } else { PATROL })
            .is_ok()
        {
            let began = Instant::now();
            while began.elapsed() < BURST && woken.recv_timeout(QUIET).is_ok() {}
        }
        let Some(policies) = policies.upgrade() else {
            return;
        };
        if attached
            .as_ref()
            .is_none_or(|attached| attached.identity != identity(dir))
        {
            attached = Attached::new(dir, wake);
        }
        again = policies.refresh();
    }
}

/// A directory that is being watched.
struct Attached {
    _watcher: RecommendedWatcher,
    /// The watch stays with the directory, not with its name.
    identity: Option<(u64, u64)>,
}

impl Attached {
    fn new(dir: &Path, wake: &SyncSender<()>) -> Option<Self> {
        let identity = identity(dir);
        let wake = wake.clone();
        let told = move |event: notify::Result<notify::Event>| {
            // Reading is not a change; taking it for one would make every look cause the next.
            if !event.is_ok_and(|event| matches!(event.kind, EventKind::Access(_))) {
                // A full channel says it already.
                let _ = wake.try_send(());
            }
        };
        let watcher = notify::recommended_watcher(told).and_then(|mut watcher| {
            watcher.watch(dir, RecursiveMode::NonRecursive)?;
            Ok(watcher)
        });
        match watcher {
            Ok(watcher) => Some(Self {
                _watcher: watcher,
                identity,
            }),
            Err(error) => {
                tracing::warn!(%error, dir = %dir.display(), "changes are not told; looking every few seconds");
                None
            }
        }
    }
}

fn identity(dir: &Path) -> Option<(u64, u64)> {
    let meta = dir.metadata().ok()?;
    Some((meta.dev(), meta.ino()))
}
