//! `sluice plugin new`: a folder with a policy that works, and all it needs to be built. Everything
//! comes out of this binary, so it works without a network.

mod files;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use super::folder::{Kind, Language, check_name};
use crate::cli::print;
use crate::exit::Usage;

#[derive(Args)]
pub(in crate::cli) struct New {
    /// The plugin's name; the folder is made here under it.
    name: String,
    /// What it decides.
    #[arg(long, value_enum)]
    kind: Kind,
    /// What it is written in.
    #[arg(long, value_enum, default_value = "rust")]
    lang: Language,
}

impl New {
    pub fn run(self) -> anyhow::Result<()> {
        let Self { name, kind, lang } = self;
        let path = PathBuf::from(&name);
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        check_name(&name)?;
        if path.exists() {
            return Err(Usage(format!("{} is already there", path.display())).into());
        }
        for (file, text) in files::of(&name, kind, lang) {
            write(&path.join(file), &text)?;
        }
        let path = path.display();
        print(&format!(
            "made {path}: a {kind} policy in {lang}\n\n\
             next:\n  \
             sluice plugin build {path}   make the component\n  \
             sluice plugin check {path}   all that a gateway asks before it lets a plugin in\n  \
             sluice plugin test {path}    its cases\n  \
             sluice plugin bench {path}   what an answer costs\n"
        ))
    }
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(dir) = file.parent() {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    }
    std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}
