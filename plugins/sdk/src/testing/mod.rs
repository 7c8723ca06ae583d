//! Questions for tests that run on your own machine, without a gateway and without WebAssembly.
//!
//! ```
//! use sluice_plugin::testing;
//! # use sluice_plugin::retry::{Attempt, Decision};
//! # use sluice_plugin::{RetryPolicy, Settings};
//! # struct Patient;
//! # impl RetryPolicy for Patient {
//! #     fn configure(_: &mut Settings) -> Result<Self, String> { Ok(Self) }
//! #     fn decide(&self, attempt: &Attempt) -> Decision {
//! #         Decision::retry_after_ms(attempt.verdict.wait.unwrap_or(1) * 1000)
//! #     }
//! # }
//! let policy: Patient = testing::retry_policy([("longest_wait", "60")]).unwrap_or(Patient);
//! let attempt = testing::attempt("FLOOD_WAIT_37").deadline_left_ms(60_000);
//! assert_eq!(policy.decide(&attempt), Decision::retry_after_ms(37_000));
//! ```
//!
//! What the categorizer would have said is only guessed at here, by the name; `sluice plugin test`
//! puts your cases to the component with the shipped categorizer's own words.

mod attempt;
mod batch;
mod failure;

use std::cell::RefCell;

pub use attempt::attempt;
pub use batch::{batch, event, sample};
pub use failure::{failure, lost};

use crate::log::Level;
use crate::{Categorizer, Exporter, RetryPolicy, Settings};

/// A retry policy as the gateway makes it from settings.
pub fn retry_policy<'a, P: RetryPolicy>(
    settings: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<P, String> {
    made(settings, P::configure)
}

/// A categorizer as the gateway makes it from settings.
pub fn categorizer<'a, P: Categorizer>(
    settings: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<P, String> {
    made(settings, P::configure)
}

/// An exporter as the gateway makes it from settings.
pub fn exporter<'a, P: Exporter>(
    settings: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<P, String> {
    made(settings, P::configure)
}

fn made<'a, P>(
    settings: impl IntoIterator<Item = (&'a str, &'a str)>,
    configure: fn(&mut Settings) -> Result<P, String>,
) -> Result<P, String> {
    let mut settings = Settings::new(settings);
    let policy = configure(&mut settings)?;
    settings.finish()?;
    Ok(policy)
}

thread_local! {
    static LINES: RefCell<Vec<(Level, String)>> = const { RefCell::new(Vec::new()) };
}

pub(crate) fn keep(level: Level, message: &str) {
    LINES.with_borrow_mut(|lines| lines.push((level, message.into())));
}

/// Takes the lines that this thread's policies have logged since the last time.
pub fn log_lines() -> Vec<(Level, String)> {
    LINES.take()
}
