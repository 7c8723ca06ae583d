use std::time::{Duration, Instant};

use serde_json::json;
use sluice_accounts::CallOptions;
use sluice_datacenter::{Action, JournalFilter, Match, Rule};
use sluice_domain::Category;

use crate::support::World;

fn rule(method: &str, action: Action, times: u64) -> Rule {
    Rule {
        matches: Match {
            method: Some(method.into()),
            times: Some(times),
            ..Match::default()
        },
        action,
    }
}

fn error(code: i32, name: &str) -> Action {
    Action::RpcError {
        code,
        name: name.into(),
    }
}

fn patient(seconds: u64) -> CallOptions {
    CallOptions {
        patience: Duration::from_secs(seconds),
        ..CallOptions::default()
    }
}

/// Breaks when shorthands, random ids, encoding or decoding fail on the way of a call.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_to_oneself_is_in_the_history() {
    let world = World::start().await;
    world.user("9996620010", None);
    let gateway = world.gateway().await;
    let one = gateway.signed_in("one", "9996620010").await;
    let sent = json!({"peer": "me", "message": "a note"});
    gateway
        .call(&one, "messages.sendMessage", sent)
        .await
        .unwrap();
    let history = json!({"peer": "me", "offset_id": 0, "offset_date": 0, "add_offset": 0,
        "limit": 10, "max_id": 0, "min_id": 0, "hash": 0});
    let history = gateway
        .call(&one, "messages.getHistory", history)
        .await
        .unwrap();
    assert_eq!(history["messages"][0]["message"], "a note");
    let seen = world.telegram.journal(&JournalFilter {
        method: Some("messages.sendMessage".into()),
        ..JournalFilter::default()
    });
    assert!(seen[0].random_id.is_some());
    let traffic = gateway.accounts.monitoring_telegram(Some(&one)).unwrap();
    let methods = &traffic.accounts[0].methods;
    assert!(
        methods
            .iter()
            .any(|m| m.method == "messages.sendMessage" && m.calls == 1)
    );
    gateway.stop().await;
}

/// Breaks when a wrong body is answered without its place, or is sent.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_bodies_are_named_by_their_place() {
    let world = World::start().await;
    world.user("9996620011", None);
    let gateway = world.gateway().await;
    let one = gateway.signed_in("one", "9996620011").await;
    let problem = gateway
        .call(
            &one,
            "messages.sendMessage",
            json!({"peer": "me", "message": 5, "nonsense": 1}),
        )
        .await
        .unwrap_err();
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (400, "BAD_PARAMETERS")
    );
    let mut places: Vec<_> = problem.errors.iter().map(|e| e.pointer.as_str()).collect();
    places.sort_unstable();
    assert_eq!(places, ["/message", "/nonsense"]);
    let problem = gateway
        .call(&one, "messages.sendMesage", json!({}))
        .await
        .unwrap_err();
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (404, "METHOD_NOT_FOUND")
    );
    assert!(problem.advice.unwrap().contains("messages.sendMessage"));
    let problem = gateway
        .call(
            &one,
            "messages.sendMessage",
            json!({"peer": "@nobody_at_all", "message": "x"}),
        )
        .await
        .unwrap_err();
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (404, "PEER_NOT_FOUND")
    );
    assert_eq!(problem.errors[0].pointer, "/peer");
    let problem = gateway
        .call(&one, "auth.logOut", json!({}))
        .await
        .unwrap_err();
    assert_eq!(problem.code, "METHOD_RESERVED");
    gateway.stop().await;
}

