//! Telegram goes away and comes back; the data directory has one owner.

use serde_json::json;
use sluice_harness::{Harness, binary};

/// Far beyond the deadline of one second, far below the 30 s of a call without one.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread")]
async fn a_data_center_that_comes_back_brings_the_accounts_back() -> anyhow::Result<()> {
    let gateway = Harness::start().await?;
    gateway.datacenter.stop().await;
    gateway.connected("demo", false).await?;
    let status = gateway
        .get("/api/telegram-auth/status")
        .await?
        .expect(200)?;
    assert_eq!(status["connected"], false);
    let call = "/api/telegram/call/users.getUsers?account=demo";
    let call = gateway
        .request(reqwest::Method::POST, call)
        .header("x-timeout", "1")
        .json(&json!({ "id": [{ "_": "inputUserSelf" }] }));
    let me = gateway
        .request(reqwest::Method::GET, "/api/telegram-auth/me?account=demo")
        .header("x-timeout", "1");
    for request in [call, me] {
        let answer = tokio::time::timeout(PATIENCE, request.send()).await??;
        let refused = sluice_harness::Answer::read(answer).await?;
        assert!([503, 504].contains(&refused.status), "{:#}", refused.body);
    }

    gateway.datacenter.restart().await?;
    gateway.connected("demo", true).await?;
    gateway.connected("demo-2", true).await?;
    let hello = json!({ "peer": "@demo", "message": "back" });
    let mut updates = gateway.events("types=update&account=demo").await?;
    gateway
        .call("demo-2", "messages.sendMessage", hello)
        .await?
        .expect(200)?;
    updates
        .until(|event| event["update"]["message"]["message"] == "back")
        .await?;
    gateway.stop().await;
    Ok(())
}

/// Breaks when a connection that is cut in the middle of traffic costs an account its session, or
/// an update.
#[tokio::test(flavor = "multi_thread")]
async fn cut_connections_lose_no_update() -> anyhow::Result<()> {
    let gateway = Harness::start().await?;
    let accounts = gateway.datacenter.accounts();
    let (demo, other) = (accounts[0].id, accounts[1].id);
    let mut updates = gateway.events("types=update&account=demo").await?;
    for number in 0..20 {
        if number % 5 == 0 {
            gateway.datacenter.cut_connections(None).await;
        }
        let text = format!("number {number}");
        gateway.datacenter.send_text(other, demo, &text)?;
    }
    for number in 0..20 {
        let event = updates
            .until(|event| event["update"]["message"]["message"].is_string())
            .await?;
        let text = &event["update"]["message"]["message"];
        assert_eq!(*text, format!("number {number}"));
    }
    gateway.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_gateway_on_the_same_data_exits_75() -> anyhow::Result<()> {
    let gateway = Harness::start().await?;
    let second = tokio::process::Command::new(binary()?)
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(gateway.gateway().data_dir())
        .env("SLUICE_SERVER__ADMIN_LISTEN", "127.0.0.1:0")
        .output()
        .await?;
    assert_eq!(second.status.code(), Some(75));
    gateway.get("/api/telegram-auth/me").await?.expect(200)?;
    gateway.stop().await;
    Ok(())
}

/// Breaks when a call that waits for a Telegram that is gone holds the gateway's end for the time
/// to drain.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_waits_for_telegram_does_not_hold_the_stop() -> anyhow::Result<()> {
    let gateway = Harness::start().await?;
    gateway.datacenter.stop().await;
    gateway.connected("demo", false).await?;
    let call = "/api/telegram/call/users.getUsers?account=demo";
    let call = gateway
        .request(reqwest::Method::POST, call)
        .header("x-timeout", "60")
        .json(&json!({ "id": [{ "_": "inputUserSelf" }] }));
    let waiting = tokio::spawn(call.send());
    let waits = async {
        loop {
            let pool = "/api/telegram/connection-pool/status?account=demo";
            let pool = gateway.get(pool).await?.expect(200)?;
            if pool["totals"]["inFlight"] != 0 {
                return anyhow::Ok(());
            }
        }
    };
    tokio::time::timeout(PATIENCE, waits).await??;
    let start = std::time::Instant::now();
    gateway.stop().await;
    let took = start.elapsed();
    assert_eq!(waiting.await??.status(), 503);
    assert!(took < PATIENCE, "{took:?}");
    Ok(())
}
