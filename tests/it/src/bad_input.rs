//! Bad input to a gateway with accounts: each a clear problem, and nothing lost.

use reqwest::Method;
use serde_json::{Value, json};
use sluice_datacenter::JournalFilter;
use sluice_harness::{Answer, Harness};

const SEND: &str = "/api/telegram/call/messages.sendMessage?account=demo";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_and_never_sent() -> anyhow::Result<()> {
    let gateway = Harness::start().await?;
    let call = async |method: &str, body: Value| gateway.call("demo", method, body).await;
    let sent = |body: String| gateway.request(Method::POST, SEND).body(body);
    let as_json = "application/json";

    let broken = sent("{\"peer\": \"me\",\n \"message\": ".into()).header("content-type", as_json);
    let problem = Answer::read(broken.send().await?).await?;
    let problem = problem.problem(400, "JSON_INVALID")?;
    assert_eq!(problem["category"], "invalid_request");
    let list = call("messages.sendMessage", json!(["me"])).await?;
    assert_eq!(list.problem(400, "BODY_INVALID")?["status"], 400);

    let problem = call("messages.sendMesage", json!({})).await?;
    let problem = problem.problem(404, "METHOD_NOT_FOUND")?;
    assert!(
        problem.to_string().contains("messages.sendMessage"),
        "a hint: {problem:#}"
    );

    // Wrong types, deep down, all of them at once.
    let deep = json!({
        "peer": "me", "message": "x",
        "entities": [
            { "_": "messageEntityBold", "offset": 0, "length": 1 },
            { "_": "messageEntityBold", "offset": "zero", "length": 1 },
        ],
        "reply_markup": { "_": "replyKeyboardMarkup", "rows": [
            { "_": "keyboardButtonRow", "buttons": [{ "_": "keyboardButton", "text": 5 }] },
        ] },
        "silnt": true,
    });
    let problem = call("messages.sendMessage", deep).await?;
    let problem = problem.problem(400, "BAD_PARAMETERS")?;
    let pointers: Vec<_> = problem["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|error| error["pointer"].as_str().expect("a pointer"))
        .collect();
    for pointer in [
        "/entities/1/offset",
        "/reply_markup/rows/0/buttons/0/text",
        "/silnt",
    ] {
        assert!(pointers.contains(&pointer), "{pointer}: {pointers:?}");
    }
    // Deeper than anything is read.
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep = sent(deep).header("content-type", as_json).send().await?;
    assert_eq!(Answer::read(deep).await?.expect(400)?["success"], false);

    let large = format!("{{\"message\": \"{}\"}}", "x".repeat(2 << 20));
    let large = sent(large).header("content-type", as_json).send().await?;
    let problem = Answer::read(large).await?.problem(413, "BODY_TOO_LARGE")?;
    assert_eq!(problem["category"], "invalid_request");

    let key = |request: reqwest::RequestBuilder| request.json(&json!({})).send();
    let none = key(gateway.bare_request(Method::POST, SEND)).await?;
    assert_eq!(
        none.headers()["www-authenticate"],
        "Bearer realm=\"sluice\""
    );
    let problem = Answer::read(none).await?.problem(401, "KEY_MISSING")?;
    assert_eq!(problem["category"], "auth");
    for wrong in [
        "slc_abc_def",
        "nonsense",
        &gateway.key().replace("slc_", "slc_x"),
    ] {
        let wrong = key(gateway.bare_request(Method::POST, SEND).bearer_auth(wrong)).await?;
        Answer::read(wrong).await?.problem(401, "KEY_INVALID")?;
    }

    let nobody = gateway
        .call("nobody", "messages.sendMessage", json!({}))
        .await?;
    nobody.problem(404, "ACCOUNT_NOT_FOUND")?;
    for header in ["x-timeout", "x-wait"] {
        let odd = gateway.request(Method::POST, SEND).header(header, "soon");
        let odd = odd.json(&json!({ "peer": "me", "message": "x" }));
        let problem = Answer::read(odd.send().await?).await?;
        problem.problem(400, "HEADER_INVALID")?;
    }

    // What Telegram itself refuses comes back as it said it.
    let empty = json!({ "peer": "me", "message": "" });
    let problem = call("messages.sendMessage", empty).await?;
    let problem = problem.problem(400, "MESSAGE_EMPTY")?;
    assert_eq!(problem["telegram"]["name"], "MESSAGE_EMPTY");
    let unknown = json!({ "peer": "@nobody_here", "message": "x" });
    let problem = call("messages.sendMessage", unknown).await?;
    assert!((400..=404).contains(&problem.status), "{:#}", problem.body);

    // Nothing of this reached Telegram but the empty message, and the account is as it was.
    let seen = gateway.datacenter.journal(&JournalFilter {
        method: Some("messages.sendMessage".into()),
        ..JournalFilter::default()
    });
    assert_eq!(seen.len(), 1, "{seen:#?}");
    let status = gateway
        .get("/api/telegram-auth/status")
        .await?
        .expect(200)?;
    assert_eq!(status["connected"], true);
    let good = json!({ "peer": "me", "message": "x" });
    call("messages.sendMessage", good).await?.expect(200)?;
    gateway.stop().await;
    Ok(())
}
