use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sluice_accounts::{CallOptions, RotateRequest};
use sluice_datacenter::{Action, Match, Rule};
use sluice_domain::{RotationStatus, Secret};
use tokio::time::Instant;

use crate::support::{PATIENCE, World};

const TWO_DAYS: Duration = Duration::from_hours(48);

/// Breaks when the old session is not replaced, not removed, or the account does not go on.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_replaced_and_the_old_one_is_gone() {
    let world = World::start().await;
    let one = world.user("9996610040", None);
    let two = world.user("9996610041", None);
    let gateway = world.gateway().await;
    let name = gateway.signed_in("one", "9996610040").await;
    world.telegram.age_authorizations(Some(one.id), TWO_DAYS);
    let before = world.telegram.authorizations(one.id);
    let accounts = &gateway.accounts;
    let old_key = accounts
        .session_health(&name)
        .await
        .unwrap()
        .session
        .key_fingerprint;
    let mut events = gateway.events();
    let begun = accounts
        .rotate(&name, RotateRequest::default())
        .await
        .unwrap();
    assert_eq!(begun.status, RotationStatus::Started);
    let ended = accounts
        .await_rotation(&begun.rotation_id, Instant::now() + PATIENCE)
        .await
        .unwrap();
    assert_eq!(ended.status, RotationStatus::Completed);
    assert_eq!(ended.error, None);
    let started = events
        .until(|event| event["type"] == "session_rotation")
        .await;
    assert_eq!(started["status"], "started");
    assert_eq!(started["rotationId"], begun.rotation_id);
    events
        .until(|event| event["type"] == "session_rotation" && event["status"] == "completed")
        .await;
    let after = world.telegram.authorizations(one.id);
    assert_eq!(after.len(), 1);
    assert_ne!(after[0].hash, before[0].hash);
    let session = accounts.session_health(&name).await.unwrap().session;
    assert_ne!(session.key_fingerprint, old_key);
    assert!(session.last_rotation.is_some());
    // It goes on: calls, and updates without a gap or a double.
    gateway
        .call(&name, "help.getConfig", json!({}))
        .await
        .unwrap();
    world
        .telegram
        .send_text(two.id, one.id, "still there?")
        .unwrap();
    events.message("still there?").await;
    gateway.stop().await;
    // And comes back with the new key.
    let gateway = world.gateway().await;
    gateway.ready(&name).await;
    gateway.stop().await;
}

/// Breaks when a young session is rotated unforced, or a dry run changes something.
#[tokio::test(flavor = "multi_thread")]
async fn a_young_session_is_left_alone_unless_forced() {
    let world = World::start().await;
    let one = world.user("9996610042", None);
    let gateway = world.gateway().await;
    let name = gateway.signed_in("one", "9996610042").await;
    let accounts = &gateway.accounts;
    let problem = accounts
        .rotate(&name, RotateRequest::default())
        .await
        .unwrap_err();
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (409, "SESSION_TOO_YOUNG")
    );
    assert!(problem.retry_after.unwrap() > 86_000);
    let dry = RotateRequest {
        force: true,
        dry_run: true,
        ..RotateRequest::default()
    };
    assert!(accounts.rotate(&name, dry).await.unwrap().dry_run);
    assert_eq!(world.telegram.authorizations(one.id).len(), 1);
    assert!(accounts.rotations(&name).await.unwrap().is_empty());
    let forced = RotateRequest {
        force: true,
        ..RotateRequest::default()
    };
    let begun = accounts.rotate(&name, forced).await.unwrap();
    let deadline = Instant::now() + PATIENCE;
    let ended = accounts
        .await_rotation(&begun.rotation_id, deadline)
        .await
        .unwrap();
    assert_eq!(ended.status, RotationStatus::Completed);
    gateway.stop().await;
}

