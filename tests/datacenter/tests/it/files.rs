//! Files: up in parts, into messages, down from the data center that has them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sluice_datacenter::{DataCenter, NewChannel};
use sluice_mtproto::transport::Kind;

use crate::{
    client::{Client, start},
    people::{Person, input_channel, person},
};

const PART: usize = 128 * 1024;

/// Bytes that do not repeat with any part size.
fn content(length: usize) -> Vec<u8> {
    (0..length)
        .map(|i| u8::try_from((i * i + i / 251) % 256).unwrap())
        .collect()
}

async fn save(client: &mut Client, id: i64, content: &[u8], big: bool) -> Value {
    let total = content.len().div_ceil(PART);
    for (number, part) in content.chunks(PART).enumerate() {
        let mut params = json!({
            "file_id": id, "file_part": number, "bytes": STANDARD.encode(part),
        });
        let method = if big {
            params["file_total_parts"] = json!(total);
            "upload.saveBigFilePart"
        } else {
            "upload.saveFilePart"
        };
        assert_eq!(client.ok(method, params).await, true);
    }
    let mut file = json!({"_": "inputFile", "id": id, "parts": total, "name": "file.bin"});
    if big {
        file["_"] = json!("inputFileBig");
    } else {
        file["md5_checksum"] = json!("");
    }
    file
}

fn document(file: &Value) -> Value {
    json!({
        "_": "inputMediaUploadedDocument",
        "file": file,
        "mime_type": "application/octet-stream",
        "attributes": [{"_": "documentAttributeFilename", "file_name": "file.bin"}],
    })
}

async fn send(
    who: &mut Person,
    peer: &Value,
    media: &Value,
    random_id: i64,
) -> Result<Value, String> {
    let params = json!({"peer": peer, "media": media, "message": "", "random_id": random_id});
    match who.client.call("messages.sendMedia", params).await {
        Ok(answer) => Ok(answer),
        Err(crate::client::Failed::Rpc(_, name)) => Err(name),
        Err(other) => panic!("{other:?}"),
    }
}

/// The message in what a send was answered with, or in a push.
fn message(updates: &Value) -> Value {
    let list = updates["updates"].as_array().unwrap().iter();
    let mut messages = list.map(|u| &u["message"]);
    messages.find(|m| m["_"] == "message").unwrap().clone()
}

fn location(document: &Value) -> Value {
    json!({
        "_": "inputDocumentFileLocation",
        "id": document["id"],
        "access_hash": document["access_hash"],
        "file_reference": document["file_reference"],
        "thumb_size": "",
    })
}

fn get(location: &Value, offset: usize, limit: usize) -> Value {
    json!({"location": location, "offset": offset, "limit": limit})
}

async fn fetch(client: &mut Client, location: &Value, limit: usize) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let part = client
            .ok("upload.getFile", get(location, all.len(), limit))
            .await;
        let part = STANDARD.decode(part["bytes"].as_str().unwrap()).unwrap();
        all.extend_from_slice(&part);
        if part.len() < limit {
            return all;
        }
    }
}

fn myself() -> Value {
    json!({"_": "inputPeerSelf"})
}

async fn bert_of(dc: &DataCenter) -> (Person, Value, Vec<u8>) {
    let mut bert = person(dc, "9996620002").await;
    let content = content(PART * 3 + 77);
    let file = save(&mut bert.client, 5, &content, false).await;
    let sent = send(&mut bert, &myself(), &document(&file), 1)
        .await
        .unwrap();
    (bert, message(&sent)["media"]["document"].clone(), content)
}

