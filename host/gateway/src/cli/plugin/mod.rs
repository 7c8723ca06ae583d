//! `sluice plugin …`: one file for each command.

mod bench;
mod build;
mod change;
mod check;
mod diff;
mod folder;
mod ground;
mod list;
mod new;
mod question;
mod replay;
mod subject;
mod test;

use clap::Subcommand;

#[derive(Subcommand)]
pub(super) enum Plugin {
    /// Make the folder of a new plugin, with a policy that works.
    New(new::New),
    /// Make the component of a plugin's folder.
    Build(build::Build),
    /// Ask a component all that a gateway asks before it lets one in.
    Check(check::Check),
    /// Put the cases of `cases.toml` to a component.
    Test(test::Test),
    /// Measure what an answer of a component costs.
    Bench(bench::Bench),
    /// Show what a component would have decided about the failures in the journal.
    Replay(replay::Replay),
    /// List the plugins, the native policies and refused files included.
    List(list::List),
    /// Let a plugin reach further: from shadow to canary, from canary to live, or straight to a mode.
    Promote(change::Promote),
    /// Take a plugin out of force: its mode is off from now on.
    Abort(change::Change),
    /// Take back the generation that serves; the one before it serves again.
    Rollback(change::Change),
    /// Show how a plugin in shadow or as a canary compares with what is in force.
    Diff(diff::Diff),
}

impl Plugin {
    pub async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::New(new) => new.run(),
            Self::Build(build) => build.run(),
            Self::Check(check) => check.run(),
            Self::Test(test) => test.run(),
            Self::Bench(bench) => bench.run(),
            Self::Replay(replay) => replay.run().await,
            Self::List(list) => list.run().await,
            Self::Promote(promote) => promote.run().await,
            Self::Abort(abort) => abort.run("abort").await,
            Self::Rollback(rollback) => rollback.run("rollback").await,
            Self::Diff(diff) => diff.run().await,
        }
    }
}
