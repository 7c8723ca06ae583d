//! Deliveries to receivers on this machine.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests fail by panicking, and helpers here are tests too"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sluice_domain::{Clock, Random, Secret, UnixMillis};
use sluice_export::{Address, Courier, Deps, Parcel, Target};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Longest a test waits for something to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

struct Still;

impl Clock for Still {
    fn now(&self) -> UnixMillis {
        UnixMillis(1_800_000_000_000)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

struct Zero;

impl Random for Zero {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

fn courier() -> (Courier, CancellationToken, TaskTracker) {
    let (closing, tracker) = (CancellationToken::new(), TaskTracker::new());
    let courier = Courier::new(Deps {
        clock: Arc::new(Still),
        random: Arc::new(Zero),
        runtime: tokio::runtime::Handle::current(),
        tracker: tracker.clone(),
        closing: closing.clone(),
    });
    (courier, closing, tracker)
}

fn target(address: Address) -> Target {
    Target {
        address,
        headers: BTreeMap::from([("X-Key".into(), Secret::new("let-me-in".into()))]),
        timeout: Duration::from_secs(5),
        ca_file: None,
    }
}

fn http(listener: &TcpListener) -> Target {
    let address = listener.local_addr().unwrap();
    target(Address::Http(Secret::new(format!("http://{address}/in"))))
}

fn parcel(body: &str) -> Parcel {
    Parcel {
        target: "t".into(),
        content_type: Some("application/json".into()),
        body: body.to_owned().into(),
    }
}

/// One request on a connection of its own, answered with these words; its text.
async fn answered(listener: &TcpListener, answer: &str) -> String {
    let (mut stream, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    let mut text = Vec::new();
    loop {
        let mut part = [0; 4_096];
        let read = stream.read(&mut part).await.unwrap();
        text.extend_from_slice(&part[..read]);
        let seen = String::from_utf8_lossy(&text);
        let Some((head, body)) = seen.split_once("\r\n\r\n") else {
            assert!(read > 0, "cut off: {seen}");
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        if body.len() >= length {
            break;
        }
    }
    let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    String::from_utf8(text).unwrap()
}

/// Breaks when what is refused for a moment is lost, comes again too early, or when what is refused
/// for good comes again.
#[tokio::test]
async fn what_a_receiver_refuses_for_a_moment_comes_again_and_not_before_it_says() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (courier, closing, tracker) = courier();
    courier.set_targets(BTreeMap::from([("t".into(), http(&listener))]));
    courier.send(parcel("one"));
    courier.send(parcel("two"));
    courier.send(parcel("three"));

    let first = answered(&listener, "429 Too Many Requests\r\nretry-after: 1").await;
    let refused = Instant::now();
    assert!(first.starts_with("POST /in HTTP/1.1\r\n"), "{first}");
    assert!(first.contains("content-type: application/json\r\n"));
    assert!(first.contains("x-key: let-me-in\r\n") && first.ends_with("one"));
    let again = answered(&listener, "200 OK").await;
    assert!(again.ends_with("one"), "{again}");
    assert!(refused.elapsed() >= Duration::from_secs(1));
    assert!(
        answered(&listener, "400 Bad Request")
            .await
            .ends_with("two")
    );
    assert!(answered(&listener, "200 OK").await.ends_with("three"));

    closing.cancel();
    tracker.close();
    timeout(PATIENCE, tracker.wait()).await.unwrap();
}

/// Breaks when a receiver that hangs holds up the gateway, or the task of a target outlives it.
#[tokio::test]
async fn a_receiver_that_hangs_holds_nobody_up() {
    let hanging = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (courier, closing, tracker) = courier();
    courier.set_targets(BTreeMap::from([("t".into(), http(&hanging))]));
    let began = Instant::now();
    for _ in 0..10_000 {
        courier.send(parcel("x"));
    }
    assert!(began.elapsed() < Duration::from_secs(5));
    let (_held, _) = timeout(PATIENCE, hanging.accept()).await.unwrap().unwrap();

    // Another address for the same name: the old one is left, the new one is served.
    let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
    courier.set_targets(BTreeMap::from([("t".into(), http(&other))]));
    courier.send(parcel("moved"));
    assert!(answered(&other, "200 OK").await.ends_with("moved"));
    closing.cancel();
    tracker.close();
    timeout(PATIENCE, tracker.wait()).await.unwrap();
}

#[tokio::test]
async fn datagrams_arrive_one_by_one() {
    let receiver = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = receiver.local_addr().unwrap();
    let (courier, _closing, _tracker) = courier();
    let udp = target(Address::Udp(address.to_string()));
    courier.set_targets(BTreeMap::from([("t".into(), udp)]));
    for n in 0..100 {
        courier.send(Parcel {
            content_type: None,
            ..parcel(&n.to_string())
        });
    }
    for n in 0..100 {
        let mut bytes = [0; 64];
        let read = timeout(PATIENCE, receiver.recv(&mut bytes)).await;
        let read = read.unwrap().unwrap();
        assert_eq!(bytes[..read], *n.to_string().as_bytes());
    }
}
