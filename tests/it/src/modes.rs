//! A policy on its way from the shadow to everybody, and back when it does harm.

use std::time::Duration;

use serde_json::{Value, json};
use sluice_config::Config;
use sluice_datacenter::{Action, Match, Rule};
use sluice_harness::{Events, Harness, Setup};

use crate::hostile::retry;

const ODD: &str = include_str!("../../guests/odd.wat");

/// Long enough for a machine that does ten other things; nothing here is slow.
const DEADLINE: Duration = Duration::from_millis(250);

/// Gives up, but for odd errors: at those it does this. `mark` makes another component of it.
pub(crate) fn odd(does: &str, mark: u32) -> anyhow::Result<Vec<u8>> {
    let text = ODD.replace("(unreachable)", does);
    let text = text.replace(
        "(func $odd",
        &format!("(global (mut i32) (i32.const {mark}))\n  (func $odd"),
    );
    retry(&text)
}

/// Repeats at once.
const REPEATS: &str = "(call $say (i32.const 2) (i64.const 0))";
const TRAPS: &str = "(unreachable)";

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

/// The same accounts on another gateway, connected.
async fn restart(gateway: Harness) -> anyhow::Result<Harness> {
    let gateway = gateway.restart().await?;
    for account in ["demo", "demo-2"] {
        gateway.connected(account, true).await?;
    }
    Ok(gateway)
}

/// The next messages are refused so often, with an error that no catalogue has.
fn trouble(gateway: &Harness, times: Option<u64>) {
    gateway.datacenter.add_rule(Rule {
        matches: Match {
            method: Some("messages.sendMessage".into()),
            times,
            ..Match::default()
        },
        action: Action::RpcError {
            code: 418,
            name: "ODD_TROUBLE".into(),
        },
    });
}

/// Whether a message gets through; anything but Telegram's own refusal is an error of the test.
async fn sends(gateway: &Harness, account: &str) -> anyhow::Result<bool> {
    let body = json!({ "peer": "me", "message": "x" });
    let answer = gateway.call(account, "messages.sendMessage", body).await?;
    if answer.status == 200 {
        return Ok(true);
    }
    let name = answer.body["telegram"]["name"].clone();
    anyhow::ensure!(name == "ODD_TROUBLE", "{:#}", answer.body);
    Ok(false)
}

/// Whether a message that is refused once gets through: whether the policy in force repeats it.
async fn repeats(gateway: &Harness, account: &str) -> anyhow::Result<bool> {
    trouble(gateway, Some(1));
    sends(gateway, account).await
}

fn put(gateway: &Harness, file: &str, bytes: &[u8]) -> anyhow::Result<()> {
    let outside = gateway.dir().join("part");
    std::fs::write(&outside, bytes)?;
    std::fs::rename(outside, gateway.plugins_dir().join(file))?;
    Ok(())
}

async fn told(events: &mut Events, name: &str, action: &str) -> anyhow::Result<Value> {
    events
        .until(|event| event["name"] == name && event["action"] == action)
        .await
}

async fn post(gateway: &Harness, name: &str, what: &str, body: Value) -> anyhow::Result<Value> {
    let path = format!("/api/plugins/{name}/{what}");
    gateway.post(&path, body).await?.expect(200)
}

async fn plugin(gateway: &Harness, name: &str) -> anyhow::Result<Value> {
    let path = format!("/api/plugins/{name}");
    gateway.get(&path).await?.expect(200)
}

async fn diff(gateway: &Harness, name: &str) -> anyhow::Result<Value> {
    let path = format!("/api/plugins/{name}/diff");
    gateway.get(&path).await?.expect(200)
}

fn sidecar(gateway: &Harness, name: &str) -> String {
    let path = gateway.plugins_dir().join(format!("{name}.toml"));
    std::fs::read_to_string(path).unwrap_or_default()
}

