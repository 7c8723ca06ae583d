//! Accounts that are signed in without a key exchange, and how they name each other.

use serde_json::{Value, json};
use sluice_datacenter::{DataCenter, NewAccount};

use crate::client::Client;

/// Somebody with a client.
pub struct Person {
    pub id: i64,
    pub client: Client,
}

/// A new user `99966XYYYY` on the main port of data center X.
pub async fn person(dc: &DataCenter, phone: &str) -> Person {
    let new = NewAccount {
        phone: Some(phone.to_owned()),
        ..NewAccount::default()
    };
    let account = dc.create_account(new).unwrap();
    let client = sign_in(dc, account.id, account.dc).await;
    Person {
        id: account.id,
        client,
    }
}

/// A new bot on data center 1.
pub async fn bot(dc: &DataCenter) -> Person {
    let new = NewAccount {
        bot: true,
        username: Some("some_bot".to_owned()),
        ..NewAccount::default()
    };
    let account = dc.create_account(new).unwrap();
    let client = sign_in(dc, account.id, account.dc).await;
    Person {
        id: account.id,
        client,
    }
}

/// Another session of an account.
pub async fn sign_in(dc: &DataCenter, account: i64, at: i32) -> Client {
    let key = dc.issue_auth_key(account).unwrap();
    let place = usize::try_from(at - 1).unwrap();
    let mut client = Client::with_key(dc.dcs()[place].address, key).await;
    client.ok("updates.getState", json!({})).await;
    client
}

impl Person {
    /// An `InputUser` for somebody, by username.
    pub async fn user(&mut self, name: &str) -> Value {
        let user = self.resolve(name).await["users"][0].clone();
        json!({
            "_": "inputUser", "user_id": user["id"], "access_hash": user["access_hash"],
        })
    }

    pub async fn resolve(&mut self, name: &str) -> Value {
        let params = json!({"username": name});
        self.client.ok("contacts.resolveUsername", params).await
    }

    /// Takes a name, so that others can find this one.
    pub async fn named(mut self, name: &str) -> Self {
        let params = json!({"username": name});
        self.client.ok("account.updateUsername", params).await;
        self
    }
}

/// An `InputChannel` from a `channel` as its viewer sees it.
pub fn input_channel(channel: &Value) -> Value {
    json!({
        "_": "inputChannel",
        "channel_id": channel["id"],
        "access_hash": channel["access_hash"],
    })
}

/// The same as an `InputPeer`.
pub fn input_peer(channel: &Value) -> Value {
    json!({
        "_": "inputPeerChannel",
        "channel_id": channel["id"],
        "access_hash": channel["access_hash"],
    })
}

/// A number that `tl` writes as a string.
pub fn long(value: &Value) -> i64 {
    value
        .as_i64()
        .unwrap_or_else(|| value.as_str().unwrap().parse().unwrap())
}
