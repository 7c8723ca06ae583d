//! What of the world survives the process. Codes, login tokens, exported authorizations, password
//! checks and unfinished uploads do not: all of them are begun again.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use sluice_domain::Random;

use super::{
    World, authorization::Authorization, authorization::Key, channel::Channel, chat::Chat,
    file::File, peer::Peer, user::User,
};
use crate::clock::WorldClock;

/// How far numbers leap after a process that was killed: more than it can have given out between
/// its last snapshot and its end, so that none is ever given to two things.
const LEAP: i32 = 100_000;

/// The world as it is written.
#[derive(Serialize)]
pub(crate) struct Saving<'a> {
    secret: &'a [u8; 32],
    last_user: i64,
    last_chat: i64,
    last_channel: i64,
    last_letter: u64,
    last_authorization: u64,
    users: &'a BTreeMap<i64, User>,
    chats: &'a BTreeMap<i64, Chat>,
    channels: &'a BTreeMap<i64, Channel>,
    keys: &'a HashMap<u64, Key>,
    authorizations: &'a BTreeMap<u64, Authorization>,
    files: &'a BTreeMap<i64, File>,
}

/// The world as it is read.
#[derive(Deserialize)]
pub(crate) struct Saved {
    secret: [u8; 32],
    last_user: i64,
    last_chat: i64,
    last_channel: i64,
    last_letter: u64,
    last_authorization: u64,
    users: BTreeMap<i64, User>,
    chats: BTreeMap<i64, Chat>,
    channels: BTreeMap<i64, Channel>,
    keys: HashMap<u64, Key>,
    authorizations: BTreeMap<u64, Authorization>,
    pub(crate) files: BTreeMap<i64, File>,
}

impl Saved {
    /// The greatest number of a data center that somebody lives on.
    pub(crate) fn highest_dc(&self) -> i32 {
        self.users.values().map(|u| u.dc).max().unwrap_or(0)
    }
}

impl World {
    pub(crate) fn saving(&self) -> Saving<'_> {
        Saving {
            secret: &self.secret,
            last_user: self.last_user,
            last_chat: self.last_chat,
            last_channel: self.last_channel,
            last_letter: self.last_letter,
            last_authorization: self.last_authorization,
            users: &self.users,
            chats: &self.chats,
            channels: &self.channels,
            keys: &self.keys,
            authorizations: &self.authorizations,
            files: &self.files,
        }
    }

    /// The world that was saved.
    pub(crate) fn restored(
        clock: WorldClock,
        random: Arc<dyn Random>,
        dcs: u16,
        saved: Saved,
    ) -> Self {
        let mut world = Self::new(clock, random, dcs);
        world.secret = saved.secret;
        world.last_user = saved.last_user;
        world.last_chat = saved.last_chat;
        world.last_channel = saved.last_channel;
        world.last_letter = saved.last_letter;
        world.last_authorization = saved.last_authorization;
        world.users = saved.users;
        world.chats = saved.chats;
        world.channels = saved.channels;
        world.keys = saved.keys;
        world.authorizations = saved.authorizations;
        world.files = saved.files;
        for (id, authorization) in &world.authorizations {
            let all = world.by_user.entry(authorization.user).or_default();
            all.insert(*id);
        }
        let mut named = Vec::new();
        for user in world.users.values_mut() {
            user.mailbox.reindex();
            if let Some(phone) = &user.phone {
                world.phones.insert(phone.clone(), user.id);
            }
            if let Some(token) = &user.token {
                world.tokens.insert(token.clone(), user.id);
            }
            named.push((Peer::User(user.id), user.username.clone()));
        }
        let channels = world.channels.iter();
        named.extend(channels.map(|(id, c)| (Peer::Channel(*id), c.username.clone())));
        for (peer, name) in named {
            world.rename_peer(peer, None, name.as_deref());
        }
        world
    }

    /// The process before this one was killed, and what it did last is not known: every number goes
    /// on far above, and clients are told that too much is missing.
    pub(crate) fn leap(&mut self) {
        self.last_user += i64::from(LEAP);
        self.last_chat += i64::from(LEAP);
        self.last_channel += i64::from(LEAP);
        self.last_letter += u64::from(LEAP.unsigned_abs());
        self.last_authorization += u64::from(LEAP.unsigned_abs());
        for user in self.users.values_mut() {
            user.mailbox.leap(LEAP);
        }
        for channel in self.channels.values_mut() {
            channel.pts = channel.pts.saturating_add(LEAP);
            channel.last_id = channel.last_id.saturating_add(LEAP);
            channel.events.clear();
        }
    }
}

/// Maps whose keys are no strings, as lists of pairs.
pub(crate) mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub(crate) fn deserialize<'a, K, V, D>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        K: Deserialize<'a> + Ord,
        V: Deserialize<'a>,
        D: Deserializer<'a>,
    {
        Vec::<(K, V)>::deserialize(deserializer).map(|pairs| pairs.into_iter().collect())
    }
}
