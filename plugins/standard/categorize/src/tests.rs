use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use sluice_domain::{AccountKind, Category, Execution, Failure, Layer, Severity};

use super::{catalogue, categorize, find, imposed_wait};

fn telegram(code: i32, name: &str) -> Failure {
    Failure::telegram(code, name, "messages.sendMessage", AccountKind::User)
}

/// Breaks when a row is edited into something no caller or host accepts.
#[test]
fn every_row_makes_a_sound_verdict() {
    for row in catalogue() {
        let name = row.name.replace("%d", "17");
        for code in row.codes {
            let failure = telegram(*code, &name);
            assert_eq!(failure.pattern, row.name, "the number of {name} is found");
            let verdict = categorize(&failure);
            assert_eq!(verdict.category, row.category);
            assert!(
                (400..600).contains(&verdict.status) && verdict.status != 401,
                "{name}"
            );
            assert!(
                !verdict.code.contains('%') && verdict.code.len() <= 64,
                "{name}"
            );
        }
    }
}

/// Breaks when Telegram's list, as collected in the field, holds a pair that only the catch-all by
/// code would name, or a row that forgot one of its codes.
#[test]
fn the_public_list_is_covered() {
    let list =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data/telegram-errors.json");
    let Ok(text) = std::fs::read_to_string(&list) else {
        eprintln!("{} is not there: nothing to compare with", list.display());
        return;
    };
    let list: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut pairs = 0;
    let mut unknown = BTreeSet::new();
    for (code, names) in list["errors"].as_object().unwrap() {
        let code: i32 = code.parse().unwrap();
        for name in names.as_object().unwrap().keys() {
            pairs += 1;
            if !find(name).is_some_and(|row| row.codes.contains(&code)) {
                unknown.insert(format!("{code} {name}"));
            }
        }
    }
    assert!(pairs >= 818, "the list has {pairs} pairs");
    assert!(unknown.is_empty(), "not in the catalogue: {unknown:?}");
}

/// Every verdict that the catalogue gives, as a text that a person can read through. Breaks with any
/// change of a verdict: look whether it is meant.
#[test]
fn the_verdicts_are_as_reviewed() {
    let mut lines = String::new();
    for row in catalogue() {
        for code in row.codes {
            let verdict = categorize(&telegram(*code, &row.name.replace("%d", "17")));
            let again = if verdict.retryable { "again" } else { "final" };
            let wait = verdict.wait.map_or(String::new(), |wait| {
                format!(" wait {wait} {:?}", verdict.wait_scope)
            });
            writeln!(
                lines,
                "{code} {}: {} {} {:?} {again}{wait}",
                verdict.code, verdict.status, verdict.category, verdict.severity
            )
            .unwrap();
        }
    }
    insta::assert_snapshot!(lines);
}

/// Breaks when advice turns into filler: too few sentences for too many errors, or one that sends
/// people to a route that is not there.
#[test]
fn advice_is_specific() {
    let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
    for row in catalogue() {
        *uses.entry(row.advice).or_default() += 1;
    }
    assert!(
        uses.len() >= 400,
        "{} sentences for {} errors",
        uses.len(),
        catalogue().len()
    );
    let most = uses.iter().max_by_key(|(_, count)| **count).unwrap();
    assert!(*most.1 <= 20, "{most:?}");
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/openapi.json");
    let document = std::fs::read_to_string(document).unwrap();
    let paths = uses.keys().flat_map(|advice| advice.split_whitespace());
    for path in paths.filter(|word| word.starts_with("/api/")) {
        let path = path.trim_end_matches([',', ';', '.', ')']);
        assert!(document.contains(&format!("\"{path}\"")), "{path}");
    }
}

#[test]
fn waits_are_read_in_their_unit() {
    for (code, name, wait) in [
        (420, "FLOOD_WAIT_37", Some(37)),
        (420, "FLOOD_PREMIUM_WAIT_3", Some(3)),
        (420, "SLOWMODE_WAIT_30", Some(30)),
        (406, "PREVIOUS_CHAT_IMPORT_ACTIVE_WAIT_5MIN", Some(300)),
        (420, "PREMIUM_SUB_ACTIVE_UNTIL_1900000000", None),
        (303, "USER_MIGRATE_4", None),
        (400, "FILE_PART_2_MISSING", None),
        (420, "SOMETHING_NEW_WAIT_9", Some(9)),
        (420, "FLOOD_WAIT_99999999999999999999", None),
    ] {
        assert_eq!(imposed_wait(&telegram(code, name)), wait, "{name}");
        assert_eq!(categorize(&telegram(code, name)).wait, wait, "{name}");
    }
}

#[test]
fn unknown_names_are_judged_by_shape_then_code() {
    for (code, name, category, stable) in [
        (
            400,
            "GADGET_INVALID",
            Category::InvalidRequest,
            "GADGET_INVALID",
        ),
        (
            400,
            "GADGET_NOT_FOUND",
            Category::NotFound,
            "GADGET_NOT_FOUND",
        ),
        (
            403,
            "GADGET_SAYS_NO",
            Category::Permission,
            "GADGET_SAYS_NO",
        ),
        (500, "GADGET_INVALID", Category::Server, "GADGET_INVALID"),
        (
            -500,
            "No workers running",
            Category::Server,
            "NO_WORKERS_RUNNING",
        ),
        (-503, "Timeout", Category::Timeout, "TIMEOUT"),
        (
            303,
            "GADGET_MIGRATE_3",
            Category::Migration,
            "GADGET_MIGRATE",
        ),
        (401, "GADGET_GONE", Category::Auth, "GADGET_GONE"),
        (777, "", Category::Server, "UNKNOWN"),
    ] {
        let verdict = categorize(&telegram(code, name));
        assert_eq!(
            (verdict.category, verdict.code.as_str()),
            (category, stable),
            "{code} {name}"
        );
        assert!(verdict.advice.len() >= 15, "{code} {name}");
    }
}

#[test]
fn our_own_failures_have_rows() {
    for (layer, name, category, status) in [
        (Layer::Network, "CONNECTION_LOST", Category::Network, 503),
        (Layer::Network, "NOT_CONNECTED", Category::Network, 503),
        (Layer::Timeout, "DEADLINE", Category::Timeout, 504),
        (Layer::Gateway, "OVERLOADED", Category::Network, 503),
        (Layer::Gateway, "SOMETHING_ELSE", Category::Internal, 500),
    ] {
        let failure = Failure::local(
            layer,
            name,
            "help.getConfig",
            AccountKind::Bot,
            Execution::NeverSent,
        );
        let verdict = categorize(&failure);
        assert_eq!(
            (verdict.category, verdict.status),
            (category, status),
            "{name}"
        );
    }
}

#[test]
fn a_lost_account_is_critical_and_a_wait_is_not() {
    assert_eq!(
        categorize(&telegram(401, "AUTH_KEY_UNREGISTERED")).severity,
        Severity::Critical
    );
    assert!(categorize(&telegram(420, "FLOOD_WAIT_3")).severity < Severity::Error);
}
