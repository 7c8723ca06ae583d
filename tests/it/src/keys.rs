//! API keys: what each of them may not do.

use reqwest::Method;
use serde_json::{Value, json};
use sluice_harness::{Answer, Harness, Setup};

async fn make_key(gateway: &Harness, body: Value) -> (String, String) {
    let key = gateway.post("/api/keys", body).await.unwrap();
    let key = key.expect(201).unwrap();
    let text = |field: &str| key[field].as_str().unwrap().to_owned();
    (text("id"), text("key"))
}

async fn with_key(gateway: &Harness, method: Method, path: &str, key: &str) -> Answer {
    let request = gateway.bare_request(method.clone(), path).bearer_auth(key);
    let request = if method == Method::POST {
        request.json(&json!({}))
    } else {
        request
    };
    Answer::read(request.send().await.unwrap()).await.unwrap()
}

/// Every operation of the OpenAPI document, with something in place of its parameters.
async fn operations(gateway: &Harness) -> Vec<(Method, String, String)> {
    let document = gateway
        .get("/openapi.json")
        .await
        .unwrap()
        .expect(200)
        .unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let scope = operation["security"][0]["key"][0]
                .as_str()
                .unwrap_or_default();
            let filled: Vec<_> = path
                .split('/')
                .map(|part| if part.starts_with('{') { "x" } else { part })
                .collect();
            operations.push((
                method.to_uppercase().parse().unwrap(),
                filled.join("/"),
                scope.to_owned(),
            ));
        }
    }
    assert!(
        operations.len() > 30,
        "only {} operations",
        operations.len()
    );
    operations
}

/// Breaks when a route forgets to ask for a key, or asks for another scope than it documents.
#[tokio::test(flavor = "multi_thread")]
async fn every_operation_refuses_who_may_not() {
    let gateway = Harness::with(Setup {
        accounts: 0,
        ..Setup::default()
    })
    .await
    .unwrap();
    let all = ["read", "call", "admin", "dangerous"];
    let (revoked_id, revoked) =
        make_key(&gateway, json!({ "name": "revoked", "scopes": all })).await;
    gateway
        .delete(&format!("/api/keys/{revoked_id}"))
        .await
        .unwrap();

    for (method, path, scope) in operations(&gateway).await {
        assert!(!scope.is_empty(), "{method} {path} documents no scope");
        let without = gateway.bare_request(method.clone(), &path);
        let without = Answer::read(without.send().await.unwrap()).await.unwrap();
        without.problem(401, "KEY_MISSING").unwrap();
        for (key, code) in [
            ("slc_none_nothing", "KEY_INVALID"),
            ("", "KEY_INVALID"),
            (revoked.as_str(), "KEY_REVOKED"),
        ] {
            let refused = with_key(&gateway, method.clone(), &path, key).await;
            refused.problem(401, code).unwrap();
        }
        let others: Vec<_> = all.iter().filter(|other| **other != scope).collect();
        let (_, small) = make_key(&gateway, json!({ "name": "small", "scopes": others })).await;
        let refused = with_key(&gateway, method.clone(), &path, &small).await;
        let code = refused.body["code"].clone();
        refused
            .problem(403, "SCOPE_MISSING")
            .unwrap_or_else(|error| panic!("{method} {path}: {code} {error}"));
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_to_accounts_and_methods_hold() {
    let gateway = Harness::start().await.unwrap();
    let (_, key) = make_key(
        &gateway,
        json!({
            "name": "narrow", "scopes": ["read", "call", "admin"],
            "accounts": ["demo-2"], "methods": ["users.*"],
        }),
    )
    .await;
    let get = async |path: &str| with_key(&gateway, Method::GET, path, &key).await;
    let post = async |path: &str| with_key(&gateway, Method::POST, path, &key).await;

    get("/api/telegram-auth/status?account=demo-2")
        .await
        .expect(200)
        .unwrap();
    get("/api/telegram-auth/status")
        .await
        .problem(403, "ACCOUNT_FORBIDDEN")
        .unwrap();
    get("/api/telegram-auth/status?account=unheard-of")
        .await
        .problem(403, "ACCOUNT_FORBIDDEN")
        .unwrap();
    let listed = get("/api/accounts").await.expect(200).unwrap();
    assert_eq!(listed["accounts"].as_array().unwrap().len(), 1);
    let pool = get("/api/telegram/connection-pool/status")
        .await
        .expect(200)
        .unwrap();
    for link in pool["connections"].as_array().unwrap() {
        assert_eq!(link["account"], "demo-2");
    }
    post("/api/telegram/call/messages.getDialogs?account=demo-2")
        .await
        .problem(403, "METHOD_FORBIDDEN")
        .unwrap();
    // Nobody makes a key that reaches further than their own.
    let wider = gateway
        .bare_request(Method::POST, "/api/keys")
        .bearer_auth(&key)
        .json(&json!({ "name": "wider", "scopes": ["read"] }));
    Answer::read(wider.send().await.unwrap())
        .await
        .unwrap()
        .problem(403, "SCOPE_MISSING")
        .unwrap();
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dangerous_methods_need_their_scope() {
    let gateway = Harness::start().await.unwrap();
    let (_, key) = make_key(&gateway, json!({ "name": "calls", "scopes": ["call"] })).await;
    with_key(
        &gateway,
        Method::POST,
        "/api/telegram/call/account.deleteAccount",
        &key,
    )
    .await
    .problem(403, "SCOPE_MISSING")
    .unwrap();
    // A wrapper must not carry one past the check.
    let wrapped = gateway
        .bare_request(Method::POST, "/api/telegram/call/invokeWithoutUpdates")
        .bearer_auth(&key)
        .json(&json!({ "query": { "_": "account.deleteAccount", "reason": "none" } }));
    Answer::read(wrapped.send().await.unwrap())
        .await
        .unwrap()
        .problem(409, "METHOD_RESERVED")
        .unwrap();
    gateway.stop().await;
}
