use std::collections::BTreeMap;

use serde_json::Value;

use crate::Config;

/// What is read once, at the start: listeners, the store, the compiled policies and the servers of
/// links that stand. A key that ends with `.` stands for all below it.
const AT_START: [&str; 15] = [
    "server.listen",
    "server.admin_listen",
    "server.max_connections",
    "server.header_timeout",
    "server.drain_timeout",
    "telegram.environment",
    "telegram.custom.",
    "data.",
    "policy.dir",
    "policy.max_size",
    "policy.max_memory",
    "policy.deadline",
    "policy.archive_size",
    "calls.max_attempts",
    "log.format",
];

/// The keys that differ: those in force at once, and those that need a restart.
pub(crate) fn changes(old: &Config, new: &Config) -> (Vec<String>, Vec<String>) {
    let (old, new) = (keys(old), keys(new));
    new.into_iter()
        .filter(|(key, value)| old.get(key) != Some(value))
        .map(|(key, _)| key)
        .partition(|key| !needs_restart(key))
}

pub(crate) fn needs_restart(key: &str) -> bool {
    AT_START
        .iter()
        .any(|start| key == *start || (start.ends_with('.') && key.starts_with(start)))
}

/// Every key with its value; a list is one value, a secret is a mark.
pub(crate) fn keys(config: &Config) -> BTreeMap<String, Value> {
    let mut keys = BTreeMap::new();
    // Sections are plain values; if one could not be shown, nothing would be seen to change.
    collect(
        String::new(),
        serde_json::to_value(config).unwrap_or_default(),
        &mut keys,
    );
    keys
}

fn collect(path: String, value: Value, keys: &mut BTreeMap<String, Value>) {
    let Value::Object(members) = value else {
        keys.insert(path, value);
        return;
    };
    for (name, value) in members {
        let path = if path.is_empty() {
            name
        } else {
            format!("{path}.{name}")
        };
        collect(path, value, keys);
    }
}
