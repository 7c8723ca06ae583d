//! Peers written as text.

use serde_json::{Value, json};
use sluice_tl::{Expected, Schema, place};

use crate::object;

#[test]
fn shorthands_are_found_wherever_a_peer_is_expected() {
    let schema = Schema::newest();
    let params = object(json!({
        "from_peer": "@channel",
        "to_peer": {"_": "inputPeerUserFromMessage", "peer": -100_123, "msg_id": 1, "user_id": "5"},
        "id": [1, 2],
        "random_id": ["3", "4"],
        "reply_to": {"_": "inputReplyToMessage", "reply_to_msg_id": 1, "reply_to_peer_id": "me"},
    }));
    let found = schema.shorthands("messages.forwardMessages", &params);
    let found: Vec<_> = found
        .iter()
        .map(|short| (short.pointer.as_str(), short.expected, short.text.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("/from_peer", Expected::InputPeer, "@channel"),
            ("/to_peer/peer", Expected::InputPeer, "-100123"),
            ("/reply_to/reply_to_peer_id", Expected::InputPeer, "me"),
        ]
    );
}

#[test]
fn shorthands_are_found_in_vectors_and_queries() {
    let schema = Schema::newest();
    let params =
        object(json!({"query": {"_": "users.getUsers", "id": ["me", 7, {"_": "inputUserSelf"}]}}));
    let found = schema.shorthands("invokeWithoutUpdates", &params);
    assert_eq!(found.len(), 2);
    assert_eq!(
        (found[0].pointer.as_str(), found[0].expected),
        ("/query/id/0", Expected::InputUser)
    );
    assert_eq!(
        (found[1].pointer.as_str(), found[1].text.as_str()),
        ("/query/id/1", "7")
    );
    let found = schema.shorthands("channels.getChannels", &object(json!({"id": ["@c"]})));
    assert_eq!(found[0].expected, Expected::InputChannel);
}

#[test]
fn what_is_put_in_their_place_encodes() {
    let schema = Schema::newest();
    let mut params = object(json!({"id": ["me"]}));
    assert!(schema.encode_call("users.getUsers", &params).is_err());
    for short in schema.shorthands("users.getUsers", &params) {
        assert!(place(
            &mut params,
            &short.pointer,
            json!({"_": "inputUserSelf"})
        ));
    }
    assert!(schema.encode_call("users.getUsers", &params).is_ok());
    for nowhere in ["", "id", "/di", "/id/1", "/id/0/_/x"] {
        assert!(!place(&mut params, nowhere, Value::Null), "{nowhere}");
    }
    let mut odd = object(json!({"a/b~c": {"d": 1}}));
    assert!(place(&mut odd, "/a~1b~0c/d", json!(2)));
    assert_eq!(odd["a/b~c"]["d"], 2);
}

#[test]
fn strings_that_are_no_peers_stay() {
    let schema = Schema::newest();
    let params = object(json!({"peer": {"_": "inputPeerSelf"}, "message": "me", "random_id": "1"}));
    assert!(
        schema
            .shorthands("messages.sendMessage", &params)
            .is_empty()
    );
    assert!(schema.shorthands("no.such", &params).is_empty());
}
