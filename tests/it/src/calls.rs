//! Any method, as JSON.

use reqwest::Method;
use serde_json::{Value, json};
use sluice_datacenter::JournalFilter;
use sluice_harness::{Answer, Harness};

async fn send(gateway: &Harness, text: &str, key: Option<&str>) -> anyhow::Result<Value> {
    let path = "/api/telegram/call/messages.sendMessage?account=demo";
    let mut request = gateway.request(Method::POST, path);
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    let body = json!({ "peer": "me", "message": text });
    Answer::read(request.json(&body).send().await?)
        .await?
        .expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_to_oneself_is_in_the_history() -> anyhow::Result<()> {
    let gateway = Harness::start().await?;
    let me = json!({ "id": [{ "_": "inputUserSelf" }] });
    let me = gateway
        .call("demo", "users.getUsers", me)
        .await?
        .expect(200)?;
    assert_eq!(
        (&me[0]["_"], &me[0]["self"]),
        (&json!("user"), &json!(true))
    );
    assert!(me[0]["id"].is_string(), "64 bits are strings: {me:#}");

    send(&gateway, "first", None).await?;
    send(&gateway, "second", None).await?;
    let history = json!({
        "peer": { "_": "inputPeerSelf" }, "offset_id": 0, "offset_date": 0, "add_offset": 0,
        "limit": 10, "max_id": 0, "min_id": 0, "hash": "0",
    });
    let history = gateway
        .call("demo", "messages.getHistory", history)
        .await?
        .expect(200)?;
    let texts: Vec<_> = history["messages"]
        .as_array()
        .expect("messages")
        .iter()
        .map(|message| &message["message"])
        .collect();
    assert_eq!(texts, ["second", "first"]);

    // The gateway made the random ids, and none twice.
    let sent = gateway.datacenter.journal(&JournalFilter {
        method: Some("messages.sendMessage".into()),
        ..JournalFilter::default()
    });
    assert_eq!(sent.len(), 2);
    assert!(sent[0].random_id.is_some() && sent[0].random_id != sent[1].random_id);
    gateway.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_idempotency_key_is_one_message() -> anyhow::Result<()> {
    let gateway = Harness::start().await?;
    send(&gateway, "once", Some("order-17")).await?;
    send(&gateway, "once", Some("order-17")).await?;
    send(&gateway, "once", Some("order-18")).await?;
    let history = json!({
        "peer": "me", "offset_id": 0, "offset_date": 0, "add_offset": 0, "limit": 10,
        "max_id": 0, "min_id": 0, "hash": 0,
    });
    let history = gateway
        .call("demo", "messages.getHistory", history)
        .await?
        .expect(200)?;
    assert_eq!(history["messages"].as_array().map(Vec::len), Some(2));
    gateway.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_of_the_schema_is_there() -> anyhow::Result<()> {
    let gateway = Harness::start().await?;
    let methods = gateway.get("/api/telegram/methods").await?.expect(200)?;
    assert!(
        methods["layer"].as_i64() >= Some(230),
        "{}",
        methods["layer"]
    );
    assert!(methods["methods"].as_array().map(Vec::len) > Some(800));
    let one = gateway
        .get("/api/telegram/methods/messages.sendMessage")
        .await?
        .expect(200)?;
    assert_eq!(one["name"], "messages.sendMessage");

    // What our data center does not know, it refuses as Telegram would; the gateway sent it.
    let refused = gateway
        .call(
            "demo",
            "stats.getBroadcastStats",
            json!({ "channel": { "_": "inputChannelEmpty" } }),
        )
        .await?;
    assert!((400..600).contains(&refused.status), "{}", refused.status);
    let telegram = &refused.body["telegram"];
    assert_eq!(
        telegram["method"], "stats.getBroadcastStats",
        "{:#}",
        refused.body
    );
    gateway.stop().await;
    Ok(())
}
