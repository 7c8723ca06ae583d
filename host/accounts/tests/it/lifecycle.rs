use serde_json::json;
use sluice_accounts::CallOptions;
use sluice_datacenter::{Action, Match, Rule};
use sluice_domain::{AccountKind, AccountState};

use crate::support::World;

/// Breaks when an account that was signed in does not come back by itself.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_accounts_are_back_unasked() {
    let world = World::start().await;
    world.user("9996610030", None);
    let gateway = world.gateway().await;
    let name = gateway.signed_in("one", "9996610030").await;
    gateway.stop().await;
    let gateway = world.gateway().await;
    gateway.ready(&name).await;
    assert!(
        gateway
            .accounts
            .me(&name, CallOptions::default())
            .await
            .is_ok()
    );
    gateway.stop().await;
}

/// Breaks when `disconnect` loses the session or the account connects by itself after it.
#[tokio::test(flavor = "multi_thread")]
async fn disconnected_stays_so_until_told_to_connect() {
    let world = World::start().await;
    world.user("9996610031", None);
    let gateway = world.gateway().await;
    let name = gateway.signed_in("one", "9996610031").await;
    gateway.accounts.disconnect(&name).await.unwrap();
    assert!(!gateway.accounts.status(&name).unwrap().connected);
    let problem = gateway
        .call(&name, "help.getConfig", json!({}))
        .await
        .unwrap_err();
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (503, "NOT_CONNECTED")
    );
    gateway.stop().await;
    let gateway = world.gateway().await;
    assert_eq!(
        gateway.accounts.status(&name).unwrap().state,
        AccountState::Disconnected
    );
    gateway.accounts.connect(&name).await.unwrap();
    assert!(gateway.accounts.status(&name).unwrap().connected);
    gateway
        .call(&name, "help.getConfig", json!({}))
        .await
        .unwrap();
    gateway.stop().await;
}

/// Breaks when a log-out leaves the authorization at Telegram, or its key here.
#[tokio::test(flavor = "multi_thread")]
async fn log_out_ends_the_authorization() {
    let world = World::start().await;
    let user = world.user("9996610032", None);
    let gateway = world.gateway().await;
    let name = gateway.signed_in("one", "9996610032").await;
    assert_eq!(world.telegram.authorizations(user.id).len(), 1);
    gateway.accounts.log_out(&name).await.unwrap();
    assert!(world.telegram.authorizations(user.id).is_empty());
    let status = gateway.accounts.status(&name).unwrap();
    assert_eq!(status.state, AccountState::SignedOut);
    gateway
        .accounts
        .send_code(&name, "9996610032")
        .await
        .unwrap();
    gateway
        .accounts
        .sign_in(&name, crate::support::code("9996610032"))
        .await
        .unwrap();
    gateway.stop().await;
}

/// Breaks when a data center that goes away is not noticed, or its return is not.
#[tokio::test(flavor = "multi_thread")]
async fn the_account_is_back_when_the_data_center_is() {
    let world = World::start().await;
    world.user("9996610033", None);
    let gateway = world.gateway().await;
    let name = gateway.signed_in("one", "9996610033").await;
    let mut events = gateway.events();
    world.telegram.stop().await;
    events.state(&name, "connecting").await;
    assert!(!gateway.accounts.status(&name).unwrap().connected);
    world.telegram.restart().await.unwrap();
    events.state(&name, "ready").await;
    assert!(gateway.accounts.status(&name).unwrap().connected);
    gateway.stop().await;
}

