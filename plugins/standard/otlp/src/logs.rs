use serde_json::{Value, json};
use sluice_domain::{Batch, Happening, Severity};

use crate::{attribute, attributes, nanos, scope};

/// The body of the request that carries the events.
pub(crate) fn request(batch: &Batch, resource: &Value) -> Value {
    let records: Vec<_> = batch
        .events
        .iter()
        .map(|event| record(batch, event))
        .collect();
    json!({ "resourceLogs": [{
        "resource": resource,
        "scopeLogs": [{ "scope": scope(), "logRecords": records }],
    }] })
}

fn record(batch: &Batch, event: &Happening) -> Value {
    let (number, text) = match event.severity {
        Severity::Info => (9, "INFO"),
        Severity::Warning => (13, "WARN"),
        Severity::Error => (17, "ERROR"),
        Severity::Critical => (21, "FATAL"),
    };
    let account = event
        .account
        .iter()
        .map(|account| attribute("account", account));
    let own = attributes(&event.attributes);
    json!({
        "timeUnixNano": nanos(event.at_ms),
        "observedTimeUnixNano": nanos(batch.at_ms),
        "severityNumber": number,
        "severityText": text,
        "eventName": format!("sluice.{}", event.name),
        "body": { "stringValue": sentence(event) },
        "attributes": account.chain(own).collect::<Vec<_>>(),
    })
}

/// The event in one line, for people.
fn sentence(event: &Happening) -> String {
    let mut line = event.name.clone();
    if let Some(account) = &event.account {
        line.push_str(" of ");
        line.push_str(account);
    }
    for (index, (name, value)) in event.attributes.iter().enumerate() {
        line.push_str(if index == 0 { ": " } else { ", " });
        line.push_str(name);
        line.push(' ');
        line.push_str(value);
    }
    line
}
