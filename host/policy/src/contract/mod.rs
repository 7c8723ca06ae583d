//! The contracts in `wit/`, release by release, and the way between their records and the
//! gateway's own.
//!
//! Every conversion takes its argument apart without `..` and builds its result without defaults:
//! a field added on one side does not compile until the other side has it. A release is chosen
//! once, when a component is loaded; from then on it is a trait object like any other.

mod categorize;
mod export;
mod release;
mod retry;
mod v0_1;

use std::sync::Arc;

use sluice_domain::{Attempt, Batch, Decision, Delivery, Failure, UnixMillis, Verdict};
use wasmtime::StoreContextMut;
use wasmtime::component::Linker;

use crate::Kind;
use crate::runtime::{Contract, Host, Moment, Prepared, Reply, Reuse, Runner, Spent};

pub(crate) use release::{Release, Spoken, check_imports, spoken};

/// A retry policy, whatever release it speaks.
pub(crate) trait Decides: Send + Sync {
    /// None when it abstains.
    fn decide(&self, attempt: &Attempt, moment: Moment) -> Reply<Option<Decision>>;
}

/// A categorizer, whatever release it speaks.
pub(crate) trait Categorizes: Send + Sync {
    /// None when it abstains.
    fn categorize(&self, failure: &Failure, moment: Moment) -> Reply<Option<Verdict>>;
}

/// An exporter, whatever release it speaks.
pub(crate) trait Exports: Send + Sync {
    /// Encodes a batch.
    fn export(&self, batch: &Batch, moment: Moment) -> Reply<Vec<Delivery>>;
}

/// The component, by kind.
pub(crate) enum Body {
    Retry(Box<dyn Decides>),
    Categorize(Box<dyn Categorizes>),
    Export(Box<dyn Exports>),
}

impl Body {
    /// Fails when the component does not have the exports in the shape of its contract.
    pub(crate) fn new(
        spoken: Spoken,
        prepared: &Arc<Prepared>,
        reuse: Option<Reuse>,
    ) -> wasmtime::Result<Self> {
        fn runner<C: Contract>(
            prepared: &Arc<Prepared>,
            reuse: Option<Reuse>,
        ) -> wasmtime::Result<Box<Runner<C>>> {
            Runner::new(prepared, reuse).map(Box::new)
        }
        Ok(match (spoken.kind, spoken.release) {
            (Kind::Retry, Release::V1) => {
                Self::Retry(runner::<retry::RetryPolicyPre<Host>>(prepared, reuse)?)
            }
            (Kind::Retry, Release::V0_1) => {
                Self::Retry(runner::<v0_1::RetryPolicyPre<Host>>(prepared, reuse)?)
            }
            (Kind::Categorize, Release::V1) => Self::Categorize(runner::<
                categorize::CategorizePolicyPre<Host>,
            >(prepared, reuse)?),
            (Kind::Categorize, Release::V0_1) => {
                Self::Categorize(runner::<v0_1::CategorizePolicyPre<Host>>(prepared, reuse)?)
            }
            (Kind::Export, Release::V1) => {
                Self::Export(runner::<export::ExportPolicyPre<Host>>(prepared, reuse)?)
            }
            (Kind::Export, Release::V0_1) => {
                Self::Export(runner::<v0_1::ExportPolicyPre<Host>>(prepared, reuse)?)
            }
        })
    }

    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::Retry(_) => Kind::Retry,
            Self::Categorize(_) => Kind::Categorize,
            Self::Export(_) => Kind::Export,
        }
    }

    /// None when it abstains, or is no retry policy. The attempt's entropy is all the chance it has.
    pub(crate) fn decide(&self, attempt: &Attempt, at: UnixMillis) -> Reply<Option<Decision>> {
        match self {
            Self::Retry(policy) => policy.decide(attempt, moment(at, attempt.entropy)),
            _ => Ok((None, Spent::NOTHING)),
        }
    }

    /// None when it abstains, or is no categorizer.
    pub(crate) fn categorize(&self, failure: &Failure, at: UnixMillis) -> Reply<Option<Verdict>> {
        match self {
            Self::Categorize(policy) => policy.categorize(failure, moment(at, at.0)),
            _ => Ok((None, Spent::NOTHING)),
        }
    }

    /// Nothing when it is no exporter.
    pub(crate) fn export(&self, batch: &Batch) -> Reply<Vec<Delivery>> {
        match self {
            Self::Export(policy) => {
                policy.export(batch, moment(UnixMillis(batch.at_ms), batch.at_ms))
            }
            _ => Ok((Vec::new(), Spent::NOTHING)),
        }
    }
}

const fn moment(at: UnixMillis, seed: u64) -> Moment {
    Moment { at_ms: at.0, seed }
}

/// Gives components what every release calls the log.
pub(crate) fn link_log(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    for release in Release::ALL {
        let name = format!("sluice:host/log@{}", release.as_str());
        linker.instance(&name)?.func_wrap(
            "write",
            |mut store: StoreContextMut<'_, Host>, (level, message): (u32, String)| {
                store.data_mut().log(level, &message)
            },
        )?;
    }
    Ok(())
}

/// What every kind and release has in common: an instance is made, and handed its settings.
macro_rules! contract {
    ($pre:ident, $exports:ty, $policy:ident) => {
        impl crate::runtime::Contract for $pre<Host> {
            type Exports = $exports;

            fn new(pre: wasmtime::component::InstancePre<Host>) -> wasmtime::Result<Self> {
                Self::new(pre)
            }

            fn instantiate(
                &self,
                store: &mut wasmtime::Store<Host>,
            ) -> wasmtime::Result<Self::Exports> {
                self.instantiate(store)
            }

            fn configure(
                exports: &Self::Exports,
                store: &mut wasmtime::Store<Host>,
                settings: &[(&str, &str)],
            ) -> wasmtime::Result<Result<(), String>> {
                exports.$policy().call_configure(store, settings)
            }
        }
    };
}
use contract;
