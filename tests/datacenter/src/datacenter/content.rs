//! Channels, many messages at once, secret chats, and how much of it can be fetched later.

use bytes::{Bytes, BytesMut};
use serde_json::json;

use crate::{
    Bounds, DataCenter, NewChannel, WorldError,
    world::{World, file::Kind, message::Letter, peer::Peer},
};

/// What bots add to a channel's id, with a minus sign, so that one number names any peer.
const CHANNEL: i64 = 1_000_000_000_000;

/// Messages that are posted before others get the lock.
const BATCH: usize = 100;

/// The peer that a number names: a user, a basic group (negative), or a channel (`-100…`).
pub(super) fn peer(world: &World, from: i64, to: i64) -> Option<Peer> {
    if to <= -CHANNEL {
        let id = -to - CHANNEL;
        let channel = world.channel(id);
        return channel
            .filter(|c| c.members.contains_key(&from))
            .map(|_| Peer::Channel(id));
    }
    if to < 0 {
        let chat = world.chats.get(&-to);
        return chat
            .filter(|c| c.members.contains_key(&from))
            .map(|_| Peer::Chat(-to));
    }
    world.user(to).map(|_| Peer::User(to))
}

impl DataCenter {
    /// Makes a channel or supergroup and returns its id. As a receiver of
    /// [`send_text`](Self::send_text) it is `-1000000000000 - id`.
    pub fn create_channel(&self, by: i64, new: &NewChannel) -> Result<i64, WorldError> {
        self.hub.change(|world| {
            for id in new.with.iter().chain([&by]) {
                world.user(*id).ok_or(WorldError::UnknownAccount(*id))?;
            }
            let refused = |refusal: crate::refusal::Refusal| {
                WorldError::Invalid(format!("{}: {}", new.title, refusal.name))
            };
            let id = world.create_channel(by, new.broadcast, &new.title, &new.about);
            if let Some(name) = &new.username
                && let Err(refusal) = world.rename_channel(by, id, Some(name))
            {
                let _ = world.delete_channel(by, id);
                return Err(refused(refusal));
            }
            for user in new.with.iter().filter(|user| **user != by) {
                world.let_in(by, id, *user).map_err(refused)?;
            }
            Ok(id)
        })
    }

    /// Lets an account into a channel.
    pub fn join_channel(&self, account: i64, channel: i64) -> Result<(), WorldError> {
        self.hub.change(|world| {
            world
                .user(account)
                .ok_or(WorldError::UnknownAccount(account))?;
            world
                .channel(channel)
                .ok_or(WorldError::UnknownPeer(channel))?;
            let joined = world.let_in(account, channel, account);
            let refused =
                |refusal: crate::refusal::Refusal| WorldError::Invalid(refusal.name.into_owned());
            joined.map(|_| ()).map_err(refused)
        })
    }

    /// Posts so many messages as fast as it can, `text` with a number from 1 behind it. Returns
    /// their ids. `to` as for [`send_text`](Self::send_text).
    pub async fn send_many(
        &self,
        from: i64,
        to: i64,
        text: &str,
        count: usize,
    ) -> Result<Vec<i32>, WorldError> {
        let mut ids = Vec::with_capacity(count);
        while ids.len() < count {
            let batch = BATCH.min(count - ids.len());
            self.hub.change(|world| {
                world.user(from).ok_or(WorldError::UnknownAccount(from))?;
                let peer = peer(world, from, to).ok_or(WorldError::UnknownPeer(to))?;
                for _ in 0..batch {
                    let letter = Letter {
                        text: format!("{text} {}", ids.len() + 1),
                        ..Letter::default()
                    };
                    ids.push(world.post(from, peer, &letter));
                }
                Ok::<_, WorldError>(())
            })?;
            // Connections take what was told before more is.
            tokio::task::yield_now().await;
        }
        Ok(ids)
    }

    /// Sends a document of these bytes, as if the account had uploaded it. Returns the message's id.
    /// `to` as for [`send_text`](Self::send_text).
    pub fn send_file(
        &self,
        from: i64,
        to: i64,
        name: &str,
        content: Bytes,
    ) -> Result<i32, WorldError> {
        self.hub.change(|world| {
            world.user(from).ok_or(WorldError::UnknownAccount(from))?;
            let peer = peer(world, from, to).ok_or(WorldError::UnknownPeer(to))?;
            let attributes = json!([{"_": "documentAttributeFilename", "file_name": name}]);
            let kind = Kind::Document("application/octet-stream".to_owned(), attributes);
            let letter = Letter {
                media: json!({"_": "messageMediaDocument"}),
                file: Some(world.keep_file(from, kind, content)),
                ..Letter::default()
            };
            Ok(world.post(from, peer, &letter))
        })
    }

    /// Bytes that nobody has seen before.
    pub(crate) fn random_content(&self, size: usize) -> Bytes {
        let mut content = BytesMut::zeroed(size);
        self.hub.random.fill(&mut content);
        content.freeze()
    }

    /// A message of a secret chat arrives. Returns its `qts`.
    pub fn send_encrypted(&self, to: i64, chat: i32, bytes: &[u8]) -> Result<i32, WorldError> {
        self.hub.change(|world| {
            world.user(to).ok_or(WorldError::UnknownAccount(to))?;
            Ok(world.post_encrypted(to, chat, bytes))
        })
    }

    /// Makes the file references given out so far expire, of one file or of all. Says how many files
    /// there were.
    pub fn expire_file_references(&self, file: Option<i64>) -> usize {
        self.hub.change(|world| world.expire_references(file))
    }

    /// How much of what was missed can be fetched.
    pub fn bounds(&self) -> Bounds {
        self.hub.world.lock().bounds
    }

    /// Sets it, for all accounts and channels at once.
    pub fn set_bounds(&self, bounds: Bounds) {
        self.hub.change(|world| world.bounds = bounds.clamped());
    }
}
