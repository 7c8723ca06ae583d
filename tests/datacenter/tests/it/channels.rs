//! Channels and supergroups, each call over TCP.

use serde_json::{Value, json};
use sluice_datacenter::{Bounds, DataCenter, NewChannel};

use crate::{
    client::{Failed, start},
    people::{Person, bot, input_channel, input_peer, long, person},
};

async fn say(who: &mut Person, peer: &Value, text: &str, random_id: i64) -> Result<Value, Failed> {
    let params = json!({"peer": peer, "message": text, "random_id": random_id});
    who.client.call("messages.sendMessage", params).await
}

/// The first update of a kind that was pushed or is on its way.
async fn pushed(who: &mut Person, kind: &str) -> Value {
    loop {
        let body = who.client.update().await;
        let single = std::slice::from_ref(&body["update"]);
        let list = body["updates"].as_array().map_or(single, Vec::as_slice);
        if let Some(found) = list.iter().find(|u| u["_"] == kind) {
            return found.clone();
        }
    }
}

/// Anna's supergroup with Bert in it, as each of them sees it.
async fn group(dc: &DataCenter) -> (Person, Person, Value, Value) {
    let mut anna = person(dc, "9996610001").await;
    let mut bert = person(dc, "9996610002").await.named("bert").await;
    let params = json!({"megagroup": true, "title": "Group", "about": "of two"});
    let made = anna.client.ok("channels.createChannel", params).await;
    let hers = made["chats"][0].clone();
    let bert_for_anna = anna.user("bert").await;
    let invite = json!({"channel": input_channel(&hers), "users": [bert_for_anna]});
    anna.client.ok("channels.inviteToChannel", invite).await;
    let mut his = Value::Null;
    while his["_"] != "channel" {
        his = bert.client.update().await["chats"][0].clone();
    }
    (anna, bert, hers, his)
}

/// Fails if a supergroup cannot be made, written in, read, edited in and deleted from, or if
/// somebody is told something else than what happened, under another `pts`.
#[tokio::test]
async fn a_supergroup_lives() {
    let dc = start().await;
    let (mut anna, mut bert, hers, his) = group(&dc).await;
    assert_eq!(
        (&hers["megagroup"], &hers["creator"]),
        (&json!(true), &json!(true))
    );
    assert_ne!(hers["access_hash"], his["access_hash"]);

    let sent = say(&mut bert, &input_peer(&his), "hello", 1).await.unwrap();
    let own = sent["updates"].as_array().unwrap();
    let new = own
        .iter()
        .find(|u| u["_"] == "updateNewChannelMessage")
        .unwrap();
    let (id, pts) = (new["message"]["id"].clone(), new["pts"].as_i64().unwrap());
    let seen = loop {
        let seen = pushed(&mut anna, "updateNewChannelMessage").await;
        if seen["message"]["message"] == "hello" {
            break seen;
        }
    };
    assert_eq!(
        (seen["pts"].as_i64(), &seen["message"]["id"]),
        (Some(pts), &id)
    );
    assert_eq!(long(&seen["message"]["from_id"]["user_id"]), bert.id);
    assert_eq!(
        say(&mut bert, &input_peer(&his), "hello", 1).await,
        Err(Failed::Rpc(500, "RANDOM_ID_DUPLICATE".into()))
    );

    let read = json!({"channel": input_channel(&hers), "max_id": id});
    assert_eq!(anna.client.ok("channels.readHistory", read).await, true);
    let read = pushed(&mut bert, "updateReadChannelOutbox").await;
    assert_eq!(read["max_id"], id);

    let edit = json!({"peer": input_peer(&his), "id": id, "message": "hello!"});
    bert.client.ok("messages.editMessage", edit).await;
    let edited = pushed(&mut anna, "updateEditChannelMessage").await;
    assert_eq!(edited["pts"].as_i64(), Some(pts + 1));
    assert_eq!(edited["message"]["message"], "hello!");
    let edit = json!({"peer": input_peer(&hers), "id": id, "message": "mine"});
    let refused = anna.client.refused("messages.editMessage", edit).await;
    assert_eq!(refused, "MESSAGE_AUTHOR_REQUIRED");

    let history = json!({
        "peer": input_peer(&his), "offset_id": 0, "offset_date": 0, "add_offset": 0, "limit": 1,
        "max_id": 0, "min_id": 0, "hash": 0,
    });
    let page = bert.client.ok("messages.getHistory", history).await;
    assert_eq!(page["_"], "messages.channelMessages");
    // The founding, Bert's coming, his message.
    assert_eq!((&page["count"], &page["pts"]), (&json!(3), &json!(pts + 1)));
    assert_eq!(page["messages"][0]["message"], "hello!");

    let dialogs = json!({
        "offset_date": 0, "offset_id": 0, "offset_peer": {"_": "inputPeerEmpty"}, "limit": 10,
        "hash": 0,
    });
    let dialogs = anna.client.ok("messages.getDialogs", dialogs).await;
    assert_eq!(dialogs["dialogs"][0]["pts"], json!(pts + 1));
    assert_eq!(dialogs["dialogs"][0]["top_message"], id);
    assert_eq!(dialogs["dialogs"][0]["unread_count"], 0);

    let delete = json!({"channel": input_channel(&hers), "id": [id, 999]});
    let affected = anna.client.ok("channels.deleteMessages", delete).await;
    assert_eq!(
        (&affected["pts"], &affected["pts_count"]),
        (&json!(pts + 2), &json!(1))
    );
    let gone = pushed(&mut bert, "updateDeleteChannelMessages").await;
    assert_eq!(
        (&gone["messages"], &gone["pts"]),
        (&json!([id]), &json!(pts + 2))
    );
    let get = json!({
        "channel": input_channel(&his), "id": [{"_": "inputMessageID", "id": id}],
    });
    let gone = bert.client.ok("channels.getMessages", get).await;
    assert_eq!(gone["messages"][0]["_"], "messageEmpty");
    dc.shutdown().await;
}

