//! Waits over restarts, and calls that stand in line for them.

use std::time::Duration;

use serde_json::json;
use sluice_accounts::CallOptions;
use sluice_datacenter::{Action, JournalEntry, JournalFilter, Match, Rule};

use crate::support::World;

const SEND: &str = "messages.sendMessage";

fn flood(world: &World, name: &str, times: u64) {
    world.telegram.add_rule(Rule {
        matches: Match {
            method: Some(SEND.into()),
            times: Some(times),
            ..Match::default()
        },
        action: Action::RpcError {
            code: 420,
            name: name.into(),
        },
    });
}

fn sent(world: &World) -> Vec<JournalEntry> {
    world.telegram.journal(&JournalFilter {
        method: Some(SEND.into()),
        ..JournalFilter::default()
    })
}

fn options(patience: u64, key: Option<&str>) -> CallOptions {
    CallOptions {
        patience: Duration::from_secs(patience),
        timeout: Duration::from_mins(1),
        idempotency_key: key.map(str::to_owned),
        ..CallOptions::default()
    }
}

/// Breaks when a wait is forgotten over a restart, or cannot be removed for good.
#[tokio::test(flavor = "multi_thread")]
async fn waits_outlive_a_restart() {
    let world = World::start().await;
    world.user("9996620030", None);
    let gateway = world.gateway().await;
    let one = gateway.signed_in("one", "9996620030").await;
    flood(&world, "FLOOD_WAIT_3600", 1);
    let params = json!({"peer": "me", "message": "x"});
    gateway.call(&one, SEND, params.clone()).await.unwrap_err();
    let limits = gateway.accounts.limits(None).unwrap().limits;
    gateway.stop().await;

    let gateway = world.gateway().await;
    gateway.ready(&one).await;
    let kept = gateway.accounts.limits(None).unwrap().limits;
    assert_eq!(
        (&kept[0].id, kept[0].until),
        (&limits[0].id, limits[0].until)
    );
    let problem = gateway.call(&one, SEND, params.clone()).await.unwrap_err();
    assert_eq!((problem.status, problem.code.as_str()), (429, "FLOOD_WAIT"));
    assert!(
        problem
            .retry_after
            .is_some_and(|left| (3_500..=3_600).contains(&left))
    );
    assert_eq!(sent(&world).len(), 1, "Telegram is not asked");
    gateway
        .call(&one, "help.getConfig", json!({}))
        .await
        .unwrap();
    gateway.accounts.remove_limit(&kept[0].id).await.unwrap();
    assert!(gateway.accounts.remove_limit(&kept[0].id).await.is_err());
    gateway.stop().await;

    let gateway = world.gateway().await;
    gateway.ready(&one).await;
    assert!(gateway.accounts.limits(None).unwrap().limits.is_empty());
    gateway.call(&one, SEND, params).await.unwrap();
    gateway.stop().await;
}

/// Breaks when waiting calls reach Telegram early, in a burst or out of order, or when the gateway
/// takes as many as come.
#[tokio::test(flavor = "multi_thread")]
async fn waiting_calls_go_in_order_and_without_a_burst() {
    let world = World::start().await;
    world.user("9996620031", None);
    let gateway = world.gateway().await;
    let one = gateway.signed_in("one", "9996620031").await;
    flood(&world, "FLOOD_WAIT_2", 1);
    let params = |id: u32| json!({"peer": "me", "message": "x", "random_id": id.to_string()});
    gateway.call(&one, SEND, params(1)).await.unwrap_err();
    let mut calls = Vec::new();
    for id in 10..22 {
        let mut call = Box::pin(gateway.call_with(&one, SEND, params(id), options(20, None)));
        // Each has its place in line before the next comes.
        assert!(futures_util::poll!(&mut call).is_pending());
        tokio::task::yield_now().await;
        while gateway_waits(&mut call).await {}
        calls.push(call);
    }
    for answer in futures_util::future::join_all(calls).await {
        answer.unwrap();
    }
    let seen = sent(&world);
    let order: Vec<u32> = seen
        .iter()
        .map(|entry| entry.random_id.as_deref().unwrap().parse().unwrap())
        .collect();
    assert_eq!(order[0], 1);
    let mut sorted = order[1..].to_vec();
    sorted.sort_unstable();
    assert_eq!(sorted, (10..22).collect::<Vec<_>>(), "each exactly once");
    assert!(seen[1].at.since(seen[0].at) >= 2_000, "{seen:?}");
    // Between the first and the last: a pace, not a burst.
    let whole = seen[12].at.since(seen[1].at);
    assert!(whole >= 1_000, "a burst: {whole} ms");
    gateway.stop().await;
}

/// Lets what the call needs before it stands in line happen.
async fn gateway_waits<F: Future + Unpin>(call: &mut F) -> bool {
    let moment = tokio::time::timeout(Duration::from_millis(5), call).await;
    assert!(moment.is_err(), "it must wait");
    false
}

/// Breaks when a repeated send is answered without the message that it became.
#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_is_answered_with_the_message() {
    let world = World::start().await;
    world.user("9996620032", None);
    let gateway = world.gateway().await;
    let one = gateway.signed_in("one", "9996620032").await;
    let params = json!({"peer": "me", "message": "once"});
    let first = gateway
        .call_with(&one, SEND, params.clone(), options(0, Some("key")))
        .await
        .unwrap();
    let id = &first["updates"][0]["id"];
    let later = json!({"peer": "me", "message": "something else"});
    gateway.call(&one, SEND, later).await.unwrap();
    let check = |again: serde_json::Value| {
        assert_eq!(again["duplicate"], true, "{again:#}");
        assert_eq!(&again["updates"][0]["id"], id, "{again:#}");
        assert_eq!(again["updates"][1]["message"]["message"], "once");
    };
    let again = gateway
        .call_with(&one, SEND, params.clone(), options(0, Some("key")))
        .await;
    check(again.unwrap());
    gateway.stop().await;

    // After a restart nothing is remembered: the chat is looked through.
    let gateway = world.gateway().await;
    gateway.ready(&one).await;
    let again = gateway
        .call_with(&one, SEND, params.clone(), options(0, Some("key")))
        .await;
    check(again.unwrap());
    // Where Telegram does not tell, that it was sent is still said.
    world.telegram.add_rule(Rule {
        matches: Match {
            method: Some("messages.getHistory".into()),
            ..Match::default()
        },
        action: Action::RpcError {
            code: 420,
            name: "FLOOD_WAIT_60".into(),
        },
    });
    for _ in 0..2 {
        let again = gateway
            .call_with(&one, SEND, params.clone(), options(0, Some("key")))
            .await;
        assert_eq!(again.unwrap(), json!({"duplicate": true}));
    }
    let asked = world.telegram.journal(&JournalFilter {
        method: Some("messages.getHistory".into()),
        ..JournalFilter::default()
    });
    assert_eq!(asked.len(), 3, "a wait is kept for the look-up too");
    assert_eq!(sent(&world).len(), 6);
    gateway.stop().await;
}
