//! Waits that Telegram imposes: kept over a kill, and never tested by calling early.

use reqwest::Method;
use serde_json::{Value, json};
use sluice_datacenter::{Action, JournalEntry, JournalFilter, Match, Rule};
use sluice_harness::scoreboard::{Row, count, report, soak};
use sluice_harness::{Answer, Harness, Served};

const SEND: &str = "messages.sendMessage";
const FILE: &str = "upload.getFile";

/// A wait under test: its name without the number, the method that earns it, and a body.
struct Kind {
    stem: &'static str,
    method: &'static str,
    body: Value,
    /// What the same account may still do.
    free: (&'static str, Value),
}

fn kinds() -> [Kind; 3] {
    let to = |id: i64| json!({"_": "inputPeerUser", "user_id": id.to_string(), "access_hash": "0"});
    let location = json!({"_": "inputDocumentFileLocation", "id": "1", "access_hash": "1",
        "file_reference": "", "thumb_size": ""});
    [
        Kind {
            stem: "FLOOD_WAIT",
            method: SEND,
            body: json!({"peer": "me", "message": "x"}),
            free: ("help.getConfig", json!({})),
        },
        Kind {
            stem: "SLOWMODE_WAIT",
            method: SEND,
            body: json!({"peer": "me", "message": "x"}),
            // Another chat, which is unknown to Telegram: its own answer comes back.
            free: (SEND, json!({"peer": to(1), "message": "x"})),
        },
        Kind {
            stem: "FLOOD_PREMIUM_WAIT",
            method: FILE,
            body: json!({"location": location, "offset": "0", "limit": 4096}),
            free: (SEND, json!({"peer": "me", "message": "x"})),
        },
    ]
}

fn seen(served: &Served, account: i64, method: &str) -> Vec<JournalEntry> {
    served.datacenter.journal(&JournalFilter {
        method: Some(method.into()),
        account: Some(account),
        ..JournalFilter::default()
    })
}

fn is_wait(answer: Answer, stem: &str, seconds: u64) -> anyhow::Result<u64> {
    let header = answer.header("retry-after").map(str::to_owned);
    let problem = answer.problem(429, stem)?;
    let left = problem["retryAfter"].as_u64().unwrap_or_default();
    anyhow::ensure!(header == Some(left.to_string()), "{header:?} {problem:#}");
    anyhow::ensure!((1..=seconds).contains(&left), "{problem:#}");
    Ok(left)
}

/// Breaks when Telegram is asked before a wait is over, when something else is held back, or when a
/// kill makes the gateway forget.
#[tokio::test(flavor = "multi_thread")]
async fn waits() -> anyhow::Result<()> {
    let lengths: &[u64] = if soak() { &[1, 30, 3_600] } else { &[1, 3_600] };
    let early_calls = count(50, 10);
    let mut served = Harness::start().await?.into_process().await?;
    served.process.connected("demo", true).await?;
    served.process.connected("demo-2", true).await?;
    let ids: Vec<i64> = served.datacenter.accounts().iter().map(|a| a.id).collect();
    let (mut n, mut early, mut asked) = (0, 0, 0);
    for kind in kinds() {
        for seconds in lengths.iter().copied() {
            let (stem, method) = (kind.stem, kind.method);
            let before = seen(&served, ids[0], method).len();
            served.datacenter.add_rule(Rule {
                matches: Match {
                    method: Some(method.into()),
                    account: Some(ids[0]),
                    times: Some(1),
                    ..Match::default()
                },
                action: Action::RpcError {
                    code: 420,
                    name: format!("{stem}_{seconds}"),
                },
            });
            let call = |account, body: &Value| served.process.call(account, method, body.clone());
            is_wait(call("demo", &kind.body).await?, stem, seconds)?;
            // The other account and the other method (or chat) go on.
            let other = call("demo-2", &kind.body).await?;
            anyhow::ensure!(other.status != 429, "{:#}", other.body);
            let (free, body) = &kind.free;
            let went = served.process.call("demo", free, body.clone()).await?;
            anyhow::ensure!(went.status != 429, "{:#}", went.body);
            let free_calls = usize::from(*free == method);
            // With a length of a second the loop itself may outlast the wait.
            for _ in 0..if seconds == 1 { 1 } else { early_calls } {
                let answer = call("demo", &kind.body).await?;
                if answer.status == 429 {
                    is_wait(answer, stem, seconds)?;
                }
                asked += 1;
            }
            if seconds > 1 {
                served.kill_and_serve_again().await?;
                served.process.connected("demo", true).await?;
                is_wait(
                    served
                        .process
                        .call("demo", method, kind.body.clone())
                        .await?,
                    stem,
                    seconds,
                )?;
                early += seen(&served, ids[0], method).len() - before - 1 - free_calls;
            }
            if seconds <= 30 {
                // The patient get their answer, and not before it is time.
                let path = format!("/api/telegram/call/{method}?account=demo");
                let request = served.process.request(Method::POST, &path).json(&kind.body);
                let request = request
                    .header("x-wait", seconds + 5)
                    .header("x-timeout", 60);
                let answer = Answer::read(request.send().await?).await?;
                anyhow::ensure!(answer.status != 429, "{:#}", answer.body);
                let all = seen(&served, ids[0], method);
                let refused = &all[before];
                let next = all[before + 1..]
                    .iter()
                    .find(|entry| entry.at.since(refused.at) >= seconds * 1_000);
                anyhow::ensure!(next.is_some(), "{all:#?}");
                early += all[before + 1 + free_calls..]
                    .iter()
                    .filter(|entry| entry.at.since(refused.at) < seconds * 1_000)
                    .count();
            } else {
                let limits = served
                    .process
                    .get("/api/telegram/limits")
                    .await?
                    .expect(200)?;
                for limit in limits["limits"].as_array().into_iter().flatten() {
                    let path = format!(
                        "/api/telegram/limits/{}",
                        limit["id"].as_str().unwrap_or("")
                    );
                    anyhow::ensure!(served.process.delete(&path).await?.status == 204);
                }
            }
            n += 1;
        }
    }
    assert_eq!(early, 0, "early calls");
    report(&Row {
        part: "Telegram side",
        fault: "FLOOD_WAIT / SLOWMODE / PREMIUM_WAIT 1, 30, 3600 s",
        goal: "0 early calls seen by the data center; 429 + Retry-After; other methods and accounts \
               unaffected; survives a restart",
        figure: &format!(
            "{early} early calls of {asked}, 429 with Retry-After each time, the others unaffected, \
             kept over kill -9"
        ),
        n,
        met: true,
    });
    served.stop().await
}
