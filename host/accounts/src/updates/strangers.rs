//! Who an update speaks of without introducing them.

use serde_json::Value;
use sluice_domain::PeerKind;

use crate::json::{constructor, long};

/// Users and channels that must have been met before an update is complete
/// (<https://core.telegram.org/api/updates#recovering-gaps>, "incomplete update"): of the short
/// forms, which come without users, everybody; of a message its chat and its author, since a
/// reduced ("min") peer cannot be addressed.
pub(crate) fn strangers(update: &Value) -> Vec<(PeerKind, i64)> {
    let user = |object: &Value, field| Some((PeerKind::User, long(object, field)?));
    let peer = |object: &Value, field: &str| {
        let peer = object.get(field)?;
        match constructor(peer) {
            "peerUser" => user(peer, "user_id"),
            "peerChannel" => Some((PeerKind::Channel, long(peer, "channel_id")?)),
            // A basic group is addressed by its number alone.
            _ => None,
        }
    };
    match constructor(update) {
        "updateShortMessage" | "updateShortChatMessage" => {
            let forwarded = update.get("fwd_from");
            [
                user(update, "user_id"),
                user(update, "from_id"),
                user(update, "via_bot_id"),
                forwarded.and_then(|header| peer(header, "from_id")),
            ]
            .into_iter()
            .flatten()
            .collect()
        }
        "updateNewMessage"
        | "updateNewChannelMessage"
        | "updateEditMessage"
        | "updateEditChannelMessage" => update
            .get("message")
            .into_iter()
            .flat_map(|message| [peer(message, "peer_id"), peer(message, "from_id")])
            .flatten()
            .collect(),
        _ => Vec::new(),
    }
}