/// Fails if somebody can use another's access hash, look into a private channel from outside, or
/// do what only an administrator may.
#[tokio::test]
async fn rights_are_checked() {
    let dc = start().await;
    let (mut anna, mut bert, hers, his) = group(&dc).await;
    let stolen = json!({"channel": input_channel(&hers)});
    let refused = bert.client.refused("channels.getFullChannel", stolen).await;
    assert_eq!(refused, "CHANNEL_INVALID");
    for (method, params) in [
        ("channels.editTitle", json!({"title": "His"})),
        ("channels.toggleSlowMode", json!({"seconds": 10})),
        ("channels.updateUsername", json!({"username": "his_group"})),
        ("channels.deleteChannel", json!({})),
    ] {
        let mut params = params;
        params["channel"] = input_channel(&his);
        let refused = bert.client.refused(method, params).await;
        assert_eq!(refused, "CHAT_ADMIN_REQUIRED", "{method}");
    }
    let full = json!({"channel": input_channel(&his)});
    let full = bert.client.ok("channels.getFullChannel", full).await;
    assert_eq!(full["full_chat"]["participants_count"], 2);
    let all = json!({
        "channel": input_channel(&his), "filter": {"_": "channelParticipantsRecent"},
        "offset": 0, "limit": 200, "hash": 0,
    });
    let all = bert.client.ok("channels.getParticipants", all).await;
    assert_eq!(all["count"], 2);
    assert_eq!(all["participants"][0]["_"], "channelParticipantCreator");

    let leave = json!({"channel": input_channel(&his)});
    bert.client.ok("channels.leaveChannel", leave.clone()).await;
    for method in [
        "channels.getFullChannel",
        "channels.joinChannel",
        "channels.leaveChannel",
    ] {
        let refused = bert.client.refused(method, leave.clone()).await;
        assert_eq!(refused, "CHANNEL_PRIVATE", "{method}");
    }
    let bert_for_anna = anna.user("bert").await;
    let participant = json!({
        "_": "inputPeerUser",
        "user_id": bert_for_anna["user_id"],
        "access_hash": bert_for_anna["access_hash"],
    });
    let ask = json!({"channel": input_channel(&hers), "participant": participant});
    let refused = anna
        .client
        .refused("channels.getParticipant", ask.clone())
        .await;
    assert_eq!(refused, "USER_NOT_PARTICIPANT");

    // Under a name it is open to everybody.
    let name = json!({"channel": input_channel(&hers), "username": "our_group"});
    anna.client.ok("channels.updateUsername", name).await;
    let found = bert.resolve("our_group").await;
    assert_eq!(found["peer"]["_"], "peerChannel");
    let found = found["chats"][0].clone();
    assert_eq!(found["left"], true);
    let refused = say(&mut bert, &input_peer(&found), "knock", 7).await;
    assert_eq!(
        refused,
        Err(Failed::Rpc(403, "CHAT_WRITE_FORBIDDEN".into()))
    );
    let joined = json!({"channel": input_channel(&found)});
    bert.client.ok("channels.joinChannel", joined).await;
    say(&mut bert, &input_peer(&found), "in", 7).await.unwrap();

    let ban = json!({
        "channel": input_channel(&hers), "participant": participant,
        "banned_rights": {"_": "chatBannedRights", "view_messages": true, "until_date": 0},
    });
    anna.client.ok("channels.editBanned", ban).await;
    let refused = say(&mut bert, &input_peer(&found), "out", 8).await;
    assert_eq!(refused, Err(Failed::Rpc(400, "CHANNEL_PRIVATE".into())));
    let banned = anna.client.ok("channels.getParticipant", ask).await;
    assert_eq!(banned["participant"]["_"], "channelParticipantBanned");
    let delete = json!({"channel": input_channel(&hers)});
    let gone = anna.client.ok("channels.deleteChannel", delete).await;
    assert_eq!(gone["chats"][0]["_"], "channelForbidden");
    dc.shutdown().await;
}

