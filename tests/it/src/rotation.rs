//! Rotation does the real thing: a new authorization takes the old one's place.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use sluice_datacenter::{Action, AuthorizationInfo, JournalFilter, Match, Rule};
use sluice_harness::Harness;

const ROTATE: &str = "/api/telegram-auth/rotate-session";

fn authorizations(gateway: &Harness) -> Vec<AuthorizationInfo> {
    let accounts = gateway.datacenter.accounts();
    gateway.datacenter.authorizations(accounts[0].id)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_authorization_is_left_and_it_is_the_new_one() -> anyhow::Result<()> {
    let gateway = Harness::start().await?;
    let old = authorizations(&gateway);
    let mut events = gateway.events("types=session_rotation").await?;
    let begun = gateway.post(ROTATE, json!({})).await?;
    let location = begun.header("location").expect("a location").to_owned();
    let id = begun.expect(202)?["rotationId"].clone();
    assert!(location.ends_with(id.as_str().expect("an id")));
    let started = events.next().await?;
    assert_eq!(
        (&started["rotationId"], &started["status"]),
        (&id, &json!("started"))
    );
    events.until(|event| event["status"] == "completed").await?;
    assert_eq!(
        gateway.get(&location).await?.expect(200)?["status"],
        "completed"
    );

    let new = authorizations(&gateway);
    assert_eq!((old.len(), new.len()), (1, 1));
    assert_ne!(old[0].auth_key_id, new[0].auth_key_id);
    assert_eq!(old[0].device, new[0].device);
    let listed = gateway
        .call("demo", "account.getAuthorizations", json!({}))
        .await?
        .expect(200)?;
    assert_eq!(listed["authorizations"].as_array().map(Vec::len), Some(1));
    assert_eq!(listed["authorizations"][0]["current"], true);

    // Updates go on, under the new key.
    let mut updates = gateway.events("types=update&account=demo").await?;
    let hello = json!({ "peer": "@demo", "message": "still there?" });
    gateway
        .call("demo-2", "messages.sendMessage", hello)
        .await?
        .expect(200)?;
    updates
        .until(|event| event["update"]["message"]["message"] == "still there?")
        .await?;

    // Now it is young, unless that does not matter.
    let again = gateway.post(ROTATE, json!({})).await?;
    let wait: u64 = again.header("retry-after").expect("a wait").parse()?;
    assert!((86_000..=86_400).contains(&wait), "{wait}");
    let problem = again.problem(409, "SESSION_TOO_YOUNG")?;
    assert_eq!(problem["retryAfter"], wait);
    let dry = json!({ "force": true, "dryRun": true });
    gateway.post(ROTATE, dry).await?.expect(200)?;
    assert_eq!(authorizations(&gateway), new);
    let forced = gateway
        .post(&format!("{ROTATE}?wait=true"), json!({ "force": true }))
        .await?;
    let forced = forced.expect(200)?;
    assert_eq!(forced["status"], "completed");
    assert!(forced["steps"][0]["name"].is_string() && forced["steps"][0]["at"].is_string());
    gateway.stop().await;
    Ok(())
}

/// Breaks when a call that is made while the sessions change hands is lost.
#[tokio::test(flavor = "multi_thread")]
async fn calls_go_on_while_the_session_is_rotated() -> anyhow::Result<()> {
    let gateway = Harness::start().await?;
    let done = AtomicBool::new(false);
    let calls = async {
        let mut made = 0_u32;
        while !done.load(Ordering::Relaxed) {
            let body = json!({ "peer": "me", "message": format!("number {made}") });
            let sent = gateway.call("demo", "messages.sendMessage", body).await?;
            sent.expect(200)?;
            made += 1;
        }
        anyhow::Ok(made)
    };
    let rotation = async {
        let ended = gateway
            .post(&format!("{ROTATE}?wait=true"), json!({}))
            .await;
        done.store(true, Ordering::Relaxed);
        ended?.expect(200)
    };
    let (made, rotated) = tokio::join!(calls, rotation);
    rotated?;
    assert!(made? > 3);
    assert_eq!(authorizations(&gateway).len(), 1);
    gateway.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_password_nothing_is_created() -> anyhow::Result<()> {
    let gateway = Harness::start().await?;
    gateway
        .datacenter
        .create_account(sluice_datacenter::NewAccount {
            phone: Some("9996610044".into()),
            password: Some("correct horse".into()),
            ..Default::default()
        })?;
    let post = async |path: &str, body| {
        let path = format!("/api/{path}?account=carol");
        gateway.post(&path, body).await
    };
    let new = json!({ "name": "carol", "kind": "user" });
    gateway.post("/api/accounts", new).await?.expect(201)?;
    let auth = "telegram-auth";
    post(
        &format!("{auth}/send-code"),
        json!({ "phone": "9996610044" }),
    )
    .await?
    .expect(200)?;
    post(&format!("{auth}/sign-in"), json!({ "code": "11111" }))
        .await?
        .expect(200)?;
    let password = json!({ "password": "correct horse" });
    post(&format!("{auth}/password"), password.clone())
        .await?
        .expect(200)?;
    gateway.connected("carol", true).await?;
    let accounts = gateway.datacenter.accounts();
    let carol = accounts.last().expect("carol").id;
    let age = std::time::Duration::from_hours(48);
    gateway.datacenter.age_authorizations(Some(carol), age);
    let before = gateway.datacenter.authorizations(carol);

    let rotate = format!("{auth}/rotate-session");
    post(&rotate, json!({}))
        .await?
        .problem(400, "PASSWORD_REQUIRED")?;
    post(&rotate, json!({ "password": "wrong" }))
        .await?
        .problem(400, "PASSWORD_HASH_INVALID")?;
    assert_eq!(gateway.datacenter.authorizations(carol), before);
    let exported = gateway.datacenter.journal(&JournalFilter {
        method: Some("auth.exportLoginToken".into()),
        ..JournalFilter::default()
    });
    assert!(exported.is_empty(), "{exported:?}");

    let path = format!("/api/{rotate}?account=carol&wait=true");
    let ended = gateway.post(&path, password).await?.expect(200)?;
    assert_eq!(ended["status"], "completed", "{ended:#}");
    let after = gateway.datacenter.authorizations(carol);
    assert_eq!(after.len(), 1);
    assert_ne!(after[0].auth_key_id, before[0].auth_key_id);
    gateway.stop().await;
    Ok(())
}

/// Breaks when a rotation that fails on the way leaves two authorizations, or none.
#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_fails_leaves_the_old_session() -> anyhow::Result<()> {
    let gateway = Harness::start().await?;
    let before = authorizations(&gateway);
    gateway.datacenter.add_rule(Rule {
        matches: Match {
            method: Some("auth.acceptLoginToken".into()),
            ..Match::default()
        },
        action: Action::RpcError {
            code: 400,
            name: "AUTH_TOKEN_INVALID".into(),
        },
    });
    let mut events = gateway.events("types=session_rotation").await?;
    let failed = gateway
        .post(&format!("{ROTATE}?wait=true"), json!({}))
        .await?;
    failed.problem(409, "ROTATION_FAILED")?;
    let event = events.until(|event| event["status"] == "failed").await?;
    assert!(
        event["error"]
            .as_str()
            .is_some_and(|e| e.contains("AUTH_TOKEN_INVALID")),
        "{event:#}"
    );
    assert_eq!(authorizations(&gateway), before);
    let me = gateway.get("/api/telegram-auth/me").await?.expect(200)?;
    assert_eq!(me["username"], "demo");
    gateway.stop().await;
    Ok(())
}
