//! Accounts that Telegram ends, freezes or limits.

use std::time::Duration;

use serde_json::{Value, json};
use sluice_accounts::CallOptions;
use sluice_datacenter::{Action, JournalFilter, Match, Rule, RuleId};
use sluice_domain::{AccountName, AccountState, Problem};

use crate::support::{Gateway, World, code};

fn refuse(world: &World, method: &str, dc: Option<i32>, code: i32, name: &str) -> RuleId {
    world.telegram.add_rule(Rule {
        matches: Match {
            method: Some(method.into()),
            dc,
            ..Match::default()
        },
        action: Action::RpcError {
            code,
            name: name.into(),
        },
    })
}

/// Every event of the account so far, up to one that this makes: a sign-in that is begun.
async fn told(gateway: &Gateway, name: &AccountName, phone: &str) -> Vec<Value> {
    let mut events = gateway.events_from_start();
    gateway.accounts.send_code(name, phone).await.unwrap();
    let mut seen = Vec::new();
    // The first is that of the sign-in that made the account.
    for _ in 0..2 {
        loop {
            let event = events.until(|_| true).await;
            let begun = event["state"] == "awaiting_code" && event["account"] == name.as_str();
            seen.push(event);
            if begun {
                break;
            }
        }
    }
    seen
}

fn count(events: &[Value], kind: &str, field: &str, value: &str) -> usize {
    let wanted = |event: &&Value| event["type"] == kind && event[field] == value;
    events.iter().filter(wanted).count()
}

fn calls(world: &World) -> usize {
    world.telegram.journal(&JournalFilter::default()).len()
}

async fn nearest(gateway: &Gateway, name: &AccountName) -> Result<Value, Problem> {
    gateway.call(name, "help.getNearestDc", json!({})).await
}

/// Breaks when an end is taken for something else, told twice, followed by further calls, or final
/// although the operator tries again.
#[tokio::test(flavor = "multi_thread")]
async fn every_end_has_its_state_wherever_it_shows() {
    let lost = [
        (
            401,
            "AUTH_KEY_UNREGISTERED",
            "help.getNearestDc",
            "session_lost",
        ),
        (401, "SESSION_EXPIRED", "updates.getState", "session_lost"),
        (
            401,
            "USER_DEACTIVATED_BAN",
            "updates.getDifference",
            "session_lost",
        ),
        (406, "AUTH_KEY_DUPLICATED", "help.getNearestDc", "parked"),
    ];
    let world = World::start().await;
    let gateway = world.gateway().await;
    for (number, (status, name, method, state)) in lost.into_iter().enumerate() {
        let phone = format!("999661004{number}");
        let user = world.user(&phone, None);
        let account = gateway.signed_in(&format!("a{number}"), &phone).await;
        let mut events = gateway.events();
        let rule = refuse(&world, method, None, status, name);
        if method == "help.getNearestDc" {
            let problem = nearest(&gateway, &account).await.unwrap_err();
            assert_eq!(problem.code, name);
        } else {
            // After a reconnect the authorization is tried and the difference fetched.
            world.telegram.cut_connections(None).await;
        }
        let told_state = events.state(&account, state).await;
        assert_eq!(told_state["stateReason"], name);
        let shown = gateway.accounts.status(&account).unwrap();
        assert_eq!(shown.state_reason.as_deref(), Some(name));
        assert!(!shown.connected);

        // Answered at once, and not by Telegram.
        let before = calls(&world);
        let problem = nearest(&gateway, &account).await.unwrap_err();
        let expected = match state {
            "parked" => "ACCOUNT_PARKED",
            _ => "SESSION_LOST",
        };
        assert_eq!((problem.status, problem.code.as_str()), (409, expected));
        let seen = world.telegram.journal(&JournalFilter {
            account: Some(user.id),
            ..JournalFilter::default()
        });
        assert_eq!(calls(&world), before, "{:?}", seen.last());

        // The key is kept: told to, the account connects with it.
        world.telegram.remove_rule(rule);
        gateway.accounts.connect(&account).await.unwrap();
        nearest(&gateway, &account).await.unwrap();
        assert_eq!(world.telegram.authorizations(user.id).len(), 1);

        // And lost again it can be followed by a sign-in.
        let rule = refuse(&world, "help.getNearestDc", None, status, name);
        nearest(&gateway, &account).await.unwrap_err();
        world.telegram.remove_rule(rule);
        let seen = told(&gateway, &account, &phone).await;
        let of_account: Vec<_> = seen
            .into_iter()
            .filter(|event| event["account"] == account.as_str())
            .collect();
        assert_eq!(count(&of_account, "account_state", "state", state), 2);
        assert_eq!(count(&of_account, "error", "code", name), 2);
        gateway
            .accounts
            .sign_in(&account, code(&phone))
            .await
            .unwrap();
        nearest(&gateway, &account).await.unwrap();
    }
    gateway.stop().await;
}

