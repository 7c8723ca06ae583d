use proptest::prelude::*;
use sluice_domain::{
    AccountKind, Attempt, Category, Decision, Execution, Failure, Layer, Severity, Verdict,
    WaitScope,
};

use super::{Settings, decide};

fn attempt(category: Category, wait: Option<u64>) -> Attempt {
    Attempt {
        failure: Failure::telegram(420, "X", "messages.sendMessage", AccountKind::User),
        verdict: Verdict {
            category,
            code: "X".into(),
            status: 429,
            retryable: true,
            wait,
            wait_scope: WaitScope::Method,
            severity: Severity::Info,
            advice: String::new(),
        },
        attempt: 1,
        elapsed_ms: 5,
        slept_ms: 0,
        deadline_left_ms: 30_000,
        patience_left_ms: 0,
        idempotent: true,
        recent_failures: 1,
        recent_calls: 1,
        recent_retries: 0,
        entropy: u64::MAX,
    }
}

fn lost(execution: Execution) -> Attempt {
    Attempt {
        failure: Failure::local(
            Layer::Network,
            "CONNECTION_LOST",
            "messages.sendMessage",
            AccountKind::User,
            execution,
        ),
        ..attempt(Category::Network, None)
    }
}

fn pause(decision: Decision) -> Option<u64> {
    match decision {
        Decision::Retry { after_ms, .. } => Some(after_ms),
        _ => None,
    }
}

#[test]
fn a_flood_wait_is_waited_out_only_with_patience() {
    let mut a = attempt(Category::RateLimit, Some(7));
    assert_eq!(decide(&a), Decision::GiveUp);
    a.patience_left_ms = 10_000;
    assert_eq!(pause(decide(&a)), Some(7_250), "with the whole spread");
    a.entropy = 0;
    assert_eq!(pause(decide(&a)), Some(7_000), "to the second");
    a.patience_left_ms = 7_000;
    a.entropy = u64::MAX;
    assert_eq!(
        pause(decide(&a)),
        Some(7_000),
        "the spread is within patience"
    );
    a.patience_left_ms = 10_000;
    a.deadline_left_ms = 7_000;
    assert_eq!(decide(&a), Decision::GiveUp, "the deadline comes first");
    a.deadline_left_ms = 30_000;
    a.verdict.wait = Some(u64::MAX);
    assert_eq!(decide(&a), Decision::GiveUp);
    a.verdict.wait = None;
    assert_eq!(
        decide(&a),
        Decision::GiveUp,
        "a limit without an end is not tried again"
    );
}

#[test]
fn an_operator_can_lend_patience_and_take_it_away() {
    let mut a = attempt(Category::RateLimit, Some(7));
    let lent = Settings::read([("patience_ms", "8000")]).unwrap();
    assert_eq!(pause(lent.decide(&a)), Some(7_250));
    a.slept_ms = 1_001;
    assert_eq!(lent.decide(&a), Decision::GiveUp, "it was used up");
    a.patience_left_ms = 60_000;
    assert_eq!(pause(lent.decide(&a)), Some(7_250), "the caller's counts");
    let short = Settings::read([("longest_wait_ms", "6999")]).unwrap();
    assert_eq!(short.decide(&a), Decision::GiveUp);
}

#[test]
fn faults_on_the_way_are_repeated_with_growing_pauses_and_an_end() {
    let mut a = attempt(Category::Network, None);
    let mut last = 0;
    for n in 1..4 {
        a.attempt = n;
        let Decision::Retry {
            after_ms,
            other_link: true,
        } = decide(&a)
        else {
            panic!("attempt {n} must be repeated");
        };
        assert!(after_ms > last, "{after_ms} after {last}");
        last = after_ms;
        a.slept_ms += after_ms;
    }
    a.attempt = 4;
    assert_eq!(decide(&a), Decision::GiveUp);
    a.attempt = u32::MAX;
    assert_eq!(decide(&a), Decision::GiveUp);
}

#[test]
fn what_never_left_is_repeated_soon_and_what_may_have_happened_only_when_harmless() {
    let mut unsent = lost(Execution::NeverSent);
    unsent.idempotent = false;
    unsent.entropy = 0;
    assert_eq!(pause(decide(&unsent)), Some(0));
    unsent.entropy = u64::MAX;
    assert_eq!(pause(decide(&unsent)), Some(200));

    let mut maybe = lost(Execution::MaybeExecuted);
    assert_eq!(pause(decide(&maybe)), Some(600));
    maybe.idempotent = false;
    assert_eq!(decide(&maybe), Decision::GiveUp);
}

#[test]
fn a_storm_of_repeats_ends_itself() {
    let mut a = attempt(Category::Server, None);
    a.recent_calls = 99;
    a.recent_retries = 19;
    assert!(pause(decide(&a)).is_some(), "so many are always fine");
    a.recent_retries = 20;
    assert_eq!(decide(&a), Decision::GiveUp);
    a.recent_calls = 105;
    assert!(matches!(
        decide(&a),
        Decision::Retry {
            other_link: false,
            ..
        }
    ));
    let none = Settings::read([("share_percent", "0"), ("floor", "0")]).unwrap();
    a.recent_retries = 0;
    assert_eq!(none.decide(&a), Decision::GiveUp);
}

#[test]
fn what_can_never_succeed_is_given_up() {
    for category in Category::ALL {
        let repeated = matches!(
            category,
            Category::Network | Category::Timeout | Category::Server
        );
        let decided = pause(decide(&attempt(category, None)));
        assert_eq!(decided.is_some(), repeated, "{category}");
    }
    let mut a = attempt(Category::Server, None);
    a.verdict.retryable = false;
    assert_eq!(decide(&a), Decision::GiveUp);
    a.verdict.retryable = true;
    a.deadline_left_ms = 399;
    assert_eq!(decide(&a), Decision::GiveUp, "no time is left for it");
}