/// Fails if a file comes back otherwise than it went up, small or big, or if its hashes are wrong.
#[tokio::test]
async fn what_goes_up_comes_down() {
    let dc = start().await;
    let (mut bert, small, bytes) = bert_of(&dc).await;
    assert_eq!(small["size"], json!(bytes.len().to_string()));
    assert_eq!(small["dc_id"], 2);
    let place = location(&small);
    assert_eq!(fetch(&mut bert.client, &place, PART).await, bytes);
    let hashes = json!({"location": place, "offset": 0});
    let hashes = bert.client.ok("upload.getFileHashes", hashes).await;
    let hashes = hashes.as_array().unwrap();
    assert_eq!(hashes.len(), 4);
    for (hash, part) in hashes.iter().zip(bytes.chunks(PART)) {
        assert_eq!(hash["limit"], json!(part.len()));
        assert_eq!(hash["hash"], json!(STANDARD.encode(Sha256::digest(part))));
    }

    let bytes = content(PART * 2);
    let file = save(&mut bert.client, 6, &bytes, true).await;
    let sent = send(&mut bert, &myself(), &document(&file), 2)
        .await
        .unwrap();
    let place = location(&message(&sent)["media"]["document"]);
    assert_eq!(fetch(&mut bert.client, &place, 64 * 1024).await, bytes);
    dc.shutdown().await;
}

/// Fails if a part or a file is taken that Telegram would refuse, or refused under another name.
#[tokio::test]
async fn parts_are_checked() {
    let dc = start().await;
    let mut bert = person(&dc, "9996620002").await;
    let part = |number: i64, length: usize| json!({"file_id": 1, "file_part": number, "bytes": STANDARD.encode(content(length))});
    let mut big = part(0, 1_000);
    big["file_total_parts"] = json!(3);
    for (method, params, name) in [
        ("upload.saveFilePart", part(-1, 8), "FILE_PART_INVALID"),
        ("upload.saveFilePart", part(4_000, 8), "FILE_PART_INVALID"),
        ("upload.saveFilePart", part(0, 0), "FILE_PART_EMPTY"),
        ("upload.saveFilePart", part(0, 600_000), "FILE_PART_TOO_BIG"),
        ("upload.saveBigFilePart", big, "FILE_PART_SIZE_INVALID"),
    ] {
        assert_eq!(bert.client.refused(method, params).await, name);
    }
    for number in [0, 2] {
        bert.client
            .ok("upload.saveFilePart", part(number, 4_096))
            .await;
    }
    let mut file = json!({
        "_": "inputFile", "id": 1, "parts": 3, "name": "x", "md5_checksum": "",
    });
    let refused = send(&mut bert, &myself(), &document(&file), 1).await;
    assert_eq!(refused.unwrap_err(), "FILE_PART_1_MISSING");
    file["parts"] = json!(0);
    let refused = send(&mut bert, &myself(), &document(&file), 1).await;
    assert_eq!(refused.unwrap_err(), "FILE_PARTS_INVALID");
    bert.client.ok("upload.saveFilePart", part(1, 4_096)).await;
    file["parts"] = json!(3);
    file["md5_checksum"] = json!("00000000000000000000000000000000");
    let refused = send(&mut bert, &myself(), &document(&file), 1).await;
    assert_eq!(refused.unwrap_err(), "MD5_CHECKSUM_INVALID");
    file["md5_checksum"] = json!("");
    let photo = json!({"_": "inputMediaUploadedPhoto", "file": file});
    let refused = send(&mut bert, &myself(), &photo, 1).await;
    assert_eq!(refused.unwrap_err(), "IMAGE_PROCESS_FAILED");
    send(&mut bert, &myself(), &document(&file), 1)
        .await
        .unwrap();
    dc.shutdown().await;
}

