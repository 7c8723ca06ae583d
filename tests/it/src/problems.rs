//! Bad input: each a clear problem, in full, with the request's id.

use reqwest::Method;
use serde_json::{Value, json};
use sluice_harness::{Answer, Harness, Setup};

async fn bare() -> Harness {
    let setup = Setup {
        accounts: 0,
        ..Setup::default()
    };
    Harness::with(setup).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_framework_refuses_is_a_problem_too() {
    let gateway = bare().await;

    gateway
        .get("/nowhere")
        .await
        .unwrap()
        .problem(404, "PATH_NOT_FOUND")
        .unwrap();
    let answer = gateway.delete("/api/version").await.unwrap();
    assert!(answer.header("allow").is_some());
    answer.problem(405, "METHOD_NOT_ALLOWED").unwrap();

    let raw = |body: &'static str, kind: &'static str| {
        gateway
            .request(Method::POST, "/api/keys")
            .header("content-type", kind)
            .body(body)
            .send()
    };
    let read = async |body, kind| Answer::read(raw(body, kind).await.unwrap()).await.unwrap();
    read("{}", "text/plain")
        .await
        .problem(415, "MEDIA_TYPE_UNSUPPORTED")
        .unwrap();
    let problem = read("{\"name\":\n tru}", "application/json")
        .await
        .problem(400, "JSON_INVALID")
        .unwrap();
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("line 2, column")
    );
    let problem = read("{\"name\":\"n\",\"scopes\":[1]}", "application/json")
        .await
        .problem(400, "BODY_INVALID")
        .unwrap();
    assert_eq!(problem["errors"][0]["pointer"], "/scopes/0");
    read("", "application/json")
        .await
        .problem(400, "BODY_MISSING")
        .unwrap();
    gateway
        .get("/api/telegram-auth/status?acount=x")
        .await
        .unwrap()
        .problem(400, "QUERY_INVALID")
        .unwrap();

    let large = "x".repeat(2 << 20);
    let answer = gateway
        .request(Method::POST, "/api/keys")
        .json(&json!({ "name": large }))
        .send()
        .await
        .unwrap();
    let answer = Answer::read(answer).await.unwrap();
    answer.problem(413, "BODY_TOO_LARGE").unwrap();

    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_of_requests_are_echoed_or_made() {
    let gateway = bare().await;
    let answer = gateway
        .bare_request(Method::GET, "/api/version")
        .header("x-request-id", "mine-1")
        .send()
        .await
        .unwrap();
    let answer = Answer::read(answer).await.unwrap();
    assert_eq!(answer.header("x-request-id"), Some("mine-1"));
    let problem = answer.problem(401, "KEY_MISSING").unwrap();
    assert_eq!(problem["instance"], "mine-1");

    let made = gateway.get("/api/version").await.unwrap();
    assert_eq!(made.header("x-request-id").unwrap().len(), 36);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_type_of_a_problem_leads_to_its_page() {
    let gateway = bare().await;
    let problem = gateway
        .get("/nowhere")
        .await
        .unwrap()
        .problem(404, "PATH_NOT_FOUND")
        .unwrap();
    let page = reqwest::get(problem["type"].as_str().unwrap())
        .await
        .unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("PATH_NOT_FOUND"));
    gateway
        .get("/problems/..%2f..%2fetc")
        .await
        .unwrap()
        .problem(404, "PROBLEM_NOT_FOUND")
        .unwrap();
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_and_sign_in_refuse_what_cannot_be() {
    let gateway = bare().await;
    gateway
        .get("/api/telegram-auth/status?account=nobody")
        .await
        .unwrap()
        .problem(404, "ACCOUNT_NOT_FOUND")
        .unwrap();
    gateway
        .post(
            "/api/accounts",
            json!({ "name": "Not A Name", "kind": "user" }),
        )
        .await
        .unwrap()
        .problem(400, "BODY_INVALID")
        .unwrap();
    let made = gateway
        .post("/api/accounts", json!({ "name": "alice", "kind": "user" }))
        .await
        .unwrap();
    assert_eq!(made.header("location"), Some("/api/accounts/alice"));
    made.expect(201).unwrap();
    gateway
        .post("/api/accounts", json!({ "name": "alice", "kind": "user" }))
        .await
        .unwrap()
        .problem(409, "ALREADY_EXISTS")
        .unwrap();
    gateway
        .call(
            "alice",
            "users.getUsers",
            json!({ "id": [{ "_": "inputUserSelf" }] }),
        )
        .await
        .unwrap()
        .problem(409, "NOT_SIGNED_IN")
        .unwrap();
    gateway
        .post(
            "/api/telegram-auth/sign-in?account=alice",
            json!({ "code": "1" }),
        )
        .await
        .unwrap()
        .problem(409, "OUT_OF_ORDER")
        .unwrap();
    gateway
        .post("/api/telegram-auth/disconnect", json!({ "logOut": true }))
        .await
        .unwrap()
        .problem(400, "ACCOUNT_MISSING")
        .unwrap();
    assert_eq!(
        gateway.delete("/api/accounts/alice").await.unwrap().status,
        204
    );
    gateway
        .get("/api/accounts/alice")
        .await
        .unwrap()
        .problem(404, "ACCOUNT_NOT_FOUND")
        .unwrap();
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_code_and_the_wrong_password_lose_nothing() {
    let gateway = bare().await;
    gateway
        .datacenter
        .create_account(sluice_datacenter::NewAccount {
            phone: Some("9996620007".into()),
            password: Some("correct horse".into()),
            ..sluice_datacenter::NewAccount::default()
        })
        .unwrap();
    let post = async |path: &str, body: Value| {
        let path = format!("/api/telegram-auth/{path}?account=bob");
        gateway.post(&path, body).await.unwrap()
    };
    gateway
        .post("/api/accounts", json!({ "name": "bob", "kind": "user" }))
        .await
        .unwrap()
        .expect(201)
        .unwrap();
    let sent = post("send-code", json!({ "phone": "+999 66 2 0007" })).await;
    assert_eq!(sent.expect(200).unwrap()["state"], "awaiting_code");
    post("sign-in", json!({ "code": "11111" }))
        .await
        .problem(400, "PHONE_CODE_INVALID")
        .unwrap();
    let next = post("sign-in", json!({ "code": "22222" }))
        .await
        .expect(200)
        .unwrap();
    assert_eq!(next["state"], "awaiting_password");
    post("password", json!({ "password": "wrong" }))
        .await
        .problem(400, "PASSWORD_HASH_INVALID")
        .unwrap();
    let done = post("password", json!({ "password": "correct horse" }))
        .await
        .expect(200)
        .unwrap();
    assert_eq!(done["state"], "ready", "{done:#}");
    gateway.stop().await;
}
