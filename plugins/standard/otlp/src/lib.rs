//! OpenTelemetry's protocol over HTTP in JSON (OTLP 1, <https://opentelemetry.io/docs/specs/otlp/>):
//! samples as metrics, events as logs. No I/O; the host sends what is encoded here.

mod logs;
mod metrics;
mod settings;

pub use settings::{Settings, Temporality};

use serde_json::{Value, json};
use sluice_domain::{Batch, Delivery, SampleKind};

/// Media type of the protocol's JSON.
const JSON: &str = "application/json";

impl Settings {
    /// Encodes a batch: the samples for one target, the events for another.
    pub fn export(&self, batch: &Batch) -> Vec<Delivery> {
        let resource = self.resource(batch);
        let mut deliveries = Vec::new();
        let logs = batch.reaches(&self.logs_target);
        // Where neither is there, the gateway shows which is missing.
        if batch.reaches(&self.target) || !logs {
            let bodies = metrics::requests(self, batch, &resource);
            deliveries.extend(bodies.map(|body| post(&self.target, &body)));
        }
        if logs && !batch.events.is_empty() {
            deliveries.push(post(&self.logs_target, &logs::request(batch, &resource)));
        }
        deliveries
    }

    /// Who sends: `service.name`, `service.version`, and what the operator adds.
    fn resource(&self, batch: &Batch) -> Value {
        let version = batch
            .samples
            .iter()
            .filter(|sample| sample.name == "sluice_info" && sample.kind == SampleKind::Gauge)
            .flat_map(|sample| &sample.labels)
            .find(|(name, _)| name == "version");
        let service = [
            Some(attribute("service.name", &self.service_name)),
            version.map(|(_, version)| attribute("service.version", version)),
        ];
        let added = self.resource.iter();
        let added = added.map(|(name, value)| attribute(name, value));
        json!({ "attributes": service.into_iter().flatten().chain(added).collect::<Vec<_>>() })
    }
}

fn post(target: &str, body: &Value) -> Delivery {
    Delivery::Http {
        target: target.to_owned(),
        content_type: JSON.to_owned(),
        body: body.to_string().into_bytes(),
    }
}

/// What the measurements and logs are said to come from.
fn scope() -> Value {
    json!({ "name": "sluice", "version": env!("CARGO_PKG_VERSION") })
}

fn attributes(pairs: &[(String, String)]) -> Vec<Value> {
    let pairs = pairs.iter();
    pairs.map(|(name, value)| attribute(name, value)).collect()
}

fn attribute(name: &str, value: &str) -> Value {
    json!({ "key": name, "value": { "stringValue": value } })
}

/// 64-bit integers are texts in the protocol's JSON.
fn nanos(ms: u64) -> String {
    (u128::from(ms) * 1_000_000).to_string()
}

/// JSON has no numbers for these; the protocol's JSON takes the names.
fn double(value: f64) -> Value {
    if value.is_nan() {
        json!("NaN")
    } else if value.is_infinite() {
        json!(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        json!(value)
    }
}

#[cfg(test)]
mod tests;
