//! Rules about connections and packets, and the clock of the protocol.

use std::time::Duration;

use serde_json::json;
use sluice_datacenter::{Action, DataCenter, JournalEntry, JournalFilter, Match, Rule, RuleId};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::client::{Failed, join, start};

const ANNA: &str = "9996610001";

fn rule(dc: &DataCenter, matches: Match, action: Action) -> RuleId {
    dc.add_rule(Rule { matches, action })
}

fn once(method: &str) -> Match {
    Match {
        method: Some(method.into()),
        times: Some(1),
        ..Match::default()
    }
}

fn states(dc: &DataCenter) -> Vec<JournalEntry> {
    dc.journal(&JournalFilter {
        method: Some("updates.getState".into()),
        ..JournalFilter::default()
    })
}

/// Fails if a refused packet is executed, or if a refusal cannot be got over with one more try.
#[tokio::test]
async fn every_code_of_bad_msg() {
    let dc = start().await;
    let mut anna = join(&dc).await;
    anna.sign_in(ANNA).await;
    for (number, code) in (1..).zip([16, 17, 18, 19, 32, 33, 34, 35, 48, 64]) {
        let made = rule(&dc, once("updates.getState"), Action::BadMsg(code));
        let before = anna.opened(0).header;
        anna.ok("updates.getState", json!({})).await;
        let after = anna.opened(0).header;
        assert_eq!(states(&dc).len(), number, "{code}");
        let rules = dc.rules();
        let applied = rules.iter().find(|rule| rule.id == made).unwrap().applied;
        assert_eq!(applied, 1, "{code}");
        assert_eq!(before.salt != after.salt, code == 48, "{code}");
        let renewed = before.session_id != after.session_id;
        assert_eq!(renewed, !matches!(code, 16 | 48), "{code}");
    }
    rule(&dc, once("updates.getState"), Action::BadMsg(20));
    let answer = anna.call("updates.getState", json!({})).await;
    assert_eq!(answer, Err(Failed::Unsure));
    dc.shutdown().await;
}

/// Fails if `every` counts anything but what fits, or if a client cannot live with new salts.
#[tokio::test]
async fn salts_end_with_every_second_call() {
    let dc = start().await;
    let mut anna = join(&dc).await;
    anna.sign_in(ANNA).await;
    let matches = Match {
        method: Some("updates.getState".into()),
        every: Some(2),
        ..Match::default()
    };
    let made = rule(&dc, matches, Action::BadMsg(48));
    for _ in 0..10 {
        anna.ok("updates.getState", json!({})).await;
    }
    let rules = dc.rules();
    let view = rules.iter().find(|rule| rule.id == made).unwrap();
    assert_eq!(
        (view.seen, view.applied),
        (19, 9),
        "each refused call comes twice"
    );
    assert_eq!(states(&dc).len(), 10);
    dc.shutdown().await;
}

/// Fails if a transport error is another than asked for, or the call is executed; a forgotten key
/// is forgotten for good.
#[tokio::test]
async fn transport_errors_and_a_forgotten_key() {
    let dc = start().await;
    let address = dc.dcs()[0].address;
    let mut anna = join(&dc).await;
    anna.sign_in(ANNA).await;
    for code in [403, 404, 429, 444] {
        rule(&dc, once("updates.getState"), Action::TransportError(code));
        let answer = anna.call("updates.getState", json!({})).await;
        assert_eq!(answer, Err(Failed::Transport(code)));
        assert_eq!(anna.step().await, Err(Failed::Closed));
        anna = anna.reconnect(address).await;
        anna.answer().await.expect("it goes on");
    }
    assert_eq!(states(&dc).len(), 4);
    rule(&dc, once("updates.getState"), Action::ForgetKey);
    for _ in 0..2 {
        let answer = anna.call("updates.getState", json!({})).await;
        assert_eq!(answer, Err(Failed::Transport(404)));
        anna = anna.reconnect(address).await;
    }
    dc.shutdown().await;
}

/// Fails if a packet that fell into the hole is executed, or if the connection is closed.
#[tokio::test]
async fn a_black_hole_swallows_what_was_on_its_way() {
    let dc = start().await;
    let mut anna = join(&dc).await;
    let id = anna.sign_in(ANNA).await;
    let matches = Match {
        account: Some(id),
        times: Some(1),
        ..Match::default()
    };
    rule(&dc, matches, Action::BlackHole);
    let patience = Duration::from_millis(200);
    let waited = timeout(patience, anna.call("updates.getState", json!({}))).await;
    assert!(waited.is_err(), "{waited:?}");
    assert_eq!(states(&dc).len(), 0);
    let mut anna = anna.reconnect(dc.dcs()[0].address).await;
    anna.answer().await.expect("sent again");
    assert_eq!(states(&dc).len(), 1);
    dc.shutdown().await;
}

/// Fails if a connection that should be refused is served, or a silent one closed or answered.
#[tokio::test]
async fn connections_are_reset_or_mum() {
    let dc = start().await;
    let address = dc.dcs()[1].address;
    let on = |media| Match {
        dc: Some(2),
        media: Some(media),
        times: Some(1),
        ..Match::default()
    };
    rule(&dc, on(false), Action::Reset);
    rule(&dc, on(true), Action::Mum);
    let mut buffer = [0; 16];
    let mut reset = TcpStream::connect(address).await.unwrap();
    reset.read(&mut buffer).await.expect_err("a reset");

    let mut mum = TcpStream::connect(dc.dcs()[1].media_address).await.unwrap();
    mum.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let said = timeout(Duration::from_millis(200), mum.read(&mut buffer)).await;
    assert!(said.is_err(), "nonsense is cut off elsewhere: {said:?}");
    dc.cut_connections(Some(2)).await;
    let said = timeout(Duration::from_secs(10), mum.read(&mut buffer)).await;
    assert!(matches!(said, Ok(Ok(0) | Err(_))), "{said:?}");

    TcpStream::connect(address).await.unwrap();
    join(&dc).await.ok("help.getConfig", json!({})).await;
    dc.shutdown().await;
}

/// Fails if the server's messages do not carry its wrong time, or if the world's time moves too.
#[tokio::test]
async fn the_protocols_clock_is_off() {
    let dc = start().await;
    let date = dc.clock().date();
    let mut anna = join(&dc).await;
    anna.sign_in(ANNA).await;
    let off = |entry: &JournalEntry| {
        let id: i64 = entry.msg_id.parse().unwrap();
        (id >> 32) - date
    };
    dc.set_clock_off(3_600);
    anna.ok("updates.getState", json!({})).await;
    let at = (anna.opened(0).header.msg_id >> 32) - date;
    assert!((3_590..3_700).contains(&at), "{at}");

    dc.set_clock_off(-3_600);
    let cut = anna.call("updates.getState", json!({})).await;
    assert_eq!(cut, Err(Failed::Closed));
    let mut anna = anna.reconnect(dc.dcs()[0].address).await;
    // Whether the call was executed, the server has forgotten.
    let _ = anna.answer().await;
    anna.ok("updates.getState", json!({})).await;
    let last = off(states(&dc).last().unwrap());
    assert!((-3_610..-3_500).contains(&last), "{last}");
    assert!(dc.clock().date() - date < 60);
    dc.shutdown().await;
}
