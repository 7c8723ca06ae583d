//! Everything that exists apart from connections: users, groups, channels, messages, keys and
//! authorizations. No I/O; what others must be told waits in an outbox.

pub(crate) mod authorization;
mod bounds;
pub(crate) mod channel;
pub(crate) mod chat;
pub(crate) mod file;
mod info;
pub(crate) mod login;
pub(crate) mod mailbox;
pub(crate) mod message;
pub(crate) mod password;
pub(crate) mod peer;
mod qts;
pub(crate) mod saved;
mod upload;
pub(crate) mod user;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use serde_json::{Value, json};
use sluice_domain::Random;

pub use bounds::Bounds;
pub use info::{AccountInfo, AuthorizationInfo, NewAccount, NewChannel, WorldError};

use crate::clock::WorldClock;

/// Seconds for which a message can be edited, as in `config.edit_time_limit`.
pub(crate) const EDIT_TIME: i64 = 172_800;

/// Password checks that can be under way at once; more are somebody's mistake.
const CHECKS: usize = 1_000;

/// Something for a session that did not ask for it.
pub(crate) struct Push {
    pub(crate) to: To,
    /// An `Updates`.
    pub(crate) body: Value,
    /// What a session that does not keep up is told instead, once; without it, nothing.
    pub(crate) late: Option<Late>,
}

/// Whose history a session that does not keep up must fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Late {
    /// Its own.
    Common,
    /// A channel's.
    Channel(i64),
}

impl Late {
    /// The `Updates` that says so.
    pub(crate) fn body(self, date: i64) -> Value {
        match self {
            Self::Common => json!({"_": "updatesTooLong"}),
            Self::Channel(id) => json!({
                "_": "updateShort",
                "update": {"_": "updateChannelTooLong", "channel_id": id},
                "date": date,
            }),
        }
    }
}

/// Whose sessions a push is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum To {
    /// All authorizations of a user.
    User(i64),
    /// One key, signed in or not.
    Key(u64),
}

pub(crate) struct World {
    pub(crate) clock: WorldClock,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) bounds: Bounds,
    dcs: u16,
    /// What access hashes are derived from.
    secret: [u8; 32],
    last_user: i64,
    last_chat: i64,
    last_channel: i64,
    last_letter: u64,
    last_authorization: u64,
    pub(crate) users: BTreeMap<i64, user::User>,
    phones: HashMap<String, i64>,
    /// Users and channels by their name in small letters.
    usernames: HashMap<String, peer::Peer>,
    tokens: HashMap<String, i64>,
    pub(crate) chats: BTreeMap<i64, chat::Chat>,
    pub(crate) channels: BTreeMap<i64, channel::Channel>,
    pub(crate) keys: HashMap<u64, authorization::Key>,
    pub(crate) authorizations: BTreeMap<u64, authorization::Authorization>,
    /// Which of them are a user's.
    by_user: HashMap<i64, BTreeSet<u64>>,
    pub(crate) codes: HashMap<String, login::SentCode>,
    pub(crate) tokens_shown: HashMap<Vec<u8>, login::LoginToken>,
    exports: HashMap<Vec<u8>, login::Export>,
    checks: BTreeMap<i64, login::Check>,
    pub(crate) files: BTreeMap<i64, file::File>,
    uploads: HashMap<upload::UploadId, upload::Upload>,
    /// Bytes in `uploads`.
    upload_bytes: usize,
    last_upload: u64,
    outbox: Vec<Push>,
}

impl World {
    pub(crate) fn new(clock: WorldClock, random: Arc<dyn Random>, dcs: u16) -> Self {
        let mut secret = [0; 32];
        random.fill(&mut secret);
        Self {
            clock,
            random,
            bounds: Bounds::default(),
            dcs,
            secret,
            // As long as real ids, and beyond 32 bits, where clients have gone wrong before.
            last_user: 7_000_000_000,
            last_chat: 4_000_000,
            last_channel: 2_200_000_000,
            last_letter: 0,
            last_authorization: 0,
            users: BTreeMap::new(),
            phones: HashMap::new(),
            usernames: HashMap::new(),
            tokens: HashMap::new(),
            chats: BTreeMap::new(),
            channels: BTreeMap::new(),
            keys: HashMap::new(),
            authorizations: BTreeMap::new(),
            by_user: HashMap::new(),
            codes: HashMap::new(),
            tokens_shown: HashMap::new(),
            exports: HashMap::new(),
            checks: BTreeMap::new(),
            files: BTreeMap::new(),
            uploads: HashMap::new(),
            upload_bytes: 0,
            last_upload: 0,
            outbox: Vec::new(),
        }
    }

    /// Tells all sessions of a user, but not the one whose call this is.
    pub(crate) fn tell(&mut self, user: i64, body: Value) {
        self.push(To::User(user), body, None);
    }

    /// Tells something that is part of the user's numbered history.
    pub(crate) fn tell_numbered(&mut self, user: i64, body: Value) {
        self.push(To::User(user), body, Some(Late::Common));
    }

    /// Tells one key.
    pub(crate) fn tell_key(&mut self, key: u64, body: Value) {
        self.push(To::Key(key), body, None);
    }

    fn push(&mut self, to: To, body: Value, late: Option<Late>) {
        self.outbox.push(Push { to, body, late });
    }

    /// Whether anybody is signed in as this user. Who is not need not be told anything.
    pub(crate) fn has_sessions(&self, user: i64) -> bool {
        self.by_user.get(&user).is_some_and(|all| !all.is_empty())
    }

    /// A user's authorizations, the oldest first.
    pub(crate) fn sessions_of(
        &self,
        user: i64,
    ) -> impl Iterator<Item = (u64, &authorization::Authorization)> {
        let ids = self.by_user.get(&user).into_iter().flatten();
        ids.filter_map(|id| self.authorizations.get(id).map(|a| (*id, a)))
    }

    /// What is to be told, once.
    pub(crate) fn take_outbox(&mut self) -> Vec<Push> {
        std::mem::take(&mut self.outbox)
    }

    /// Begins a password check and returns its id.
    pub(crate) fn begin_check(&mut self, check: login::Check) -> i64 {
        if self.checks.len() >= CHECKS {
            self.checks.pop_first();
        }
        let id = self.random_id();
        self.checks.insert(id, check);
        id
    }

    /// A check that was begun. Works once.
    pub(crate) fn take_check(&mut self, id: i64) -> Option<login::Check> {
        self.checks.remove(&id)
    }
}
