use serde::{Deserialize, Serialize};
use sluice_mtproto::AuthKey;

use super::{Disk, Image};
use crate::world::{
    World,
    saved::{Saved, Saving},
};

/// Everything that is kept.
#[derive(Deserialize)]
pub(crate) struct Snapshot {
    /// How far the world's clock is ahead, in milliseconds.
    pub(crate) ahead_ms: u64,
    pub(crate) ports: Vec<Ports>,
    pub(crate) keys: Vec<SavedKey>,
    pub(crate) world: Saved,
}

impl Snapshot {
    /// Where a data center was.
    pub(crate) fn ports_of(&self, id: i32) -> Option<Ports> {
        self.ports.iter().find(|ports| ports.id == id).copied()
    }
}

#[derive(Serialize)]
struct Writing<'a> {
    ahead_ms: u64,
    ports: &'a [Ports],
    keys: &'a [SavedKey],
    world: Saving<'a>,
}

/// Where a data center was, so that clients find it again.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Ports {
    pub(crate) id: i32,
    pub(crate) main: u16,
    pub(crate) media: u16,
}

/// An auth key with what its client said of itself.
#[derive(Serialize, Deserialize)]
pub(crate) struct SavedKey {
    secret: Vec<u8>,
    pub(crate) dc: i32,
    pub(crate) layer: i32,
    pub(crate) initialised: bool,
}

impl SavedKey {
    pub(crate) fn new(secret: &AuthKey, dc: i32, layer: i32, initialised: bool) -> Self {
        Self {
            secret: secret.expose().to_vec(),
            dc,
            layer,
            initialised,
        }
    }

    /// The key; `None` if it is not one.
    pub(crate) fn secret(&self) -> Option<AuthKey> {
        let bytes = <[u8; 256]>::try_from(self.secret.as_slice()).ok()?;
        Some(AuthKey::from_bytes(bytes))
    }
}

/// A snapshot of a world that is locked; `None`, and a line in the log, if it cannot be made.
pub(crate) fn image(
    disk: &Disk,
    world: &World,
    keys: &[SavedKey],
    ports: &[Ports],
) -> Option<Image> {
    let writing = Writing {
        ahead_ms: world.clock.ahead_ms(),
        ports,
        keys,
        world: world.saving(),
    };
    match serde_json::to_vec(&writing) {
        Ok(state) => {
            let files = world.files.iter();
            Some(disk.image(state, files.map(|(id, f)| (*id, f.content.clone()))))
        }
        Err(error) => {
            tracing::error!(%error, "the world cannot be written");
            None
        }
    }
}
