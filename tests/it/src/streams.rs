//! Events on WebSockets, as server-sent events and by long polls.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use sluice_harness::{Answer, Events, Harness, Setup};

async fn send(gateway: &Harness, text: &str) {
    let body = json!({ "peer": "@demo", "message": text });
    gateway
        .call("demo-2", "messages.sendMessage", body)
        .await
        .unwrap()
        .expect(200)
        .unwrap();
}

/// Whether an event is a message with this text that came in.
fn says(event: &Value, text: &str) -> bool {
    let message = &event["update"]["message"];
    message["message"] == text && message.get("out").is_none()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_gets_live_state_then_updates_and_resumes_by_cursor() {
    let gateway = Harness::start().await.unwrap();
    let mut events = gateway.events("account=demo").await.unwrap();
    let status = events.next_of("status").await.unwrap();
    assert_eq!(status["connected"], true);
    assert!(status["lastChecked"].is_string());
    assert!(status.get("id").is_none());

    send(&gateway, "one").await;
    let first = events.until(|event| says(event, "one")).await.unwrap();
    assert_eq!(
        (&first["type"], &first["account"]),
        (&json!("update"), &json!("demo"))
    );
    events.close().await.unwrap();

    send(&gateway, "two").await;
    let after = first["id"].as_str().unwrap();
    let mut events = gateway
        .events(&format!("account=demo&after={after}"))
        .await
        .unwrap();
    let second = events.next_of("update").await.unwrap();
    assert!(says(&second, "two"), "{second:#}");
    assert!(second["id"].as_str().unwrap() > after);
    events.close().await.unwrap();
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn polls_and_server_sent_events_read_the_same_log() {
    let gateway = Harness::start().await.unwrap();
    send(&gateway, "hello").await;
    let mut events = gateway
        .events("types=update&account=demo&after=0")
        .await
        .unwrap();
    let event = events.until(|event| says(event, "hello")).await.unwrap();
    events.close().await.unwrap();

    let polled = gateway
        .get("/api/events?poll=10&types=update&account=demo&after=0")
        .await
        .unwrap()
        .expect(200)
        .unwrap();
    let found = polled["events"].as_array().unwrap();
    assert!(found.contains(&event), "{polled:#}");
    let cursor = polled["cursor"].as_str().unwrap();
    let empty = gateway
        .get(&format!(
            "/api/events?poll=0&types=update&account=demo&after={cursor}"
        ))
        .await
        .unwrap()
        .expect(200)
        .unwrap();
    assert_eq!(empty["events"], json!([]));

    let mut stream = gateway
        .request(Method::GET, "/api/events?types=update&account=demo")
        .header("accept", "text/event-stream")
        .header("last-event-id", "0")
        .send()
        .await
        .unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut text = String::new();
    while !text.contains("hello") || !text.ends_with("\n\n") {
        let chunk = stream.chunk().await.unwrap().expect("the stream goes on");
        text.push_str(&String::from_utf8_lossy(&chunk));
    }
    let id = format!("id: {}", event["id"].as_str().unwrap());
    assert!(text.contains(&id), "{text}");
    drop(stream);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn revoking_a_key_closes_its_sockets() {
    let gateway = Harness::start().await.unwrap();
    let key = gateway
        .post("/api/keys", json!({ "name": "reader", "scopes": ["read"] }))
        .await
        .unwrap()
        .expect(201)
        .unwrap();
    let mut events = Events::connect(&gateway.events_url(""), key["key"].as_str())
        .await
        .unwrap();
    events.next().await.unwrap();
    let path = format!("/api/keys/{}", key["id"].as_str().unwrap());
    assert_eq!(gateway.delete(&path).await.unwrap().status, 204);
    assert_eq!(events.ended().await.unwrap().code, 1008);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_opens_one_socket() {
    let gateway = Harness::start().await.unwrap();
    let ticket = gateway
        .post("/api/ws-ticket", json!({}))
        .await
        .unwrap()
        .expect(201)
        .unwrap();
    let url = gateway.events_url(&format!("ticket={}", ticket["ticket"].as_str().unwrap()));
    let mut events = Events::connect(&url, None).await.unwrap();
    events.next().await.unwrap();
    events.close().await.unwrap();
    assert!(Events::connect(&url, None).await.is_err());
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_tells_every_socket_where_to_go_on() {
    let gateway = Harness::start().await.unwrap();
    let mut events = gateway.events("").await.unwrap();
    events.next().await.unwrap();
    let ended = async {
        let ended = events.ended().await.unwrap();
        assert_eq!(ended.code, 1001);
        assert!(ended.reason.contains("after="), "{}", ended.reason);
    };
    tokio::join!(gateway.stop(), ended);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_said() {
    let gateway = Harness::start().await.unwrap();
    for (path, code) in [
        ("/api/events", "EVENTS_HOW"),
        ("/api/events?poll=0&after=zzz", "CURSOR_INVALID"),
        ("/api/events?poll=0&types=updates", "EVENT_TYPE_UNKNOWN"),
    ] {
        gateway.get(path).await.unwrap().problem(400, code).unwrap();
    }
    let unknown = gateway
        .get("/api/events?poll=0&account=nobody")
        .await
        .unwrap();
    unknown.problem(404, "ACCOUNT_NOT_FOUND").unwrap();
    let ticket = gateway.bare_request(Method::GET, "/api/events?poll=0&ticket=none");
    let refused = Answer::read(ticket.send().await.unwrap()).await.unwrap();
    refused.problem(401, "TICKET_INVALID").unwrap();
    gateway.stop().await;
}

/// Counts readers that were cut; no other test has one.
const CUT: &str = "sluice_event_readers_cut_total";

/// A reader that takes nothing is cut, and what it finds when it reads again is whole: every event
/// up to the cursor in the close, and no other.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_is_cut_with_its_cursor() {
    let mut setup = Setup::default();
    setup.config.events.slow_reader = Duration::from_secs(1);
    let gateway = Harness::with(setup).await.unwrap();
    let mut events = gateway
        .slow_events("account=demo&types=update&after=0")
        .await
        .unwrap();

    let ids: Vec<i64> = gateway
        .datacenter
        .accounts()
        .iter()
        .map(|known| known.id)
        .collect();
    let text = "x".repeat(4000);
    let mut last = String::new();
    for number in 0..400 {
        last = format!("{number} {text}");
        gateway.datacenter.send_text(ids[1], ids[0], &last).unwrap();
    }
    // All of them are in the log before the reader begins to read.
    let mut watcher = gateway
        .events("account=demo&types=update&after=0")
        .await
        .unwrap();
    watcher.until(|event| says(event, &last)).await.unwrap();
    watcher.close().await.unwrap();
    // Each look takes a request, so this asks a few hundred times a second at most.
    let cut = async { while gateway.figure(CUT).await.unwrap() < 1.0 {} };
    tokio::time::timeout(Duration::from_secs(30), cut)
        .await
        .expect("the reader is cut");

    let mut newest = String::new();
    let ended = events
        .ended_after(|event| newest = event["id"].as_str().unwrap().to_owned())
        .await
        .unwrap();
    assert_eq!(ended.code, 1013);
    assert!(ended.reason.ends_with(&newest), "{} {newest}", ended.reason);

    let mut events = gateway
        .events(&format!("account=demo&types=update&after={newest}"))
        .await
        .unwrap();
    events.until(|event| says(event, &last)).await.unwrap();
    events.close().await.unwrap();
    gateway.stop().await;
}