/// Breaks when the password is not asked for before anything is created, or not used.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_with_a_password_needs_it() {
    let world = World::start().await;
    let one = world.user("9996610043", Some("secret"));
    let gateway = world.gateway().await;
    let name = gateway
        .create("one", sluice_domain::AccountKind::User)
        .await;
    let accounts = &gateway.accounts;
    accounts.send_code(&name, "9996610043").await.unwrap();
    accounts
        .sign_in(&name, crate::support::code("9996610043"))
        .await
        .unwrap();
    accounts
        .password(&name, Secret::new("secret".into()))
        .await
        .unwrap();
    world.telegram.age_authorizations(Some(one.id), TWO_DAYS);
    let problem = accounts
        .rotate(&name, RotateRequest::default())
        .await
        .unwrap_err();
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (400, "PASSWORD_REQUIRED")
    );
    let with = |password: &str| RotateRequest {
        password: Some(Secret::new(password.to_owned())),
        ..RotateRequest::default()
    };
    let deadline = Instant::now() + PATIENCE;
    // Refused before anything is created.
    let problem = accounts.rotate(&name, with("wrong")).await.unwrap_err();
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (400, "PASSWORD_HASH_INVALID")
    );
    assert_eq!(world.telegram.authorizations(one.id).len(), 1);
    assert!(accounts.me(&name, CallOptions::default()).await.is_ok());
    let begun = accounts.rotate(&name, with("secret")).await.unwrap();
    accounts
        .await_rotation(&begun.rotation_id, deadline)
        .await
        .unwrap();
    assert_eq!(world.telegram.authorizations(one.id).len(), 1);
    gateway.stop().await;
}

/// Breaks when a step that fails costs the old session, or leaves the new one behind.
#[tokio::test(flavor = "multi_thread")]
async fn a_failure_leaves_the_old_session_serving_and_nothing_behind() {
    let world = World::start().await;
    let one = world.user("9996610044", None);
    let gateway = world.gateway().await;
    let name = gateway.signed_in("one", "9996610044").await;
    world.telegram.age_authorizations(Some(one.id), TWO_DAYS);
    let accounts = &gateway.accounts;
    let mut events = gateway.events();
    for method in [
        "auth.exportLoginToken",
        "auth.acceptLoginToken",
        "updates.getState",
    ] {
        let before = world.telegram.authorizations(one.id);
        world.telegram.clear_rules();
        world.telegram.add_rule(Rule {
            matches: Match {
                method: Some(method.into()),
                times: Some(1),
                ..Match::default()
            },
            action: Action::RpcError {
                code: 400,
                name: "TOKEN_REFUSED_HERE".into(),
            },
        });
        let begun = accounts
            .rotate(&name, RotateRequest::default())
            .await
            .unwrap();
        let deadline = Instant::now() + PATIENCE;
        let problem = accounts
            .await_rotation(&begun.rotation_id, deadline)
            .await
            .unwrap_err();
        assert!(
            problem.detail.contains("TOKEN_REFUSED_HERE"),
            "{method}: {problem:?}"
        );
        let failed = events
            .until(|event| event["type"] == "session_rotation" && event["status"] == "failed")
            .await;
        assert!(failed["error"].is_string());
        assert_eq!(world.telegram.authorizations(one.id), before, "{method}");
        assert!(
            accounts.me(&name, CallOptions::default()).await.is_ok(),
            "{method}"
        );
    }
    gateway.stop().await;
}

