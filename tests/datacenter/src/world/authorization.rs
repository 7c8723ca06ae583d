//! Auth keys and what they are signed in as.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{AuthorizationInfo, World, peer::Mentions};
use crate::value::Fields;

/// What a client says it is, from `initConnection`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Device {
    pub(crate) api_id: i32,
    pub(crate) model: String,
    pub(crate) system: String,
    pub(crate) app: String,
}

impl Device {
    pub(crate) fn from_init(init: Fields<'_>) -> Self {
        Self {
            api_id: init.int("api_id"),
            model: init.text("device_model").to_owned(),
            system: init.text("system_version").to_owned(),
            app: init.text("app_version").to_owned(),
        }
    }
}

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Standing {
    /// Not signed in.
    Anonymous,
    /// The code or token was right, the password is still missing.
    Password(i64),
    /// Signed in under this authorization.
    SignedIn(u64),
    /// Used from two places at once; of no use any more.
    Duplicated,
}

/// What is known of an auth key of one data center; its bytes are with the connections.
#[derive(Serialize, Deserialize)]
pub(crate) struct Key {
    pub(crate) dc: i32,
    pub(crate) standing: Standing,
    pub(crate) device: Option<Device>,
    /// An authorization that was granted by a login token and waits to be fetched.
    pub(crate) granted: Option<u64>,
}

/// A sign-in: one entry of the list of devices.
#[derive(Serialize, Deserialize)]
pub(crate) struct Authorization {
    pub(crate) user: i64,
    pub(crate) hash: i64,
    /// The key on the home data center, once it has one.
    pub(crate) home: Option<u64>,
    /// All keys, those of other data centers too.
    pub(crate) keys: BTreeSet<u64>,
    pub(crate) created: i64,
    pub(crate) active: i64,
    pub(crate) device: Device,
    pub(crate) unconfirmed: bool,
}

/// As the journal and the control API write key ids.
pub(crate) fn hex(id: u64) -> String {
    format!("{id:016x}")
}

impl World {
    /// Takes a new key in.
    pub(crate) fn add_key(&mut self, id: u64, dc: i32) {
        let key = Key {
            dc,
            standing: Standing::Anonymous,
            device: None,
            granted: None,
        };
        self.keys.insert(id, key);
    }

    /// Who is signed in with this key.
    pub(crate) fn signed_in(&self, key: u64) -> Option<(u64, i64)> {
        match self.keys.get(&key)?.standing {
            Standing::SignedIn(id) => self.authorizations.get(&id).map(|a| (id, a.user)),
            _ => None,
        }
    }

    /// A new authorization without a key. Everybody else of that user is told.
    pub(crate) fn grant(&mut self, user: i64, device: Device) -> u64 {
        let others = self.has_sessions(user);
        let bot = self.user(user).is_some_and(|u| u.bot);
        let now = self.clock.date();
        let hash = self.random_id();
        self.last_authorization += 1;
        let id = self.last_authorization;
        let name = device.model.clone();
        let authorization = Authorization {
            user,
            hash,
            home: None,
            keys: BTreeSet::new(),
            created: now,
            active: now,
            device,
            unconfirmed: others && !bot,
        };
        if authorization.unconfirmed {
            let update = json!({
                "_": "updateNewAuthorization",
                "unconfirmed": true,
                "hash": hash,
                "date": now,
                "device": name,
                "location": "loopback",
            });
            let body = self.updates(user, &[update], &Mentions::default());
            self.tell(user, body);
        }
        self.authorizations.insert(id, authorization);
        self.by_user.entry(user).or_default().insert(id);
        id
    }

    /// Lets a key act under an authorization; whatever it was before ends.
    pub(crate) fn bind(&mut self, key: u64, authorization: u64) {
        if let Some((old, _)) = self.signed_in(key)
            && old != authorization
        {
            self.revoke(old);
        }
        let home = self
            .authorizations
            .get(&authorization)
            .and_then(|a| self.user(a.user))
            .map(|u| u.dc);
        let Some(entry) = self.keys.get_mut(&key) else {
            return;
        };
        entry.standing = Standing::SignedIn(authorization);
        let unused = entry.granted.take().filter(|id| *id != authorization);
        let at_home = home == Some(entry.dc);
        if let Some(unused) = unused {
            self.revoke(unused);
        }
        if let Some(authorization) = self.authorizations.get_mut(&authorization) {
            authorization.keys.insert(key);
            if at_home {
                authorization.home = Some(key);
            }
        }
    }

