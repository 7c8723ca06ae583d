//! What WASI gives a component that looks about, and the engine that meters.

use sluice_domain::{Attempt, Decision, UnixMillis};
use sluice_policy::{Candidate, Fault, Limits, Workbench};

use crate::fixture::{Fixture, flood};
use crate::guests;

const AT: UnixMillis = UnixMillis(1_800_000_000_123);

fn curious() -> Candidate {
    let bench = Workbench::new(Limits::default(), None).unwrap();
    bench.load("curious", &guests::curious(), "").unwrap()
}

fn nth(attempt: u32) -> Attempt {
    Attempt { attempt, ..flood() }
}

fn learned(candidate: &Candidate, attempt: &Attempt) -> u64 {
    match candidate.decide(attempt, AT).unwrap() {
        (Some(Decision::Park { seconds }), _) => seconds,
        other => panic!("attempt {}: {other:?}", attempt.attempt),
    }
}

/// Breaks when a component learns anything of the machine or the moment that is not in the
/// question.
#[test]
fn there_is_nothing_to_be_learned() {
    let candidate = curious();
    candidate.check().unwrap();
    for nothing in [2, 3, 4] {
        assert_eq!(learned(&candidate, &nth(nothing)), 0, "case {nothing}");
    }
    assert_eq!(learned(&candidate, &nth(5)), AT.seconds());
    assert_eq!(learned(&candidate, &nth(6)), AT.0 * 1_000_000);
    // An error, and the one that says that there is no more.
    assert_eq!(learned(&candidate, &nth(8)), 0x0101);
    // At once.
    assert_eq!(learned(&candidate, &nth(9)), 9);
}

/// Breaks when a decision cannot be repeated bit for bit, whichever engine it was made in.
#[test]
fn chance_is_the_questions_entropy() {
    let candidate = curious();
    let served = candidate.as_served().unwrap();
    let mut other = nth(7);
    other.entropy += 1;
    let first = candidate.decide(&nth(7), AT).unwrap();
    assert_eq!(candidate.decide(&nth(7), AT).unwrap(), first);
    assert_eq!(served.decide(&nth(7), AT).unwrap().0, first.0);
    assert_ne!(candidate.decide(&other, AT).unwrap().0, first.0);
    assert!(first.1.fuel.is_some_and(|fuel| fuel > 10));
}

/// Breaks when something of WASI reaches the system, or takes memory of the host's.
#[test]
fn there_is_nothing_to_be_reached() {
    let candidate = curious();
    for (attempt, part) in [
        (11, "called exit"),
        (12, "instance-network"),
        (13, "random bytes at once"),
        (14, "1024 handles"),
        (15, "more than 10000 times"),
    ] {
        let fault = candidate.decide(&nth(attempt), AT).unwrap_err().to_string();
        assert!(fault.contains(part), "case {attempt}: {fault}");
    }
}

/// Breaks when an author is told of a trap without the message of the exception that led to it.
#[test]
fn an_exception_arrives_with_its_message() {
    let Fault::Trap(why) = curious().decide(&nth(10), AT).unwrap_err() else {
        panic!("not a trap");
    };
    assert!(why.starts_with("KeyError: 'advice' ("), "{why}");
    let fixture = Fixture::bare();
    fixture.admit("curious.wasm", &guests::curious());
    fixture.decide(&nth(10));
    let why = fixture.plugin("curious").last_error.unwrap();
    assert!(why.contains("KeyError: 'advice'"), "{why}");
}
