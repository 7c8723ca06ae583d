//! The shipped components, and the one written from the contract alone.

use proptest::prelude::*;
use sluice_domain::{
    AccountKind, Attempt, Batch, Category, Decision, Execution, Failure, Layer, Sample, SampleKind,
    Severity, Verdict, WaitScope,
};
use sluice_policy::{Kind, Origin};
use sluice_standard_categorize::catalogue;

use crate::fixture::{Fixture, account, attempt, flood, waits};
use crate::guests;

/// Breaks when `make components` and the loader disagree, or a shipped component is not asked.
#[test]
fn shipped_components_are_loaded_and_asked() {
    let fixture = Fixture::with(Some(guests::shipped()));
    for (name, kind) in [
        ("retry", Kind::Retry),
        ("categorize", Kind::Categorize),
        ("prometheus", Kind::Export),
    ] {
        let view = fixture.plugin(name);
        assert_eq!(
            (view.kind, view.origin),
            (Some(kind), Origin::Bundled),
            "{view:?}"
        );
        assert_eq!(view.last_error, None);
        assert!(view.generation > 0 && view.hash.is_some_and(|hash| hash.len() == 64));
    }
    assert_eq!(fixture.decide(&flood()), Decision::GiveUp);
    let verdict = fixture.policies.categorize(&flood().failure, &account());
    assert_eq!(
        (verdict.code.as_str(), verdict.wait),
        ("FLOOD_WAIT", Some(7))
    );
    fixture.policies.export(&batch());
    let served = fixture.policies.served("/metrics").unwrap();
    let line = "sluice_calls_total{account=\"demo\"} 3";
    assert!(served.body.contains(line), "{}", served.body);
    assert!(served.content_type.starts_with("text/plain"));
    for name in ["retry", "categorize", "prometheus"] {
        assert_eq!(fixture.plugin(name).calls, 1, "{name}");
    }
    let views = fixture.policies.plugins();
    let natives = views.iter().filter(|view| view.generation == 0);
    assert_eq!(natives.map(|view| view.calls).collect::<Vec<_>>(), [0; 3]);
}

/// Breaks when the gateway cannot do without components.
#[test]
fn without_components_the_native_libraries_answer() {
    let fixture = Fixture::with(Some("/nowhere/at/all".into()));
    let mut patient = flood();
    patient.patience_left_ms = 10_000;
    assert!(waits(fixture.decide(&patient)).is_some_and(|ms| ms >= 7_000));
    fixture.policies.export(&batch());
    assert!(fixture.policies.served("/metrics").is_some());
    let views = fixture.policies.plugins();
    assert_eq!(views.len(), 3);
    assert!(
        views
            .iter()
            .all(|view| view.origin == Origin::Native && view.generation == 0)
    );
}

/// Breaks when a field is lost or changed on the way between the gateway's records and the
/// contract's: the component is the same library as the native one, so for every question both
/// must say the same.
#[test]
fn a_component_says_what_its_library_says() {
    let fixture = Fixture::with(Some(guests::shipped()));
    for row in catalogue() {
        for code in row.codes {
            let failure = Failure::telegram(
                *code,
                &row.name.replace("%d", "17"),
                "messages.sendMessage",
                AccountKind::Bot,
            );
            assert_eq!(
                fixture.policies.categorize(&failure, &account()),
                sluice_standard_categorize::categorize(&failure)
            );
        }
    }
    proptest!(ProptestConfig::with_cases(256), |(attempt in attempts())| {
        let native = sluice_standard_retry::decide(&attempt);
        prop_assert_eq!(fixture.decide(&attempt), native);
    });
    let retry = fixture.plugin("retry");
    assert_eq!((retry.failures, retry.clamps, retry.calls), (0, 0, 256));
}

/// The visible change: without it a caller with no patience gets the error at once, with it the
/// call waits; and what it has no opinion on is still decided.
#[test]
fn a_policy_written_from_the_contract_changes_the_next_decision() {
    let fixture = Fixture::with(Some(guests::shipped()));
    assert_eq!(fixture.decide(&flood()), Decision::GiveUp);
    let view = fixture.admit("patient-retry.wasm", &guests::patient());
    assert_eq!((view.kind, view.last_error), (Some(Kind::Retry), None));
    assert_eq!(waits(fixture.decide(&flood())), Some(7_042));

    let mut short = flood();
    short.deadline_left_ms = 7_000;
    assert_eq!(
        fixture.decide(&short),
        Decision::GiveUp,
        "it abstains, the shipped one decides"
    );
    let lost = attempt(Failure::local(
        Layer::Network,
        "NOT_CONNECTED",
        "help.getConfig",
        AccountKind::User,
        Execution::NeverSent,
    ));
    assert_eq!(fixture.decide(&lost), sluice_standard_retry::decide(&lost));
    assert_eq!(fixture.plugin("patient-retry").calls, 3);
    assert_eq!(fixture.plugin("retry").calls, 3);
}