/// Breaks when a shadow's answer is done or not compared, when a canary reaches the wrong accounts,
/// or when a mode does not survive a restart.
#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_goes_from_the_shadow_to_everybody() -> anyhow::Result<()> {
    let gateway = start().await?;
    let mut events = gateway.events("types=plugin").await?;
    put(&gateway, "next.toml", b"# the new one\nmode = \"shadow\"\n")?;
    put(&gateway, "next.wasm", &odd(REPEATS, 1)?)?;
    let loaded = told(&mut events, "next", "loaded").await?;
    assert_eq!(loaded["mode"], "shadow", "{loaded:#}");
    assert!(
        !repeats(&gateway, "demo").await?,
        "the shadow's answer was done"
    );

    // It is asked after the call has its answer.
    let seen = loop {
        let seen = diff(&gateway, "next").await?;
        if seen["comparison"]["compared"] == 1 {
            break seen;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let group = &seen["comparison"]["groups"][0];
    let text = "ODD_TROUBLE: give up -> retry at once, 1 of 1";
    assert_eq!(group["text"], text, "{seen:#}");
    let example = &seen["comparison"]["examples"][0];
    assert_eq!(
        (&example["account"], &example["method"]),
        (&json!("demo"), &json!("messages.sendMessage"))
    );
    assert!(seen["time"]["p50Us"].is_number(), "{seen:#}");
    let gateway = restart(gateway).await?;
    assert_eq!(plugin(&gateway, "next").await?["mode"], "shadow");

    // A tenth of the accounts when nobody says how many; of these two, 20 percent are one.
    let mut events = gateway.events("types=plugin").await?;
    let canary = post(&gateway, "next", "promote", json!({})).await?;
    assert_eq!(
        (&canary["mode"], &canary["canaryPercent"]),
        (&json!("canary"), &json!(10))
    );
    let told = told(&mut events, "next", "promoted").await?;
    assert_eq!(told["mode"], "canary(10)", "{told:#}");
    post(&gateway, "next", "promote", json!({ "to": "canary(20)" })).await?;
    assert_eq!(
        sidecar(&gateway, "next"),
        "# the new one\nmode = \"canary(20)\"\n"
    );
    assert!(repeats(&gateway, "demo-2").await?);
    assert!(!repeats(&gateway, "demo").await?);
    let seen = diff(&gateway, "next").await?;
    let (canary, rest) = (&seen["accounts"]["canary"], &seen["accounts"]["rest"]);
    let one = |calls, failures, retries, given_up| {
        json!({ "calls": calls, "failures": failures, "retries": retries,
                "giveUps": given_up, "parks": 0 })
    };
    assert_eq!((canary, rest), (&one(1, 0, 1, 0), &one(1, 1, 0, 1)));
    let gateway = restart(gateway).await?;
    assert!(repeats(&gateway, "demo-2").await?);
    assert!(!repeats(&gateway, "demo").await?);

    post(&gateway, "next", "promote", json!({})).await?;
    assert!(repeats(&gateway, "demo").await?);
    let further = gateway.post("/api/plugins/next/promote", json!({})).await?;
    further.problem(409, "PLUGIN_UNCHANGED")?;
    let gateway = restart(gateway).await?;
    assert!(repeats(&gateway, "demo").await?);

    let off = post(&gateway, "next", "abort", json!({})).await?;
    assert_eq!(off["mode"], "off");
    assert!(!repeats(&gateway, "demo").await?);
    let gateway = restart(gateway).await?;
    assert_eq!(plugin(&gateway, "next").await?["mode"], "off");
    assert!(!repeats(&gateway, "demo").await?);
    gateway.stop().await;
    Ok(())
}

/// Breaks when a generation that traps goes on serving, when a call fails because of it, or when it
/// is back after a restart.
#[tokio::test(flavor = "multi_thread")]
async fn a_generation_that_traps_is_taken_back() -> anyhow::Result<()> {
    let gateway = start().await?;
    let mut events = gateway.events("types=plugin").await?;
    let (good, bad) = (odd(REPEATS, 1)?, odd(TRAPS, 2)?);
    put(&gateway, "mine.wasm", &good)?;
    let first = told(&mut events, "mine", "loaded").await?;
    assert!(repeats(&gateway, "demo").await?);
    let good_hash = plugin(&gateway, "mine").await?["hash"].clone();

    put(&gateway, "mine.wasm", &bad)?;
    let second = told(&mut events, "mine", "loaded").await?;
    assert!(second["generation"].as_u64() > first["generation"].as_u64());
    for _ in 0..10 {
        // The native library answers: the error reaches the caller as it is.
        assert!(!repeats(&gateway, "demo").await?);
    }
    let back = told(&mut events, "mine", "rolled_back").await?;
    let evidence = &back["evidence"];
    assert_eq!(
        (&evidence["traps"], &evidence["generation"]),
        (&json!(10), &second["generation"]),
        "{back:#}"
    );
    assert!(
        back["error"].as_str().unwrap().contains("10 traps"),
        "{back:#}"
    );
    assert_eq!(back["generation"], first["generation"]);
    assert!(repeats(&gateway, "demo").await?);
    let view = plugin(&gateway, "mine").await?;
    assert_eq!(view["hash"], good_hash);
    assert_eq!(view["rolledBack"]["evidence"]["traps"], 10, "{view:#}");

    // After a restart too; and the same file again is no other.
    let gateway = restart(gateway).await?;
    let view = plugin(&gateway, "mine").await?;
    assert_eq!(view["hash"], good_hash, "{view:#}");
    assert_eq!(view["rolledBack"]["evidence"]["traps"], 10, "{view:#}");
    assert!(repeats(&gateway, "demo").await?);
    let mut events = gateway.events("types=plugin").await?;
    put(&gateway, "mine.wasm", &bad)?;
    put(&gateway, "other.wasm", &good)?;
    told(&mut events, "other", "loaded").await?;
    assert_eq!(plugin(&gateway, "mine").await?["hash"], good_hash);

    // An operator who insists gets it.
    let view = post(&gateway, "mine", "promote", json!({ "to": "live" })).await?;
    assert_ne!(view["hash"], good_hash);
    assert_eq!(view["rolledBack"], Value::Null);
    // And by hand the other way.
    let view = post(&gateway, "mine", "rollback", json!({})).await?;
    assert_eq!(view["hash"], good_hash);
    let gateway = restart(gateway).await?;
    assert_eq!(plugin(&gateway, "mine").await?["hash"], good_hash);
    gateway.stop().await;
    Ok(())
}

/// Breaks when a policy that multiplies calls goes on, or when nothing answers in its place.
#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_repeats_too_much_is_taken_back() -> anyhow::Result<()> {
    let gateway = start().await?;
    let mut events = gateway.events("types=plugin").await?;
    put(&gateway, "storm.wasm", &odd(REPEATS, 1)?)?;
    told(&mut events, "storm", "loaded").await?;
    trouble(&gateway, None);
    for _ in 0..24 {
        assert!(!sends(&gateway, "demo").await?);
    }
    let back = told(&mut events, "storm", "rolled_back").await?;
    let evidence = &back["evidence"];
    assert!(evidence["attemptsPerCall"].as_f64() > Some(4.0), "{back:#}");
    assert_eq!(evidence["earlierAttemptsPerCall"], 1.0, "{back:#}");
    assert_eq!(back["generation"], 0, "there is none before it: {back:#}");
    assert!(!sends(&gateway, "demo").await?);
    let view = plugin(&gateway, "storm").await?;
    assert_eq!(
        (&view["generation"], &view["kind"]),
        (&json!(0), &Value::Null)
    );
    let gateway = restart(gateway).await?;
    let view = plugin(&gateway, "storm").await?;
    assert_eq!(view["generation"], 0);
    assert!(view["lastError"].as_str().unwrap().contains("rolled back"));
    let nothing = gateway
        .post("/api/plugins/storm/rollback", json!({}))
        .await?;
    nothing.problem(409, "PLUGIN_UNCHANGED")?;
    gateway.stop().await;
    Ok(())
}

