//! What [`export!`](crate::export) stands on, on `wasm32`: the generated bindings, and the way
//! between their records and this crate's. Not for use by hand.

pub mod categorize;
pub mod export;
pub mod retry;

use std::cell::OnceCell;
use std::thread::LocalKey;

use crate::Settings;

/// Where an instance keeps its policy.
pub type Slot<P> = LocalKey<OnceCell<P>>;

/// The contract's `configure`.
pub fn configure<P>(
    slot: &'static Slot<P>,
    make: fn(&mut Settings) -> Result<P, String>,
    pairs: Vec<(String, String)>,
) -> Result<(), String> {
    let policy = made(make, Settings::new(pairs))?;
    slot.with(|slot| slot.set(policy))
        .map_err(|_| "settings were handed over twice".into())
}

/// Puts a question to the policy. Without settings `configure` was not called, so the policy is
/// made here.
pub fn ask<P, R>(
    slot: &'static Slot<P>,
    make: fn(&mut Settings) -> Result<P, String>,
    question: impl FnOnce(&P) -> R,
) -> R {
    slot.with(|slot| {
        question(slot.get_or_init(|| match made(make, Settings::default()) {
            Ok(policy) => policy,
            Err(why) => panic!("cannot do without settings: {why}"),
        }))
    })
}

fn made<P>(
    make: fn(&mut Settings) -> Result<P, String>,
    mut settings: Settings,
) -> Result<P, String> {
    std::panic::set_hook(Box::new(tell));
    let policy = make(&mut settings)?;
    settings.finish()?;
    Ok(policy)
}

/// A panic ends the instance without a word, unless it is said before.
fn tell(panic: &std::panic::PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("(no message)");
    let line = match panic.location() {
        Some(at) => format!("panicked at {}:{}: {message}", at.file(), at.line()),
        None => format!("panicked: {message}"),
    };
    log(3, &line);
}

/// The contract's `log.write`.
pub fn log(level: u32, message: &str) {
    retry::bindings::sluice::host::log::write(level, message);
}
