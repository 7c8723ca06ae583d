//! The eight paths and the four events that the product was asked for, field by field.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sluice_datacenter::{Action, Match, Rule};
use sluice_harness::Harness;

/// The names of an object's fields, sorted.
fn fields(object: &Value) -> BTreeSet<&str> {
    let object = object.as_object().expect("an object");
    object.keys().map(String::as_str).collect()
}

/// That an object has exactly these fields.
#[track_caller]
fn exactly(object: &Value, names: &[&str]) {
    assert_eq!(fields(object), names.iter().copied().collect());
}

/// That an object has these fields; the API may gain others.
#[track_caller]
fn at_least(object: &Value, names: &[&str]) {
    let missing: Vec<_> = names
        .iter()
        .filter(|name| object.get(name).is_none())
        .collect();
    assert!(missing.is_empty(), "no {missing:?} in {object:#}");
}

/// RFC 3339, UTC, milliseconds.
#[track_caller]
fn is_time(value: &Value) {
    let text = value.as_str().expect("a time");
    assert!(text.len() == 24 && text.ends_with('Z'), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_that_read() -> anyhow::Result<()> {
    let gateway = Harness::start().await?;
    let me = json!({ "id": [{ "_": "inputUserSelf" }] });
    gateway
        .call("demo", "users.getUsers", me)
        .await?
        .expect(200)?;
    let get = async |path: &str| gateway.get(path).await?.expect(200);

    let status = get("/api/telegram-auth/status").await?;
    exactly(
        &status,
        &[
            "connected",
            "lastChecked",
            "state",
            "stateReason",
            "account",
        ],
    );
    assert_eq!(
        (&status["connected"], &status["state"], &status["account"]),
        (&json!(true), &json!("ready"), &json!("demo"))
    );
    is_time(&status["lastChecked"]);
    assert!(status["stateReason"].is_null());

    let health = get("/api/telegram-auth/session-health").await?;
    at_least(&health, &["score", "state", "checks", "session"]);
    let score = health["score"].as_u64().expect("a number");
    assert!((50..=100).contains(&score), "{health:#}");
    let checks = health["checks"].as_array().expect("checks");
    assert!(!checks.is_empty());
    for check in checks {
        exactly(check, &["name", "status", "detail", "checkedAt"]);
        let status = check["status"].as_str().expect("a status");
        assert!(["ok", "warn", "fail", "unknown"].contains(&status));
    }

    let pool = get("/api/telegram/connection-pool/status").await?;
    at_least(&pool, &["connections", "totals"]);
    for link in pool["connections"].as_array().expect("links") {
        exactly(link, &["id", "account", "dc", "role", "status", "metrics"]);
        assert_eq!(link["role"], "main");
        at_least(
            &link["metrics"],
            &["latency", "errors", "lastUsed", "inFlight"],
        );
        assert!(link["metrics"]["latency"].is_u64(), "{link:#}");
    }
    assert_eq!(pool["totals"]["connections"], 2);

    let traffic = get("/api/monitoring/telegram").await?;
    is_time(&traffic["since"]);
    let account = &traffic["accounts"][0];
    at_least(
        account,
        &[
            "account", "methods", "limits", "bytesIn", "bytesOut", "updates", "gaps",
        ],
    );
    assert!(account["bytesIn"].as_u64() > Some(0));
    let method = account["methods"]
        .as_array()
        .and_then(|rows| rows.iter().find(|row| row["method"] == "users.getUsers"))
        .expect("what just happened");
    at_least(
        method,
        &["calls", "errors", "latencyMs", "retries", "waits"],
    );
    // The gateway's own calls count too.
    assert!(method["calls"].as_u64() >= Some(1), "{method:#}");
    exactly(&method["latencyMs"], &["p50", "p95", "p99"]);

    let sessions = get("/api/monitoring/sessions").await?;
    let sessions = sessions["sessions"].as_array().expect("sessions");
    assert_eq!(sessions.len(), 2);
    for session in sessions {
        at_least(
            session,
            &[
                "account",
                "state",
                "connected",
                "dc",
                "layer",
                "keyFingerprint",
                "keyAge",
                "lastRotation",
                "lastUpdate",
                "ptsLag",
                "links",
                "score",
            ],
        );
        assert_eq!(
            (&session["connected"], &session["links"]),
            (&json!(true), &json!(1))
        );
    }
    gateway.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_that_act() -> anyhow::Result<()> {
    let gateway = Harness::start().await?;
    let post = async |path: &str, body| gateway.post(path, body).await?.expect(200);
    let me = async || gateway.get("/api/telegram-auth/me").await;

    // An idle main link is closed and opened again, and the next call works.
    let cleanup = "/api/telegram/connection-pool/cleanup?account=demo";
    let pool = "/api/telegram/connection-pool/status?account=demo";
    let before = gateway.get(pool).await?.expect(200)?;
    let cleaned = post(cleanup, json!({})).await?;
    exactly(&cleaned, &["closed", "kept"]);
    assert_eq!(cleaned["closed"], json!([before["connections"][0]["id"]]));
    assert_eq!(cleaned["kept"], 0);
    assert_eq!(me().await?.expect(200)?["username"], "demo");

    // Disconnect keeps the session.
    let done = post("/api/telegram-auth/disconnect", json!({})).await?;
    exactly(&done, &["success", "message"]);
    assert_eq!(done["success"], true);
    let status = "/api/telegram-auth/status";
    let away = gateway.get(status).await?.expect(200)?;
    assert_eq!(
        (&away["connected"], &away["state"]),
        (&json!(false), &json!("disconnected"))
    );
    me().await?.problem(503, "NOT_CONNECTED")?;
    post("/api/telegram-auth/connect", json!({})).await?;
    gateway.connected("demo", true).await?;
    assert_eq!(me().await?.expect(200)?["username"], "demo");

    // Logging out ends the authorization at Telegram.
    let out = "/api/telegram-auth/disconnect?account=demo";
    let id = gateway.datacenter.accounts()[0].id;
    assert_eq!(gateway.datacenter.authorizations(id).len(), 1);
    assert_eq!(post(out, json!({ "logOut": true })).await?["success"], true);
    assert!(gateway.datacenter.authorizations(id).is_empty());
    assert_eq!(
        gateway.get(status).await?.expect(200)?["state"],
        "signed_out"
    );
    me().await?.problem(409, "NOT_SIGNED_IN")?;
    gateway.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_four_events() -> anyhow::Result<()> {
    let gateway = Harness::start().await?;
    let mut events = gateway
        .events("account=demo&types=status,pool_status,error,session_rotation")
        .await?;
    let (status, pool) = match events.next().await? {
        first if first["type"] == "status" => (first, events.next_of("pool_status").await?),
        first => (events.next_of("status").await?, first),
    };
    exactly(
        &status,
        &["type", "account", "at", "connected", "lastChecked"],
    );
    assert_eq!(status["connected"], true);
    is_time(&status["at"]);
    exactly(&pool, &["type", "account", "at", "connections"]);
    exactly(
        &pool["connections"][0],
        &["id", "account", "dc", "role", "status", "metrics"],
    );

    gateway
        .post("/api/telegram-auth/rotate-session", json!({}))
        .await?
        .expect(202)?;
    let rotation = events.next_of("session_rotation").await?;
    exactly(
        &rotation,
        &[
            "type",
            "account",
            "at",
            "id",
            "rotationId",
            "status",
            "step",
        ],
    );
    assert_eq!(rotation["status"], "started");
    let end = events
        .until(|event| event["type"] == "session_rotation" && event["status"] != "started")
        .await?;
    assert_eq!(end["status"], "completed");
    assert!(end["id"].as_str() > rotation["id"].as_str());

    // A fault of the account: Telegram knows its key no more.
    gateway.datacenter.add_rule(Rule {
        matches: Match {
            method: Some("users.getUsers".into()),
            times: Some(1),
            ..Match::default()
        },
        action: Action::RpcError {
            code: 401,
            name: "AUTH_KEY_UNREGISTERED".into(),
        },
    });
    let me = json!({ "id": [{ "_": "inputUserSelf" }] });
    let lost = gateway.call("demo", "users.getUsers", me).await?;
    lost.problem(409, "AUTH_KEY_UNREGISTERED")?;
    let error = events.next_of("error").await?;
    exactly(
        &error,
        &["type", "account", "at", "id", "message", "code", "category"],
    );
    assert_eq!(
        (&error["code"], &error["category"]),
        (&json!("AUTH_KEY_UNREGISTERED"), &json!("auth"))
    );
    let state = gateway
        .get("/api/telegram-auth/status")
        .await?
        .expect(200)?;
    assert_eq!(
        (&state["connected"], &state["state"]),
        (&json!(false), &json!("session_lost"))
    );
    gateway.stop().await;
    Ok(())
}