/// Breaks when a bot does not sign in again by its token, or its old session stays.
#[tokio::test(flavor = "multi_thread")]
async fn a_bot_signs_in_again_by_its_token() {
    let world = World::start().await;
    let bot = world
        .telegram
        .create_account(sluice_datacenter::NewAccount {
            bot: true,
            username: Some("turning_bot".into()),
            ..Default::default()
        })
        .unwrap();
    let gateway = world.gateway().await;
    let name = gateway.create("bot", sluice_domain::AccountKind::Bot).await;
    let accounts = &gateway.accounts;
    accounts
        .bot(&name, Secret::new(bot.token.unwrap()))
        .await
        .unwrap();
    let before = world.telegram.authorizations(bot.id);
    let begun = accounts
        .rotate(&name, RotateRequest::default())
        .await
        .unwrap();
    let deadline = Instant::now() + PATIENCE;
    accounts
        .await_rotation(&begun.rotation_id, deadline)
        .await
        .unwrap();
    let after = world.telegram.authorizations(bot.id);
    assert_eq!(after.len(), 1);
    assert_ne!(after[0].hash, before[0].hash);
    assert!(accounts.me(&name, CallOptions::default()).await.is_ok());
    gateway.stop().await;
}

/// Breaks when a gateway that was killed in the middle of a rotation leaves the new authorization
/// behind, loses the old one, or calls the rotation still under way.
#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_cut_off_by_a_kill_is_undone_at_the_next_start() {
    let world = Arc::new(World::start().await);
    let one = world.user("9996610045", None);
    let gateway = world.gateway().await;
    let name = gateway.signed_in("one", "9996610045").await;
    world.telegram.age_authorizations(Some(one.id), TWO_DAYS);
    let before = world.telegram.authorizations(one.id);
    gateway.stop().await;
    // The new session is signed in by then, and `updates.getState` of its verification hangs.
    let hangs = world.telegram.add_rule(Rule {
        matches: Match {
            method: Some("users.getUsers".into()),
            ..Match::default()
        },
        action: Action::Silence,
    });
    let (doomed, of) = (Arc::clone(&world), name.clone());
    let id = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let id = runtime.block_on(async {
            let gateway = doomed.gateway().await;
            gateway.ready(&of).await;
            let begun = gateway
                .accounts
                .rotate(&of, RotateRequest::default())
                .await
                .unwrap();
            let mut events = gateway.events_from_start();
            events.until(|event| event["step"] == "verify").await;
            begun.rotation_id
        });
        runtime.shutdown_background();
        id
    })
    .await
    .unwrap();
    assert_eq!(world.telegram.authorizations(one.id).len(), 2);
    world.telegram.remove_rule(hangs);
    let gateway = world.gateway().await;
    let mut events = gateway.events_from_start();
    let failed = events
        .until(|event| event["type"] == "session_rotation" && event["status"] == "failed")
        .await;
    assert_eq!(failed["rotationId"], id);
    assert_eq!(world.telegram.authorizations(one.id), before);
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

/// Breaks when a rotation that waits for Telegram holds up the end of the gateway, or is not brought
/// to its end by the next start.
#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_does_not_hold_up_the_end() {
    let world = World::start().await;
    let one = world.user("9996610046", None);
    let gateway = world.gateway().await;
    let name = gateway.signed_in("one", "9996610046").await;
    world.telegram.age_authorizations(Some(one.id), TWO_DAYS);
    let before = world.telegram.authorizations(one.id);
    let hangs = world.telegram.add_rule(Rule {
        matches: Match {
            method: Some("users.getUsers".into()),
            ..Match::default()
        },
        action: Action::Silence,
    });
    let mut events = gateway.events();
    let rotate = RotateRequest::default();
    let begun = gateway.accounts.rotate(&name, rotate).await.unwrap();
    events.until(|event| event["step"] == "verify").await;
    world.telegram.stop().await;
    let start = Instant::now();
    gateway.stop().await;
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "{:?}",
        start.elapsed()
    );

    world.telegram.remove_rule(hangs);
    world.telegram.restart().await.unwrap();
    let gateway = world.gateway().await;
    let mut events = gateway.events_from_start();
    let failed = events
        .until(|event| event["type"] == "session_rotation" && event["status"] == "failed")
        .await;
    assert_eq!(failed["rotationId"], begun.rotation_id);
    assert_eq!(world.telegram.authorizations(one.id), before);
    gateway.stop().await;
}