/// Fails if subscribers can write, or if posts carry their author.
#[tokio::test]
async fn a_broadcast_channel_speaks_for_itself() {
    let dc = start().await;
    let anna = person(&dc, "9996610001").await;
    let mut bert = person(&dc, "9996610002").await;
    let new = NewChannel {
        title: "News".into(),
        broadcast: true,
        username: Some("the_news".into()),
        ..NewChannel::default()
    };
    let id = dc.create_channel(anna.id, &new).unwrap();
    let found = bert.resolve("the_news").await["chats"][0].clone();
    assert_eq!(long(&found["id"]), id);
    let params = json!({"channel": input_channel(&found)});
    let joined = bert.client.ok("channels.joinChannel", params.clone()).await;
    assert_eq!(joined["_"], "messages.chatInviteJoinResultOk");
    let refused = say(&mut bert, &input_peer(&found), "me too", 1).await;
    assert_eq!(refused, Err(Failed::Rpc(400, "CHAT_ADMIN_REQUIRED".into())));
    dc.send_text(anna.id, -1_000_000_000_000 - id, "news")
        .unwrap();
    let post = pushed(&mut bert, "updateNewChannelMessage").await;
    assert_eq!(post["message"]["post"], true);
    assert!(post["message"].get("from_id").is_none());
    let forward = json!({
        "from_peer": input_peer(&found), "to_peer": {"_": "inputPeerSelf"},
        "id": [post["message"]["id"]], "random_id": [5],
    });
    let sent = bert
        .client
        .ok("messages.forwardMessages", forward.clone())
        .await;
    let kept = &sent["updates"][1]["message"];
    assert_eq!(kept["message"], "news");
    assert_eq!(kept["fwd_from"]["channel_post"], post["message"]["id"]);
    assert_eq!(kept["fwd_from"]["from_id"]["_"], "peerChannel");
    let again = bert.client.refused("messages.forwardMessages", forward);
    assert_eq!(again.await, "RANDOM_ID_DUPLICATE");
    let refused = bert.client.refused(
        "channels.getParticipants",
        json!({
            "channel": input_channel(&found), "filter": {"_": "channelParticipantsRecent"},
            "offset": 0, "limit": 10, "hash": 0,
        }),
    );
    assert_eq!(refused.await, "CHAT_ADMIN_REQUIRED");
    dc.shutdown().await;
}

/// Fails if slow mode lets somebody write early, holds up an administrator, or says another time.
#[tokio::test]
async fn slow_mode_makes_members_wait() {
    let dc = start().await;
    let (mut anna, mut bert, hers, his) = group(&dc).await;
    let slow = |seconds: i64| json!({"channel": input_channel(&hers), "seconds": seconds});
    let refused = anna
        .client
        .refused("channels.toggleSlowMode", slow(7))
        .await;
    assert_eq!(refused, "SECONDS_INVALID");
    anna.client.ok("channels.toggleSlowMode", slow(60)).await;
    say(&mut bert, &input_peer(&his), "one", 1).await.unwrap();
    for (text, random_id) in [("a", 10), ("b", 11)] {
        say(&mut anna, &input_peer(&hers), text, random_id)
            .await
            .unwrap();
    }
    let Err(Failed::Rpc(420, name)) = say(&mut bert, &input_peer(&his), "two", 2).await else {
        panic!("slow mode let him write");
    };
    let left: u64 = name
        .strip_prefix("SLOWMODE_WAIT_")
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=60).contains(&left), "{name}");
    dc.advance_clock(std::time::Duration::from_secs(left));
    // The same call again is no repetition: it was never executed.
    say(&mut bert, &input_peer(&his), "two", 2).await.unwrap();
    dc.shutdown().await;
}

async fn difference(who: &mut Person, channel: &Value, pts: i64, limit: i64) -> Value {
    let params = json!({
        "channel": input_channel(channel), "filter": {"_": "channelMessagesFilterEmpty"},
        "pts": pts, "limit": limit,
    });
    who.client.ok("updates.getChannelDifference", params).await
}