/// Fails if a stretch is given that Telegram would refuse.
#[tokio::test]
async fn offsets_limits_and_references_are_checked() {
    let dc = start().await;
    let (mut bert, document, bytes) = bert_of(&dc).await;
    let place = location(&document);
    for (offset, limit, precise, expected) in [
        (1_024, 4_096, false, "OFFSET_INVALID"),
        (0, 0, false, "LIMIT_INVALID"),
        (0, 5_000, false, "LIMIT_INVALID"),
        (0, 12_288, false, "LIMIT_INVALID"),
        (0, 2_097_152, false, "LIMIT_INVALID"),
        (1_044_480, 8_192, false, "LIMIT_INVALID"),
        (512, 1_024, true, "OFFSET_INVALID"),
    ] {
        let mut params = get(&place, offset, limit);
        params["precise"] = json!(precise);
        let refused = bert.client.refused("upload.getFile", params).await;
        assert_eq!(refused, expected, "{offset} {limit} {precise}");
    }
    let mut precise = get(&place, 1_024, 3_072);
    precise["precise"] = json!(true);
    let part = bert.client.ok("upload.getFile", precise).await;
    assert_eq!(part["bytes"], json!(STANDARD.encode(&bytes[1_024..4_096])));
    let beyond = bert
        .client
        .ok("upload.getFile", get(&place, 1_048_576, 4_096))
        .await;
    assert_eq!(beyond["bytes"], "");

    let mut wrong = place.clone();
    wrong["access_hash"] = json!("1");
    let refused = bert
        .client
        .refused("upload.getFile", get(&wrong, 0, 4_096))
        .await;
    assert_eq!(refused, "LOCATION_INVALID");
    assert_eq!(dc.expire_file_references(None), 1);
    let refused = bert
        .client
        .refused("upload.getFile", get(&place, 0, 4_096))
        .await;
    assert_eq!(refused, "FILE_REFERENCE_EXPIRED");
    // The message tells the new one.
    let ask = json!({"id": [{"_": "inputMessageID", "id": 1}]});
    let again = bert.client.ok("messages.getMessages", ask).await;
    let place = location(&again["messages"][0]["media"]["document"]);
    assert_eq!(fetch(&mut bert.client, &place, PART).await, bytes);
    dc.shutdown().await;
}

/// Fails if a file is served elsewhere than where it lives, if an authorization that was taken
/// there is a device of its own, works twice, or outlives the one it came from.
#[tokio::test]
async fn a_file_is_fetched_where_it_lives() {
    let dc = start().await;
    let mut anna = person(&dc, "9996610001").await;
    let mut bert = person(&dc, "9996620002").await;
    let found = bert
        .client
        .ok("contacts.resolvePhone", json!({"phone": "9996610001"}))
        .await;
    let peer = json!({
        "_": "inputPeerUser",
        "user_id": found["users"][0]["id"],
        "access_hash": found["users"][0]["access_hash"],
    });
    let bytes = content(PART + 1);
    let file = save(&mut bert.client, 9, &bytes, false).await;
    send(&mut bert, &peer, &document(&file), 1).await.unwrap();
    let seen = message(&anna.client.update().await);
    let place = location(&seen["media"]["document"]);
    let refused = anna
        .client
        .refused("upload.getFile", get(&place, 0, 4_096))
        .await;
    assert_eq!(refused, "FILE_MIGRATE_2");

    for dc_id in [1, 9] {
        let export = json!({"dc_id": dc_id});
        let refused = anna
            .client
            .refused("auth.exportAuthorization", export)
            .await;
        assert_eq!(refused, "DC_ID_INVALID");
    }
    let exported = anna
        .client
        .ok("auth.exportAuthorization", json!({"dc_id": 2}))
        .await;
    let media = dc.dcs()[1].media_address;
    let mut there = Client::join(media, dc.public_key_pem(), Kind::Intermediate).await;
    let refused = there.refused("upload.getFile", get(&place, 0, 4_096)).await;
    assert_eq!(refused, "AUTH_KEY_UNREGISTERED");
    let import = json!({"id": exported["id"], "bytes": exported["bytes"]});
    let mut wrong = import.clone();
    wrong["bytes"] = json!(STANDARD.encode([0; 64]));
    let refused = there.refused("auth.importAuthorization", wrong).await;
    assert_eq!(refused, "AUTH_BYTES_INVALID");
    there.ok("auth.importAuthorization", import.clone()).await;
    let refused = there.refused("auth.importAuthorization", import).await;
    assert_eq!(refused, "AUTH_BYTES_INVALID");
    assert_eq!(fetch(&mut there, &place, PART).await, bytes);
    assert_eq!(dc.authorizations(anna.id).len(), 1);
    anna.client.ok("auth.logOut", json!({})).await;
    let refused = there.refused("upload.getFile", get(&place, 0, 4_096)).await;
    assert_eq!(refused, "AUTH_KEY_UNREGISTERED");
    dc.shutdown().await;
}

