//! What the product was asked for, end to end against the data center.

use reqwest::Method;
use serde_json::json;
use sluice_datacenter::{Action, JournalFilter, Match, Rule};
use sluice_harness::{Answer, Harness};

#[tokio::test(flavor = "multi_thread")]
async fn the_asked_for_paths_answer_with_their_fields() {
    let gateway = Harness::start().await.unwrap();
    let get = async |path: &str| gateway.get(path).await.unwrap().expect(200).unwrap();

    let status = get("/api/telegram-auth/status").await;
    assert_eq!(status["connected"], true);
    assert_eq!(
        (&status["account"], &status["state"]),
        (&json!("demo"), &json!("ready"))
    );
    assert!(status["lastChecked"].is_string() && status["stateReason"].is_null());

    let me = gateway
        .call(
            "demo",
            "users.getUsers",
            json!({ "id": [{ "_": "inputUserSelf" }] }),
        )
        .await
        .unwrap()
        .expect(200)
        .unwrap();
    assert_eq!(me[0]["username"], "demo");

    let health = get("/api/telegram-auth/session-health").await;
    assert!(health["score"].as_u64().unwrap() > 50, "{health:#}");
    for check in health["checks"].as_array().unwrap() {
        assert!(
            check["name"].is_string() && check["status"].is_string(),
            "{check:#}"
        );
    }

    let pool = get("/api/telegram/connection-pool/status").await;
    let link = &pool["connections"][0];
    for field in ["id", "account", "dc", "role", "status"] {
        assert!(!link[field].is_null(), "{field}: {link:#}");
    }
    for field in ["latency", "errors", "lastUsed", "inFlight"] {
        assert!(!link["metrics"][field].is_null(), "{field}: {link:#}");
    }

    let monitoring = get("/api/monitoring/telegram").await;
    let methods = monitoring["accounts"][0]["methods"].as_array().unwrap();
    assert!(methods.iter().any(|row| row["method"] == "users.getUsers"));
    let sessions = get("/api/monitoring/sessions").await;
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 2);

    let cleaned = gateway
        .post(
            "/api/telegram/connection-pool/cleanup?account=demo",
            json!({}),
        )
        .await
        .unwrap()
        .expect(200)
        .unwrap();
    assert_eq!(
        cleaned["closed"].as_array().unwrap().len(),
        1,
        "{cleaned:#}"
    );
    let me = gateway
        .get("/api/telegram-auth/me")
        .await
        .unwrap()
        .expect(200)
        .unwrap();
    assert_eq!(me["username"], "demo");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_leaves_one_authorization_the_new_one() {
    let gateway = Harness::start().await.unwrap();
    let mut events = gateway.events("types=session_rotation").await.unwrap();
    let begun = gateway
        .post("/api/telegram-auth/rotate-session", json!({}))
        .await
        .unwrap();
    let location = begun.header("location").unwrap().to_owned();
    let id = begun.expect(202).unwrap()["rotationId"].clone();
    let started = events.next().await.unwrap();
    assert_eq!(
        (&started["rotationId"], &started["status"]),
        (&id, &json!("started"))
    );
    events
        .until(|event| event["status"] == "completed")
        .await
        .unwrap();
    let rotation = gateway.get(&location).await.unwrap().expect(200).unwrap();
    assert_eq!(rotation["status"], "completed");

    let listed = gateway
        .call("demo", "account.getAuthorizations", json!({}))
        .await
        .unwrap()
        .expect(200)
        .unwrap();
    let listed = listed["authorizations"].as_array().unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["current"], true);
    // Now it is young.
    let again = gateway
        .post("/api/telegram-auth/rotate-session", json!({}))
        .await
        .unwrap();
    assert!(again.header("retry-after").is_some());
    again.problem(409, "SESSION_TOO_YOUNG").unwrap();
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_wait_is_answered_or_waited_for() {
    let gateway = Harness::start().await.unwrap();
    let body = json!({ "peer": "me", "message": "x" });
    let flood = |seconds: i32| Rule {
        matches: Match {
            method: Some("messages.sendMessage".into()),
            times: Some(1),
            ..Match::default()
        },
        action: Action::RpcError {
            code: 420,
            name: format!("FLOOD_WAIT_{seconds}"),
        },
    };
    gateway.datacenter.add_rule(flood(7));
    let refused = gateway
        .call("demo", "messages.sendMessage", body.clone())
        .await
        .unwrap();
    assert_eq!(refused.header("retry-after"), Some("7"));
    let problem = refused.problem(429, "FLOOD_WAIT").unwrap();
    assert_eq!(problem["category"], "rate_limit");
    assert_eq!(problem["telegram"]["name"], "FLOOD_WAIT_7");

    // Known waits are answered without a call, and other accounts are not held back.
    let known = gateway
        .call("demo", "messages.sendMessage", body.clone())
        .await
        .unwrap();
    known.problem(429, "FLOOD_WAIT").unwrap();
    gateway
        .call("demo-2", "messages.sendMessage", body.clone())
        .await
        .unwrap()
        .expect(200)
        .unwrap();
    let calls = |account: &str| {
        let id = gateway
            .datacenter
            .accounts()
            .into_iter()
            .find(|known| known.username.as_deref() == Some(account))
            .unwrap()
            .id;
        gateway.datacenter.journal(&JournalFilter {
            method: Some("messages.sendMessage".into()),
            account: Some(id),
            ..JournalFilter::default()
        })
    };
    assert_eq!(calls("demo").len(), 1);

    gateway.datacenter.add_rule(Rule {
        matches: Match {
            method: Some("messages.sendMessage".into()),
            account: Some(calls("demo_2")[0].account.unwrap()),
            times: Some(1),
            ..Match::default()
        },
        action: Action::RpcError {
            code: 420,
            name: "FLOOD_WAIT_1".into(),
        },
    });
    let waited = gateway
        .request(
            Method::POST,
            "/api/telegram/call/messages.sendMessage?account=demo-2",
        )
        .header("x-wait", "10")
        .json(&body);
    Answer::read(waited.send().await.unwrap())
        .await
        .unwrap()
        .expect(200)
        .unwrap();
    let seen = calls("demo_2");
    let (refused, repeated) = (&seen[1], &seen[2]);
    assert!(
        repeated.at.since(refused.at) >= 1000,
        "early: {refused:?} {repeated:?}"
    );
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_center_that_comes_back_brings_the_accounts_back() {
    let gateway = Harness::start().await.unwrap();
    gateway.datacenter.stop().await;
    gateway.connected("demo", false).await.unwrap();
    gateway.datacenter.restart().await.unwrap();
    gateway.connected("demo", true).await.unwrap();
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_the_accounts_are_back_unasked() {
    let gateway = Harness::start().await.unwrap();
    let gateway = gateway.restart().await.unwrap();
    gateway.connected("demo", true).await.unwrap();
    gateway.connected("demo-2", true).await.unwrap();
    gateway.stop().await;
}