    /// Signs a user in with a key of the home data center.
    pub(crate) fn sign_in(&mut self, key: u64, user: i64) {
        if self.signed_in(key).is_some_and(|(_, u)| u == user) {
            return;
        }
        let granted = self.keys.get(&key).and_then(|k| k.granted);
        let device = self.keys.get(&key).and_then(|k| k.device.clone());
        let authorization = granted
            .filter(|id| self.authorizations.get(id).is_some_and(|a| a.user == user))
            .unwrap_or_else(|| self.grant(user, device.unwrap_or_default()));
        self.bind(key, authorization);
    }

    /// Ends an authorization on all its keys.
    pub(crate) fn revoke(&mut self, authorization: u64) {
        let Some(gone) = self.authorizations.remove(&authorization) else {
            return;
        };
        if let Some(all) = self.by_user.get_mut(&gone.user) {
            all.remove(&authorization);
        }
        for key in gone.keys {
            if let Some(key) = self.keys.get_mut(&key)
                && key.standing == Standing::SignedIn(authorization)
            {
                key.standing = Standing::Anonymous;
            }
        }
    }

    /// Ends what a key stands for, a grant that was not fetched too.
    pub(crate) fn log_out(&mut self, key: u64) {
        if let Some((authorization, _)) = self.signed_in(key) {
            self.revoke(authorization);
        }
        if let Some(granted) = self.keys.get_mut(&key).and_then(|k| k.granted.take()) {
            self.revoke(granted);
        }
        if let Some(key) = self.keys.get_mut(&key) {
            key.standing = Standing::Anonymous;
        }
    }

    /// The key was seen in two places: its authorization is over.
    pub(crate) fn duplicated(&mut self, key: u64) {
        self.log_out(key);
        if let Some(key) = self.keys.get_mut(&key) {
            key.standing = Standing::Duplicated;
        }
    }

    /// Forgets a key. An authorization whose home key it was ends. Says whether there was one.
    pub(crate) fn forget_key(&mut self, id: u64) -> bool {
        let signed_in = self.signed_in(id).map(|(authorization, _)| authorization);
        if let Some(authorization) = signed_in.and_then(|id| self.authorizations.get_mut(&id)) {
            authorization.keys.remove(&id);
            if authorization.home == Some(id) {
                self.log_out(id);
            }
        }
        self.keys.remove(&id).is_some()
    }

    /// An `authorization` as the session `viewer` sees it: its own has the hash 0.
    pub(crate) fn authorization_json(&self, id: u64, viewer: Option<u64>) -> Value {
        let Some(it) = self.authorizations.get(&id) else {
            return Value::Null;
        };
        let mut json = json!({
            "_": "authorization",
            "hash": if viewer == Some(id) { 0 } else { it.hash },
            "device_model": it.device.model,
            "platform": "",
            "system_version": it.device.system,
            "api_id": it.device.api_id,
            "app_name": "Sluice",
            "app_version": it.device.app,
            "date_created": it.created,
            "date_active": it.active,
            "ip": "127.0.0.1",
            "country": "Loopback",
            "region": "",
        });
        if let Some(map) = json.as_object_mut() {
            if viewer == Some(id) {
                map.insert("current".into(), json!(true));
            }
            if it.unconfirmed {
                map.insert("unconfirmed".into(), json!(true));
            }
        }
        json
    }

    /// What the control API tells of a user's authorizations, the oldest first.
    pub(crate) fn authorizations_of(&self, user: i64) -> Vec<AuthorizationInfo> {
        self.sessions_of(user)
            .map(|(_, a)| AuthorizationInfo {
                hash: a.hash.to_string(),
                account: a.user,
                created: a.created,
                device: a.device.model.clone(),
                api_id: a.device.api_id,
                auth_key_id: a.home.map(hex).unwrap_or_default(),
            })
            .collect()
    }
}