/// Fails if photos cannot be sent, alone and as an album, or the album's messages do not belong
/// together.
#[tokio::test]
async fn photos_and_albums() {
    let dc = start().await;
    let mut anna = person(&dc, "9996610001").await;
    let mut png = vec![0x89, b'P', b'N', b'G', 13, 10, 26, 10, 0, 0, 0, 13];
    png.extend_from_slice(b"IHDR");
    png.extend_from_slice(&[0, 0, 0, 40, 0, 0, 0, 30]);
    let mut album = Vec::new();
    for id in [1, 2] {
        let file = save(&mut anna.client, id, &png, false).await;
        let media = json!({"_": "inputMediaUploadedPhoto", "file": file});
        let params = json!({"peer": myself(), "media": media});
        let made = anna.client.ok("messages.uploadMedia", params).await;
        let photo = &made["photo"];
        assert_eq!(
            (&photo["sizes"][0]["w"], &photo["sizes"][0]["h"]),
            (&json!(40), &json!(30))
        );
        let input = json!({
            "_": "inputPhoto", "id": photo["id"], "access_hash": photo["access_hash"],
            "file_reference": photo["file_reference"],
        });
        album.push(json!({
            "_": "inputSingleMedia", "random_id": id, "message": format!("{id}"),
            "media": {"_": "inputMediaPhoto", "id": input},
        }));
    }
    let params = json!({"peer": myself(), "multi_media": album});
    let sent = anna.client.ok("messages.sendMultiMedia", params).await;
    let groups: Vec<&Value> = sent["updates"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|u| u["_"] == "updateNewMessage")
        .map(|u| &u["message"]["grouped_id"])
        .collect();
    assert_eq!(groups.len(), 2);
    assert!(
        groups[0].is_string() && groups[0] == groups[1],
        "{groups:?}"
    );
    let first = message(&sent);
    let place = json!({
        "_": "inputPhotoFileLocation",
        "id": first["media"]["photo"]["id"],
        "access_hash": first["media"]["photo"]["access_hash"],
        "file_reference": first["media"]["photo"]["file_reference"],
        "thumb_size": "x",
    });
    assert_eq!(fetch(&mut anna.client, &place, 4_096).await, png);
    dc.shutdown().await;
}

/// Fails if statistics are given where they are not, or to whom they are not.
#[tokio::test]
async fn statistics_are_elsewhere() {
    let dc = start().await;
    let mut anna = person(&dc, "9996610001").await;
    let new = NewChannel {
        title: "News".into(),
        broadcast: true,
        username: Some("the_news".into()),
        ..NewChannel::default()
    };
    dc.create_channel(anna.id, &new).unwrap();
    let channel = input_channel(&anna.resolve("the_news").await["chats"][0]);
    let ask = json!({"channel": channel});
    let full = anna.client.ok("channels.getFullChannel", ask.clone()).await;
    assert_eq!(full["full_chat"]["stats_dc"], 2);
    let refused = anna
        .client
        .refused("stats.getBroadcastStats", ask.clone())
        .await;
    assert_eq!(refused, "STATS_MIGRATE_2");
    let exported = anna
        .client
        .ok("auth.exportAuthorization", json!({"dc_id": 2}))
        .await;
    let place = dc.dcs()[1].address;
    let mut there = Client::join(place, dc.public_key_pem(), Kind::Intermediate).await;
    let import = json!({"id": exported["id"], "bytes": exported["bytes"]});
    there.ok("auth.importAuthorization", import).await;
    let stats = there.ok("stats.getBroadcastStats", ask.clone()).await;
    assert_eq!(stats["followers"]["current"].as_f64(), Some(1.0));
    let mut bert = person(&dc, "9996610002").await;
    let his = input_channel(&bert.resolve("the_news").await["chats"][0]);
    let refused = bert
        .client
        .refused("stats.getBroadcastStats", json!({"channel": his}))
        .await;
    assert_eq!(refused, "CHAT_ADMIN_REQUIRED");
    dc.shutdown().await;
}
