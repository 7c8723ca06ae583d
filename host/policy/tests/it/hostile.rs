//! Components that mean harm, or are none.

use std::time::{Duration, Instant};

use sluice_domain::{Attempt, Decision};

use crate::fixture::{Fixture, flood, waits};
use crate::guests;

const TREACHEROUS: &str = include_str!("../../../../tests/guests/treacherous.wat");
const ENDLESS: &str = include_str!("../../../../tests/guests/endless.wat");
const HUNGRY: &str = include_str!("../../../../tests/guests/hungry.wat");
const HASTY: &str = include_str!("../../../../tests/guests/hasty.wat");

fn nth(attempt: u32) -> Attempt {
    Attempt {
        attempt,
        patience_left_ms: 10_000,
        ..flood()
    }
}

/// Breaks when a file that must never serve is let in, or is refused without saying why.
#[test]
fn what_is_no_policy_is_refused_with_the_reason() {
    let fixture = Fixture::bare();
    let good = guests::patient();
    let future = guests::retry_of_the_future(TREACHEROUS);
    let shapeless =
        "(component (instance $i) (export \"sluice:retry/policy@1.0.0\" (instance $i)))";
    let wasi = "(component (import \"wasi:filesystem/types@0.3.0\" (instance)) \
         (instance $i) (export \"sluice:retry/policy@1.0.0\" (instance $i)))";
    let wat = |text: &str| wat::parse_str(text).unwrap();
    let cases: [(&str, &[u8], &str); 13] = [
        ("empty", b"", "is not WebAssembly"),
        ("text", b"#!/bin/sh\n", "is not WebAssembly"),
        ("zip", b"PK\x03\x04 and so on", "is a zip archive"),
        ("core", &guests::core_module(ENDLESS), "is a core module"),
        ("half", &good[..good.len() / 2], "does not compile"),
        ("short", &good[..good.len() - 1], "does not compile"),
        (
            "future",
            &future,
            "this gateway speaks 0.1.0 to 1.0.0: build it again with `sluice plugin build",
        ),
        ("nothing", &wat("(component)"), "exports no policy"),
        ("shapeless", &wat(shapeless), "does not fit its contract"),
        ("wasi", &wat(wasi), "imports wasi:filesystem/types@0.3.0"),
        ("endless", &guests::retry(ENDLESS), "used up 20000000 units"),
        ("hungry", &guests::retry(HUNGRY), "begins with"),
        ("hasty", &guests::retry(HASTY), "before Telegram's wait"),
    ];
    for (name, bytes, part) in cases {
        let view = fixture.admit(&format!("{name}.wasm"), bytes);
        let why = view.last_error.unwrap_or_default();
        assert!(why.contains(part), "{name}: {why}");
        assert_eq!((view.generation, view.kind), (0, None), "{name}");
        assert_eq!(fixture.told(name, "refused"), (0, Some(why)));
    }
    assert_eq!(
        fixture.decide(&flood()),
        Decision::GiveUp,
        "the native library answers"
    );
}

