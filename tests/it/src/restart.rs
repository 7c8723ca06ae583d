//! Accounts are back unasked, whatever ended the gateway.

use serde_json::json;
use sluice_harness::Harness;

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_the_accounts_and_what_they_missed_are_back() -> anyhow::Result<()> {
    let gateway = Harness::start().await?;
    let accounts = gateway.datacenter.accounts();
    let keys: Vec<_> = accounts
        .iter()
        .flat_map(|account| gateway.datacenter.authorizations(account.id))
        .collect();
    let gateway = gateway
        .restart_after(|datacenter| {
            let sent = datacenter.send_text(accounts[1].id, accounts[0].id, "while you were out");
            sent.map(drop).map_err(Into::into)
        })
        .await?;
    gateway.connected("demo", true).await?;
    gateway.connected("demo-2", true).await?;
    let mut updates = gateway.events("types=update&account=demo&after=0").await?;
    updates
        .until(|event| event["update"]["message"]["message"] == "while you were out")
        .await?;
    let after: Vec<_> = accounts
        .iter()
        .flat_map(|account| gateway.datacenter.authorizations(account.id))
        .collect();
    assert_eq!(keys, after, "the same sessions");
    gateway.stop().await;
    Ok(())
}

/// Breaks when anything that `kill -9` interrupts is needed to come back.
#[tokio::test(flavor = "multi_thread")]
async fn after_kill_9_the_accounts_are_back() -> anyhow::Result<()> {
    let mut served = Harness::start().await?.into_process().await?;
    served.process.connected("demo", true).await?;
    let hello = json!({ "peer": "@demo_2", "message": "before" });
    served
        .process
        .call("demo", "messages.sendMessage", hello)
        .await?
        .expect(200)?;
    served.kill_and_serve_again().await?;
    served.process.connected("demo", true).await?;
    served.process.connected("demo-2", true).await?;
    let hello = json!({ "peer": "@demo_2", "message": "after" });
    let mut updates = served
        .process
        .events("types=update&account=demo-2&after=0")
        .await?;
    served
        .process
        .call("demo", "messages.sendMessage", hello)
        .await?
        .expect(200)?;
    for text in ["before", "after"] {
        updates
            .until(|event| event["update"]["message"]["message"] == text)
            .await?;
    }
    served.stop().await
}
