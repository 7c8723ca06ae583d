use serde_json::json;
use sluice_datacenter::{Action, Match, PushFaults, Rule};

use crate::support::World;

/// Breaks when a pushed message does not reach the log, or the sender's own does not.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_from_another_account_is_in_the_log() {
    let world = World::start().await;
    world.user("9996620020", None);
    let two = world.user("9996620021", None);
    let gateway = world.gateway().await;
    let first = gateway.signed_in("one", "9996620020").await;
    let second = gateway.signed_in("two", "9996620021").await;
    let mut events = gateway.events();
    let found = gateway
        .call(
            &first,
            "contacts.resolvePhone",
            json!({"phone": "9996620021"}),
        )
        .await
        .unwrap();
    assert_eq!(found["peer"]["user_id"], two.id.to_string());
    let params = json!({"peer": two.id, "message": "good morning"});
    gateway
        .call(&first, "messages.sendMessage", params)
        .await
        .unwrap();
    let mut whose = Vec::new();
    for _ in 0..2 {
        let event = events.message("good morning").await;
        whose.push(event["account"].as_str().unwrap().to_owned());
    }
    whose.sort();
    assert_eq!(whose, [first.as_str(), second.as_str()]);
    gateway.stop().await;
}

/// Breaks when what came while the gateway was down is not fetched after it, or comes twice.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_is_fetched_after_a_restart_once() {
    let world = World::start().await;
    let one = world.user("9996620022", None);
    let two = world.user("9996620023", None);
    let gateway = world.gateway().await;
    let name = gateway.signed_in("one", "9996620022").await;
    let mut events = gateway.events();
    world.telegram.send_text(two.id, one.id, "before").unwrap();
    events.message("before").await;
    gateway.stop().await;
    world
        .telegram
        .send_text(two.id, one.id, "meanwhile 1")
        .unwrap();
    world
        .telegram
        .send_text(two.id, one.id, "meanwhile 2")
        .unwrap();
    let gateway = world.gateway().await;
    let mut events = gateway.events_from_start();
    let mut texts = Vec::new();
    for _ in 0..3 {
        let event = events.until(|event| event["type"] == "update").await;
        texts.push(
            event["update"]["message"]["message"]
                .as_str()
                .unwrap_or("?")
                .to_owned(),
        );
    }
    assert_eq!(texts, ["before", "meanwhile 1", "meanwhile 2"]);
    world.telegram.send_text(two.id, one.id, "after").unwrap();
    let next = events.until(|event| event["type"] == "update").await;
    assert_eq!(next["update"]["message"]["message"], "after");
    assert!(gateway.accounts.status(&name).is_ok());
    gateway.stop().await;
}

/// Breaks when a burst is reordered, doubled or thinned.
#[tokio::test(flavor = "multi_thread")]
async fn a_burst_comes_in_order_and_whole() {
    let world = World::start().await;
    let one = world.user("9996620024", None);
    let two = world.user("9996620025", None);
    let gateway = world.gateway().await;
    gateway.signed_in("one", "9996620024").await;
    let mut events = gateway.events();
    for number in 0..500 {
        world
            .telegram
            .send_text(two.id, one.id, &number.to_string())
            .unwrap();
    }
    for number in 0..500 {
        let event = events.until(|event| event["type"] == "update").await;
        assert_eq!(event["update"]["message"]["message"], number.to_string());
    }
    gateway.stop().await;
}

/// Breaks when a new sign-in of the same person passes over what came while the session was lost.
#[tokio::test(flavor = "multi_thread")]
async fn what_came_while_the_session_was_lost_is_fetched_after_the_next_sign_in() {
    let world = World::start().await;
    let one = world.user("9996620026", None);
    let two = world.user("9996620027", None);
    let gateway = world.gateway().await;
    let name = gateway.signed_in("one", "9996620026").await;
    let mut events = gateway.events();
    let rule = world.telegram.add_rule(Rule {
        matches: Match {
            method: Some("help.getNearestDc".into()),
            ..Match::default()
        },
        action: Action::RpcError {
            code: 401,
            name: "SESSION_REVOKED".into(),
        },
    });
    let refused = gateway.call(&name, "help.getNearestDc", json!({})).await;
    refused.unwrap_err();
    events.state(&name, "session_lost").await;
    world.telegram.remove_rule(rule);
    world
        .telegram
        .send_text(two.id, one.id, "meanwhile")
        .unwrap();
    let accounts = &gateway.accounts;
    accounts.send_code(&name, "9996620026").await.unwrap();
    let code = crate::support::code("9996620026");
    accounts.sign_in(&name, code).await.unwrap();
    events.message("meanwhile").await;
    gateway.stop().await;
}

/// Breaks when a lost push is not fetched, or a doubled one comes twice.
#[tokio::test(flavor = "multi_thread")]
async fn pushes_that_are_lost_and_doubled_come_once_with_the_next() {
    let world = World::start().await;
    let one = world.user("9996620028", None);
    let two = world.user("9996620029", None);
    let gateway = world.gateway().await;
    gateway.signed_in("one", "9996620028").await;
    let mut events = gateway.events();
    let send = |text: &str| world.telegram.send_text(two.id, one.id, text).unwrap();
    world.telegram.fault_pushes(Some(PushFaults {
        drop: 1.0,
        ..PushFaults::default()
    }));
    send("lost");
    world.telegram.fault_pushes(Some(PushFaults {
        double: 1.0,
        ..PushFaults::default()
    }));
    send("doubled");
    send("last");
    let mut texts = Vec::new();
    while texts.last().is_none_or(|text| text != "last") {
        let event = events.until(|event| event["type"] == "update").await;
        let text = event["update"]["message"]["message"].as_str();
        texts.extend(text.map(str::to_owned));
    }
    assert_eq!(texts, ["lost", "doubled", "last"]);
    gateway.stop().await;
}
