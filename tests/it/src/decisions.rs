//! The journal of decisions: what failed is found, explained, decided again, and replayed on candidates.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use sluice_config::Config;
use sluice_datacenter::{Action, Match, Rule};
use sluice_harness::{Answer, Harness, Setup, binary, example_plugin};

/// Nothing of this may be in the journal, in any form.
const TEXT: &str = "the-text-of-a-message-4711";
const PEER: &str = "@demo_2";

async fn start() -> anyhow::Result<Harness> {
    let mut config = Config::default();
    // Long enough for a machine that does ten other things.
    config.policy.deadline = Duration::from_millis(250);
    Harness::with(Setup {
        config,
        components: true,
        ..Setup::default()
    })
    .await
}

/// The next calls that send a message are refused so often.
fn refuse(gateway: &Harness, code: i32, name: &str, times: u64) {
    gateway.datacenter.add_rule(Rule {
        matches: Match {
            method: Some("messages.sendMessage".into()),
            times: Some(times),
            ..Match::default()
        },
        action: Action::RpcError {
            code,
            name: name.into(),
        },
    });
}

async fn send(gateway: &Harness, account: &str) -> anyhow::Result<Answer> {
    let body = json!({ "peer": PEER, "message": TEXT });
    gateway.call(account, "messages.sendMessage", body).await
}

/// The data directory.
fn data(gateway: &Harness) -> PathBuf {
    let plugins = gateway.plugins_dir();
    plugins.parent().expect("the data directory").to_owned()
}

async fn decisions(gateway: &Harness, query: &str) -> anyhow::Result<Value> {
    gateway
        .get(&format!("/api/decisions{query}"))
        .await?
        .expect(200)
}

