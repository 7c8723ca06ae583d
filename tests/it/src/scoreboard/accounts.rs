//! Accounts that Telegram ends: the right state in time, told once, and no storm.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use sluice_datacenter::{Action, JournalFilter, Match, Rule};
use sluice_harness::scoreboard::{Row, count, report};
use sluice_harness::{Answer, Harness, Setup};
use tokio::task::JoinSet;

const ENDS: [(i32, &str, &str); 4] = [
    (401, "AUTH_KEY_UNREGISTERED", "session_lost"),
    (401, "SESSION_REVOKED", "session_lost"),
    (401, "USER_DEACTIVATED", "session_lost"),
    (406, "AUTH_KEY_DUPLICATED", "parked"),
];

/// Breaks when an end leads to another state, is told twice, or is followed by calls.
#[tokio::test(flavor = "multi_thread")]
async fn dead_accounts() -> anyhow::Result<()> {
    let in_flight = count(200, 40);
    let rounds = count(5, 1);
    let gateway = Harness::with(Setup {
        accounts: ENDS.len(),
        ..Setup::default()
    })
    .await?;
    let names = ["demo", "demo-2", "demo-3", "demo-4"];
    let ids: Vec<i64> = gateway.datacenter.accounts().iter().map(|a| a.id).collect();
    let mut slowest = Duration::ZERO;
    let (mut told_twice, mut after) = (0_u64, 0);
    for _ in 0..rounds {
        for (number, (code, name, state)) in ENDS.into_iter().enumerate() {
            let account = names[number];
            let filter = JournalFilter {
                account: Some(ids[number]),
                ..JournalFilter::default()
            };
            let mut events = gateway
                .events(&format!("types=account_state,error&account={account}"))
                .await?;
            gateway.datacenter.add_rule(Rule {
                matches: Match {
                    account: Some(ids[number]),
                    ..Match::default()
                },
                action: Action::RpcError {
                    code,
                    name: name.into(),
                },
            });
            let began = Instant::now();
            let mut calls = JoinSet::new();
            for _ in 0..in_flight {
                let path = format!("/api/telegram/call/help.getNearestDc?account={account}");
                let request = gateway.request(Method::POST, &path).json(&json!({}));
                calls.spawn(async move { Answer::read(request.send().await?).await });
            }
            let ends = async {
                let mut errors = 0_u64;
                loop {
                    let event = events.next().await?;
                    if event["type"] == "error" {
                        errors += 1;
                    } else if event["state"] == state {
                        assert_eq!(event["stateReason"], name);
                        return anyhow::Ok((errors, began.elapsed()));
                    }
                }
            };
            let (answers, end) = tokio::join!(calls.join_all(), ends);
            let (errors, took) = end?;
            slowest = slowest.max(took);
            for answer in answers {
                let answer = answer?;
                assert_eq!(answer.status, 409, "{:#}", answer.body);
                assert_eq!(answer.body["category"], "auth", "{:#}", answer.body);
            }
            // The links are closed; what was under way has ended. Calls from here on do not reach
            // Telegram.
            let seen = gateway.datacenter.journal(&filter).len();
            for _ in 0..10 {
                let problem = gateway
                    .call(account, "help.getNearestDc", json!({}))
                    .await?;
                assert_eq!(problem.status, 409);
            }
            after += gateway.datacenter.journal(&filter).len() - seen;
            // Back on the same key, which was kept; everything told meanwhile is counted.
            gateway.datacenter.clear_rules();
            let path = format!("/api/telegram-auth/connect?account={account}");
            gateway.post(&path, json!({})).await?.expect(200)?;
            let mut again = errors - 1;
            loop {
                let event = events.next().await?;
                if event["state"] == "ready" {
                    break;
                }
                again += u64::from(event["type"] == "error" || event["state"] == state);
            }
            told_twice += again;
        }
    }
    let authorizations: usize = ids
        .iter()
        .map(|id| gateway.datacenter.authorizations(*id).len())
        .sum();
    assert_eq!(authorizations, ids.len(), "the keys were kept and used");
    assert_eq!((told_twice, after), (0, 0));
    report(&Row {
        part: "Telegram side",
        fault: "AUTH_KEY_UNREGISTERED, SESSION_REVOKED, USER_DEACTIVATED, AUTH_KEY_DUPLICATED",
        goal: "state right <= 1 s, one event, no retry storm",
        figure: &format!(
            "state right after {} ms at most with {in_flight} calls in flight, {told_twice} events \
             too many, {after} calls afterwards, every key kept",
            slowest.as_millis()
        ),
        n: rounds * 4,
        met: slowest <= Duration::from_secs(1),
    });
    gateway.stop().await;
    Ok(())
}