/// Breaks when a session that Telegram ended is retried, or its state is not told.
#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_session_is_lost_with_a_reason() {
    let world = World::start().await;
    world.user("9996610034", None);
    let gateway = world.gateway().await;
    let name = gateway.signed_in("one", "9996610034").await;
    let mut events = gateway.events();
    world.telegram.add_rule(Rule {
        matches: Match {
            method: Some("help.getNearestDc".into()),
            ..Match::default()
        },
        action: Action::RpcError {
            code: 401,
            name: "SESSION_REVOKED".into(),
        },
    });
    let problem = gateway
        .call(&name, "help.getNearestDc", json!({}))
        .await
        .unwrap_err();
    assert_eq!(problem.code, "SESSION_REVOKED");
    let error = events.until(|event| event["type"] == "error").await;
    assert_eq!(error["code"], "SESSION_REVOKED");
    assert_eq!(error["category"], "auth");
    let state = events.state(&name, "session_lost").await;
    assert_eq!(state["stateReason"], "SESSION_REVOKED");
    let problem = gateway
        .call(&name, "help.getConfig", json!({}))
        .await
        .unwrap_err();
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (409, "SESSION_LOST")
    );
    assert_eq!(
        gateway.accounts.session_health(&name).await.unwrap().score,
        0
    );
    gateway.stop().await;
}

/// Breaks when a field of the views is wrong, or an account cannot be removed.
#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_listed_shown_and_removed() {
    let world = World::start().await;
    world.user("9996610035", None);
    let gateway = world.gateway().await;
    let name = gateway.signed_in("default", "9996610035").await;
    gateway.create("other", AccountKind::Bot).await;
    let accounts = &gateway.accounts;
    assert_eq!(accounts.list().len(), 2);
    assert_eq!(accounts.resolve(None).unwrap(), name);
    assert_eq!(accounts.resolve(Some("nobody")).unwrap_err().status, 404);
    let view = serde_json::to_value(accounts.view(&name).unwrap()).unwrap();
    assert_eq!(view["kind"], "user");
    assert_eq!(view["default"], true);
    assert_eq!(view["connected"], true);
    let health = accounts.session_health(&name).await.unwrap();
    assert!(health.score >= 90, "{health:?}");
    assert_eq!(health.checks.len(), 7);
    let pool = accounts.pool_status(Some(&name)).unwrap();
    assert_eq!(pool.connections.len(), 1);
    assert!(pool.connections[0].metrics.latency.is_some());
    let cleanup = accounts.pool_cleanup(Some(&name), false).await.unwrap();
    assert_eq!(cleanup.closed, [pool.connections[0].id.clone()]);
    gateway
        .call(&name, "help.getConfig", json!({}))
        .await
        .unwrap();
    accounts.delete(&name, true).await.unwrap();
    assert_eq!(accounts.view(&name).unwrap_err().status, 404);
    gateway.stop().await;
}

/// Breaks when a purged account's authorization stays in the person's list of devices for ever.
#[tokio::test(flavor = "multi_thread")]
async fn purging_an_account_ends_its_authorization() {
    let world = World::start().await;
    let user = world.user("9996610036", None);
    let gateway = world.gateway().await;
    let name = gateway.signed_in("one", "9996610036").await;
    gateway.accounts.delete(&name, true).await.unwrap();
    assert!(world.telegram.authorizations(user.id).is_empty());
    gateway.stop().await;
}

/// Breaks when a lost session cannot be followed by a new sign-in, or is forgotten by one that
/// was called off.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_account_signs_in_again() {
    let world = World::start().await;
    world.user("9996610037", None);
    let gateway = world.gateway().await;
    let name = gateway.signed_in("one", "9996610037").await;
    let mut events = gateway.events();
    let rule = world.telegram.add_rule(Rule {
        matches: Match {
            method: Some("help.getNearestDc".into()),
            ..Match::default()
        },
        action: Action::RpcError {
            code: 406,
            name: "AUTH_KEY_DUPLICATED".into(),
        },
    });
    gateway
        .call(&name, "help.getNearestDc", json!({}))
        .await
        .unwrap_err();
    events.state(&name, "parked").await;
    world.telegram.remove_rule(rule);
    let accounts = &gateway.accounts;
    accounts.send_code(&name, "9996610037").await.unwrap();
    accounts.cancel_code(&name).await.unwrap();
    assert_eq!(
        accounts.status(&name).unwrap().state,
        AccountState::SessionLost
    );
    accounts.send_code(&name, "9996610037").await.unwrap();
    let code = crate::support::code("9996610037");
    accounts.sign_in(&name, code).await.unwrap();
    assert!(accounts.me(&name, CallOptions::default()).await.is_ok());
    gateway.stop().await;
}