/// Breaks when settings do not reach the component, or a wrong one is let in.
#[test]
fn settings_reach_the_component_and_are_checked_by_it() {
    let fixture = Fixture::bare();
    fixture.drop_in("patient-retry.toml", b"[settings]\nlongest_wait = 5\n");
    let first = fixture.admit("patient-retry.wasm", &guests::patient());
    assert_eq!(
        fixture.decide(&flood()),
        Decision::GiveUp,
        "7 s is longer than 5 s"
    );

    let refused = fixture.admit("patient-retry.toml", b"[settings]\nlongest = 5\n");
    let why = refused.last_error.unwrap();
    assert!(why.contains("unknown setting \"longest\""), "{why}");
    assert_eq!(refused.generation, first.generation, "the old one serves");

    let third = fixture.admit("patient-retry.toml", b"[settings]\nlongest_wait = 9\n");
    assert!(third.generation > first.generation && third.last_error.is_none());
    assert_eq!(waits(fixture.decide(&flood())), Some(7_042));

    fixture.admit("patient-retry.toml", b"accounts = [\"someone-else\"]\n");
    assert_eq!(
        fixture.decide(&flood()),
        Decision::GiveUp,
        "not for this account"
    );
    fixture.admit("patient-retry.toml", b"mode = \"off\"\n");
    assert_eq!(fixture.decide(&flood()), Decision::GiveUp);
    fixture.admit("patient-retry.toml", b"reuse = { max_calls = 3 }\n");
    for _ in 0..10 {
        assert_eq!(waits(fixture.decide(&flood())), Some(7_042));
    }
}

/// Breaks when the shipped policy cannot be changed by settings, or takes wrong ones.
#[test]
fn the_shipped_retry_policy_obeys_its_settings() {
    let fixture = Fixture::with(Some(guests::shipped()));
    assert_eq!(fixture.decide(&flood()), Decision::GiveUp);
    fixture.admit("retry.toml", b"[settings]\npatience_ms = 10000\n");
    assert!(waits(fixture.decide(&flood())).is_some_and(|ms| (7_000..=7_250).contains(&ms)));
    let refused = fixture.admit("retry.toml", b"[settings]\nattempts = \"lots\"\n");
    let why = refused.last_error.unwrap();
    assert!(
        why.contains("attempts is a whole number from 1 to 100, not \"lots\""),
        "{why}"
    );
    assert!(
        waits(fixture.decide(&flood())).is_some(),
        "the old one serves"
    );
}

fn batch() -> Batch {
    Batch {
        at_ms: 1_800_000_000_000,
        samples: vec![Sample {
            name: "sluice_calls_total".into(),
            help: "Calls.".into(),
            kind: SampleKind::Counter,
            labels: vec![("account".into(), "demo".into())],
            value: 3.0,
        }],
        events: Vec::new(),
        extensions: Vec::new(),
    }
}

/// Attempts that the envelope leaves as they are, so that answers can be compared.
fn attempts() -> impl Strategy<Value = Attempt> {
    let verdict = (
        prop::sample::select(Category::ALL.to_vec()),
        ".{0,12}",
        400..600_u16,
        any::<bool>(),
        prop::option::of(0..20_u64),
        prop::sample::select(WaitScope::ALL.to_vec()),
        prop::sample::select(Severity::ALL.to_vec()),
        ".{0,40}",
    )
        .prop_map(
            |(category, code, status, retryable, wait, wait_scope, severity, advice)| Verdict {
                category,
                code,
                status,
                retryable,
                wait,
                wait_scope,
                severity,
                advice,
            },
        );
    let failure = (
        prop::sample::select(Layer::ALL.to_vec()),
        ".{0,20}",
        any::<bool>(),
        prop::sample::select(Execution::ALL.to_vec()),
    )
        .prop_map(|(layer, name, bot, execution)| {
            let kind = if bot {
                AccountKind::Bot
            } else {
                AccountKind::User
            };
            Failure::local(layer, &name, "messages.sendMessage", kind, execution)
        });
    let numbers = (1..5_u32, 0..30_000_u64, 0..30_000_u64, any::<bool>());
    let recent = (0..100_u32, 0..100_u32, any::<u64>());
    (failure, verdict, numbers, recent).prop_map(
        |(failure, verdict, (attempt, left, patience, idempotent), (calls, retries, entropy))| {
            Attempt {
                failure,
                verdict,
                attempt,
                elapsed_ms: 1,
                slept_ms: 0,
                deadline_left_ms: left,
                patience_left_ms: patience,
                idempotent,
                recent_failures: 1,
                recent_calls: calls,
                recent_retries: retries,
                entropy,
            }
        },
    )
}