#[test]
fn a_wrong_setting_is_told_with_what_would_be_right() {
    for (pairs, error) in [
        (
            vec![("attempts", "0")],
            "attempts is a whole number from 1 to 100, not \"0\"",
        ),
        (
            vec![("share_percent", "0.2")],
            "share_percent is a whole number from 0 to 100, not \"0.2\"",
        ),
        (
            vec![("atempts", "3")],
            "unknown setting \"atempts\"; there are: attempts, first_pause_ms, longest_pause_ms, \
             share_percent, floor, wait_spread_ms, longest_wait_ms, patience_ms",
        ),
        (
            vec![("first_pause_ms", "300"), ("longest_pause_ms", "200")],
            "longest_pause_ms (200) is shorter than first_pause_ms (300)",
        ),
    ] {
        assert_eq!(Settings::read(pairs).unwrap_err(), error);
    }
    assert_eq!(Settings::read([]), Ok(Settings::default()));
}

prop_compose! {
    fn settings()(
        attempts in 1..=10_u32,
        first_pause_ms in 1..=2_000_u64,
        longer in 0..=10_000_u64,
        share_percent in 0..=100_u32,
        floor in 0..=50_u32,
        wait_spread_ms in 0..=2_000_u64,
        longest_wait_ms in 0..=120_000_u64,
        patience_ms in 0..=60_000_u64,
    ) -> Settings {
        Settings {
            attempts,
            first_pause_ms,
            longest_pause_ms: first_pause_ms + longer,
            share_percent,
            floor,
            wait_spread_ms,
            longest_wait_ms,
            patience_ms,
        }
    }
}

prop_compose! {
    fn attempts()(
        category in prop::sample::select(Category::ALL.to_vec()),
        execution in prop::sample::select(Execution::ALL.to_vec()),
        wait in prop::option::of(prop_oneof![0..90_u64, any::<u64>()]),
        retryable in prop::bool::weighted(0.9),
        (attempt_number, slept_ms) in (1..8_u32, 0..40_000_u64),
        (deadline_left_ms, patience_left_ms) in (0..120_000_u64, 0..120_000_u64),
        idempotent in any::<bool>(),
        (recent_calls, recent_retries) in (0..400_u32, 0..120_u32),
        entropy in any::<u64>(),
    ) -> Attempt {
        let mut made = attempt(category, wait);
        made.failure.execution = execution;
        made.verdict.retryable = retryable;
        Attempt {
            attempt: attempt_number,
            slept_ms,
            deadline_left_ms,
            patience_left_ms,
            idempotent,
            recent_calls,
            recent_retries,
            entropy,
            ..made
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_048))]

    /// Breaks when any settings let a repeat leave the bounds that the policy promises.
    #[test]
    fn a_repeat_is_never_early_never_late_never_dangerous_and_within_budget(
        settings in settings(), a in attempts()
    ) {
        let Some(after_ms) = pause(settings.decide(&a)) else {
            return Ok(());
        };
        let wait_ms = a.verdict.wait.unwrap_or(0) * 1_000;
        prop_assert!(after_ms >= wait_ms);
        prop_assert!(after_ms < a.deadline_left_ms);
        prop_assert!(a.idempotent || a.failure.execution != Execution::MaybeExecuted);
        prop_assert!(a.verdict.retryable);
        if a.verdict.category == Category::RateLimit {
            let own = settings.patience_ms.saturating_sub(a.slept_ms);
            prop_assert!(after_ms <= a.patience_left_ms.max(own));
            prop_assert!(after_ms <= wait_ms + settings.wait_spread_ms);
        } else {
            let share = a.recent_calls * settings.share_percent / 100;
            prop_assert!(a.recent_retries < share.max(settings.floor));
            prop_assert!(a.attempt < settings.attempts);
            prop_assert!(after_ms <= settings.longest_pause_ms.max(wait_ms));
            let soon = a.failure.execution == Execution::NeverSent && a.attempt == 1;
            prop_assert!(soon || after_ms >= settings.first_pause_ms);
        }
    }

    /// Breaks when more room makes the policy give up, or less makes it repeat.
    #[test]
    fn more_room_never_turns_a_repeat_into_giving_up(
        settings in settings(), a in attempts(), more in 0..60_000_u64, fewer in 0..120_u32
    ) {
        if pause(settings.decide(&a)).is_none() {
            return Ok(());
        }
        let roomier = Attempt {
            deadline_left_ms: a.deadline_left_ms + more,
            patience_left_ms: a.patience_left_ms + more,
            recent_calls: a.recent_calls + fewer,
            recent_retries: a.recent_retries.saturating_sub(fewer),
            idempotent: true,
            ..a
        };
        prop_assert!(pause(settings.decide(&roomier)).is_some());
    }

    /// Breaks when a call that slept longer may pause shorter, or chance is not used evenly.
    #[test]
    fn pauses_grow_with_what_was_slept_and_with_chance(
        settings in settings(), a in attempts(), more in 0..60_000_u64
    ) {
        prop_assume!(a.verdict.category != Category::RateLimit);
        let longer = Attempt { slept_ms: a.slept_ms + more, ..a.clone() };
        prop_assert!(pause(settings.decide(&a)) <= pause(settings.decide(&longer)));
        let luckier = Attempt { entropy: a.entropy | more, ..a.clone() };
        prop_assert!(pause(settings.decide(&a)) <= pause(settings.decide(&luckier)));
    }

    /// Breaks when a policy with the same question answers twice differently.
    #[test]
    fn the_same_question_has_the_same_answer(settings in settings(), a in attempts()) {
        prop_assert_eq!(settings.decide(&a), settings.decide(&a));
    }
}
