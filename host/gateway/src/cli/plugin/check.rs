//! `sluice plugin check`: all that a gateway asks before it lets a plugin in, without a gateway.

use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use clap::Args;

use super::ground::Ground;
use super::question::Question;
use super::subject::Subject;
use crate::cli::print;

/// Answers of which one has to come within the deadline.
const TRIES: u32 = 20;

#[derive(Args)]
pub(in crate::cli) struct Check {
    /// The plugin's folder, or a component.
    #[arg(default_value = ".")]
    plugin: PathBuf,
    #[command(flatten)]
    ground: Ground,
}

impl Check {
    pub fn run(self) -> anyhow::Result<()> {
        let subject = Subject::open(&self.plugin)?;
        let name = &subject.name;
        let candidate = self.ground.open()?.admit(&subject, &subject.sidecar)?;
        let question = Question::typical(candidate.kind());
        let spent = question.put(&candidate)?;
        // Within the time that it has while it serves, too. On a busy machine one answer may be
        // scheduled away, and that is not the plugin's fault.
        let served = candidate
            .as_served()
            .map_err(|why| anyhow!("{name} is refused: {why}"))?;
        (1..TRIES)
            .find_map(|_| question.put(&served).ok())
            .map_or_else(|| question.put(&served), Ok)
            .with_context(|| format!("{name} is refused: {}", question.what()))?;
        print(&format!(
            "{name}: a {} policy, contract {}, {} bytes\n\
             {} takes {} units of fuel and {} KiB of memory\n\
             a gateway lets it in\n",
            candidate.kind().as_str(),
            candidate.contract(),
            subject.component.len(),
            question.what(),
            spent
                .fuel
                .map_or_else(|| "?".to_owned(), |fuel| fuel.to_string()),
            spent.memory / 1024,
        ))
    }
}
