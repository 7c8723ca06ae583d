//! The histories beside channels: slices and bounds of the common one, `qts`, basic groups that
//! become supergroups.

use serde_json::{Value, json};
use sluice_datacenter::Bounds;

use crate::{
    client::start,
    people::{bot, input_channel, long, person},
};

/// Fails if the common difference comes in other slices than asked for, or does not say when it is
/// too long.
#[tokio::test]
async fn the_common_difference_has_slices_and_an_end() {
    let dc = start().await;
    let anna = person(&dc, "9996610001").await;
    let mut bert = person(&dc, "9996610002").await;
    dc.send_many(anna.id, bert.id, "message", 120)
        .await
        .unwrap();
    dc.set_bounds(Bounds {
        common_events: 120,
        slice: 50,
        ..Bounds::default()
    });
    let (mut pts, mut got) = (1, Vec::new());
    let kinds = loop {
        let params = json!({"pts": pts, "date": 1, "qts": 0});
        let part = bert.client.ok("updates.getDifference", params).await;
        got.push(part["new_messages"].as_array().unwrap().len());
        if part["_"] == "updates.difference" {
            break part["state"]["pts"].clone();
        }
        pts = part["intermediate_state"]["pts"].as_i64().unwrap();
    };
    assert_eq!((got, kinds), (vec![50, 50, 20], json!(121)));
    dc.send_text(anna.id, bert.id, "one more").unwrap();
    let params = json!({"pts": 1, "date": 1, "qts": 0});
    let long = bert.client.ok("updates.getDifference", params).await;
    assert_eq!(
        (&long["_"], &long["pts"]),
        (&json!("updates.differenceTooLong"), &json!(122))
    );
    dc.shutdown().await;
}

/// Fails if what is numbered by `qts` is lost, doubled or numbered otherwise.
#[tokio::test]
async fn secret_chats_and_bots_are_numbered_by_qts() {
    let dc = start().await;
    let mut anna = person(&dc, "9996610001").await;
    let mut bot = bot(&dc).await;
    for expected in 1..=3 {
        assert_eq!(dc.send_encrypted(anna.id, 5, b"secret").unwrap(), expected);
    }
    let update = anna.client.update().await["updates"][0].clone();
    assert_eq!(
        (&update["_"], &update["qts"]),
        (&json!("updateNewEncryptedMessage"), &json!(1))
    );
    let params = json!({"pts": 1, "date": 1, "qts": 1});
    let missed = anna.client.ok("updates.getDifference", params).await;
    assert_eq!(
        missed["new_encrypted_messages"].as_array().unwrap().len(),
        2
    );
    assert_eq!(missed["state"]["qts"], 3);
    let params = json!({"pts": 1, "date": 1, "qts": 3});
    let nothing = anna.client.ok("updates.getDifference", params).await;
    assert_eq!(nothing["_"], "updates.differenceEmpty");
    assert_eq!(
        anna.client
            .ok("messages.receivedQueue", json!({"max_qts": 3}))
            .await,
        json!([])
    );

    let user = anna.user("some_bot").await;
    let peer = json!({
        "_": "inputPeerUser", "user_id": user["user_id"], "access_hash": user["access_hash"],
    });
    anna.client.ok("contacts.block", json!({"id": peer})).await;
    let stopped = bot.client.update().await["updates"][0].clone();
    assert_eq!(
        (&stopped["_"], &stopped["stopped"]),
        (&json!("updateBotStopped"), &json!(true))
    );
    let new = json!({"title": "Group", "users": [user.clone()]});
    let made = anna.client.ok("messages.createChat", new).await;
    let chat = made["updates"]["chats"][0]["id"].clone();
    let remove = json!({"chat_id": chat, "user_id": user});
    anna.client.ok("messages.deleteChatUser", remove).await;
    let params = json!({"pts": 1, "date": 1, "qts": 0});
    let missed = bot.client.ok("updates.getDifference", params).await;
    let by_qts: Vec<(&Value, &Value)> = missed["other_updates"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|u| u.get("qts").is_some())
        .map(|u| (&u["_"], &u["qts"]))
        .collect();
    assert_eq!(
        by_qts,
        [
            (&json!("updateBotStopped"), &json!(1)),
            (&json!("updateChatParticipant"), &json!(2)),
        ]
    );
    dc.shutdown().await;
}

/// Fails if a basic group that became a supergroup is still one, or loses a member on the way.
#[tokio::test]
async fn a_group_becomes_a_supergroup() {
    let dc = start().await;
    let mut anna = person(&dc, "9996610001").await;
    let bert = person(&dc, "9996610002").await;
    let chat = dc.create_chat(anna.id, &[bert.id], "Group").unwrap();
    let moved = anna
        .client
        .ok("messages.migrateChat", json!({"chat_id": chat}))
        .await;
    let chats = moved["chats"].as_array().unwrap();
    let new = chats.iter().find(|c| c["_"] == "channel").unwrap();
    let old = chats.iter().find(|c| c["_"] == "chat").unwrap();
    assert_eq!(old["deactivated"], true);
    assert_eq!(old["migrated_to"]["channel_id"], new["id"]);
    let full = json!({"channel": input_channel(new)});
    let full = anna.client.ok("channels.getFullChannel", full).await;
    assert_eq!(full["full_chat"]["participants_count"], 2);
    assert_eq!(long(&full["full_chat"]["migrated_from_chat_id"]), chat);
    let peer = json!({"_": "inputPeerChat", "chat_id": chat});
    let params = json!({"peer": peer, "message": "old", "random_id": 1});
    let refused = anna.client.refused("messages.sendMessage", params).await;
    assert_eq!(refused, "CHAT_WRITE_FORBIDDEN");
    dc.shutdown().await;
}
