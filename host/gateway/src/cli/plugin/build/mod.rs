//! `sluice plugin build`: from a folder to the component in it, with the tools of its language.

mod js;
mod python;
mod rust;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, anyhow, bail};
use clap::Args;

use super::folder::{Folder, Language};
use crate::cli::print;

#[derive(Args)]
pub(in crate::cli) struct Build {
    /// The plugin's folder.
    #[arg(default_value = ".")]
    folder: PathBuf,
}

impl Build {
    pub fn run(self) -> anyhow::Result<()> {
        // Tools are run inside the folder, so relative paths would lead elsewhere.
        let dir = self.folder.canonicalize().unwrap_or(self.folder);
        let folder = Folder::open(&dir)?;
        match folder.language {
            Language::Rust => rust::build(&folder),
            Language::Js => js::build(&folder),
            Language::Python => python::build(&folder),
        }?;
        let file = folder.component();
        let size = std::fs::metadata(&file)
            .with_context(|| format!("{} was not made", file.display()))?
            .len();
        print(&format!("{} ({size} bytes)\n", file.display()))
    }
}

/// A tool that a language needs, and what to do where it is missing.
struct Tool<'a> {
    program: &'a Path,
    missing: &'a str,
}

impl Tool<'_> {
    /// A command in the plugin's folder, without a standard input to wait for.
    fn command(&self, folder: &Folder) -> Command {
        let mut command = Command::new(self.program);
        command.current_dir(&folder.dir).stdin(Stdio::null());
        command
    }

    /// Runs it with its output on our standard error: standard output is for the result.
    fn run(&self, command: &mut Command) -> anyhow::Result<()> {
        let output = command.stdout(Stdio::piped()).stderr(Stdio::inherit());
        let output = output.output().map_err(|error| self.explain(error))?;
        // Nothing to do about a terminal that is gone.
        let _ = std::io::stderr().write_all(&output.stdout);
        if !output.status.success() {
            bail!(
                "{} ended with {}; what it said is above",
                self.program.display(),
                output.status
            );
        }
        Ok(())
    }

    /// What it says on its standard output.
    fn ask(&self, command: &mut Command) -> anyhow::Result<String> {
        let output = command.output().map_err(|error| self.explain(error))?;
        if !output.status.success() {
            bail!("{}", self.missing);
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn explain(&self, error: std::io::Error) -> anyhow::Error {
        if error.kind() == std::io::ErrorKind::NotFound {
            anyhow!("{}", self.missing)
        } else {
            anyhow::Error::new(error).context(format!("cannot run {}", self.program.display()))
        }
    }
}

/// Says what takes its time.
fn tell(what: &str) {
    let _ = writeln!(std::io::stderr(), "{what}");
}
