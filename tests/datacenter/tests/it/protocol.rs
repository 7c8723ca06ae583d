//! Keys, sessions, connections.

use serde_json::json;
use sluice_datacenter::{JournalFilter, NewAccount};
use sluice_mtproto::transport::Kind;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::client::{Client, Failed, join, start};

const ANNA: &str = "9996610001";
const BERT: &str = "9996610002";

/// Fails if a transport is not recognised or answered in kind.
#[tokio::test]
async fn every_transport_carries_an_exchange_and_a_call() {
    let dc = start().await;
    for kind in [Kind::Abridged, Kind::Intermediate, Kind::Full] {
        let mut client = Client::join(dc.dcs()[1].address, dc.public_key_pem(), kind).await;
        let config = client.ok("help.getConfig", json!({})).await;
        assert_eq!(config["this_dc"], 2);
    }
    dc.shutdown().await;
}

/// Fails if a push goes missing, to the wrong account, or back to its sender.
#[tokio::test]
async fn updates_reach_the_other_account_and_the_senders_other_session() {
    let dc = start().await;
    let (mut anna, mut also_anna, mut bert) = (join(&dc).await, join(&dc).await, join(&dc).await);
    let id = anna.sign_in(ANNA).await;
    also_anna.sign_in(ANNA).await;
    bert.sign_in(BERT).await;
    assert_eq!(
        anna.update().await["updates"][0]["_"],
        "updateNewAuthorization"
    );
    let found = bert
        .ok("contacts.resolvePhone", json!({"phone": ANNA}))
        .await;
    let to = json!({
        "_": "inputPeerUser", "user_id": id, "access_hash": found["users"][0]["access_hash"],
    });
    let hello = json!({"peer": to, "message": "hello", "random_id": 5});
    bert.ok("messages.sendMessage", hello).await;
    for client in [&mut anna, &mut also_anna] {
        let update = client.update().await;
        assert_eq!(update["updates"][0]["message"]["message"], "hello");
    }
    anna.note_to_self("a note", 6).await.unwrap();
    assert_eq!(
        also_anna.update().await["updates"][0]["message"]["message"],
        "a note"
    );
    anna.ok("updates.getState", json!({})).await;
    assert!(anna.updates.is_empty(), "{:?}", anna.updates);
    dc.shutdown().await;
}

/// Fails if calls over an overtaken main connection go unpunished, or if the media port is counted.
#[tokio::test]
async fn one_key_on_two_main_connections_is_dead() {
    let dc = start().await;
    let new = NewAccount {
        phone: Some(ANNA.into()),
        ..NewAccount::default()
    };
    let account = dc.create_account(new).unwrap();
    let key = dc.issue_auth_key(account.id).unwrap();
    let info = &dc.dcs()[0];
    let mut old = Client::with_key(info.address, key).await;
    let mut media = Client::with_key(info.media_address, key).await;
    old.ok("updates.getState", json!({})).await;
    media.ok("help.getConfig", json!({})).await;
    old.ok("updates.getState", json!({})).await;

    let mut new = Client::with_key(info.address, key).await;
    new.ok("updates.getState", json!({})).await;
    let dead = Err(Failed::Rpc(406, "AUTH_KEY_DUPLICATED".into()));
    assert_eq!(old.call("updates.getState", json!({})).await, dead);
    assert_eq!(new.call("updates.getState", json!({})).await, dead);
    assert!(dc.authorizations(account.id).is_empty());
    dc.shutdown().await;
}

