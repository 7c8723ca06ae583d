//! A folder made by `plugin new`.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::exit::Usage;

/// The file that says what a folder is.
pub(super) const MANIFEST: &str = "plugin.toml";

/// What a plugin decides.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// What to do about a failed attempt.
    Retry,
    /// What a failure is.
    Categorize,
    /// How measurements and events leave the gateway.
    Export,
}

/// What a plugin is written in.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Language {
    /// 20 kB, answers in less than a microsecond.
    Rust,
    /// JavaScript, with its engine inside: 12 MB.
    Js,
    /// Python, with its interpreter inside: 18 MB or more.
    Python,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(word(self).as_str())
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(word(self).as_str())
    }
}

/// The word for a value on the command line and in the manifest.
fn word(value: &impl ValueEnum) -> String {
    value
        .to_possible_value()
        .map_or_else(String::new, |value| value.get_name().to_owned())
}

/// A folder made by `plugin new`.
pub(super) struct Folder {
    pub dir: PathBuf,
    pub name: String,
    pub kind: Kind,
    pub language: Language,
}

impl Folder {
    /// Reads the folder's manifest.
    pub(super) fn open(dir: &Path) -> anyhow::Result<Self> {
        let file = dir.join(MANIFEST);
        let text = std::fs::read_to_string(&file).map_err(|error| {
            Usage(format!(
                "{} is no plugin's folder: {MANIFEST} in it cannot be read ({error}); `sluice plugin new` makes one",
                dir.display()
            ))
        })?;
        let manifest: toml::Table = text
            .parse()
            .map_err(|error| Usage(format!("{}: {error}", file.display())))?;
        let value = |key: &str| {
            let value = manifest.get(key).and_then(toml::Value::as_str);
            value.ok_or_else(|| Usage(format!("{}: {key} is missing", file.display())))
        };
        let name = value("name")?;
        check_name(name)?;
        let wrong = |key: &str, error: String| Usage(format!("{}: {key}: {error}", file.display()));
        Ok(Self {
            dir: dir.to_owned(),
            name: name.to_owned(),
            kind: Kind::from_str(value("kind")?, false).map_err(|error| wrong("kind", error))?,
            language: Language::from_str(value("language")?, false)
                .map_err(|error| wrong("language", error))?,
        })
    }

    /// Where `plugin build` puts the component.
    pub(super) fn component(&self) -> PathBuf {
        self.dir.join(format!("{}.wasm", self.name))
    }
}

/// The name of a plugin is also a file's, a crate's and a package's.
pub(super) fn check_name(name: &str) -> Result<(), Usage> {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fits = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= 32
        && name.chars().all(inner)
        && !name.ends_with('-')
        // Of the files in the folder.
        && !matches!(name, "plugin" | "cases");
    if fits {
        Ok(())
    } else {
        Err(Usage(format!(
            "{name:?} is no name for a plugin: a to z, 0 to 9 and -, beginning with a letter, at most 32, and not \"plugin\" or \"cases\""
        )))
    }
}
