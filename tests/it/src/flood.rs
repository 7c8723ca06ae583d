//! Flood waits: answered, or waited for, and never tested by calling early.

use serde_json::json;
use sluice_datacenter::{Action, JournalEntry, JournalFilter, Match, Rule};
use sluice_harness::Harness;

fn flood(seconds: u32, times: u64) -> Rule {
    Rule {
        matches: Match {
            method: Some("messages.sendMessage".into()),
            times: Some(times),
            ..Match::default()
        },
        action: Action::RpcError {
            code: 420,
            name: format!("FLOOD_WAIT_{seconds}"),
        },
    }
}

/// What the server saw of an account's messages.
fn sent(gateway: &Harness, account: usize) -> Vec<JournalEntry> {
    let accounts = gateway.datacenter.accounts();
    gateway.datacenter.journal(&JournalFilter {
        method: Some("messages.sendMessage".into()),
        account: Some(accounts[account].id),
        ..JournalFilter::default()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn without_patience_a_wait_is_answered() -> anyhow::Result<()> {
    let gateway = Harness::start().await?;
    let mut events = gateway.events("types=flood").await?;
    let body = json!({ "peer": "me", "message": "x" });
    gateway.datacenter.add_rule(flood(7, 1));
    let refused = gateway
        .call("demo", "messages.sendMessage", body.clone())
        .await?;
    assert_eq!(refused.header("retry-after"), Some("7"));
    let problem = refused.problem(429, "FLOOD_WAIT")?;
    assert_eq!(problem["category"], "rate_limit");
    assert_eq!(problem["retryAfter"], 7);
    assert_eq!(problem["retryable"], true);
    assert_eq!(problem["account"], "demo");
    assert!(problem["advice"].is_string());
    assert_eq!(
        problem["telegram"],
        json!({ "code": 420, "name": "FLOOD_WAIT_7", "method": "messages.sendMessage" })
    );
    assert_eq!(events.next().await?["name"], "FLOOD_WAIT_7");

    // A known wait is answered without a call, also when the patience is too short for it; other
    // methods and other accounts are not held back.
    let again = || gateway.patient_call("demo", "messages.sendMessage", body.clone(), 3);
    again().await?.problem(429, "FLOOD_WAIT")?;
    assert_eq!(sent(&gateway, 0).len(), 1);
    gateway.get("/api/telegram-auth/me").await?.expect(200)?;
    gateway
        .call("demo-2", "messages.sendMessage", body.clone())
        .await?
        .expect(200)?;

    // It is listed, counted, and forgotten when the operator says so.
    let limits = gateway.get("/api/telegram/limits").await?.expect(200)?;
    let limit = &limits["limits"][0];
    assert_eq!(
        (&limit["account"], &limit["method"]),
        (&json!("demo"), &json!("messages.sendMessage"))
    );
    let traffic = gateway
        .get("/api/monitoring/telegram?account=demo")
        .await?
        .expect(200)?;
    let rows = traffic["accounts"][0]["methods"].as_array().expect("rows");
    let row = rows
        .iter()
        .find(|row| row["method"] == "messages.sendMessage")
        .expect("what just happened");
    assert!(row["errors"]["rate_limit"].as_u64() >= Some(1), "{row:#}");
    let path = format!("/api/telegram/limits/{}", limit["id"].as_str().expect("id"));
    assert_eq!(gateway.delete(&path).await?.status, 204);
    again().await?.expect(200)?;
    gateway.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn with_patience_the_call_waits_and_succeeds() -> anyhow::Result<()> {
    let gateway = Harness::start().await?;
    let body = json!({ "peer": "me", "message": "patience" });
    gateway.datacenter.add_rule(flood(2, 1));
    gateway
        .patient_call("demo", "messages.sendMessage", body, 10)
        .await?
        .expect(200)?;
    let seen = sent(&gateway, 0);
    assert_eq!(seen.len(), 2, "{seen:#?}");
    assert!(
        seen[1].at.since(seen[0].at) >= 2_000,
        "an early call: {seen:#?}"
    );
    assert_eq!(seen[0].random_id, seen[1].random_id);
    gateway.stop().await;
    Ok(())
}
