//! When the world goes to the disk.

use std::{sync::Arc, time::Duration};

use super::{Hub, session::KeyCell};
use crate::{
    disk::{Ports, SavedKey, image},
    world::World,
};

/// The shortest time between a change and its snapshot: what a kill can cost with a small world.
const SHORTEST: Duration = Duration::from_millis(50);

/// A large world takes long to write. So many times as long nothing is written then, so that its
/// clients notice little.
const REST: u32 = 10;

/// Calls that change nothing worth keeping.
fn only_looks(method: &str) -> bool {
    let (family, name) = method.split_once('.').unwrap_or(("", method));
    matches!(family, "help" | "langpack" | "upload" | "stats")
        || ["get", "search", "resolve", "check", "setTyping"]
            .iter()
            .any(|beginning| family != "auth" && name.starts_with(beginning))
}

/// Calls that are on disk before they are answered: a client that is told it is signed in is so
/// whatever happens.
fn must_last(method: &str) -> bool {
    (method.starts_with("auth.") && method != "auth.exportAuthorization")
        || method == "account.updatePasswordSettings"
}

impl Hub {
    /// A call was executed; the world is still locked.
    pub(super) fn keep(&self, world: &World, method: &str) {
        let Some(disk) = &self.disk else {
            return;
        };
        if must_last(method) {
            if let Some(image) = image(disk, world, &self.saved_keys(), &self.ports()) {
                disk.write(&image);
            }
        } else if !only_looks(method) {
            disk.touch();
        }
    }

    /// Something else changed; the world is still locked.
    pub(super) fn keep_soon(&self) {
        if let Some(disk) = &self.disk {
            disk.touch();
        }
    }

    /// Writes the world now.
    pub(crate) fn save(&self) {
        let Some(disk) = &self.disk else {
            return;
        };
        let image = {
            let world = self.world.lock();
            image(disk, &world, &self.saved_keys(), &self.ports())
        };
        if let Some(image) = image {
            disk.write(&image);
        }
    }

    fn saved_keys(&self) -> Vec<SavedKey> {
        let keys = self.keys.lock();
        keys.values().map(|cell| cell.saved()).collect()
    }

    fn ports(&self) -> Vec<Ports> {
        let ports = self.dcs.iter().map(|dc| Ports {
            id: dc.id,
            main: dc.address.port(),
            media: dc.media_address.port(),
        });
        ports.collect()
    }

    /// Takes keys in that an earlier process has kept.
    pub(crate) fn restore_keys(&self, saved: &[SavedKey]) {
        let mut keys = self.keys.lock();
        for key in saved {
            if let Some(cell) = KeyCell::restored(key, self.now(), &*self.random) {
                keys.insert(cell.id(), Arc::new(cell));
            }
        }
    }

    /// Writes the world after its changes, until the task is ended.
    pub(crate) async fn keep_saving(self: Arc<Self>) {
        let Some(disk) = &self.disk else {
            return;
        };
        let mut pause = SHORTEST;
        loop {
            disk.changed.notified().await;
            tokio::time::sleep(pause).await;
            let begun = self.clock.monotonic();
            let hub = Arc::clone(&self);
            let saving = self.tracker.spawn_blocking(move || hub.save());
            if let Err(error) = saving.await {
                tracing::error!(%error, "saving ended early");
            }
            let took = self.clock.monotonic().saturating_sub(begun);
            pause = SHORTEST.max(took * REST);
        }
    }
}
