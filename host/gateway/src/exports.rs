//! Measurements and events on their way from where they are kept to where they are sent.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use serde_json::{Map, Value};
use sluice_config::Config;
use sluice_domain::{Cursor, EventFilter, EventLog, Happening, Severity, UnixMillis};
use sluice_export::{Courier, Parcel};
use sluice_policy::Policies;
use sluice_telemetry::Telemetry;
use tokio_util::sync::CancellationToken;

use crate::settings;

/// Exporting may take one part in so many of a core: with many accounts it happens less often.
const SHARE: u32 = 50;
/// Events of one batch; where more happened between two, the newest.
const EVENTS: usize = 256;
/// Events read from the log at once.
const CHUNK: usize = 256;
/// Reads between two batches: after a flood of events the rest comes with the next batch.
const CHUNKS: usize = 16;
/// Letters of a field of an event. Long ones are reasons and errors, whose beginning says it.
const FIELD: usize = 512;

/// What may leave the gateway. Updates are people's messages and the token of a QR sign-in is a key,
/// so neither is among them.
const KINDS: [&str; 7] = [
    "account_state",
    "error",
    "session_rotation",
    "flood",
    "plugin",
    "config",
    "gap",
];

/// The exporters and what carries their deliveries.
#[derive(Clone)]
pub(crate) struct Exports {
    pub policies: Arc<Policies>,
    pub courier: Arc<Courier>,
}

impl Exports {
    /// Brings the targets into line with the configuration.
    pub fn apply(&self, config: &Config) {
        let targets = settings::targets(config);
        let carriers = targets
            .iter()
            .map(|(name, target)| (name.clone(), settings::carrier(target)));
        self.policies.set_targets(carriers.collect());
        self.courier.set_targets(targets);
    }

    /// Hands the measurements and events to the exporters, and what they make of them to the
    /// courier, until the gateway stops.
    pub async fn run(
        self,
        telemetry: Arc<Telemetry>,
        log: Arc<dyn EventLog>,
        config: Arc<ArcSwap<Config>>,
        closing: CancellationToken,
    ) {
        let mut events = Events::new(log);
        let mut took = Duration::ZERO;
        loop {
            let pause = config.load().policy.export_interval;
            tokio::select! {
                () = closing.cancelled() => return,
                () = tokio::time::sleep(pause.max(took * SHARE)) => {}
            }
            let began = tokio::time::Instant::now();
            let (policies, telemetry) = (Arc::clone(&self.policies), Arc::clone(&telemetry));
            let export = move || {
                let mut batch = telemetry.snapshot();
                batch.events = events.newest();
                (policies.export(&batch), events)
            };
            let outgoing;
            (outgoing, events) = match tokio::task::spawn_blocking(export).await {
                Ok(done) => done,
                Err(error) => {
                    // The exporters are asked inside bounds, so this is a fault of the gateway's own:
                    // the supervisor tells it.
                    tracing::error!(%error, "exporting failed");
                    return;
                }
            };
            took = began.elapsed();
            for sent in outgoing {
                self.courier.send(Parcel {
                    target: sent.target,
                    content_type: sent.content_type,
                    body: sent.body.into(),
                });
            }
        }
    }
}

/// A place in the event log.
struct Events {
    log: Arc<dyn EventLog>,
    /// None until the log could be read: what was before the start is not told again.
    after: Option<Cursor>,
    filter: EventFilter,
}

impl Events {
    fn new(log: Arc<dyn EventLog>) -> Self {
        Self {
            log,
            after: None,
            filter: EventFilter {
                types: KINDS.map(str::to_owned).into(),
                accounts: Vec::new(),
            },
        }
    }

    /// What happened since the last time, oldest first. Blocks for reads of the log.
    fn newest(&mut self) -> Vec<Happening> {
        let mut newest = VecDeque::new();
        let Some(mut after) = self.after.or_else(|| Some(self.log.bounds().ok()?.0)) else {
            return Vec::new();
        };
        for _ in 0..CHUNKS {
            let (read, searched) = match self.log.read(after, &self.filter, CHUNK) {
                Ok(read) => read,
                Err(error) => {
                    tracing::warn!(%error, "events are not exported");
                    break;
                }
            };
            let done = searched <= after || read.len() < CHUNK;
            after = searched.max(after);
            newest.extend(read.iter().filter_map(|(_, text)| happening(text)));
            while newest.len() > EVENTS {
                newest.pop_front();
            }
            if done {
                break;
            }
        }
        self.after = Some(after);
        newest.into()
    }
}

/// An event of the log as exporters see it: its fields as texts.
fn happening(text: &str) -> Option<Happening> {
    let mut fields: Map<String, Value> = serde_json::from_str(text).ok()?;
    let at: UnixMillis = serde_json::from_value(fields.remove("at")?).ok()?;
    let name = plain(&fields.remove("type")?);
    let account = fields
        .remove("account")
        .filter(|account| !account.is_null());
    fields.remove("id");
    let severity = severity(&name, &fields);
    let attributes: BTreeMap<_, _> = fields
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name, plain(&value)))
        .collect();
    Some(Happening {
        at_ms: at.0,
        name,
        account: account.as_ref().map(plain),
        severity,
        attributes: attributes.into_iter().collect(),
    })
}

fn plain(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.chars().take(FIELD).collect()
}

/// How much an operator should care about an event.
fn severity(name: &str, fields: &Map<String, Value>) -> Severity {
    let is = |field: &str, words: &[&str]| {
        let word = fields.get(field).and_then(Value::as_str);
        word.is_some_and(|word| words.contains(&word))
    };
    match name {
        "account_state" if is("state", &["session_lost", "frozen"]) => Severity::Critical,
        "account_state" if is("state", &["parked"]) => Severity::Error,
        "error" => Severity::Error,
        "session_rotation" if is("status", &["failed"]) => Severity::Error,
        "plugin" if is("action", &["refused", "disabled", "rolled_back"]) => Severity::Warning,
        "config" if is("action", &["refused"]) => Severity::Warning,
        "gap" | "flood" => Severity::Warning,
        _ => Severity::Info,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_of_the_log_is_told_with_its_fields() {
        let text = r#"{"type":"account_state","state":"session_lost","stateReason":null,
            "account":"demo","at":"2027-01-15T08:00:00.250Z","id":"00000000000000aa"}"#;
        let told = happening(text).unwrap();
        assert_eq!(told.at_ms, 1_800_000_000_250);
        assert_eq!(
            (told.name.as_str(), told.account.as_deref()),
            ("account_state", Some("demo"))
        );
        assert_eq!(told.severity, Severity::Critical);
        assert_eq!(told.attributes, [("state".into(), "session_lost".into())]);
        let config = r#"{"type":"config","action":"applied","changed":["log.level"],
            "account":null,"at":"2027-01-15T08:00:00Z","id":"1"}"#;
        let told = happening(config).unwrap();
        assert_eq!((told.account, told.severity), (None, Severity::Info));
        assert_eq!(
            told.attributes[1],
            ("changed".into(), r#"["log.level"]"#.into())
        );
        assert_eq!(happening("{}"), None);
    }
}
