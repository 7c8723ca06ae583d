//! What a plugin is tried on without a running gateway: the engines with an operator's limits.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;
use sluice_policy::{Candidate, Limits, Workbench};

use super::subject::Subject;
use crate::settings;

#[derive(Args)]
pub(super) struct Ground {
    /// The configuration whose limits hold; without it, defaults and the environment.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where compiled code is kept from one run to the next; nowhere when left out. Compiling a
    /// JavaScript or Python component takes long.
    #[arg(long, value_name = "DIR", env = "SLUICE_PLUGIN_CACHE")]
    cache: Option<PathBuf>,
}

/// The engines, with the limits they hold to.
pub(super) struct Bench {
    workbench: Workbench,
    limits: Limits,
}

impl Ground {
    pub(super) fn open(&self) -> anyhow::Result<Bench> {
        let overrides = sluice_config::Overrides::from_env();
        let config = sluice_config::load(self.config.as_deref(), &overrides)?;
        let limits = settings::policies(&config, &config.data.dir, None).limits;
        let workbench = Workbench::new(limits.clone(), self.cache.as_deref())?;
        Ok(Bench { workbench, limits })
    }
}

impl Bench {
    /// What can be said of a component without asking it anything, with this text as its sidecar.
    pub(super) fn load(&self, subject: &Subject, sidecar: &str) -> anyhow::Result<Candidate> {
        let size = u64::try_from(subject.component.len())?;
        if size > self.limits.max_file_bytes {
            bail!(
                "{} is refused: has {size} bytes; policy.max_size allows {}",
                subject.name,
                self.limits.max_file_bytes
            );
        }
        self.workbench
            .load(&subject.name, &subject.component, sidecar)
            .map_err(anyhow::Error::msg)
            .with_context(|| refused(subject))
    }

    /// The same and the known errors put to it: all that a gateway asks.
    pub(super) fn admit(&self, subject: &Subject, sidecar: &str) -> anyhow::Result<Candidate> {
        let candidate = self.load(subject, sidecar)?;
        candidate
            .check()
            .map_err(anyhow::Error::msg)
            .with_context(|| refused(subject))?;
        Ok(candidate)
    }
}

fn refused(subject: &Subject) -> String {
    format!("{} is refused", subject.name)
}