/// Breaks when what cannot be changed says something else than why.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_promoted_says_why() -> anyhow::Result<()> {
    let gateway = start().await?;
    for (path, body, status, code) in [
        ("nothing/promote", json!({}), 404, "PLUGIN_NOT_FOUND"),
        ("nothing/abort", json!({}), 404, "PLUGIN_NOT_FOUND"),
        ("nothing/rollback", json!({}), 404, "PLUGIN_NOT_FOUND"),
        (
            "native-retry/promote",
            json!({ "to": "live" }),
            409,
            "PLUGIN_UNCHANGED",
        ),
        (
            "retry/promote",
            json!({ "to": "canary(101)" }),
            400,
            "BODY_INVALID",
        ),
        ("retry/promote", json!({ "to": "off" }), 400, "BODY_INVALID"),
        (
            "prometheus/promote",
            json!({ "to": "canary(5)" }),
            409,
            "PLUGIN_REFUSED",
        ),
    ] {
        let path = format!("/api/plugins/{path}");
        gateway.post(&path, body).await?.problem(status, code)?;
    }
    gateway
        .get("/api/plugins/nothing/diff")
        .await?
        .problem(404, "PLUGIN_NOT_FOUND")?;
    // What was asked for and refused serves as before.
    assert_eq!(plugin(&gateway, "prometheus").await?["mode"], "live");
    gateway.stop().await;
    Ok(())
}

/// Breaks when figures of plugins do not reach an exporter.
#[tokio::test(flavor = "multi_thread")]
async fn figures_of_plugins_are_exported() -> anyhow::Result<()> {
    let gateway = start().await?;
    put(&gateway, "mine.wasm", &odd(REPEATS, 1)?)?;
    let mut events = gateway
        .events("types=plugin&after=0000000000000000")
        .await?;
    told(&mut events, "mine", "loaded").await?;
    assert!(repeats(&gateway, "demo").await?);
    let request = gateway.admin_request(reqwest::Method::GET, "/metrics");
    let text = request
        .bearer_auth(gateway.key())
        .send()
        .await?
        .text()
        .await?;
    for part in [
        "sluice_plugin_calls_total{",
        "sluice_plugin_traps_total{",
        "sluice_plugin_duration_seconds_sum{",
    ] {
        let has = |line: &&str| line.starts_with(part) && line.contains("plugin=\"mine\"");
        assert!(
            text.lines().any(|line| has(&line)),
            "no {part} of mine: {text}"
        );
    }
    gateway.stop().await;
    Ok(())
}
