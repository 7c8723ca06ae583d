//! The friendly paths for messages.

use serde_json::json;
use sluice_harness::Harness;

#[tokio::test(flavor = "multi_thread")]
async fn marked_up_messages_are_sent_and_read_back_in_pages() {
    let gateway = Harness::start().await.unwrap();
    let bold = json!({ "peer": "@demo_2", "text": "**bold**\nplain", "parseMode": "markdown" });
    let sent = gateway.post("/api/telegram/messages", bold).await.unwrap();
    let sent = sent.expect(201).unwrap();
    assert!(sent["id"].is_i64() && sent["date"].is_i64(), "{sent:#}");
    for text in ["two", "three"] {
        let body = json!({ "peer": "@demo_2", "text": text });
        gateway
            .post("/api/telegram/messages", body)
            .await
            .unwrap()
            .expect(201)
            .unwrap();
    }

    let path = "/api/telegram/messages?peer=@demo_2&limit=2";
    let page = gateway.get(path).await.unwrap().expect(200).unwrap();
    assert_eq!(page["messages"][0]["message"], "three");
    let cursor = page["cursor"].as_str().expect("there is more");
    let next = format!("{path}&cursor={cursor}");
    let page = gateway.get(&next).await.unwrap().expect(200).unwrap();
    let message = &page["messages"][0];
    assert_eq!(message["message"], "bold\nplain");
    assert_eq!(message["entities"][0]["_"], "messageEntityBold");
    assert!(page["cursor"].is_null());

    for (path, code) in [
        ("/api/telegram/messages?peer=me&limit=0", "QUERY_INVALID"),
        ("/api/telegram/messages?peer=me&cursor=x", "QUERY_INVALID"),
        ("/api/telegram/messages", "QUERY_INVALID"),
    ] {
        gateway.get(path).await.unwrap().problem(400, code).unwrap();
    }
    gateway.stop().await;
}
