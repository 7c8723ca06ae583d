//! A component outside the gateway: for those who write one, and for the replay of decisions.

use std::path::Path;
use std::sync::Arc;

use sluice_domain::{
    AccountName, Attempt, Batch, Decision, Delivery, Failure, UnixMillis, Verdict,
};

use crate::admit::{Examined, File};
use crate::contract::Body;
use crate::envelope::{bound_decision, bound_verdict};
use crate::runtime::{Fault, Runtime, Spent, Use};
use crate::sidecar::Sidecar;
use crate::{Kind, Limits, PolicyError};

/// The engines that candidates run in. One serves any number of them.
#[derive(Clone)]
pub struct Workbench {
    runtime: Arc<Runtime>,
    limits: Limits,
}

impl Workbench {
    /// Starts the engines. Compiled code is kept in `cache_dir` (made with mode 0700).
    pub fn new(limits: Limits, cache_dir: Option<&Path>) -> Result<Self, PolicyError> {
        let runtime = Arc::new(Runtime::new(&limits, cache_dir)?);
        Ok(Self { runtime, limits })
    }

    /// On the engines of policies that serve.
    pub(crate) const fn on(runtime: Arc<Runtime>, limits: Limits) -> Self {
        Self { runtime, limits }
    }

    /// Loads a component with the text of its sidecar (empty for none). Everything is checked that
    /// can be without asking it; [`Candidate::check`] asks. The error is for its author.
    pub fn load(&self, name: &str, bytes: &[u8], sidecar: &str) -> Result<Candidate, String> {
        let sidecar = Sidecar::parse(sidecar).map_err(|why| format!("{name}.toml: {why}"))?;
        let file = File {
            runtime: &self.runtime,
            name,
            bytes,
            sidecar: &sidecar,
            limits: &self.limits,
        };
        let examined = file.examine(Use::Metered)?;
        Ok(Candidate {
            body: examined.body(None)?,
            examined,
            bytes: bytes.into(),
        })
    }
}

/// A component that answers with what each answer takes in fuel. Every question is put to a fresh
/// instance and knows nothing but its arguments, so that it has the same answer and takes the same
/// fuel on every machine.
pub struct Candidate {
    body: Body,
    examined: Examined,
    bytes: Arc<[u8]>,
}

impl Candidate {
    /// What it is asked.
    pub const fn kind(&self) -> Kind {
        self.examined.spoken.kind
    }

    /// The release of the contracts that it speaks.
    pub const fn contract(&self) -> &'static str {
        self.examined.spoken.release.as_str()
    }

    /// Puts every error of the catalogue to it, as admission does. The error names the case.
    pub fn check(&self) -> Result<(), String> {
        self.examined.rehearse()
    }

    /// The component itself.
    pub(crate) const fn body(&self) -> &Body {
        &self.body
    }

    /// The accounts it is to be asked about; empty for all.
    pub(crate) fn accounts(&self) -> &[AccountName] {
        &self.examined.sidecar.accounts
    }

    /// What it decides at that moment, and what it takes: the answer itself, which the gateway
    /// would [bound](Self::bound_decision). None when it abstains.
    pub fn decide(
        &self,
        attempt: &Attempt,
        at: UnixMillis,
    ) -> Result<(Option<Decision>, Spent), Fault> {
        self.body.decide(attempt, at)
    }

    /// What it says of a failure, before the gateway bounds it.
    pub fn categorize(
        &self,
        failure: &Failure,
        at: UnixMillis,
    ) -> Result<(Option<Verdict>, Spent), Fault> {
        self.body.categorize(failure, at)
    }

    /// What it makes of a batch.
    pub fn export(&self, batch: &Batch) -> Result<(Vec<Delivery>, Spent), Fault> {
        self.body.export(batch)
    }

    /// A decision inside the gateway's envelope, and what was wrong with it.
    pub fn bound_decision(
        &self,
        attempt: &Attempt,
        decision: Decision,
    ) -> (Decision, Option<&'static str>) {
        bound_decision(attempt, decision, &self.examined.limits)
    }

    /// A verdict inside the gateway's envelope, and what was wrong with it.
    pub fn bound_verdict(
        &self,
        failure: &Failure,
        verdict: Verdict,
    ) -> (Verdict, Option<&'static str>) {
        bound_verdict(failure, verdict)
    }

    /// The same component in the engine that serves, with the deadlines and the reuse of its
    /// sidecar: to measure its time. It counts no fuel.
    pub fn as_served(&self) -> Result<Self, String> {
        let metered = &self.examined;
        let file = File {
            runtime: &metered.runtime,
            name: &metered.name,
            bytes: &self.bytes,
            sidecar: &metered.sidecar,
            limits: &metered.limits,
        };
        let examined = file.examine(Use::Serving)?;
        Ok(Self {
            body: examined.body(metered.sidecar.reuse)?,
            examined,
            bytes: self.bytes.clone(),
        })
    }
}
