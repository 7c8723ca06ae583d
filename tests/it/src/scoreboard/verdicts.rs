//! What the catalogue knows of Telegram's errors.

use std::path::Path;

use serde_json::Value;
use sluice_domain::{AccountKind, Failure};
use sluice_harness::scoreboard::{Row, report};
use sluice_standard_categorize::{catalogue, categorize, find};

/// Every pair of code and name that was collected in the field; where that list is not at hand, the
/// catalogue's own.
fn pairs() -> Vec<(i32, String)> {
    let list =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/telegram-errors.json");
    let Ok(text) = std::fs::read_to_string(list) else {
        let own = catalogue().iter().flat_map(|row| {
            let codes = row.codes.iter().filter(|code| **code != 0);
            codes.map(|code| (*code, row.name.to_owned()))
        });
        return own.collect();
    };
    let list: Value = serde_json::from_str(&text).unwrap();
    let codes = list["errors"].as_object().unwrap().iter();
    codes
        .flat_map(|(code, names)| {
            let code = code.parse().unwrap();
            let names = names.as_object().unwrap().keys();
            names.map(move |name| (code, name.clone()))
        })
        .collect()
}

/// Breaks when an error that the table knows is answered by the rules for unknown ones, or with
/// nothing that a person could do.
#[test]
fn every_error_of_the_catalogue_is_named_by_the_table() {
    let pairs = pairs();
    let mut by_rule = Vec::new();
    for (code, name) in &pairs {
        let failure = Failure::telegram(
            *code,
            &name.replace("%d", "17"),
            "messages.sendMessage",
            AccountKind::User,
        );
        let verdict = categorize(&failure);
        let by_table = find(&failure.pattern).is_some_and(|row| {
            row.codes.contains(code)
                && verdict.category == row.category
                && verdict.advice == row.advice
        });
        if !by_table || verdict.advice.is_empty() {
            by_rule.push(format!("{code} {name}"));
        }
    }
    report(&Row {
        part: "Plugins",
        fault: "every error of the catalogue (818 known pairs)",
        goal: "categorised, none by the catch-all where the table knows better",
        figure: &format!(
            "{} of {} by the table, each with advice",
            pairs.len() - by_rule.len(),
            pairs.len()
        ),
        n: pairs.len() as u64,
        met: by_rule.is_empty(),
    });
    assert!(by_rule.is_empty(), "{by_rule:?}");
    assert!(pairs.len() >= 818, "{} pairs", pairs.len());
}
