//! A send whose random id Telegram knows already: an earlier attempt got through, and what it
//! became is looked up.

use core::time::Duration;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::account::Account;
use crate::json::{as_long, constructor, flag, int, list, text};

/// How long the look-up may take. Whoever sends twice wants to know that it was sent; what it
/// became is an extra.
const LOOK_UP: Duration = Duration::from_secs(5);

/// Messages of a chat that are looked through when nothing else is known: the newest page.
const PAGE: i32 = 50;

/// The answer: what the send would have answered, with `duplicate`, if the message can be found;
/// else `{"duplicate": true}`.
pub(super) async fn answer(
    account: &Arc<Account>,
    params: &Map<String, Value>,
    deadline: Instant,
) -> Value {
    let end = deadline.min(Instant::now() + LOOK_UP);
    let found = tokio::time::timeout_at(end, find(account, params)).await;
    found
        .ok()
        .flatten()
        .unwrap_or_else(|| json!({"duplicate": true}))
}

async fn find(account: &Arc<Account>, params: &Map<String, Value>) -> Option<Value> {
    let peer = params.get("peer")?;
    let random_id = as_long(params.get("random_id")?)?;
    let known = account.sends.lock().find(random_id);
    let (offset, limit) = known.map_or((0, PAGE), |id| (id.saturating_add(1), 1));
    let session = account.session()?;
    let asked = json!({
        "peer": peer, "offset_id": offset, "offset_date": 0, "add_offset": 0, "limit": limit,
        "max_id": 0, "min_id": 0, "hash": 0,
    });
    let page = account
        .ask(&session, "messages.getHistory", asked)
        .await
        .ok()?;
    let message = list(&page, "messages").iter().find(|message| match known {
        Some(id) => int(message, "id") == Some(id),
        None => is_it(message, params),
    })?;
    Some(as_sent(message, random_id, &page))
}

/// Whether a message is what was sent, as far as can be seen. Newest first: of several alike the
/// last is taken. Media cannot be compared, so only a send without any is found this way.
fn is_it(message: &Value, params: &Map<String, Value>) -> bool {
    let sent = params.get("message").and_then(Value::as_str);
    constructor(message) == "message"
        && flag(message, "out")
        && !params.contains_key("media")
        && sent.is_some_and(|sent| text(message, "message") == Some(sent.trim()))
}

/// The shape of an ordinary answer. Its pts move nothing: the update came in its own place.
fn as_sent(message: &Value, random_id: i64, page: &Value) -> Value {
    let channel = message
        .get("peer_id")
        .is_some_and(|peer| constructor(peer) == "peerChannel");
    let kind = if channel {
        "updateNewChannelMessage"
    } else {
        "updateNewMessage"
    };
    let id = json!({
        "_": "updateMessageID", "id": int(message, "id"), "random_id": random_id.to_string(),
    });
    let new = json!({"_": kind, "message": message, "pts": 0, "pts_count": 0});
    json!({
        "_": "updates",
        "updates": [id, new],
        "users": list(page, "users"),
        "chats": list(page, "chats"),
        "date": int(message, "date"),
        "seq": 0,
        "duplicate": true,
    })
}