/// Breaks when a plugin can hold a call up, take memory or break the instance, instead of being
/// replaced by the native library for that call.
#[test]
fn every_misbehaviour_is_answered_by_the_native_library() {
    let fixture = Fixture::bare();
    let view = fixture.admit("treacherous.wasm", &guests::retry(TREACHEROUS));
    assert_eq!(view.last_error, None);
    assert_eq!(fixture.decide(&nth(1)), Decision::GiveUp, "its own answer");
    let cases = [
        (2, "cut off after 250ms"),
        (3, "unreachable"),
        (4, "wanted more than 67108864 bytes"),
        (7, "trapped"),
        (8, "call stack exhausted"),
        (9, "trapped"),
        (10, "more than 10000 times"),
        (11, "trapped"),
        (12, "wanted more than 67108864 bytes"),
        (13, "wanted more than"),
    ];
    for (failures, (attempt, part)) in (1..).zip(cases) {
        let question = nth(attempt);
        let native = sluice_standard_retry::decide(&question);
        assert!(waits(native).is_some(), "not what the guest would say");
        let began = Instant::now();
        let decision = fixture.decide(&question);
        assert!(began.elapsed() < Duration::from_secs(5), "case {attempt}");
        if attempt < 5 {
            assert_eq!(decision, native, "case {attempt}");
        } else {
            assert_eq!(decision, Decision::GiveUp, "5 attempts are all there are");
        }
        let view = fixture.plugin("treacherous");
        assert_eq!(view.failures, failures, "case {attempt}");
        let why = view.last_error.unwrap();
        assert!(why.contains(part), "case {attempt}: {why}");
        // So that its faults are not taken for a row of them.
        fixture.clock.advance(Duration::from_mins(1));
    }
    assert_eq!(fixture.decide(&nth(1)), Decision::GiveUp, "still asked");
}

/// Breaks when an answer outside the envelope reaches the caller.
#[test]
fn answers_outside_the_envelope_are_corrected_and_counted() {
    let fixture = Fixture::bare();
    fixture.admit("treacherous.wasm", &guests::retry(TREACHEROUS));
    assert_eq!(fixture.decide(&nth(5)), Decision::GiveUp);
    assert_eq!(fixture.decide(&nth(6)), Decision::Park { seconds: 86_400 });
    let view = fixture.plugin("treacherous");
    assert_eq!((view.clamps, view.failures), (2, 0));
    assert!(view.last_error.unwrap().contains("max_park"));
}

/// Breaks when a plugin that fails every time goes on costing its deadline every time.
#[test]
fn a_plugin_that_keeps_failing_is_left_alone_and_tried_again() {
    let fixture = Fixture::bare();
    fixture.admit("treacherous.wasm", &guests::retry(TREACHEROUS));
    for _ in 0..30 {
        assert!(waits(fixture.decide(&nth(3))).is_some());
    }
    assert_eq!(fixture.plugin("treacherous").failures, 10);
    let (_, error) = fixture.told("treacherous", "disabled");
    assert!(error.unwrap().contains("unreachable"));
    fixture.clock.advance(Duration::from_secs(11));
    fixture.decide(&nth(3));
    fixture.decide(&nth(3));
    assert_eq!(
        fixture.plugin("treacherous").failures,
        11,
        "one fault sends it back"
    );
    fixture.clock.advance(Duration::from_secs(11));
    assert_eq!(fixture.decide(&nth(1)), Decision::GiveUp, "it answers");
    fixture.decide(&nth(3));
    fixture.decide(&nth(3));
    assert_eq!(
        fixture.plugin("treacherous").failures,
        13,
        "and is trusted again"
    );
}

/// Breaks when the instance of a plugin that is used again survives a trap.
#[test]
fn an_instance_that_trapped_is_never_entered_again() {
    let fixture = Fixture::bare();
    fixture.drop_in("treacherous.toml", b"reuse = { max_calls = 1000 }\n");
    fixture.admit("treacherous.wasm", &guests::retry(TREACHEROUS));
    for case in [2, 3, 4] {
        assert_eq!(fixture.decide(&nth(1)), Decision::GiveUp);
        assert!(waits(fixture.decide(&nth(case))).is_some(), "case {case}");
    }
    let view = fixture.plugin("treacherous");
    assert_eq!((view.calls, view.failures), (6, 3));
}

/// Breaks when an operator who asked for failures to show gets silent fallbacks.
#[test]
fn on_failure_fail_shows() {
    let fixture = Fixture::bare();
    fixture.drop_in("treacherous.toml", b"on_failure = \"fail\"\n");
    fixture.admit("treacherous.wasm", &guests::retry(TREACHEROUS));
    assert_eq!(fixture.decide(&nth(3)), Decision::GiveUp);
}
