//! Modes, rollbacks and the archive, without a gateway around them.

use std::time::{Duration, Instant};

use sluice_domain::{AccountKind, AccountName, Attempt, Decision, Failure};
use sluice_policy::{ChangeError, DiffView, Mode, Origin, Rollback};

use crate::fixture::{Fixture, account, attempt, flood, waits};
use crate::guests;

const ODD: &str = include_str!("../../../../tests/guests/odd.wat");

/// A retry policy that gives up, and at errors of code 418 does this.
fn odd(does: &str) -> Vec<u8> {
    guests::retry(&ODD.replace("(unreachable)", does))
}

fn trouble(nth: u32) -> Attempt {
    let failure = Failure::telegram(
        418,
        "ODD_TROUBLE",
        "messages.sendMessage",
        AccountKind::User,
    );
    Attempt {
        attempt: nth,
        ..attempt(failure)
    }
}

/// The comparison once so many questions were compared.
fn compared(fixture: &Fixture, name: &str, questions: u64) -> DiffView {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let diff = fixture.policies.diff(name).unwrap();
        if diff.comparison.compared + diff.comparison.abstained + diff.traps >= questions {
            return diff;
        }
        assert!(Instant::now() < until, "{diff:#?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Breaks when a shadow answers, is not asked, or when what it would have done is not told.
#[test]
fn a_shadow_is_compared_with_what_is_in_force() {
    let fixture = Fixture::bare();
    fixture.admit(
        "retry.wasm",
        &odd("(call $say (i32.const 2) (i64.const 0))"),
    );
    fixture.drop_in("retry-next.toml", b"mode = \"shadow\"\npriority = 900\n");
    let view = fixture.admit("retry-next.wasm", &guests::patient());
    assert_eq!((view.mode, view.last_error), (Mode::Shadow, None));
    for n in 1..=3 {
        assert_eq!(fixture.decide(&flood()), Decision::GiveUp);
        assert_eq!(waits(fixture.decide(&trouble(n))), Some(0));
    }
    let diff = compared(&fixture, "retry-next", 6);
    let texts: Vec<_> = diff
        .comparison
        .groups
        .iter()
        .map(|g| g.text.as_str())
        .collect();
    assert!(
        texts.contains(&"FLOOD_WAIT_%d: give up -> retry after x, 3 of 3"),
        "{texts:?}"
    );
    assert_eq!((diff.calls, diff.clamps, diff.traps), (6, 0, 0));
    let example = &diff.comparison.examples[0];
    assert_eq!(example.account.as_deref(), Some("demo"));
    // It trapped here; nobody else noticed.
    fixture.admit("retry-next.wasm", &odd("(unreachable)"));
    assert_eq!(waits(fixture.decide(&trouble(1))), Some(0));
    assert_eq!(compared(&fixture, "retry-next", 1).traps, 1);
    assert_eq!(fixture.plugin("retry").failures, 0);
}

/// Breaks when a canary is asked about other accounts than its own, or not before the live one.
#[test]
fn a_canary_is_asked_first_about_its_accounts() {
    let fixture = Fixture::bare();
    fixture.admit(
        "a-live.wasm",
        &odd("(call $say (i32.const 1) (i64.const 0))"),
    );
    fixture.drop_in("next.toml", b"mode = \"canary(30)\"\n");
    fixture.admit("next.wasm", &odd("(call $say (i32.const 2) (i64.const 5))"));
    let mut inside = 0;
    for n in 0..200 {
        let account: AccountName = format!("account-{n}").parse().unwrap();
        let decide = || fixture.policies.decide(&trouble(1), &account);
        let first = waits(decide());
        assert!(first.is_none() || first == Some(5));
        assert_eq!(waits(decide()), first, "account-{n} moved");
        inside += u64::from(first.is_some());
        fixture.policies.ended(&account, first.is_none());
    }
    assert!((40..=80).contains(&inside), "{inside} of 200 at 30%");
    let arms = fixture.policies.diff("next").unwrap().accounts.unwrap();
    assert_eq!(
        (arms.canary.calls, arms.canary.retries),
        (inside, 2 * inside)
    );
    assert_eq!(
        (arms.rest.failures, arms.rest.give_ups),
        (200 - inside, 400 - 2 * inside)
    );

    // Live it stays before the one it was compared with, though its name comes later.
    let live = fixture.policies.promote("next", None).unwrap();
    assert_eq!((live.mode, live.priority), (Mode::Live, 101));
    assert_eq!(waits(fixture.decide(&trouble(1))), Some(5));
    fixture.policies.abort("next").unwrap();
    assert_eq!(fixture.decide(&trouble(1)), Decision::GiveUp);
    let missing = fixture.policies.promote("nothing", None);
    assert!(matches!(missing, Err(ChangeError::Missing)));
}

/// Breaks when evidence is not enough, when it is too much, or when it outlasts its hour.
#[test]
fn evidence_takes_back_what_was_just_swapped_in() {
    let fixture = Fixture::bare();
    let first = fixture.admit("mine.wasm", &odd("(call $say (i32.const 2) (i64.const 1))"));
    let bad = fixture.admit("mine.wasm", &odd("(unreachable)"));
    for _ in 0..9 {
        fixture.decide(&trouble(1));
        fixture.policies.refresh();
    }
    assert_eq!(fixture.plugin("mine").generation, bad.generation);
    fixture.decide(&trouble(1));
    fixture.policies.refresh();
    let view = fixture.plugin("mine");
    assert_eq!(view.generation, first.generation);
    let mark = view.rolled_back.unwrap();
    assert_eq!(
        (mark.hash, mark.evidence.unwrap().traps),
        (bad.hash.clone().unwrap(), 10)
    );
    fixture.told("mine", "rolled_back");
    assert_eq!(waits(fixture.decide(&trouble(1))), Some(1));

    // The same file is no other; the operator's word is.
    fixture.admit("mine.wasm", &odd("(unreachable)"));
    assert_eq!(fixture.plugin("mine").generation, first.generation);
    let again = fixture.policies.promote("mine", Some(Mode::Live)).unwrap();
    assert_eq!((again.hash, again.rolled_back), (bad.hash, None));

    // After its hour, and when it is told not to, only the breaker acts.
    fixture.clock.advance(Duration::from_mins(61));
    for _ in 0..12 {
        fixture.decide(&trouble(1));
    }
    fixture.policies.refresh();
    assert_eq!(fixture.plugin("mine").generation, again.generation);
    let back = fixture.policies.roll_back("mine").unwrap();
    assert_eq!(back.generation, first.generation);
    assert!(fixture.policies.component(&back.hash.unwrap()).is_some());
}

/// Breaks when a policy that asks for too much goes on, or one that is not worse than the one
/// before it does not.
#[test]
fn amplification_is_measured_against_the_one_before() {
    let fixture = Fixture::bare();
    let storm = |fixture: &Fixture| {
        for call in 0..20 {
            for nth in 1..=4 {
                fixture.decide(&trouble(nth));
            }
            if call == 18 {
                fixture.policies.refresh();
            }
        }
        fixture.policies.refresh();
    };
    let repeats = |n: u32| odd(&format!("(call $say (i32.const 2) (i64.const {n}))"));
    fixture.admit("mine.wasm", &repeats(1));
    storm(&fixture);
    let view = fixture.plugin("mine");
    assert_eq!(view.generation, 0, "there is nothing before it: {view:#?}");
    let evidence = view.rolled_back.unwrap().evidence.unwrap();
    assert_eq!((evidence.failing_calls, evidence.retries), (20, 80));

    fixture.policies.set_rollback(Rollback {
        automatic: false,
        ..Rollback::default()
    });
    fixture.admit("mine.wasm", &repeats(2));
    storm(&fixture);
    fixture.policies.set_rollback(Rollback::default());
    let next = fixture.admit("mine.wasm", &repeats(3));
    storm(&fixture);
    let view = fixture.plugin("mine");
    assert_eq!(
        view.generation, next.generation,
        "as the one before: {view:#?}"
    );
}

/// Breaks when a shipped policy that was turned off, or a bad file at a start, leaves something
/// else in force than before.
#[test]
fn a_sidecar_moves_a_shipped_policy_too() {
    let fixture = Fixture::with(Some(guests::shipped()));
    let off = fixture.policies.abort("retry").unwrap();
    assert_eq!((off.mode, off.origin), (Mode::Off, Origin::Bundled));
    let text = std::fs::read_to_string(fixture.path("retry.toml")).unwrap();
    assert_eq!(text, "mode = \"off\"\n");
    fixture
        .policies
        .promote("retry", Some(Mode::Canary(100)))
        .unwrap();
    fixture.policies.decide(&flood(), &account());
    assert_eq!(fixture.plugin("retry").calls, 1);
    let back = fixture.policies.roll_back("retry").unwrap();
    assert_eq!(back.generation, 0, "the native one answers");
    assert!(matches!(
        fixture.policies.roll_back("retry"),
        Err(ChangeError::Out(_))
    ));
}
