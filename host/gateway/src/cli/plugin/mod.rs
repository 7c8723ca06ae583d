//! `sluice plugin …`: one file for each command.

mod build;
mod folder;
mod list;
mod new;

use clap::Subcommand;

#[derive(Subcommand)]
pub(super) enum Plugin {
    /// Make the folder of a new plugin, with a policy that works.
    New(new::New),
    /// Make the component of a plugin's folder.
    Build(build::Build),
    /// List the plugins, the native policies and refused files included.
    List(list::List),
}

impl Plugin {
    pub async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::New(new) => new.run(),
            Self::Build(build) => build.run(),
            Self::List(list) => list.run().await,
        }
    }
}
