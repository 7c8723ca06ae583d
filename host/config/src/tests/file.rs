use std::collections::BTreeMap;

use super::{SHIPPED, load};
use crate::Config;
use crate::changes::{keys, needs_restart};

/// A key of the shipped file, given or commented out.
struct Entry {
    /// The comment right above it, or above the keys right above it.
    comment: String,
}

fn entries() -> BTreeMap<String, Entry> {
    let mut found = BTreeMap::new();
    let (mut section, mut comment) = (String::new(), String::new());
    for line in SHIPPED.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
        } else if let Some(text) = line.strip_prefix("# ") {
            comment.push_str(text);
            comment.push('\n');
        } else if line.is_empty() {
            comment.clear();
        } else if let Some((name, _)) = line.trim_start_matches('#').split_once(" = ") {
            let comment = comment.clone();
            found.insert(format!("{section}.{name}"), Entry { comment });
        }
    }
    found
}

#[test]
fn the_shipped_file_says_what_the_defaults_are() {
    let shipped = load(SHIPPED).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(keys(&shipped), keys(&Config::default()));
    let empty = load("").unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(keys(&empty), keys(&Config::default()));
}

#[test]
fn every_key_stands_in_the_shipped_file_with_a_comment_and_no_other() {
    let entries = entries();
    let documented: Vec<_> = entries.keys().cloned().collect();
    let known: Vec<_> = keys(&Config::default()).into_keys().collect();
    assert_eq!(documented, known);
    for (key, entry) in entries {
        assert!(!entry.comment.is_empty(), "{key} has no comment");
        assert_eq!(
            entry.comment.contains("[restart]"),
            needs_restart(&key),
            "{key}"
        );
    }
}

#[test]
fn what_is_commented_out_would_be_taken() {
    let all: Vec<_> = SHIPPED
        .lines()
        .filter(|line| !line.starts_with("#master_key ="))
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase()) => rest,
            _ => line,
        })
        .collect();
    let config = load(&all.join("\n")).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(config.telegram.api_id, Some(123_456));
}

#[test]
fn the_examples_are_right() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/examples");
    let mut seen = 0;
    for file in std::fs::read_dir(dir).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        // The key of the example is made by whoever follows it.
        let pem = "'-----BEGIN RSA PUBLIC KEY-----'";
        load(&text.replace("\"datacenter.pem\"", pem)).unwrap_or_else(|e| panic!("{e}"));
        seen += 1;
    }
    assert!(seen >= 2);
}

#[test]
fn durations_and_sizes_are_read_as_people_write_them() {
    let config = load(
        "[server]\nmax_body = '2 MiB'\nheader_timeout = '1m30s'\n[events]\nmax_age = '1d12h'\n\
         [policy]\ndeadline = '1s500ms'\n",
    )
    .unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(config.server.max_body, 2 << 20);
    assert_eq!(config.server.header_timeout.as_secs(), 90);
    assert_eq!(config.events.max_age.as_secs(), 36 * 3600);
    assert_eq!(config.policy.deadline.as_millis(), 1500);
    let keys = keys(&config);
    assert_eq!(keys["server.header_timeout"], "1m30s");
    assert_eq!(keys["server.max_body"], "2MiB");
    assert_eq!(keys["events.max_age"], "1d12h");
    assert_eq!(keys["policy.deadline"], "1s500ms");
}
