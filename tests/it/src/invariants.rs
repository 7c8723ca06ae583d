//! The invariants of ARCHITECTURE.md that `cargo metadata` can show: which room may know which
//! dependency. A crate of `host/` that starts to depend on somebody else's noun fails here.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

/// A dependency and the crates of `host/` that may name it.
const OWNERS: &[(&str, &[&str])] = &[
    ("wasmtime", &["sluice-policy"]),
    ("rusqlite", &["sluice-store"]),
    ("chacha20poly1305", &["sluice-store"]),
    ("axum", &["sluice-api"]),
    ("utoipa", &["sluice-api"]),
    ("grammers-crypto", &["sluice-mtproto"]),
    ("aes", &["sluice-mtproto"]),
    ("num-bigint", &["sluice-mtproto"]),
    ("clap", &["sluice"]),
    ("getrandom", &["sluice"]),
    ("rustls", &["sluice-export"]),
    ("sluice-export", &["sluice"]),
    ("sluice-links", &["sluice-accounts"]),
    ("sluice-store", &["sluice", "sluice-api"]),
    ("sluice-datacenter", &["sluice"]),
];

/// Crates that have no runtime and no I/O.
const PURE: &[&str] = &["sluice-domain", "sluice-tl", "sluice-mtproto"];

/// Normal dependencies of every crate of `host/`, by crate.
fn host_dependencies() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo metadata runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|p| p["manifest_path"].as_str().unwrap().contains("/host/"))
        .map(|p| {
            let deps = p["dependencies"].as_array().unwrap().iter();
            let names = deps
                .filter(|d| d["kind"].is_null())
                .map(|d| d["name"].as_str().unwrap().to_owned());
            (p["name"].as_str().unwrap().to_owned(), names.collect())
        })
        .collect()
}

#[test]
fn each_dependency_stays_in_its_room() {
    let crates = host_dependencies();
    assert!(
        crates.len() >= 12,
        "the crates of host/ were found: {crates:?}"
    );
    let mut strays = Vec::new();
    for (name, deps) in &crates {
        for (dependency, owners) in OWNERS {
            if deps.iter().any(|d| d == dependency) && !owners.contains(&name.as_str()) {
                strays.push(format!(
                    "{name} names {dependency}, which belongs to {owners:?}"
                ));
            }
        }
        if PURE.contains(&name.as_str()) && deps.iter().any(|d| d.starts_with("tokio")) {
            strays.push(format!("{name} is to have no runtime"));
        }
    }
    assert!(strays.is_empty(), "{strays:#?}");
}

#[test]
fn nothing_in_host_depends_on_the_tests() {
    for (name, deps) in host_dependencies() {
        let stray = deps
            .iter()
            .find(|d| ["sluice-harness", "sluice-it"].contains(&d.as_str()));
        assert!(stray.is_none(), "{name} depends on {stray:?}");
    }
}
