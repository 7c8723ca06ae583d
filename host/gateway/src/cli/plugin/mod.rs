//! `sluice plugin …`: one file for each command.

mod list;

use clap::Subcommand;

#[derive(Subcommand)]
pub(super) enum Plugin {
    /// List the plugins, the native policies and refused files included.
    List(list::List),
}

impl Plugin {
    pub async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(list) => list.run().await,
        }
    }
}
