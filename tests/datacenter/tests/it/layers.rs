//! Clients of several layers on one data center.

use bytes::Buf;
use serde_json::json;
use sluice_datacenter::NewAccount;
use sluice_tl::Schema;

use crate::client::{Client, join, start};

/// What a client names, and what it is answered in.
const NAMED: [(i32, i32); 6] = [
    (201, 227),
    (227, 227),
    (228, 228),
    (229, 229),
    (230, 230),
    (999, 230),
];

/// Breaks when an answer or an update is written in another layer than the client named: `user` has
/// another id in 227 and the same name in all.
#[tokio::test]
async fn each_client_is_answered_in_its_layer() {
    let dc = start().await;
    let writer = NewAccount {
        phone: Some("9996610900".into()),
        username: Some("somebody".into()),
        ..NewAccount::default()
    };
    let writer = dc.create_account(writer).unwrap();
    for (number, (named, served)) in NAMED.into_iter().enumerate() {
        let mut client = join(&dc).await.naming(named, served);
        let me = client.sign_in(&format!("999661091{number}")).await;

        client.begin("users.getUsers", json!({"id": [{"_": "inputUserSelf"}]}));
        let mut bytes = client.answer().await.unwrap();
        bytes.advance(8);
        let user = Schema::for_layer(served).constructor("user").unwrap();
        assert_eq!(bytes.get_u32_le(), user.id, "{named}");

        dc.send_text(writer.id, me, "first").unwrap();
        let update = client.update().await;
        assert_eq!(update["users"][0]["_"], "user", "{named}");
        let sent = client.note_to_self("noted", 5).await.unwrap();
        assert_eq!(sent["_"], "updates", "{named}");
        let known = json!({"_": "inputUser", "user_id": update["users"][0]["id"],
            "access_hash": update["users"][0]["access_hash"]});
        let full = client.ok("users.getFullUser", json!({"id": known})).await;
        assert_eq!(full["users"][0]["username"], "somebody");
        let missed = client
            .ok(
                "updates.getDifference",
                json!({"pts": 1, "date": 0, "qts": 0}),
            )
            .await;
        assert_eq!(missed["new_messages"].as_array().unwrap().len(), 2);
    }
    dc.shutdown().await;
}

/// A method that the client's layer does not have is not one for it, and 230's is none for 227.
#[tokio::test]
async fn a_call_is_read_in_the_clients_layer() {
    let dc = start().await;
    let mut client = join(&dc).await.naming(227, 230);
    let refused = client.refused("wallet.getState", json!({})).await;
    assert!(refused.starts_with("INPUT_METHOD_INVALID"), "{refused}");
    let mut client = join(&dc).await.naming(230, 230);
    assert_eq!(
        client.refused("wallet.getState", json!({})).await,
        "AUTH_KEY_UNREGISTERED"
    );
    dc.shutdown().await;
}

/// A key's layer is the one that was named last, for sessions that name none.
#[tokio::test]
async fn the_layer_is_remembered_by_the_key() {
    let dc = start().await;
    let account = NewAccount {
        phone: Some("9996610920".into()),
        ..NewAccount::default()
    };
    let account = dc.create_account(account).unwrap();
    let (key, address) = (dc.issue_auth_key(account.id).unwrap(), dc.dcs()[0].address);
    let me = json!({"id": [{"_": "inputUserSelf"}]});
    for layer in [227, 230, 228] {
        let mut naming = Client::with_key(address, key).await.naming(layer, layer);
        naming.ok("users.getUsers", me.clone()).await;
        drop(naming);
        let mut silent = Client::with_key(address, key).await.naming_none(layer);
        let users = silent.ok("users.getUsers", me.clone()).await;
        assert_eq!(users[0]["self"], true, "{layer}");
        dc.send_text(account.id, account.id, "to oneself").unwrap();
        silent.update().await;
    }
    dc.shutdown().await;
}
