use serde_json::json;
use sluice_accounts::{Accounts, CallOptions};
use sluice_domain::{AccountKind, AccountName, AccountState, Category, Problem, Secret};

use crate::support::{PATIENCE, World, code};
use sluice_datacenter::{Action, JournalFilter, Match, Rule};

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn refused<T>(result: Result<T, Problem>, status: u16, code: &str) {
    match result {
        Ok(_) => panic!("{code} was expected"),
        Err(problem) => assert_eq!(
            (problem.status, problem.code.as_str()),
            (status, code),
            "{problem:?}"
        ),
    }
}

fn state(accounts: &Accounts, name: &AccountName) -> AccountState {
    accounts.status(name).unwrap().state
}

/// Breaks when a step of a sign-in by code is lost, or when a wrong code ends it.
#[tokio::test(flavor = "multi_thread")]
async fn by_code_with_a_wrong_one_in_between() {
    let world = World::start().await;
    let user = world.user("9996610001", None);
    let gateway = world.gateway().await;
    let name = gateway.create("one", AccountKind::User).await;
    let accounts = &gateway.accounts;
    refused(
        accounts.sign_in(&name, secret("11111")).await,
        409,
        "OUT_OF_ORDER",
    );
    let asked = accounts.send_code(&name, "+999 66 10001").await.unwrap();
    assert_eq!(asked.state, AccountState::AwaitingCode);
    assert_eq!(asked.code.unwrap().length, Some(5));
    refused(
        accounts.send_code(&name, "9996610001").await,
        409,
        "OUT_OF_ORDER",
    );
    refused(
        accounts.sign_in(&name, secret("00000")).await,
        400,
        "PHONE_CODE_INVALID",
    );
    let view = accounts.sign_in(&name, code("9996610001")).await.unwrap();
    assert_eq!(view.state, AccountState::Ready);
    assert_eq!(view.user.unwrap()["id"], user.id.to_string());
    let status = accounts.status(&name).unwrap();
    assert!(status.connected);
    assert!(status.last_checked.is_some());
    let me = accounts.me(&name, CallOptions::default()).await.unwrap();
    assert_eq!(me["id"], user.id.to_string());
    gateway.stop().await;
}

/// Breaks when PHONE_MIGRATE reaches the caller: the first data center asked is number 2.
#[tokio::test(flavor = "multi_thread")]
async fn migration_is_invisible() {
    let world = World::start().await;
    world.user("9996610002", None);
    world.user("9996620002", None);
    let gateway = world.gateway().await;
    gateway.signed_in("near", "9996620002").await;
    let far = gateway.signed_in("far", "9996610002").await;
    let session = gateway.accounts.session_health(&far).await.unwrap().session;
    assert_eq!(session.dc, Some(1));
    gateway.stop().await;
}

/// Breaks when the proof of the password is wrong, or a wrong password ends the sign-in.
#[tokio::test(flavor = "multi_thread")]
async fn by_password() {
    let world = World::start().await;
    world.user("9996610003", Some("correct horse"));
    let gateway = world.gateway().await;
    let name = gateway.create("one", AccountKind::User).await;
    let accounts = &gateway.accounts;
    accounts.send_code(&name, "9996610003").await.unwrap();
    let asked = accounts.sign_in(&name, code("9996610003")).await.unwrap();
    assert_eq!(asked.state, AccountState::AwaitingPassword);
    assert!(asked.password.is_some());
    refused(
        accounts.password(&name, secret("wrong")).await,
        400,
        "PASSWORD_HASH_INVALID",
    );
    let view = accounts
        .password(&name, secret("correct horse"))
        .await
        .unwrap();
    assert_eq!(view.state, AccountState::Ready);
    gateway.stop().await;
}

/// Breaks when a bot's token does not sign it in, or a user's step is taken for a bot.
#[tokio::test(flavor = "multi_thread")]
async fn a_bot_by_its_token() {
    let world = World::start().await;
    let bot = world
        .telegram
        .create_account(sluice_datacenter::NewAccount {
            bot: true,
            username: Some("a_test_bot".into()),
            ..Default::default()
        })
        .unwrap();
    let gateway = world.gateway().await;
    let name = gateway.create("bot", AccountKind::Bot).await;
    let accounts = &gateway.accounts;
    refused(
        accounts.send_code(&name, "9996610001").await,
        409,
        "WRONG_ACCOUNT_KIND",
    );
    let view = accounts
        .bot(&name, secret(&bot.token.unwrap()))
        .await
        .unwrap();
    assert_eq!(view.state, AccountState::Ready);
    assert_eq!(view.user.unwrap()["id"], bot.id.to_string());
    gateway.stop().await;
}