async fn replay(gateway: &Harness, query: &str, component: &[u8]) -> anyhow::Result<Answer> {
    let path = format!("/api/plugins/replay{query}");
    let request = gateway.request(Method::POST, &path);
    let request = request
        .header("content-type", "application/wasm")
        .body(component.to_vec());
    Answer::read(request.send().await?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_call_is_found_explained_and_decided_again() -> anyhow::Result<()> {
    let gateway = start().await?;
    refuse(&gateway, 420, "FLOOD_WAIT_7", 1);
    send(&gateway, "demo").await?.problem(429, "FLOOD_WAIT")?;
    refuse(&gateway, 403, "CHAT_WRITE_FORBIDDEN", 1);
    send(&gateway, "demo-2")
        .await?
        .problem(403, "CHAT_WRITE_FORBIDDEN")?;

    // No wait, no polling: whoever asks finds what failed before.
    let page = decisions(&gateway, "?account=demo&code=FLOOD_WAIT").await?;
    let found = page["decisions"].as_array().expect("decisions");
    assert_eq!(found.len(), 1, "{page:#}");
    let record = &found[0];
    let failure = &record["attempt"]["failure"];
    assert_eq!(failure["name"], "FLOOD_WAIT_7");
    assert_eq!(failure["method"], "messages.sendMessage");
    assert_eq!(record["decision"], json!({ "action": "give_up" }));
    assert_eq!(record["named"]["by"]["plugin"], "categorize");
    assert_eq!(record["decided"]["by"]["plugin"], "retry");
    assert_eq!(
        record["decided"]["by"]["hash"].as_str().map(str::len),
        Some(64)
    );
    assert!(
        record["requestId"]
            .as_str()
            .is_some_and(|id| !id.is_empty())
    );

    // Filters and pages.
    for (query, count) in [
        ("", 2),
        ("?method=messages.sendMessage", 2),
        ("?method=users.getUsers", 0),
        ("?plugin=retry", 2),
        ("?plugin=native-retry", 0),
        ("?limit=1", 1),
    ] {
        let page = decisions(&gateway, query).await?;
        assert_eq!(
            page["decisions"].as_array().map(Vec::len),
            Some(count),
            "{query}"
        );
    }
    let first = decisions(&gateway, "?limit=1").await?;
    assert_eq!(first["decisions"][0]["account"], "demo-2", "newest first");
    let cursor = first["cursor"].as_str().expect("an older one");
    let second = decisions(&gateway, &format!("?limit=1&after={cursor}")).await?;
    assert_eq!(second["decisions"][0], *record);

    let id = record["id"].as_str().expect("an id");
    let one = gateway
        .get(&format!("/api/decisions/{id}"))
        .await?
        .expect(200)?;
    let again = &one["reexecution"];
    assert_eq!(again["same"], true, "{again:#}");
    assert_eq!(again["unavailable"], Value::Null);
    let fuel = |of: &str| {
        record[of]["fuel"]
            .as_u64()
            .expect("fuel is counted off the path")
    };
    assert_eq!(again["fuel"], fuel("named") + fuel("decided"));
    let summary = one["explanation"]["summary"].as_str().expect("a summary");
    assert_eq!(summary, "FLOOD_WAIT_7: give up, by retry");
    assert_eq!(one["explanation"]["bounds"]["telegramWaitMs"], 7_000);
    let steps = one["explanation"]["steps"].to_string();
    for part in [
        "Telegram answered 420",
        "named it FLOOD_WAIT",
        "retry (generation ",
    ] {
        assert!(steps.contains(part), "{part}: {steps}");
    }
    for nothing in ["0000000000ffffff", "x"] {
        let path = format!("/api/decisions/{nothing}");
        gateway
            .get(&path)
            .await?
            .problem(404, "DECISION_NOT_FOUND")?;
    }

    // The operator's key, the text and the peer are in none of its files.
    let mut read = 0;
    for file in ["journal.db", "journal.db-wal"] {
        let bytes = std::fs::read(data(&gateway).join(file)).unwrap_or_default();
        read += bytes.len();
        for secret in [TEXT, "demo_2", gateway.key()] {
            let found = bytes
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            assert!(!found, "{secret} stands in {file}");
        }
    }
    assert!(read > 4_096, "the journal was read");
    gateway.stop().await;
    Ok(())
}

/// Breaks when a candidate's answers are compared with anything but what was decided.
#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_is_replayed_before_it_serves() -> anyhow::Result<()> {
    let gateway = start().await?;
    for account in ["demo", "demo-2"] {
        refuse(&gateway, 420, "FLOOD_WAIT_7", 1);
        send(&gateway, account).await?.problem(429, "FLOOD_WAIT")?;
    }
    // Once more: the wait is known now, and Telegram is not asked.
    send(&gateway, "demo").await?.problem(429, "FLOOD_WAIT")?;

    let patient = example_plugin("patient-retry")?;
    let shown = replay(&gateway, "?since=1h&seed=7", &patient)
        .await?
        .expect(200)?;
    assert_eq!(shown["kind"], "retry", "{shown:#}");
    assert_eq!(shown["complete"], true);
    let change = &shown["changes"][0];
    assert_eq!(
        (&change["failure"], &change["old"], &change["new"]),
        (
            &json!("FLOOD_WAIT_x"),
            &json!("give up"),
            &json!("retry after x")
        ),
        "{shown:#}"
    );
    assert_eq!(change["count"], shown["records"]);
    assert!(change["count"].as_u64() >= Some(2));
    let day = &shown["day"];
    let of = |when: &str, what: &str| day[when][what].as_u64().expect("a figure");
    assert_eq!(
        of("old", "lost") + of("old", "saved"),
        day["calls"].as_u64().unwrap()
    );
    assert!(
        of("new", "lost") < of("old", "lost"),
        "patience saves calls: {day:#}"
    );
    assert!(
        of("new", "waitedMs") > of("old", "waitedMs"),
        "and costs time: {day:#}"
    );
    let costs = |when: &str| {
        shown["fuel"][when]["mean"]
            .as_u64()
            .is_some_and(|fuel| fuel > 100)
    };
    assert!(costs("old") && costs("new"), "{:#}", shown["fuel"]);
    let twice = replay(&gateway, "?since=1h&seed=7", &patient)
        .await?
        .expect(200)?;
    assert_eq!(twice["day"], *day, "the same seed, the same day");

    // Its settings are heard: beyond the longest wait it has no opinion.
    let sidecar = "?sidecar=%5Bsettings%5D%0Alongest_wait%20%3D%203";
    let strict = replay(&gateway, sidecar, &patient).await?.expect(200)?;
    assert_eq!(
        (&strict["changed"], &strict["abstained"]),
        (&json!(0), &strict["records"])
    );

    replay(&gateway, "", b"no component")
        .await?
        .problem(422, "CANDIDATE_REFUSED")?;
    replay(&gateway, "?since=soon", &patient)
        .await?
        .problem(400, "QUERY_INVALID")?;
    // Nothing of it serves.
    let plugins = gateway.get("/api/plugins").await?.expect(200)?;
    assert!(
        !plugins
            .to_string()
            .contains(shown["hash"].as_str().unwrap())
    );

    // The same by the command line, with the gateway and without it.
    let file = gateway.dir().join("patient.wasm");
    std::fs::write(&file, &patient)?;
    let mut served = gateway.into_process().await?;
    let config = served.file().to_owned();
    let command = || async {
        let mut command = tokio::process::Command::new(binary()?);
        command.args(["plugin", "replay"]).arg(&file);
        command.arg("--config").arg(&config).args(["--seed", "7"]);
        let output = command.output().await?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        anyhow::ensure!(
            output.status.success(),
            "{text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        anyhow::Ok(text)
    };
    let running = command().await?;
    for part in ["FLOOD_WAIT_x", "give up", "retry after x", "calls lost"] {
        assert!(running.contains(part), "{part}\n{running}");
    }
    served.process.kill().await?;
    let alone = command().await?;
    let line = |text: &str| {
        text.lines()
            .find(|line| line.contains("FLOOD_WAIT_x"))
            .map(str::to_owned)
    };
    assert_eq!(line(&running), line(&alone));
    served.datacenter.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_keeps_what_was_written() -> anyhow::Result<()> {
    let mut served = Harness::start().await?.into_process().await?;
    served.process.connected("demo", true).await?;
    let empty = json!({ "peer": "me", "message": "" });
    served
        .process
        .call("demo", "messages.sendMessage", empty)
        .await?
        .problem(400, "MESSAGE_EMPTY")?;
    let page = served.process.get("/api/decisions").await?.expect(200)?;
    let id = page["decisions"][0]["id"]
        .as_str()
        .expect("a decision")
        .to_owned();
    served.kill_and_serve_again().await?;
    let path = format!("/api/decisions/{id}");
    let one = served.process.get(&path).await?.expect(200)?;
    assert_eq!(one["attempt"]["failure"]["name"], "MESSAGE_EMPTY");
    assert_eq!(one["reexecution"]["same"], true, "{one:#}");
    served.stop().await
}

/// Breaks when a call waits for its record, or a journal that cannot be written stays so.
#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_cannot_be_written_holds_up_no_call_and_heals() -> anyhow::Result<()> {
    let gateway = start().await?;
    let file = data(&gateway).join("journal.db");
    std::fs::create_dir(&file)?;
    let empty = || async {
        let empty = json!({ "peer": "me", "message": "" });
        let answer = gateway.call("demo", "messages.sendMessage", empty).await?;
        answer.problem(400, "MESSAGE_EMPTY")
    };
    empty().await?;
    let good = json!({ "peer": "me", "message": "x" });
    gateway
        .call("demo", "messages.sendMessage", good)
        .await?
        .expect(200)?;
    // Whoever asks hears of it, and what failed before is lost by then.
    gateway
        .get("/api/decisions")
        .await?
        .problem(503, "STORE_UNAVAILABLE")?;
    std::fs::remove_dir(&file)?;
    empty().await?;
    let page = decisions(&gateway, "").await?;
    let kept = page["decisions"].as_array().map_or(0, Vec::len);
    let lost = page["lost"].as_u64().unwrap_or(0);
    assert_eq!((kept, lost), (1, 1), "{page:#}");
    gateway.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_keeps_to_its_bound_while_calls_fail() -> anyhow::Result<()> {
    let mut config = Config::default();
    config.policy.journal_max_bytes = 1 << 20;
    let gateway = Harness::with(Setup {
        config,
        ..Setup::default()
    })
    .await?;
    for _ in 0..30 {
        let calls = (0..50).map(|_| {
            let empty = json!({ "peer": "me", "message": "" });
            gateway.call("demo", "messages.sendMessage", empty)
        });
        for answer in futures_util::future::join_all(calls).await {
            answer?.problem(400, "MESSAGE_EMPTY")?;
        }
    }
    let (mut kept, mut after) = (0, String::new());
    loop {
        let page = decisions(&gateway, &format!("?limit=500{after}")).await?;
        kept += page["decisions"].as_array().map_or(0, Vec::len);
        assert_eq!(page["lost"], 0);
        match page["cursor"].as_str() {
            Some(cursor) => after = format!("&after={cursor}"),
            None => break,
        }
    }
    // 1,500 were written, at some 1,300 bytes each.
    assert!((300..1_200).contains(&kept), "{kept} kept");
    let file = data(&gateway).join("journal.db");
    let size = std::fs::metadata(&file)?.len();
    assert!(size < 3 << 19, "{size} bytes");
    gateway.stop().await;
    Ok(())
}

/// Breaks when an old decision can only be made again by what serves now.
#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_made_again_by_a_plugin_that_is_gone() -> anyhow::Result<()> {
    let gateway = start().await?;
    refuse(&gateway, 420, "FLOOD_WAIT_7", 1);
    send(&gateway, "demo-2").await?.problem(429, "FLOOD_WAIT")?;
    decisions(&gateway, "").await?;
    let mut events = gateway.events("types=plugin").await?;
    let file = gateway.plugins_dir().join("patient.wasm");
    let part = gateway.dir().join("patient.part");
    std::fs::write(&part, example_plugin("patient-retry")?)?;
    std::fs::rename(&part, &file)?;
    let patient = |action: &'static str| {
        move |event: &Value| event["name"] == "patient" && event["action"] == action
    };
    // It was replayed before it was swapped in.
    let loaded = events.until(patient("loaded")).await?;
    let replayed = loaded["replayed"].as_str().unwrap_or_default();
    assert_eq!(
        replayed,
        "1 of the newest 1 decisions would have been others; \
         FLOOD_WAIT_x: give up -> retry after x, 1 of 1",
        "{loaded:#}"
    );
    let view = gateway.get("/api/plugins/patient").await?.expect(200)?;
    assert_eq!(view["replayed"]["changed"], 1, "{view:#}");
    refuse(&gateway, 420, "FLOOD_WAIT_1", 1);
    send(&gateway, "demo").await?.expect(200)?;
    std::fs::remove_file(&file)?;
    events.until(patient("removed")).await?;
    events.close().await?;

    let page = decisions(&gateway, "?plugin=patient").await?;
    let record = &page["decisions"][0];
    assert_eq!(record["decision"]["action"], "retry", "{page:#}");
    let id = record["id"].as_str().expect("an id");
    let gateway = gateway.restart().await?;
    let one = gateway
        .get(&format!("/api/decisions/{id}"))
        .await?
        .expect(200)?;
    let again = &one["reexecution"]["decision"];
    assert_eq!(again["same"], true, "{again:#}");
    assert_eq!(again["fuel"], one["decided"]["fuel"]);
    assert!(again["fuel"].as_u64() > Some(100));
    gateway.stop().await;
    Ok(())
}