/// Breaks when many calls at once tell the end more than once, try again, or hang.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_calls_in_flight_end_with_the_account_and_once() {
    let world = World::start().await;
    let user = world.user("9996610050", None);
    let gateway = world.gateway().await;
    let name = gateway.signed_in("one", "9996610050").await;
    world.telegram.add_rule(Rule {
        matches: Match {
            method: Some("help.getConfig".into()),
            ..Match::default()
        },
        action: Action::Silence,
    });
    let options = CallOptions {
        timeout: Duration::from_mins(1),
        ..CallOptions::default()
    };
    let silent = (0..100).map(|_| {
        let options = options.clone();
        gateway.call_with(&name, "help.getConfig", json!({}), options)
    });
    let refused = (0..100).map(|_| async {
        // Once the others are under way.
        let filter = JournalFilter {
            method: Some("help.getConfig".into()),
            account: Some(user.id),
            ..JournalFilter::default()
        };
        world.telegram.seen(&filter).await;
        nearest(&gateway, &name).await
    });
    refuse(&world, "help.getNearestDc", None, 401, "SESSION_REVOKED");
    let all = async {
        tokio::join!(
            futures_util::future::join_all(silent),
            futures_util::future::join_all(refused),
        )
    };
    let (silent, refused) = tokio::time::timeout(Duration::from_secs(20), all)
        .await
        .expect("every call ends with the account, not at its deadline");
    for answer in silent {
        let problem = answer.unwrap_err();
        assert_eq!(
            (problem.status, problem.code.as_str()),
            (409, "SESSION_LOST")
        );
    }
    for answer in refused {
        let problem = answer.unwrap_err();
        let named = ["SESSION_REVOKED", "SESSION_LOST"].contains(&problem.code.as_str());
        assert!(named && problem.status == 409, "{problem:?}");
    }
    // By a method of its own: calls that were under way at the end may still arrive.
    let late = "help.getInviteText";
    assert!(gateway.call(&name, late, json!({})).await.is_err());
    let late = world.telegram.journal(&JournalFilter {
        method: Some(late.into()),
        ..JournalFilter::default()
    });
    assert!(late.is_empty(), "nothing goes out any more: {late:?}");
    let seen = told(&gateway, &name, "9996610050").await;
    assert_eq!(count(&seen, "account_state", "state", "session_lost"), 1);
    assert_eq!(count(&seen, "error", "code", "SESSION_REVOKED"), 1);
    let attempts = world.telegram.journal(&JournalFilter {
        method: Some("help.getNearestDc".into()),
        account: Some(user.id),
        ..JournalFilter::default()
    });
    assert!(attempts.len() <= 100, "no storm: {}", attempts.len());
    gateway.stop().await;
}

/// Breaks when what another data center says, or what is said of a file, is taken for a log-out.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_elsewhere_is_no_log_out() {
    let world = World::start().await;
    world.user("9996610051", None);
    let gateway = world.gateway().await;
    let name = gateway.signed_in("one", "9996610051").await;
    let location = json!({"_": "inputDocumentFileLocation", "id": "1", "access_hash": "1",
        "file_reference": "", "thumb_size": ""});
    let params = json!({"location": location, "offset": "0", "limit": 4096});
    let file = || {
        let options = CallOptions {
            timeout: Duration::from_secs(5),
            ..CallOptions::default()
        };
        gateway.call_with(&name, "upload.getFile", params.clone(), options)
    };
    let moved = refuse(&world, "upload.getFile", Some(1), 303, "FILE_MIGRATE_2");
    refuse(&world, "upload.getFile", Some(2), 401, "SESSION_REVOKED");
    file().await.unwrap_err();
    nearest(&gateway, &name).await.unwrap();

    // On a media link at home: the main link is asked, and says that all is well.
    world.telegram.remove_rule(moved);
    refuse(&world, "upload.getFile", Some(1), 401, "SESSION_REVOKED");
    let last = world.telegram.journal(&JournalFilter::default());
    file().await.unwrap_err();
    let asked = JournalFilter {
        method: Some("updates.getState".into()),
        after: last.last().map(|entry| entry.seq),
        ..JournalFilter::default()
    };
    world.telegram.seen(&asked).await;
    nearest(&gateway, &name).await.unwrap();
    let status = gateway.accounts.status(&name).unwrap();
    assert_eq!(status.state, AccountState::Ready);
    gateway.stop().await;
}

