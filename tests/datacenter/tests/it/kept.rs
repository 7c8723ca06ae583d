//! What survives a stop, a kill and a damaged directory.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sluice_datacenter::{DataCenter, DiskError, NewAccount, NewChannel, Options, StartError};

use crate::{
    client::Client,
    people::{Person, input_peer, person},
};

async fn on(dir: &Path) -> Result<DataCenter, StartError> {
    let options = Options {
        data: Some(dir.to_owned()),
        ..Options::default()
    };
    DataCenter::start(options).await
}

fn myself() -> Value {
    json!({"_": "inputPeerSelf"})
}

async fn last_text(client: &mut Client, peer: Value) -> Value {
    let params = json!({
        "peer": peer, "offset_id": 0, "offset_date": 0, "add_offset": 0, "limit": 1,
        "max_id": 0, "min_id": 0, "hash": 0,
    });
    let page = client.ok("messages.getHistory", params).await;
    page["messages"][0]["message"].clone()
}

async fn state(client: &mut Client) -> (i64, i64) {
    let state = client.ok("updates.getState", json!({})).await;
    (
        state["pts"].as_i64().unwrap(),
        state["qts"].as_i64().unwrap(),
    )
}

/// Fails if a sign-in, a message, a channel, a file, a name, a password, the numbers of a history
/// or the ports are other ones after a restart.
#[tokio::test]
async fn the_world_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let dc = on(dir.path()).await.unwrap();
    let mut anna = person(&dc, "9996610001").await.named("anna").await;
    dc.create_account(NewAccount {
        phone: Some("9996610002".into()),
        password: Some("secret".into()),
        ..NewAccount::default()
    })
    .unwrap();
    anna.client.note_to_self("kept", 77).await.unwrap();
    dc.send_encrypted(anna.id, 1, b"x").unwrap();
    let channel = NewChannel {
        title: "Group".into(),
        username: Some("our_group".into()),
        ..NewChannel::default()
    };
    let channel = dc.create_channel(anna.id, &channel).unwrap();
    dc.send_text(anna.id, -1_000_000_000_000 - channel, "in the group")
        .unwrap();
    let part = json!({"file_id": 1, "file_part": 0, "bytes": STANDARD.encode("content")});
    anna.client.ok("upload.saveFilePart", part).await;
    let media = json!({
        "_": "inputMediaUploadedDocument",
        "file": {"_": "inputFile", "id": 1, "parts": 1, "name": "x", "md5_checksum": ""},
        "mime_type": "text/plain", "attributes": [],
    });
    let params = json!({"peer": myself(), "media": media, "message": "", "random_id": 78});
    let sent = anna.client.ok("messages.sendMedia", params).await;
    let document = sent["updates"][1]["message"]["media"]["document"].clone();
    let (before, ports) = (state(&mut anna.client).await, dc.dcs());
    dc.shutdown().await;
    drop(dc);

    let dc = on(dir.path()).await.unwrap();
    assert_eq!(dc.dcs(), ports);
    assert_eq!(dc.authorizations(anna.id).len(), 1);
    // The same key, over a new connection.
    let Person { client, .. } = anna;
    let mut client = client.reconnect(dc.dcs()[0].address).await;
    assert_eq!(state(&mut client).await, before);
    assert_eq!(
        client.note_to_self("again", 77).await,
        Err(crate::client::Failed::Rpc(
            500,
            "RANDOM_ID_DUPLICATE".into()
        ))
    );
    let found = client
        .ok("contacts.resolveUsername", json!({"username": "our_group"}))
        .await;
    let peer = input_peer(&found["chats"][0]);
    assert_eq!(last_text(&mut client, peer).await, "in the group");
    let location = json!({
        "_": "inputDocumentFileLocation", "id": document["id"],
        "access_hash": document["access_hash"], "file_reference": document["file_reference"],
        "thumb_size": "",
    });
    let get = json!({"location": location, "offset": 0, "limit": 4_096});
    let part = client.ok("upload.getFile", get).await;
    assert_eq!(part["bytes"], json!(STANDARD.encode("content")));
    let mut bert = Client::join(
        dc.dcs()[0].address,
        dc.public_key_pem(),
        sluice_mtproto::transport::Kind::Intermediate,
    )
    .await;
    let send = json!({
        "phone_number": "9996610002", "api_id": 1, "api_hash": "x",
        "settings": {"_": "codeSettings"},
    });
    let sent = bert.ok("auth.sendCode", send).await;
    let sign_in = json!({
        "phone_number": "9996610002", "phone_code_hash": sent["phone_code_hash"],
        "phone_code": "11111",
    });
    assert_eq!(
        bert.refused("auth.signIn", sign_in).await,
        "SESSION_PASSWORD_NEEDED"
    );
    dc.shutdown().await;
}