/// Breaks when a wait is not told, not kept, or Telegram is asked before it is over.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_wait_is_told_kept_and_slept() {
    let world = World::start().await;
    world.user("9996620012", None);
    let gateway = world.gateway().await;
    let one = gateway.signed_in("one", "9996620012").await;
    let mut events = gateway.events();
    world
        .telegram
        .add_rule(rule("help.getNearestDc", error(420, "FLOOD_WAIT_2"), 1));
    let first = gateway
        .call(&one, "help.getNearestDc", json!({}))
        .await
        .unwrap_err();
    assert_eq!((first.status, first.code.as_str()), (429, "FLOOD_WAIT"));
    assert_eq!(first.category, Category::RateLimit);
    assert_eq!(first.retry_after, Some(2));
    assert_eq!(first.telegram.unwrap().name, "FLOOD_WAIT_2");
    let told = events.until(|event| event["type"] == "flood").await;
    assert_eq!(told["method"], "help.getNearestDc");
    let second = gateway
        .call(&one, "help.getNearestDc", json!({}))
        .await
        .unwrap_err();
    assert_eq!(second.status, 429);
    let limits = gateway.accounts.limits(Some(&one)).unwrap().limits;
    assert_eq!(limits[0].method.as_deref(), Some("help.getNearestDc"));
    // Another method is unaffected.
    gateway
        .call(&one, "help.getConfig", json!({}))
        .await
        .unwrap();
    let began = Instant::now();
    let third = gateway
        .call_with(&one, "help.getNearestDc", json!({}), patient(5))
        .await;
    assert!(third.is_err() || began.elapsed() > Duration::from_millis(500));
    let seen = world.telegram.journal(&JournalFilter {
        method: Some("help.getNearestDc".into()),
        ..JournalFilter::default()
    });
    assert_eq!(seen.len(), 2, "one refused, one after the wait: {seen:?}");
    assert!(seen[1].at.since(seen[0].at) >= 2_000, "{seen:?}");
    gateway.stop().await;
}

/// Breaks when the wait of this very call is not slept for the patient.
#[tokio::test(flavor = "multi_thread")]
async fn the_patient_get_their_answer_after_the_wait() {
    let world = World::start().await;
    world.user("9996620013", None);
    let gateway = world.gateway().await;
    let one = gateway.signed_in("one", "9996620013").await;
    world
        .telegram
        .add_rule(rule("messages.sendMessage", error(420, "FLOOD_WAIT_1"), 1));
    let params = json!({"peer": "me", "message": "late"});
    gateway
        .call_with(&one, "messages.sendMessage", params, patient(5))
        .await
        .unwrap();
    let seen = world.telegram.journal(&JournalFilter {
        method: Some("messages.sendMessage".into()),
        ..JournalFilter::default()
    });
    assert_eq!(seen.len(), 2);
    assert!(seen[1].at.since(seen[0].at) >= 1_000, "{seen:?}");
    assert_eq!(seen[0].random_id, seen[1].random_id);
    gateway.stop().await;
}

/// Breaks when RANDOM_ID_DUPLICATE is taken for a failure although the first attempt went through.
#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_of_ones_own_message_is_a_success() {
    let world = World::start().await;
    world.user("9996620014", None);
    let gateway = world.gateway().await;
    let one = gateway.signed_in("one", "9996620014").await;
    let options = CallOptions {
        idempotency_key: Some("the same".into()),
        ..CallOptions::default()
    };
    let params = json!({"peer": "me", "message": "once"});
    let send = || {
        gateway.call_with(
            &one,
            "messages.sendMessage",
            params.clone(),
            options.clone(),
        )
    };
    send().await.unwrap();
    world.telegram.add_rule(rule(
        "messages.sendMessage",
        error(500, "RANDOM_ID_DUPLICATE"),
        1,
    ));
    assert_eq!(send().await.unwrap()["duplicate"], true);
    gateway.stop().await;
}

/// Breaks when the deadline of a call is not kept by a data center that is silent.
#[tokio::test(flavor = "multi_thread")]
async fn silence_ends_at_the_deadline() {
    let world = World::start().await;
    world.user("9996620015", None);
    let gateway = world.gateway().await;
    let one = gateway.signed_in("one", "9996620015").await;
    world
        .telegram
        .add_rule(rule("help.getNearestDc", Action::Silence, 100));
    let options = CallOptions {
        timeout: Duration::from_secs(1),
        ..CallOptions::default()
    };
    let began = Instant::now();
    let problem = gateway
        .call_with(&one, "help.getNearestDc", json!({}), options)
        .await
        .unwrap_err();
    assert_eq!(problem.status, 504, "{problem:?}");
    assert!(began.elapsed() < Duration::from_secs(3));
    gateway.stop().await;
}
