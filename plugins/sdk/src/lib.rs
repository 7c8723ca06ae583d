//! Policies of the Telegram gateway Sluice, in Rust.
//!
//! A policy is a type that implements [`RetryPolicy`], [`Categorizer`] or [`Exporter`], and one
//! line that exports it:
//!
//! ```
//! use sluice_plugin::retry::{Attempt, Decision};
//! use sluice_plugin::{RetryPolicy, Settings};
//!
//! struct Once {
//!     pause_ms: u64,
//! }
//!
//! impl RetryPolicy for Once {
//!     fn configure(settings: &mut Settings) -> Result<Self, String> {
//!         Ok(Self {
//!             pause_ms: settings.number("pause_ms", 200, 0..=10_000)?,
//!         })
//!     }
//!
//!     fn decide(&self, attempt: &Attempt) -> Decision {
//!         if attempt.attempt == 1 && attempt.verdict.retryable && attempt.safe_to_repeat() {
//!             Decision::retry_after_ms(self.pause_ms)
//!         } else {
//!             Decision::Abstain
//!         }
//!     }
//! }
//!
//! sluice_plugin::export!(Once: RetryPolicy);
//! ```
//!
//! On `wasm32-unknown-unknown` the macro makes the exports of the contract; elsewhere it does
//! nothing, so `cargo test` runs the policy natively, with what [`testing`] gives. A panic reaches
//! the gateway's log with its message.

pub mod categorize;
mod codes;
pub mod export;
mod failure;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod guest;
pub mod log;
pub mod retry;
mod settings;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

pub use categorize::Categorizer;
pub use codes::{AccountKind, Category, Execution, Layer, SampleKind, Severity, WaitScope};
pub use export::Exporter;
pub use failure::{Extensions, Failure};
pub use retry::RetryPolicy;
pub use settings::Settings;

/// Exports a policy: `export!(MyType: RetryPolicy)`, `Categorizer` or `Exporter`. Once in a crate.
#[cfg(target_arch = "wasm32")]
#[macro_export]
macro_rules! export {
    ($policy:ty : RetryPolicy) => {
        $crate::__slot!($policy: RetryPolicy);
        impl $crate::guest::retry::wit::Guest for SluiceExports {
            fn configure(settings: Vec<(String, String)>) -> Result<(), String> {
                $crate::guest::configure(&SLUICE_POLICY, SLUICE_MAKE, settings)
            }
            fn decide(
                attempt: $crate::guest::retry::wit::Attempt,
            ) -> $crate::guest::retry::wit::Decision {
                let attempt = $crate::guest::retry::read(attempt);
                $crate::guest::retry::answer($crate::guest::ask(
                    &SLUICE_POLICY,
                    SLUICE_MAKE,
                    |policy| $crate::RetryPolicy::decide(policy, &attempt),
                ))
            }
        }
        $crate::guest::retry::bindings::export_retry!(
            SluiceExports with_types_in $crate::guest::retry::bindings
        );
    };
    ($policy:ty : Categorizer) => {
        $crate::__slot!($policy: Categorizer);
        impl $crate::guest::categorize::wit::Guest for SluiceExports {
            fn configure(settings: Vec<(String, String)>) -> Result<(), String> {
                $crate::guest::configure(&SLUICE_POLICY, SLUICE_MAKE, settings)
            }
            fn categorize(
                failure: $crate::guest::categorize::wit::Failure,
            ) -> Option<$crate::guest::categorize::wit::Verdict> {
                let failure = $crate::guest::categorize::read(failure);
                $crate::guest::ask(&SLUICE_POLICY, SLUICE_MAKE, |policy| {
                    $crate::Categorizer::categorize(policy, &failure)
                })
                .map($crate::guest::categorize::answer)
            }
        }
        $crate::guest::categorize::bindings::export_categorize!(
            SluiceExports with_types_in $crate::guest::categorize::bindings
        );
    };
    ($policy:ty : Exporter) => {
        $crate::__slot!($policy: Exporter);
        impl $crate::guest::export::wit::Guest for SluiceExports {
            fn configure(settings: Vec<(String, String)>) -> Result<(), String> {
                $crate::guest::configure(&SLUICE_POLICY, SLUICE_MAKE, settings)
            }
            fn export(
                batch: $crate::guest::export::wit::Batch,
            ) -> Vec<$crate::guest::export::wit::Delivery> {
                let batch = $crate::guest::export::read(batch);
                $crate::guest::export::answer($crate::guest::ask(
                    &SLUICE_POLICY,
                    SLUICE_MAKE,
                    |policy| $crate::Exporter::export(policy, &batch),
                ))
            }
        }
        $crate::guest::export::bindings::export_export!(
            SluiceExports with_types_in $crate::guest::export::bindings
        );
    };
}

#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
#[macro_export]
macro_rules! __slot {
    ($policy:ty : $kind:ident) => {
        struct SluiceExports;
        ::std::thread_local! {
            static SLUICE_POLICY: ::std::cell::OnceCell<$policy> =
                const { ::std::cell::OnceCell::new() };
        }
        const SLUICE_MAKE: fn(&mut $crate::Settings) -> Result<$policy, String> =
            <$policy as $crate::$kind>::configure;
    };
}

/// Exports a policy: `export!(MyType: RetryPolicy)`, `Categorizer` or `Exporter`. Once in a crate.
/// Here, not on `wasm32`, it only checks that the type is one.
#[cfg(not(target_arch = "wasm32"))]
#[macro_export]
macro_rules! export {
    ($policy:ty : $kind:ident) => {
        const _: () = {
            const fn is_policy<P: $crate::$kind>() {}
            is_policy::<$policy>();
        };
    };
}
