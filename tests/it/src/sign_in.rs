//! The ways in: code with a second factor, bot token, QR token.

use serde_json::{Value, json};
use sluice_datacenter::NewAccount;
use sluice_harness::{Answer, Harness};

async fn step(gateway: &Harness, name: &str, step: &str, body: Value) -> anyhow::Result<Answer> {
    let path = format!("/api/telegram-auth/{step}?account={name}");
    gateway.post(&path, body).await
}

async fn create(gateway: &Harness, name: &str, kind: &str) -> anyhow::Result<()> {
    let new = json!({ "name": name, "kind": kind });
    gateway.post("/api/accounts", new).await?.expect(201)?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_on_another_data_center_and_a_second_factor() -> anyhow::Result<()> {
    let gateway = Harness::start().await?;
    gateway.datacenter.create_account(NewAccount {
        phone: Some("9996620009".into()),
        password: Some("correct horse".into()),
        ..NewAccount::default()
    })?;
    create(&gateway, "dora", "user").await?;
    let early = step(&gateway, "dora", "password", json!({ "password": "x" })).await?;
    let problem = early.problem(409, "OUT_OF_ORDER")?;
    assert!(
        problem["detail"]
            .as_str()
            .is_some_and(|d| d.contains("signed_out")),
        "{problem:#}"
    );

    let phone = json!({ "phone": "+999 662 0009" });
    let sent = step(&gateway, "dora", "send-code", phone)
        .await?
        .expect(200)?;
    assert_eq!(sent["state"], "awaiting_code");
    let wrong = step(&gateway, "dora", "sign-in", json!({ "code": "99999" })).await?;
    wrong.problem(400, "PHONE_CODE_INVALID")?;
    let next = step(&gateway, "dora", "sign-in", json!({ "code": "22222" })).await?;
    assert_eq!(next.expect(200)?["state"], "awaiting_password");
    let wrong = step(&gateway, "dora", "password", json!({ "password": "wrong" })).await?;
    wrong.problem(400, "PASSWORD_HASH_INVALID")?;
    let right = json!({ "password": "correct horse" });
    let done = step(&gateway, "dora", "password", right)
        .await?
        .expect(200)?;
    assert_eq!(done["state"], "ready", "{done:#}");
    gateway.connected("dora", true).await?;
    let sessions = gateway.get("/api/monitoring/sessions").await?.expect(200)?;
    let sessions = sessions["sessions"].as_array().expect("sessions");
    let dora = sessions.iter().find(|row| row["account"] == "dora");
    assert_eq!(
        dora.expect("dora")["dc"],
        2,
        "it moved to its own data center"
    );
    gateway.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_by_its_token() -> anyhow::Result<()> {
    let gateway = Harness::start().await?;
    let info = gateway.datacenter.create_account(NewAccount {
        username: Some("helper_bot".into()),
        bot: true,
        dc: Some(2),
        ..NewAccount::default()
    })?;
    create(&gateway, "helper", "bot").await?;
    let wrong = step(&gateway, "helper", "bot", json!({ "token": "1:nonsense" })).await?;
    wrong.problem(400, "ACCESS_TOKEN_INVALID")?;
    let token = json!({ "token": info.token });
    let done = step(&gateway, "helper", "bot", token).await?.expect(200)?;
    assert_eq!(done["state"], "ready", "{done:#}");
    gateway.connected("helper", true).await?;
    let me = gateway
        .get("/api/telegram-auth/me?account=helper")
        .await?
        .expect(200)?;
    assert_eq!(
        (&me["bot"], &me["username"]),
        (&json!(true), &json!("helper_bot"))
    );
    let rotated = gateway
        .post(
            "/api/telegram-auth/rotate-session?account=helper&wait=true",
            json!({}),
        )
        .await?
        .expect(200)?;
    assert_eq!(rotated["status"], "completed");
    assert_eq!(gateway.datacenter.authorizations(info.id).len(), 1);
    gateway.stop().await;
    Ok(())
}

/// One account shows a token, another that is the same person accepts it.
#[tokio::test(flavor = "multi_thread")]
async fn a_qr_token_that_another_session_accepts() -> anyhow::Result<()> {
    let gateway = Harness::start().await?;
    create(&gateway, "second", "user").await?;
    let mut events = gateway.events("account=second").await?;
    let shown = step(&gateway, "second", "qr", json!({}))
        .await?
        .expect(200)?;
    assert_eq!(shown["state"], "awaiting_qr");
    let qr = &shown["qr"];
    assert!(qr["svg"].as_str().is_some_and(|svg| svg.contains("<svg")));
    let pushed = events.next_of("login_qr").await?;
    assert_eq!(pushed["url"], qr["url"]);

    let url = qr["url"].as_str().expect("a url");
    let token = url.strip_prefix("tg://login?token=").expect("a token");
    // demo-2 lives on the other data center, so the new session moves there.
    gateway
        .call("demo-2", "auth.acceptLoginToken", json!({ "token": token }))
        .await?
        .expect(200)?;
    events
        .until(|event| event["type"] == "account_state" && event["state"] == "ready")
        .await?;
    let me = gateway
        .get("/api/telegram-auth/me?account=second")
        .await?
        .expect(200)?;
    assert_eq!(me["username"], "demo_2");
    gateway.stop().await;
    Ok(())
}