/// Fails if going back to a session that was left goes unpunished, even on the newest connection.
#[tokio::test]
async fn one_key_in_two_sessions_is_dead() {
    let dc = start().await;
    let new = NewAccount {
        phone: Some(ANNA.into()),
        ..NewAccount::default()
    };
    let account = dc.create_account(new).unwrap();
    let key = dc.issue_auth_key(account.id).unwrap();
    let address = dc.dcs()[0].address;
    let mut first = Client::with_key(address, key).await;
    first.ok("updates.getState", json!({})).await;
    let mut second = Client::with_key(address, key).await;
    second.ok("updates.getState", json!({})).await;
    let mut first = first.reconnect(address).await;
    let dead = Err(Failed::Rpc(406, "AUTH_KEY_DUPLICATED".into()));
    assert_eq!(first.call("updates.getState", json!({})).await, dead);
    assert_eq!(second.call("updates.getState", json!({})).await, dead);
    dc.shutdown().await;
}

/// Fails if going over to a new connection is taken for a duplicate, or a session is forgotten.
#[tokio::test]
async fn a_session_goes_on_over_a_new_connection() {
    let dc = start().await;
    let mut anna = join(&dc).await;
    anna.sign_in(ANNA).await;
    dc.cut_connections(None).await;
    assert_eq!(
        anna.call("updates.getState", json!({})).await,
        Err(Failed::Closed)
    );
    let mut anna = anna.reconnect(dc.dcs()[0].address).await;
    anna.answer().await.unwrap();
    let all = dc.journal(&JournalFilter::default());
    let sessions: std::collections::HashSet<_> = all.iter().map(|e| &e.session).collect();
    assert_eq!(sessions.len(), 1);
    dc.shutdown().await;
}

/// Fails if the world does not outlive a stop, or if the ports change.
#[tokio::test]
async fn stopped_and_started_on_the_same_ports_with_the_same_world() {
    let dc = start().await;
    let mut anna = join(&dc).await;
    let id = anna.sign_in(ANNA).await;
    let address = dc.dcs()[0].address;
    dc.stop().await;
    assert!(TcpStream::connect(address).await.is_err());
    assert_eq!(
        anna.call("help.getConfig", json!({})).await,
        Err(Failed::Closed)
    );
    dc.restart().await.unwrap();
    assert_eq!(dc.dcs()[0].address, address);
    let mut anna = anna.reconnect(address).await;
    anna.answer().await.unwrap();
    let me = anna
        .ok("users.getUsers", json!({"id": [{"_": "inputUserSelf"}]}))
        .await;
    assert_eq!(me[0]["id"], id.to_string());
    dc.shutdown().await;
}

/// Fails if a forgotten key is answered with anything but -404.
#[tokio::test]
async fn a_forgotten_key_is_a_transport_error() {
    let dc = start().await;
    let mut anna = join(&dc).await;
    anna.sign_in(ANNA).await;
    let seen = dc.journal(&JournalFilter {
        limit: Some(1),
        ..JournalFilter::default()
    });
    assert!(dc.forget_key(&seen[0].auth_key_id));
    let mut anna = anna.reconnect(dc.dcs()[0].address).await;
    let answer = anna.call("updates.getState", json!({})).await;
    assert_eq!(answer, Err(Failed::Transport(404)));
    dc.shutdown().await;
}

/// Fails if bytes that are no MTProto bring the server down or are answered.
#[tokio::test]
async fn nonsense_is_cut_off_and_harms_nobody() {
    let dc = start().await;
    let address = dc.dcs()[0].address;
    let nonsense: [&[u8]; 5] = [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        &[0xEF, 0x7F, 0xFF, 0xFF, 0xFF],
        &[0xEE, 0xEE, 0xEE, 0xEE, 0xFF, 0xFF, 0xFF, 0x7F],
        &[0xEF, 0x01, 1, 2, 3, 4],
        &[
            0xEF, 0x06, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0xFF, 0, 0, 0, 1, 1, 1,
        ],
    ];
    for bytes in nonsense {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        // Closed in either way, with nothing said.
        let _ = stream.read_to_end(&mut answer).await;
        assert!(answer.is_empty(), "{bytes:?}: {answer:?}");
    }
    join(&dc).await.ok("help.getConfig", json!({})).await;
    dc.shutdown().await;
}
