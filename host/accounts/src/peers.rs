//! Peers an account has met: kept from every result and update, and found again for `"me"`,
//! `"@name"`, `"+phone"` and numeric ids.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use sluice_domain::{FieldError, PeerKind, PeerRecord, Problem};
use sluice_tl::{Expected, Schema, Shorthand, place};

use crate::account::Account;
use crate::json::{constructor, flag, long, text};
use crate::problems;
use crate::session::Session;
use crate::shared::store_problem;

/// Peers remembered as already saved. Beyond this it begins anew: saving twice does no harm.
const MAX_SEEN: usize = 50_000;

/// Marks a channel's id in the Bot API's numbering: -100 and the id.
const CHANNEL_MARK: i64 = -1_000_000_000_000;

/// Which peers were saved already, so that a chat's users are not written with every message.
#[derive(Default)]
pub(crate) struct Seen {
    saved: Mutex<HashMap<(PeerKind, i64), u64>>,
}

impl Seen {
    /// Peers in a tree that are new or changed.
    pub(crate) fn fresh(&self, tree: &Value) -> Vec<PeerRecord> {
        let mut found = Vec::new();
        collect(tree, &mut found);
        if found.is_empty() {
            return found;
        }
        let mut saved = self.saved.lock();
        if saved.len() > MAX_SEEN {
            saved.clear();
        }
        found.retain(|peer| {
            let now = fingerprint(peer);
            saved.insert((peer.kind, peer.id), now) != Some(now)
        });
        found
    }

    /// Whether this peer was met or found since the start, with what is needed to address it.
    pub(crate) fn met(&self, kind: PeerKind, id: i64) -> bool {
        self.saved.lock().contains_key(&(kind, id))
    }

    /// This peer was found in the store.
    pub(crate) fn found(&self, peer: &PeerRecord) {
        let mut saved = self.saved.lock();
        if saved.len() <= MAX_SEEN {
            saved.insert((peer.kind, peer.id), fingerprint(peer));
        }
    }

    /// They were not saved after all.
    pub(crate) fn forget(&self) {
        self.saved.lock().clear();
    }
}

/// Of what is saved of a peer.
fn fingerprint(peer: &PeerRecord) -> u64 {
    let mut hasher = DefaultHasher::new();
    (peer.access_hash, &peer.username, &peer.phone).hash(&mut hasher);
    hasher.finish()
}

/// Finds users, chats and channels wherever they stand in a tree (whose depth the schema walk has
/// capped). A `min` object has no access hash that can be used.
fn collect(tree: &Value, into: &mut Vec<PeerRecord>) {
    match tree {
        Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
        Value::Object(fields) => {
            into.extend(record(tree));
            fields
                .values()
                .filter(|field| field.is_array() || field.is_object())
                .for_each(|field| collect(field, into));
        }
        _ => {}
    }
}

fn record(value: &Value) -> Option<PeerRecord> {
    let kind = match constructor(value) {
        "user" => PeerKind::User,
        "channel" | "channelForbidden" => PeerKind::Channel,
        "chat" | "chatForbidden" => PeerKind::Chat,
        _ => return None,
    };
    let access_hash = match kind {
        PeerKind::Chat => 0,
        PeerKind::User | PeerKind::Channel => {
            if flag(value, "min") {
                return None;
            }
            long(value, "access_hash")?
        }
    };
    Some(PeerRecord {
        kind,
        id: long(value, "id")?,
        access_hash,
        username: username(value),
        phone: text(value, "phone").map(str::to_owned),
    })
}

fn username(value: &Value) -> Option<String> {
    let active = || {
        crate::json::list(value, "usernames")
            .iter()
            .find(|name| flag(name, "active"))
            .and_then(|name| text(name, "username"))
    };
    text(value, "username")
        .or_else(active)
        .map(str::to_lowercase)
}

/// Saves the peers of a result or an update. A store that fails costs only a later look-up.
pub(crate) async fn save(account: &Account, tree: &Value) {
    let peers = account.seen.fresh(tree);
    if peers.is_empty() {
        return;
    }
    let name = account.name.clone();
    let saved = account
        .shared
        .store(move |store| store.save_peers(&name, &peers))
        .await;
    if let Err(error) = saved {
        account.seen.forget();
        tracing::warn!(account = %account.name, %error, "peers were not saved");
    }
}

/// Puts an object wherever the parameters name a peer by a shorthand.
pub(crate) async fn resolve(
    account: &Account,
    session: &Session,
    method: &str,
    params: &mut Map<String, Value>,
) -> Result<(), Problem> {
    for shorthand in Schema::newest().shorthands(method, params) {
        let peer = find(account, session, &shorthand).await?;
        let fits = input(&peer, shorthand.expected)
            .is_some_and(|input| place(params, &shorthand.pointer, input));
        if !fits {
            let expected = match shorthand.expected {
                Expected::InputPeer => "a peer",
                Expected::InputUser => "a user",
                Expected::InputChannel => "a channel",
            };
            return Err(fault(
                &shorthand,
                format!("{:?} is not {expected}", shorthand.text),
            ));
        }
    }
    Ok(())
}

enum Peer {
    Me,
    Met(PeerRecord),
}

