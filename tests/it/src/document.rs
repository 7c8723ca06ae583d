//! The OpenAPI document and the answers agree: every field of an answer stands in the document, with
//! its type, and what the document calls required is there. The document's shapes are written beside
//! the views they describe, so a field added to one and forgotten in the other fails here.

use serde_json::{Value, json};
use sluice_harness::{Harness, Setup};

/// Paths without parameters in them whose answers are objects of ours.
const PATHS: &[&str] = &[
    "/api/version",
    "/api/accounts",
    "/api/accounts/demo",
    "/api/decisions",
    "/api/keys",
    "/api/plugins",
    "/api/plugins/native-retry",
    "/api/plugins/retry/diff",
    "/api/monitoring/telegram",
    "/api/monitoring/sessions",
    "/api/telegram-auth/status",
    "/api/telegram-auth/session-health",
    "/api/telegram-auth/rotations",
    "/api/telegram/connection-pool/status",
    "/api/telegram/limits",
    "/api/telegram/methods",
    "/api/telegram/methods/messages.sendMessage",
];

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_as_the_document_says() -> anyhow::Result<()> {
    let gateway = Harness::with(Setup {
        components: true,
        ..Setup::default()
    })
    .await?;
    let me = json!({ "id": ["me"] });
    gateway
        .call("demo", "users.getUsers", me)
        .await?
        .expect(200)?;
    gateway
        .post("/api/telegram-auth/rotate-session?wait=true", json!({}))
        .await?
        .expect(200)?;
    // A decision to show.
    let empty = json!({ "peer": "me", "message": "" });
    gateway
        .call("demo", "messages.sendMessage", empty)
        .await?
        .problem(400, "MESSAGE_EMPTY")?;
    let decisions = gateway.get("/api/decisions").await?.expect(200)?;
    let id = decisions["decisions"][0]["id"].as_str().unwrap();
    let decision = format!("/api/decisions/{id}");
    let document = gateway.get("/openapi.json").await?.expect(200)?;

    let mut faults = Vec::new();
    for path in PATHS.iter().copied().chain([decision.as_str()]) {
        let answer = gateway.get(path).await?.expect(200)?;
        let schema = schema_of(&document, path);
        check(&document, &schema, &answer, path, &mut faults);
    }
    assert!(faults.is_empty(), "{faults:#?}");
    gateway.stop().await;
    Ok(())
}

/// The schema of a path's answer; a template in the document stands for any one segment.
fn schema_of(document: &Value, path: &str) -> Value {
    let fits = |template: &str| {
        let (ours, theirs): (Vec<_>, Vec<_>) =
            (path.split('/').collect(), template.split('/').collect());
        let same = |(a, b): (&&str, &&str)| a == b || b.starts_with('{');
        ours.len() == theirs.len() && ours.iter().zip(&theirs).all(same)
    };
    let paths = document["paths"].as_object().unwrap();
    let (_, operations) = paths
        .get_key_value(path)
        .or_else(|| paths.iter().find(|(template, _)| fits(template)))
        .unwrap_or_else(|| panic!("{path} is not in the document"));
    operations["get"]["responses"]["200"]["content"]["application/json"]["schema"].clone()
}

/// Adds to `faults` what is wrong with a value at a place.
fn check(document: &Value, schema: &Value, value: &Value, place: &str, faults: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document.pointer(reference.trim_start_matches('#'));
        let target = target.unwrap_or_else(|| panic!("{reference} leads nowhere"));
        return check(document, target, value, place, faults);
    }
    for name in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[name].as_array() {
            let fits = choices.iter().any(|choice| {
                let mut inner = Vec::new();
                check(document, choice, value, place, &mut inner);
                inner.is_empty()
            });
            if !fits {
                faults.push(format!("{place}: {value} fits none of {name}"));
            }
            return;
        }
    }
    if !has_type(&schema["type"], value) {
        faults.push(format!(
            "{place}: {value} is not of type {}",
            schema["type"]
        ));
    }
    if let (Some(choices), false) = (schema["enum"].as_array(), value.is_null())
        && !choices.contains(value)
    {
        faults.push(format!("{place}: {value} is none of {choices:?}"));
    }
    match value {
        Value::Object(fields) => {
            for name in schema["required"].as_array().into_iter().flatten() {
                if !fields.contains_key(name.as_str().unwrap()) {
                    faults.push(format!("{place}: {name} is missing"));
                }
            }
            let open = &schema["additionalProperties"];
            for (name, field) in fields {
                let place = format!("{place}/{name}");
                match schema["properties"].get(name) {
                    Some(schema) => check(document, schema, field, &place, faults),
                    None if open.is_object() => check(document, open, field, &place, faults),
                    None if schema["properties"].is_object() && open != &Value::Bool(true) => {
                        faults.push(format!("{place} is not in the document"));
                    }
                    None => {}
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                check(
                    document,
                    &schema["items"],
                    item,
                    &format!("{place}/{index}"),
                    faults,
                );
            }
        }
        _ => {}
    }
}

fn has_type(types: &Value, value: &Value) -> bool {
    let is = |name: &str| match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the document has the type {other}"),
    };
    match types {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().any(|name| is(name.as_str().unwrap())),
        _ => true,
    }
}
