//! Policies are swapped while the gateway runs, and none of them can harm it.

use std::time::Duration;

use serde_json::{Value, json};
use sluice_config::Config;
use sluice_datacenter::{Action, JournalFilter, Match, Rule};
use sluice_harness::{Answer, Harness, Setup, example_plugin};

use crate::hostile::retry;

const ENDLESS: &str = include_str!("../../guests/endless.wat");
const TREACHEROUS: &str = include_str!("../../guests/treacherous.wat");

/// Long enough for a machine that does ten other things; a loop still costs no more.
const DEADLINE: Duration = Duration::from_millis(250);

async fn start() -> anyhow::Result<Harness> {
    let mut config = Config::default();
    config.policy.deadline = DEADLINE;
    Harness::with(Setup {
        config,
        components: true,
        ..Setup::default()
    })
    .await
}

/// The next calls that send a message are refused so often, with a wait of a second.
fn floods(gateway: &Harness, times: u64) {
    gateway.datacenter.add_rule(Rule {
        matches: Match {
            method: Some("messages.sendMessage".into()),
            times: Some(times),
            ..Match::default()
        },
        action: Action::RpcError {
            code: 420,
            name: "FLOOD_WAIT_1".into(),
        },
    });
}

async fn send(gateway: &Harness, account: &str, patience: u64) -> anyhow::Result<Answer> {
    let body = json!({ "peer": "me", "message": "x" });
    gateway
        .patient_call(account, "messages.sendMessage", body, patience)
        .await
}

/// Renames a file into the directory of plugins and waits for what becomes of it.
async fn admit(gateway: &Harness, name: &str, bytes: &[u8]) -> anyhow::Result<Value> {
    let mut events = gateway.events("types=plugin").await?;
    let outside = gateway.dir().join(format!("{name}.new"));
    std::fs::write(&outside, bytes)?;
    let file = format!("{name}.wasm");
    std::fs::rename(outside, gateway.plugins_dir().join(file))?;
    let event = events.until(|event| event["name"] == name).await?;
    events.close().await?;
    Ok(event)
}

async fn plugin(gateway: &Harness, name: &str) -> anyhow::Result<Value> {
    let path = format!("/api/plugins/{name}");
    gateway.get(&path).await?.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shipped_policies_are_components_and_export() -> anyhow::Result<()> {
    let gateway = start().await?;
    let plugins = gateway.get("/api/plugins").await?.expect(200)?;
    let plugins = plugins["plugins"].as_array().expect("plugins");
    for (name, kind) in [
        ("retry", "retry"),
        ("categorize", "categorize"),
        ("prometheus", "export"),
    ] {
        let found = plugins
            .iter()
            .find(|plugin| plugin["name"] == name && plugin["origin"] == "bundled")
            .expect(name);
        assert_eq!(
            (&found["kind"], &found["mode"]),
            (&json!(kind), &json!("live"))
        );
        assert_eq!(found["hash"].as_str().map(str::len), Some(64));
        assert!(found["generation"].is_u64() && found["calls"].is_u64());
        assert_eq!(
            (&found["failures"], &found["lastError"]),
            (&json!(0), &Value::Null)
        );
    }
    let metrics = gateway
        .admin_request(reqwest::Method::GET, "/metrics")
        .bearer_auth(gateway.key());
    let metrics = metrics.send().await?;
    assert_eq!(metrics.status(), 200);
    assert!(metrics.text().await?.contains("# TYPE sluice_"));
    gateway.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_renamed_into_place_changes_the_next_decision() -> anyhow::Result<()> {
    let gateway = start().await?;
    // As shipped: no patience, no wait.
    floods(&gateway, 1);
    send(&gateway, "demo", 0)
        .await?
        .problem(429, "FLOOD_WAIT")?;

    let patient = example_plugin("patient-retry")?;
    let loaded = admit(&gateway, "patient", &patient).await?;
    assert_eq!(loaded["action"], "loaded", "{loaded:#}");
    floods(&gateway, 1);
    send(&gateway, "demo-2", 0).await?.expect(200)?;
    let before = plugin(&gateway, "patient").await?;
    assert_eq!(before["kind"], "retry");
    assert!(before["calls"].as_u64() > Some(0), "{before:#}");
    let seen = gateway.datacenter.journal(&JournalFilter {
        method: Some("messages.sendMessage".into()),
        account: Some(gateway.datacenter.accounts()[1].id),
        ..JournalFilter::default()
    });
    assert_eq!(seen.len(), 2);
    assert!(seen[1].at.since(seen[0].at) >= 1_000, "early: {seen:#?}");

    // A truncated file under the same name changes nothing.
    let refused = admit(&gateway, "patient", &patient[..patient.len() / 2]).await?;
    assert_eq!(refused["action"], "refused", "{refused:#}");
    assert!(refused["error"].is_string());
    let after = plugin(&gateway, "patient").await?;
    assert_eq!(
        (&after["generation"], &after["hash"], &after["mode"]),
        (&before["generation"], &before["hash"], &before["mode"])
    );
    assert!(after["lastError"].is_string(), "{after:#}");
    floods(&gateway, 1);
    send(&gateway, "demo-2", 0).await?.expect(200)?;

    // Taken away, it is asked no more.
    let mut events = gateway.events("types=plugin").await?;
    std::fs::remove_file(gateway.plugins_dir().join("patient.wasm"))?;
    events.until(|event| event["action"] == "removed").await?;
    floods(&gateway, 1);
    send(&gateway, "demo-2", 0)
        .await?
        .problem(429, "FLOOD_WAIT")?;
    gateway.stop().await;
    Ok(())
}

/// Breaks when a component that never answers holds up the call it is asked about.
#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_loops_is_cut_off_and_the_native_policy_answers() -> anyhow::Result<()> {
    let gateway = start().await?;
    let refused = admit(&gateway, "endless", &retry(ENDLESS)?).await?;
    assert_eq!(refused["action"], "refused", "never let in: {refused:#}");

    // This one behaves until the second attempt of a call, then loops for ever.
    let shy = TREACHEROUS.replace("(call $say (i32.const 1) (i64.const 0))", "(i32.const 0)");
    let loaded = admit(&gateway, "shy", &retry(&shy)?).await?;
    assert_eq!(loaded["action"], "loaded", "{loaded:#}");
    floods(&gateway, 2);
    send(&gateway, "demo", 10).await?.expect(200)?;
    let view = plugin(&gateway, "shy").await?;
    assert_eq!(view["failures"], 1, "{view:#}");
    let error = view["lastError"].as_str().expect("why");
    assert!(error.contains("cut off"), "{error}");
    gateway.stop().await;
    Ok(())
}