async fn find(
    account: &Account,
    session: &Session,
    shorthand: &Shorthand,
) -> Result<Peer, Problem> {
    let text = shorthand.text.trim();
    if text == "me" || text == "self" {
        return Ok(Peer::Me);
    }
    if let Some(name) = text.strip_prefix('@') {
        return by_username(account, session, shorthand, &name.to_lowercase()).await;
    }
    if let Some(phone) = text.strip_prefix('+') {
        let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
        return by_phone(account, session, shorthand, &digits).await;
    }
    let id: i64 = text.parse().map_err(|_| {
        fault(
            shorthand,
            format!(
                "{text:?} names no peer; use \"me\", \"@username\", \"+phone\" or a numeric id"
            ),
        )
    })?;
    by_id(account, shorthand, id).await
}

async fn by_id(account: &Account, shorthand: &Shorthand, id: i64) -> Result<Peer, Problem> {
    let (kind, id) = if id >= 0 {
        (PeerKind::User, id)
    } else if id > CHANNEL_MARK {
        (PeerKind::Chat, -id)
    } else {
        (PeerKind::Channel, CHANNEL_MARK - id)
    };
    if kind == PeerKind::User && account.record().user_id == Some(id) {
        return Ok(Peer::Me);
    }
    let name = account.name.clone();
    let known = account
        .shared
        .store(move |store| store.peer(&name, kind, id))
        .await
        .map_err(|error| store_problem(&error))?;
    match (known, kind) {
        (Some(peer), _) => Ok(Peer::Met(peer)),
        // A basic group needs no access hash.
        (None, PeerKind::Chat) => Ok(Peer::Met(PeerRecord {
            kind,
            id,
            access_hash: 0,
            username: None,
            phone: None,
        })),
        (None, _) => Err(unknown(
            shorthand,
            "this account has not met it; name it by @username, or list the chats first",
        )),
    }
}

async fn by_username(
    account: &Account,
    session: &Session,
    shorthand: &Shorthand,
    username: &str,
) -> Result<Peer, Problem> {
    let (name, wanted) = (account.name.clone(), username.to_owned());
    let known = account
        .shared
        .store(move |store| store.peer_by_username(&name, &wanted))
        .await
        .map_err(|error| store_problem(&error))?;
    if let Some(peer) = known {
        return Ok(Peer::Met(peer));
    }
    let params = json!({"username": username});
    let method = "contacts.resolveUsername";
    ask(account, session, shorthand, method, params).await
}

async fn by_phone(
    account: &Account,
    session: &Session,
    shorthand: &Shorthand,
    phone: &str,
) -> Result<Peer, Problem> {
    let (name, wanted) = (account.name.clone(), phone.to_owned());
    let known = account
        .shared
        .store(move |store| store.peer_by_phone(&name, &wanted))
        .await
        .map_err(|error| store_problem(&error))?;
    if let Some(peer) = known {
        return Ok(Peer::Met(peer));
    }
    let params = json!({"phone": phone});
    let method = "contacts.resolvePhone";
    ask(account, session, shorthand, method, params).await
}

async fn ask(
    account: &Account,
    session: &Session,
    shorthand: &Shorthand,
    method: &str,
    params: Value,
) -> Result<Peer, Problem> {
    let answer = match account.ask(session, method, params).await {
        Ok(answer) => answer,
        Err(problem) if matches!(problem.status, 400 | 404) => {
            return Err(unknown(shorthand, &problem.detail));
        }
        Err(problem) => return Err(problem),
    };
    save(account, &answer).await;
    let peer = answer.get("peer").unwrap_or(&Value::Null);
    let wanted = match constructor(peer) {
        "peerUser" => (PeerKind::User, long(peer, "user_id")),
        "peerChannel" => (PeerKind::Channel, long(peer, "channel_id")),
        _ => (PeerKind::Chat, long(peer, "chat_id")),
    };
    let mut found = Vec::new();
    collect(&answer, &mut found);
    found
        .into_iter()
        .find(|record| (record.kind, Some(record.id)) == wanted)
        .map(Peer::Met)
        .ok_or_else(|| unknown(shorthand, "Telegram names no such peer"))
}

fn input(peer: &Peer, expected: Expected) -> Option<Value> {
    let met = match (peer, expected) {
        (Peer::Me, Expected::InputPeer) => return Some(json!({"_": "inputPeerSelf"})),
        (Peer::Me, Expected::InputUser) => return Some(json!({"_": "inputUserSelf"})),
        (Peer::Me, Expected::InputChannel) => return None,
        (Peer::Met(met), _) => met,
    };
    let (id, hash) = (met.id.to_string(), met.access_hash.to_string());
    Some(match (expected, met.kind) {
        (Expected::InputPeer, PeerKind::User) => {
            json!({"_": "inputPeerUser", "user_id": id, "access_hash": hash})
        }
        (Expected::InputPeer, PeerKind::Chat) => json!({"_": "inputPeerChat", "chat_id": id}),
        (Expected::InputPeer, PeerKind::Channel) => {
            json!({"_": "inputPeerChannel", "channel_id": id, "access_hash": hash})
        }
        (Expected::InputUser, PeerKind::User) => {
            json!({"_": "inputUser", "user_id": id, "access_hash": hash})
        }
        (Expected::InputChannel, PeerKind::Channel) => {
            json!({"_": "inputChannel", "channel_id": id, "access_hash": hash})
        }
        _ => return None,
    })
}

fn fault(shorthand: &Shorthand, detail: String) -> Problem {
    problems::bad_parameters(vec![FieldError {
        pointer: shorthand.pointer.clone(),
        detail,
    }])
}

fn unknown(shorthand: &Shorthand, why: &str) -> Problem {
    let mut problem = fault(shorthand, format!("{:?} is unknown: {why}", shorthand.text));
    problem.status = 404;
    problem.code = "PEER_NOT_FOUND".into();
    problem.category = sluice_domain::Category::NotFound;
    problem
}
