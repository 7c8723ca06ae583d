//! What the gateway adds to a call's parameters, and what it reads from them.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use sluice_domain::{AccountName, Random};
use sluice_tl::Schema;

use crate::json::{constructor, long};

/// Where random ids come from.
pub(crate) struct Source<'a> {
    pub(crate) account: &'a AccountName,
    pub(crate) method: &'a str,
    /// With the caller's key the same request has the same ids, so that Telegram knows a repeat.
    pub(crate) key: Option<&'a str>,
    pub(crate) random: &'a dyn Random,
}

impl Source<'_> {
    fn id(&self, index: u32) -> i64 {
        let Some(key) = self.key else {
            return i64::from_le_bytes(self.random.u64().to_le_bytes());
        };
        let mut hash = Sha256::new();
        for part in [self.account.as_str(), self.method, key, &index.to_string()] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        let digest: [u8; 32] = hash.finalize().into();
        digest
            .first_chunk()
            .map_or(0, |eight| i64::from_le_bytes(*eight))
    }
}

/// Whether the call carries random ids, by which Telegram knows a repeat.
pub(crate) fn has_random_id(params: &Map<String, Value>) -> bool {
    params.contains_key("random_id")
        || params
            .get("multi_media")
            .and_then(Value::as_array)
            .is_some_and(|items| items.iter().any(|item| item.get("random_id").is_some()))
}

/// Adds random ids where the schema wants them and the caller left them out. Says whether there
/// were any to add.
pub(crate) fn random_ids(
    method: &str,
    params: &mut Map<String, Value>,
    source: &Source<'_>,
) -> bool {
    let mut index = 0;
    let mut make = || {
        index += 1;
        source.id(index)
    };
    Schema::newest().fill_random_ids(method, params, &mut make) > 0
}

/// Whether a repeat cannot do harm because the method only reads, as its name says, or puts a part
/// of a file where it is already.
pub(crate) fn repeatable(method: &str) -> bool {
    let verb = method.rsplit_once('.').map_or(method, |(_, verb)| verb);
    method.starts_with("upload.")
        || ["get", "search", "resolve", "check", "read"]
            .iter()
            .any(|read| verb.starts_with(read))
}

/// The chat a call is about, for slow mode.
pub(crate) fn chat(params: &Map<String, Value>) -> Option<String> {
    let peer = params.get("peer").or_else(|| params.get("to_peer"))?;
    let (kind, field) = match constructor(peer) {
        "inputPeerSelf" => return Some("self".into()),
        "inputPeerUser" => ("user", "user_id"),
        "inputPeerChat" => ("chat", "chat_id"),
        "inputPeerChannel" => ("channel", "channel_id"),
        _ => return None,
    };
    Some(format!("{kind}:{}", long(peer, field)?))
}

/// The channel whose pts a call moves; None for the common pts.
pub(crate) fn channel(params: &Map<String, Value>) -> Option<i64> {
    ["channel", "peer"]
        .iter()
        .filter_map(|name| params.get(*name))
        .find_map(|peer| long(peer, "channel_id"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    struct Counting;

    impl Random for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    fn filled(method: &str, key: Option<&str>, params: Value) -> Map<String, Value> {
        let Value::Object(mut params) = params else {
            panic!("an object");
        };
        let account = AccountName::default();
        let source = Source {
            account: &account,
            method,
            key,
            random: &Counting,
        };
        random_ids(method, &mut params, &source);
        params
    }

    #[test]
    fn a_missing_random_id_is_made_and_a_given_one_is_left_alone() {
        let made = filled("messages.sendMessage", None, json!({}));
        assert!(made["random_id"].is_string());
        let given = filled("messages.sendMessage", None, json!({"random_id": "5"}));
        assert_eq!(given["random_id"], "5");
        assert!(filled("messages.getHistory", None, json!({})).is_empty());
    }

    #[test]
    fn the_same_key_gives_the_same_ids_and_another_key_others() {
        let ids = |key| {
            let params = json!({"id": [1, 2]});
            filled("messages.forwardMessages", Some(key), params)["random_id"].clone()
        };
        assert_eq!(ids("a"), ids("a"));
        assert_ne!(ids("a"), ids("b"));
        assert_ne!(ids("a")[0], ids("a")[1]);
    }
}