/// Breaks when an accepted QR token is not noticed, or not followed to its data center.
#[tokio::test(flavor = "multi_thread")]
async fn by_qr_token_accepted_in_another_session() {
    let world = World::start().await;
    let user = world.user("9996610004", None);
    let gateway = world.gateway().await;
    let old = gateway.signed_in("old", "9996610004").await;
    let name = gateway.create("new", AccountKind::User).await;
    let mut events = gateway.events();
    let shown = gateway.accounts.qr(&name).await.unwrap();
    assert_eq!(shown.state, AccountState::AwaitingQr);
    let qr = shown.qr.unwrap();
    assert!(qr.svg.contains("<svg"));
    let pushed = events.until(|event| event["type"] == "login_qr").await;
    assert_eq!(pushed["url"], qr.url);
    let token = qr.url.strip_prefix("tg://login?token=").unwrap();
    gateway
        .call(&old, "auth.acceptLoginToken", json!({"token": token}))
        .await
        .unwrap();
    events.state(&name, "ready").await;
    let me = gateway
        .accounts
        .me(&name, CallOptions::default())
        .await
        .unwrap();
    assert_eq!(me["id"], user.id.to_string());
    gateway.stop().await;
}

/// Breaks when a sign-in that was called off leaves something that stops the next.
#[tokio::test(flavor = "multi_thread")]
async fn called_off_and_begun_anew() {
    let world = World::start().await;
    world.user("9996610005", None);
    let gateway = world.gateway().await;
    let name = gateway.create("one", AccountKind::User).await;
    let accounts = &gateway.accounts;
    refused(accounts.cancel_code(&name).await, 409, "OUT_OF_ORDER");
    accounts.send_code(&name, "9996610005").await.unwrap();
    accounts.resend_code(&name).await.unwrap();
    accounts.cancel_code(&name).await.unwrap();
    assert_eq!(state(accounts, &name), AccountState::SignedOut);
    accounts.qr(&name).await.unwrap();
    accounts.cancel_code(&name).await.unwrap();
    assert_eq!(state(accounts, &name), AccountState::SignedOut);
    accounts.send_code(&name, "9996610005").await.unwrap();
    accounts.sign_in(&name, code("9996610005")).await.unwrap();
    assert_eq!(state(accounts, &name), AccountState::Ready);
    gateway.stop().await;
}

/// Breaks when a call before sign-in reaches Telegram or answers something vague.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_before_sign_in_is_a_clear_problem() {
    let world = World::start().await;
    let gateway = world.gateway().await;
    let name = gateway.create("one", AccountKind::User).await;
    let problem = gateway
        .call(&name, "help.getConfig", json!({}))
        .await
        .unwrap_err();
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (409, "NOT_SIGNED_IN")
    );
    assert_eq!(problem.category, Category::Auth);
    gateway.stop().await;
}

/// Breaks when a sign-in that Telegram accepted, and whose answer nobody saw, leaves a key that
/// counts as replaceable, or an authorization that nobody knows of.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_whose_answer_is_lost_leaves_nothing_behind() {
    let world = World::start().await;
    let user = world.user("9996610007", None);
    let gateway = world.gateway().await;
    let name = gateway.create("lost", AccountKind::User).await;
    gateway
        .accounts
        .send_code(&name, "9996610007")
        .await
        .unwrap();
    world.telegram.add_rule(Rule {
        matches: Match {
            method: Some("auth.signIn".into()),
            ..Match::default()
        },
        action: Action::Mute,
    });
    let signing = tokio::spawn({
        let (accounts, name) = (std::sync::Arc::clone(&gateway.accounts), name.clone());
        async move { accounts.sign_in(&name, code("9996610007")).await }
    });
    let seen = JournalFilter {
        method: Some("auth.signIn".into()),
        ..JournalFilter::default()
    };
    world.telegram.seen(&seen).await;
    assert_eq!(world.telegram.authorizations(user.id).len(), 1);
    assert!(world.stored_keys(&name).iter().any(|key| key.authorized));
    gateway.stop().await;
    signing.await.unwrap().unwrap_err();

    world.telegram.clear_rules();
    let gateway = world.gateway().await;
    let out = JournalFilter {
        method: Some("auth.logOut".into()),
        ..JournalFilter::default()
    };
    tokio::time::timeout(PATIENCE, world.telegram.seen(&out))
        .await
        .unwrap();
    assert!(world.telegram.authorizations(user.id).is_empty());
    let wiped = async {
        while !world.stored_keys(&name).is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wiped).await.unwrap();
    gateway.stop().await;
}

/// Breaks when a sign-in that finds no way to Telegram does not say why.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_without_a_way_says_why() {
    let world = World::start().await;
    for dc in world.telegram.dcs() {
        world.telegram.stop_dc(dc.id).await.unwrap();
    }
    let gateway = world.gateway().await;
    let name = gateway.create("one", AccountKind::User).await;
    let sent = gateway.accounts.send_code(&name, "9996610059").await;
    let problem = sent.unwrap_err();
    assert!(
        problem.detail.contains("; there is no connection: "),
        "{problem:?}"
    );
    gateway.stop().await;
}
