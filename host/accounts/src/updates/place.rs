//! Where an update stands in Telegram's sequences, read from its fields: no list kept by hand.

use serde_json::{Map, Value, json};

use crate::json::{constructor, flag, int, long};

/// The sequence an update belongs to, with the number it leads to and how far it moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The common pts.
    Common(i32, i32),
    /// The pts of a channel.
    Channel(i64, i32, i32),
    /// The qts.
    Qts(i32),
    /// Ordered by the container's seq, or not at all.
    Unordered,
}

/// The place of an update. A number of 0 means that Telegram does not order it; so does the update
/// of a channel's message that does not say which channel (`messageEmpty`).
pub(super) fn place(update: &Value) -> Place {
    let positive = |field| int(update, field).filter(|number| *number > 0);
    match (positive("pts"), int(update, "pts_count")) {
        (Some(pts), Some(count)) => match channel_of(update) {
            Some(channel) => Place::Channel(channel, pts, count),
            None if matches!(
                constructor(update),
                "updateNewChannelMessage" | "updateEditChannelMessage"
            ) =>
            {
                Place::Unordered
            }
            None => Place::Common(pts, count),
        },
        _ => positive("qts").map_or(Place::Unordered, Place::Qts),
    }
}

fn channel_of(update: &Value) -> Option<i64> {
    let of_peer = |peer: Option<&Value>| peer.and_then(|peer| long(peer, "channel_id"));
    long(update, "channel_id")
        .or_else(|| {
            of_peer(
                update
                    .get("message")
                    .and_then(|message| message.get("peer_id")),
            )
        })
        .or_else(|| of_peer(update.get("peer")))
}

/// Whether a message is of a channel.
pub(super) fn in_channel(message: &Value) -> bool {
    message
        .get("peer_id")
        .is_some_and(|peer| constructor(peer) == "peerChannel")
}

/// A message of a difference, as the update it would have been. It carries the pts it led to at
/// the latest and counts nothing, because a difference does not say how each message counted.
pub(super) fn new_message(message: Value, pts: i32) -> Value {
    let kind = if in_channel(&message) {
        "updateNewChannelMessage"
    } else {
        "updateNewMessage"
    };
    let mut update = Map::new();
    update.insert("_".into(), kind.into());
    update.insert("message".into(), message);
    update.insert("pts".into(), pts.into());
    update.insert("pts_count".into(), 0.into());
    Value::Object(update)
}

/// `updateShortMessage` and `updateShortChatMessage` as the `updateNewMessage` they abbreviate.
pub(super) fn expand_short(short: &Value, me: i64) -> Value {
    let mut message = Map::new();
    message.insert("_".into(), "message".into());
    for name in ["out", "mentioned", "media_unread", "silent"] {
        if flag(short, name) {
            message.insert(name.into(), true.into());
        }
    }
    copy(short, &mut message, &["id"]);
    let (author, peer) = if let Some(chat) = long(short, "chat_id") {
        let peer = json!({"_": "peerChat", "chat_id": chat.to_string()});
        (long(short, "from_id"), peer)
    } else {
        let user = long(short, "user_id");
        let author = if flag(short, "out") { Some(me) } else { user };
        (author, peer_user(user.unwrap_or_default()))
    };
    if let Some(author) = author {
        message.insert("from_id".into(), peer_user(author));
    }
    message.insert("peer_id".into(), peer);
    copy(
        short,
        &mut message,
        &[
            "fwd_from",
            "via_bot_id",
            "reply_to",
            "date",
            "message",
            "entities",
            "ttl_period",
        ],
    );
    wrap(short, message)
}

/// `updateShortSentMessage`, the answer to a send, as the `updateNewMessage` it abbreviates: what
/// it leaves out is what the caller sent.
pub(super) fn expand_sent(sent: &Value, params: &Map<String, Value>, me: i64) -> Option<Value> {
    let to = params.get("peer")?;
    let peer = match constructor(to) {
        "inputPeerSelf" => peer_user(me),
        "inputPeerUser" => peer_user(long(to, "user_id")?),
        "inputPeerChat" => json!({"_": "peerChat", "chat_id": long(to, "chat_id")?.to_string()}),
        _ => return None,
    };
    let mut message = Map::new();
    message.insert("_".into(), "message".into());
    if flag(sent, "out") {
        message.insert("out".into(), true.into());
    }
    copy(sent, &mut message, &["id"]);
    message.insert("from_id".into(), peer_user(me));
    message.insert("peer_id".into(), peer);
    copy(sent, &mut message, &["date"]);
    let text = params.get("message").cloned().unwrap_or_else(|| "".into());
    message.insert("message".into(), text);
    copy(sent, &mut message, &["media", "entities", "ttl_period"]);
    Some(wrap(sent, message))
}

fn wrap(short: &Value, message: Map<String, Value>) -> Value {
    let number = |field| int(short, field).unwrap_or_default();
    let mut update = new_message(Value::Object(message), number("pts"));
    if let Some(fields) = update.as_object_mut() {
        fields.insert("pts_count".into(), number("pts_count").into());
    }
    update
}

fn peer_user(id: i64) -> Value {
    json!({"_": "peerUser", "user_id": id.to_string()})
}

fn copy(from: &Value, to: &mut Map<String, Value>, fields: &[&str]) {
    for field in fields {
        if let Some(value) = from.get(*field).filter(|value| !value.is_null()) {
            to.insert((*field).into(), value.clone());
        }
    }
}
