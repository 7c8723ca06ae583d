//! The control API.

use serde_json::{Value, json};
use sluice_datacenter::DataCenter;

use crate::client::{join, start};

struct Control {
    http: reqwest::Client,
    url: String,
    key: String,
}

impl Control {
    fn of(dc: &DataCenter) -> Self {
        Self {
            http: reqwest::Client::new(),
            url: dc.control_url(),
            key: dc.control_key().to_owned(),
        }
    }

    async fn ask(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let method = method.parse().unwrap();
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.url))
            .bearer_auth(&self.key);
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or_default())
    }
}

/// Fails if anything is answered without the key.
#[tokio::test]
async fn nothing_without_the_key() {
    let dc = start().await;
    let mut control = Control::of(&dc);
    control.key.push('x');
    for path in [
        "/datacenters",
        "/accounts",
        "/rules",
        "/journal",
        "/nowhere",
    ] {
        assert_eq!(control.ask("GET", path, Value::Null).await.0, 401, "{path}");
    }
    dc.shutdown().await;
}

/// Fails if traffic by the control API does not reach a client, or the journal does not tell of it.
#[tokio::test]
async fn accounts_traffic_rules_journal_and_clock() {
    let dc = start().await;
    let control = Control::of(&dc);
    let new = json!({"phone": "9996610001", "username": "anna", "password": "secret"});
    let (status, anna) = control.ask("POST", "/accounts", new.clone()).await;
    assert_eq!((status, &anna["dc"]), (201, &json!(1)));
    assert_eq!(control.ask("POST", "/accounts", new).await.0, 409);
    assert_eq!(
        control
            .ask("POST", "/accounts", json!({"phone": "123"}))
            .await
            .0,
        400
    );
    let (_, bot) = control
        .ask("POST", "/accounts", json!({"bot": true, "dc": 2}))
        .await;
    assert!(
        bot["token"]
            .as_str()
            .unwrap()
            .starts_with(&bot["id"].to_string())
    );

    let mut bert = join(&dc).await;
    let id = bert.sign_in("9996610002").await;
    let path = format!("/accounts/{}/messages", anna["id"]);
    let sent = control
        .ask("POST", &path, json!({"to": id, "text": "hello"}))
        .await;
    assert_eq!(sent, (200, json!({"id": 1})));
    assert_eq!(
        bert.update().await["updates"][0]["message"]["message"],
        "hello"
    );

    let path = format!("/accounts/{}/files", anna["id"]);
    let sent = control
        .ask(
            "POST",
            &path,
            json!({"to": id, "size": 5_000, "name": "a.bin"}),
        )
        .await;
    assert_eq!(sent, (200, json!({"id": 2})));
    let document = bert.update().await["updates"][0]["message"]["media"]["document"].clone();
    assert_eq!(document["size"], "5000");
    assert_eq!(document["attributes"][0]["file_name"], "a.bin");

    let rule = json!({
        "match": {"method": "updates.getState", "account": id},
        "action": {"rpcError": {"code": 500, "name": "BROKEN"}},
    });
    let (_, made) = control.ask("POST", "/rules", rule.clone()).await;
    assert_eq!(bert.refused("updates.getState", json!({})).await, "BROKEN");
    let (_, listed) = control.ask("GET", "/rules", Value::Null).await;
    assert_eq!(listed["rules"][0]["applied"], 1);
    assert_eq!(listed["rules"][0]["match"], rule["match"]);
    let path = format!("/rules/{}", made["id"]);
    assert_eq!(control.ask("DELETE", &path, Value::Null).await.0, 200);
    assert_eq!(control.ask("DELETE", &path, Value::Null).await.0, 404);
    bert.ok("updates.getState", json!({})).await;

    let path = format!("/journal?method=updates.getState&account={id}");
    let (_, journal) = control.ask("GET", &path, Value::Null).await;
    let outcomes: Vec<_> = journal["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| &e["outcome"])
        .collect();
    assert_eq!(outcomes, [&json!({"error": "BROKEN"}), &json!("ok")]);

    let reset = json!({"hash": 1});
    assert_eq!(
        bert.refused("account.resetAuthorization", reset.clone())
            .await,
        "HASH_INVALID"
    );
    let mut second = join(&dc).await;
    second.sign_in("9996610002").await;
    let path = format!("/accounts/{id}/authorizations");
    let (_, list) = control.ask("GET", &path, Value::Null).await;
    let hash: i64 = list["authorizations"][1]["hash"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let reset = json!({"hash": hash});
    let young = bert
        .refused("account.resetAuthorization", reset.clone())
        .await;
    assert_eq!(young, "FRESH_RESET_AUTHORISATION_FORBIDDEN");
    control
        .ask(
            "POST",
            "/authorizations/age",
            json!({"account": id, "seconds": 90_000}),
        )
        .await;
    bert.ok("account.resetAuthorization", reset).await;

    control
        .ask("POST", "/clock/advance", json!({"seconds": 3600}))
        .await;
    control
        .ask("POST", "/clock/off", json!({"seconds": 600}))
        .await;
    for action in [
        json!({"corrupt": "unsafePrime"}),
        json!({"forgeAnswer": "longPadding"}),
        json!({"cutAnswer": 17}),
        json!({"badMsg": 64}),
        json!("blackHole"),
        json!("mum"),
    ] {
        let rule = json!({"match": {"dc": 2, "every": 3}, "action": action});
        assert_eq!(control.ask("POST", "/rules", rule).await.0, 201, "{action}");
    }
    let config = bert.ok("help.getConfig", json!({})).await;
    assert!(config["date"].as_i64().unwrap() > dc.clock().date() - 60);
    dc.shutdown().await;
}

/// Fails if stop and start do not open and close the ports of the one data center that is meant.
#[tokio::test]
async fn data_centers_are_stopped_and_started() {
    let dc = start().await;
    let control = Control::of(&dc);
    assert_eq!(
        control
            .ask("POST", "/datacenters/7/stop", Value::Null)
            .await
            .0,
        404
    );
    control
        .ask("POST", "/datacenters/2/stop", Value::Null)
        .await;
    let (_, list) = control.ask("GET", "/datacenters", Value::Null).await;
    let running: Vec<_> = list["datacenters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| &d["running"])
        .collect();
    assert_eq!(running, [&json!(true), &json!(false)]);
    let second = dc.dcs()[1].address;
    assert!(tokio::net::TcpStream::connect(second).await.is_err());
    control
        .ask("POST", "/datacenters/2/start", Value::Null)
        .await;
    tokio::net::TcpStream::connect(second).await.unwrap();
    dc.shutdown().await;
}