/// Fails if the difference of a channel leaves something out, tells it twice, does not end, or
/// does not say when it is too long.
#[tokio::test]
async fn what_was_missed_in_a_channel_is_fetched() {
    let dc = start().await;
    let (anna, mut bert, hers, his) = group(&dc).await;
    let start = difference(&mut bert, &his, 1, 100).await;
    assert_eq!(start["final"], true);
    let begun = start["pts"].as_i64().unwrap();
    let empty = difference(&mut bert, &his, begun, 100).await;
    assert_eq!(empty["_"], "updates.channelDifferenceEmpty");

    let peer = -1_000_000_000_000 - long(&hers["id"]);
    let sent = dc.send_many(anna.id, peer, "message", 250).await.unwrap();
    let (mut pts, mut got, mut rounds) = (begun, Vec::new(), 0);
    loop {
        let part = difference(&mut bert, &his, pts, 100).await;
        let messages = part["new_messages"].as_array().unwrap();
        got.extend(messages.iter().map(|m| m["id"].as_i64().unwrap()));
        pts = part["pts"].as_i64().unwrap();
        rounds += 1;
        if part["final"] == true {
            break;
        }
    }
    assert_eq!(rounds, 3);
    assert_eq!(pts, begun + 250);
    assert_eq!(
        got,
        sent.iter().map(|id| i64::from(*id)).collect::<Vec<_>>()
    );

    dc.set_bounds(Bounds {
        channel_events: 100,
        ..Bounds::default()
    });
    let long = difference(&mut bert, &his, begun, 10).await;
    assert_eq!(long["_"], "updates.channelDifferenceTooLong");
    assert_eq!(long["dialog"]["pts"].as_i64(), Some(pts));
    assert_eq!(long["messages"].as_array().unwrap().len(), 10);
    assert_eq!(
        difference(&mut bert, &his, pts - 100, 100).await["final"],
        true
    );
    let wrong = json!({
        "channel": input_channel(&his), "filter": {"_": "channelMessagesFilterEmpty"},
        "pts": pts + 1, "limit": 10,
    });
    let refused = bert
        .client
        .refused("updates.getChannelDifference", wrong)
        .await;
    assert_eq!(refused, "PERSISTENT_TIMESTAMP_INVALID");
    dc.shutdown().await;
}

/// Fails if a client that was away is not told which of its channels to look into, or if one that
/// does not keep up is cut instead of told so.
#[tokio::test]
async fn who_lags_is_told_where_to_look() {
    let dc = start().await;
    let (anna, mut bert, hers, _) = group(&dc).await;
    dc.set_bounds(Bounds {
        waiting: 50,
        ..Bounds::default()
    });
    let peer = -1_000_000_000_000 - long(&hers["id"]);
    // Bert reads nothing meanwhile; whatever his connection takes, some come too late for it.
    let mut told = false;
    for _ in 0..20 {
        dc.send_many(anna.id, peer, "message", 1_000).await.unwrap();
        bert.client.ok("updates.getState", json!({})).await;
        let updates = std::mem::take(&mut bert.client.updates);
        told |= updates
            .iter()
            .any(|u| u["update"]["_"] == "updateChannelTooLong");
        if told {
            break;
        }
    }
    assert!(told, "20,000 messages and never too long");

    let state = json!({"pts": 1, "date": 1, "qts": 0});
    let missed = bert.client.ok("updates.getDifference", state).await;
    let others = missed["other_updates"].as_array().unwrap();
    let long = others.iter().find(|u| u["_"] == "updateChannelTooLong");
    assert_eq!(long.unwrap()["channel_id"], hers["id"]);
    dc.shutdown().await;
}

/// Fails if messages that were posted by the thousand cannot be fetched at once, each once.
#[tokio::test]
async fn two_thousand_messages() {
    let dc = start().await;
    let bot = bot(&dc).await;
    let anna = person(&dc, "9996610001").await;
    let new = NewChannel {
        title: "Flood".into(),
        with: vec![bot.id],
        ..NewChannel::default()
    };
    let id = dc.create_channel(anna.id, &new).unwrap();
    let peer = -1_000_000_000_000 - id;
    let sent = dc.send_many(anna.id, peer, "message", 2_000).await.unwrap();
    assert_eq!(sent.len(), 2_000);
    let mut bot = bot;
    // Bots may name a channel they are in without its hash, and fetch more at once.
    let channel = json!({"id": id, "access_hash": 0});
    let all = difference(&mut bot, &channel, 1, 100_000).await;
    let ids: Vec<_> = all["new_messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| &m["id"])
        .collect();
    // With the founding and the bot's coming.
    assert_eq!(ids.len(), 2_002);
    assert!(
        ids.windows(2)
            .all(|pair| pair[0].as_i64() < pair[1].as_i64())
    );
    dc.shutdown().await;
}