/// Breaks when a frozen account cannot read, or forgets over a reconnect or a restart that it is
/// frozen, or cannot be tried again.
#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_account_reads_on_until_it_is_tried_again() {
    let world = World::start().await;
    world.user("9996610052", None);
    let gateway = world.gateway().await;
    let name = gateway.signed_in("one", "9996610052").await;
    let send = "messages.sendMessage";
    let rule = refuse(&world, send, None, 420, "FROZEN_METHOD_INVALID");
    let params = json!({"peer": "me", "message": "x"});
    for _ in 0..3 {
        let problem = gateway.call(&name, send, params.clone()).await.unwrap_err();
        assert_eq!(
            (problem.status, problem.code.as_str()),
            (403, "FROZEN_METHOD_INVALID")
        );
    }
    let frozen = |gateway: &Gateway| {
        let status = gateway.accounts.status(&name).unwrap();
        assert_eq!(status.state, AccountState::Frozen);
        assert_eq!(
            status.state_reason.as_deref(),
            Some("FROZEN_METHOD_INVALID")
        );
    };
    frozen(&gateway);
    nearest(&gateway, &name).await.unwrap();
    world.telegram.cut_connections(None).await;
    nearest(&gateway, &name).await.unwrap();
    frozen(&gateway);
    gateway.stop().await;

    let gateway = world.gateway().await;
    let mut events = gateway.events();
    loop {
        // Until the links stand after the start.
        match nearest(&gateway, &name).await {
            Ok(_) => break,
            Err(problem) => assert_eq!(problem.code, "NOT_CONNECTED"),
        }
    }
    frozen(&gateway);
    world.telegram.remove_rule(rule);
    gateway.accounts.connect(&name).await.unwrap();
    events.state(&name, "ready").await;
    gateway.call(&name, send, params).await.unwrap();
    gateway.stop().await;
}

/// Breaks when a session that ends during its rotation leaves an orphan or another state.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ends_during_its_rotation_is_lost_and_leaves_no_orphan() {
    let world = World::start().await;
    let user = world.user("9996610053", None);
    world
        .telegram
        .age_authorizations(None, Duration::from_hours(48));
    let gateway = world.gateway().await;
    let name = gateway.signed_in("one", "9996610053").await;
    refuse(
        &world,
        "auth.acceptLoginToken",
        None,
        401,
        "SESSION_REVOKED",
    );
    let request = sluice_accounts::RotateRequest {
        force: true,
        ..Default::default()
    };
    let mut events = gateway.events();
    let rotation = gateway.accounts.rotate(&name, request).await.unwrap();
    events.state(&name, "session_lost").await;
    let end = tokio::time::Instant::now() + Duration::from_secs(20);
    let id = rotation.rotation_id;
    let failed = gateway.accounts.await_rotation(&id, end).await.unwrap_err();
    assert_eq!(failed.code, "ROTATION_FAILED");
    assert_eq!(world.telegram.authorizations(user.id).len(), 1);
    let status = gateway.accounts.status(&name).unwrap();
    assert_eq!(status.state, AccountState::SessionLost);
    gateway.stop().await;
}

/// Breaks when a limit of the account ends it, is told with every call, or is repeated.
#[tokio::test(flavor = "multi_thread")]
async fn limits_of_an_account_are_told_once_and_not_repeated() {
    let world = World::start().await;
    world.user("9996610054", None);
    let gateway = world.gateway().await;
    let name = gateway.signed_in("one", "9996610054").await;
    let send = "messages.sendMessage";
    let params = json!({"peer": "me", "message": "x"});
    for (status, refusal) in [(400, "PEER_FLOOD"), (403, "USER_BANNED_IN_CHANNEL")] {
        let rule = refuse(&world, send, None, status, refusal);
        for _ in 0..3 {
            let problem = gateway.call(&name, send, params.clone()).await.unwrap_err();
            assert_eq!(problem.code, refusal);
        }
        world.telegram.remove_rule(rule);
    }
    let filter = JournalFilter {
        method: Some(send.into()),
        ..JournalFilter::default()
    };
    assert_eq!(world.telegram.journal(&filter).len(), 6, "none repeated");
    assert_eq!(
        gateway.accounts.status(&name).unwrap().state,
        AccountState::Ready
    );
    // An end closes the list of what was told.
    refuse(&world, "help.getNearestDc", None, 401, "SESSION_REVOKED");
    nearest(&gateway, &name).await.unwrap_err();
    let seen = told(&gateway, &name, "9996610054").await;
    assert_eq!(count(&seen, "error", "code", "PEER_FLOOD"), 1);
    assert_eq!(count(&seen, "error", "code", "USER_BANNED_IN_CHANNEL"), 0);
    gateway.stop().await;
}
