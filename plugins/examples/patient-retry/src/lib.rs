//! A retry policy as a team would write it, from the contract alone: it sits out every wait of
//! Telegram's that ends before the caller's deadline, whether the caller sent `X-Wait` or not. On
//! everything else it has no opinion, so the shipped policy goes on deciding that.
//!
//! One setting, `longest_wait` in seconds: longer waits are left to the shipped policy too.

use std::cell::Cell;

wit_bindgen::generate!({
    path: ["../../../wit/core", "../../../wit/host", "../../../wit/retry"],
    world: "sluice:retry/retry-policy@1.0.0",
    generate_all,
});

use exports::sluice::retry::policy::{Attempt, Decision, Guest, Repeat};

/// `rate_limit` in `sluice:core`.
const RATE_LIMIT: u32 = 0;
/// Left for the call itself after the wait.
const TIME_FOR_THE_CALL_MS: u64 = 500;

thread_local! {
    static LONGEST_WAIT: Cell<u64> = const { Cell::new(u64::MAX) };
}

struct Patient;

impl Guest for Patient {
    fn configure(settings: Vec<(String, String)>) -> Result<(), String> {
        for (name, value) in settings {
            match name.as_str() {
                "longest_wait" => {
                    LONGEST_WAIT.set(value.parse().map_err(|_| {
                        format!("longest_wait is a number of seconds, not {value:?}")
                    })?)
                }
                _ => return Err(format!("unknown setting {name:?}; there is longest_wait")),
            }
        }
        Ok(())
    }

    fn decide(attempt: Attempt) -> Decision {
        let Some(wait) = attempt.verdict.wait else {
            return Decision::Abstain;
        };
        if attempt.verdict.category != RATE_LIMIT || wait > LONGEST_WAIT.get() {
            return Decision::Abstain;
        }
        // Callers that all met the same wait do not come back in the same moment.
        let after_ms = wait
            .saturating_mul(1000)
            .saturating_add(attempt.entropy % 100);
        if after_ms.saturating_add(TIME_FOR_THE_CALL_MS) >= attempt.deadline_left_ms {
            return Decision::Abstain;
        }
        sluice::host::log::write(
            1,
            &format!("sitting out {wait} s for {}", attempt.failure.method),
        );
        Decision::Retry(Repeat {
            after_ms,
            other_link: false,
            extensions: Vec::new(),
        })
    }
}

export!(Patient);
