use sha2::{Digest as _, Sha256};

use super::asked::Asked;
use crate::registry::hex;
use crate::{Candidate, Policies, Workbench};

/// A component let in as the plugins directory would, and not beyond.
pub(super) struct Admitted {
    pub hash: String,
    candidate: Candidate,
}

impl Admitted {
    /// The error is for people.
    pub(super) fn new(
        policies: &Policies,
        component: &[u8],
        sidecar: &str,
    ) -> Result<Self, String> {
        let limits = &policies.settings.limits;
        let size = u64::try_from(component.len()).unwrap_or(u64::MAX);
        if size > limits.max_file_bytes {
            let most = limits.max_file_bytes;
            return Err(format!("has {size} bytes; policy.max_size allows {most}"));
        }
        let bench = Workbench::on(policies.runtime.clone(), limits.clone());
        let candidate = bench.load("candidate", component, sidecar)?;
        candidate.check()?;
        Ok(Self {
            hash: hex(&Sha256::digest(component)),
            candidate,
        })
    }

    pub(super) fn asked(&self) -> Asked<'_> {
        Asked {
            body: self.candidate.body(),
            accounts: self.candidate.accounts(),
        }
    }
}