/// Fails if a damaged file, a missing one or a directory that is in use is taken, or the error does
/// not name it.
#[tokio::test]
async fn what_is_damaged_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let dc = on(dir.path()).await.unwrap();
    person(&dc, "9996610001").await;
    let second = on(dir.path()).await.map(|_| ()).unwrap_err();
    assert!(
        matches!(second, StartError::Data(DiskError::Locked(_))),
        "{second}"
    );
    dc.shutdown().await;
    drop(dc);
    let path = dir.path().join("state");
    let whole = std::fs::read(&path).unwrap();
    let middle = whole.len() / 2;
    let mut flipped = whole.clone();
    flipped[middle] ^= 1;
    for bad in [
        &whole[..middle],
        &flipped,
        b"",
        b"sluice-datacenter 1 x",
        b"{}\n",
    ] {
        std::fs::write(&path, bad).unwrap();
        let error = on(dir.path()).await.map(|_| ()).unwrap_err();
        assert!(
            matches!(error, StartError::Data(DiskError::Damaged { .. })),
            "{error}"
        );
        assert!(error.to_string().contains("state is damaged"), "{error}");
    }
    std::fs::write(&path, &whole).unwrap();
    let dc = on(dir.path()).await.unwrap();
    assert_eq!(dc.accounts().len(), 1);
    dc.shutdown().await;
}

/// The binary on a directory, with the line it prints.
fn spawn(dir: &Path) -> (Child, Value) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sluice-datacenter"))
        .args(["--data", dir.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let stdout = child.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    (child, serde_json::from_str(&line).unwrap())
}

/// Fails if a sign-in that was answered is lost by a kill, if a number of the history is given
/// twice, or if a client is not told that something may be missing.
#[tokio::test]
async fn a_kill_costs_no_sign_in() {
    let dir = tempfile::tempdir().unwrap();
    let (mut child, ready) = spawn(dir.path());
    let address = ready["dcs"][0]["address"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let pem = ready["public_key"].as_str().unwrap();
    let kind = sluice_mtproto::transport::Kind::Intermediate;
    let mut client = Client::join(address, pem, kind).await;
    client.sign_in("9996610001").await;
    for n in 1..=50 {
        client.note_to_self(&format!("note {n}"), n).await.unwrap();
    }
    let (pts, _) = state(&mut client).await;
    child.kill().unwrap();
    child.wait().unwrap();

    let (mut child, ready) = spawn(dir.path());
    let address = ready["dcs"][0]["address"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let mut client = client.reconnect(address).await;
    let (now, _) = state(&mut client).await;
    // Either all was on disk, or the numbers go on above everything that was given out.
    assert!(now >= pts, "{now} after {pts}");
    let missed = json!({"pts": pts, "date": 1, "qts": 0});
    let missed = client.ok("updates.getDifference", missed).await;
    let expected = if now == pts {
        "updates.differenceEmpty"
    } else {
        "updates.differenceTooLong"
    };
    assert_eq!(missed["_"], expected);
    client.note_to_self("and on", 100).await.unwrap();
    assert_eq!(last_text(&mut client, myself()).await, "and on");
    child.kill().unwrap();
    child.wait().unwrap();
}
