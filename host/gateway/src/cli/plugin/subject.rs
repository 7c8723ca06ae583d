//! What the commands for authors are pointed at: a plugin's folder or a component.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};

use super::folder::Folder;
use crate::exit::Usage;

/// A component with the files beside it.
pub(super) struct Subject {
    /// The plugin's name, as the gateway would take it.
    pub name: String,
    /// The component's bytes.
    pub component: Vec<u8>,
    /// The text of the sidecar; empty without one.
    pub sidecar: String,
    /// Where cases lie, whether or not there are any.
    pub cases: PathBuf,
}

impl Subject {
    /// Reads a folder's component or a component by itself, and what lies beside it.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let (file, cases) = if path.is_dir() {
            let folder = Folder::open(path)?;
            let file = folder.component();
            if !file.exists() {
                return Err(anyhow!(
                    "{} is not there: run `sluice plugin build {}` first",
                    file.display(),
                    path.display()
                ));
            }
            (file, path.join("cases.toml"))
        } else {
            let cases = path.with_file_name("cases.toml");
            (path.to_owned(), cases)
        };
        let name = match (file.extension(), file.file_stem()) {
            (Some(extension), Some(stem)) if extension == "wasm" => stem.to_string_lossy(),
            _ => {
                return Err(Usage(format!(
                    "{} is neither a plugin's folder nor a .wasm file",
                    path.display()
                ))
                .into());
            }
        };
        let component = std::fs::read(&file)
            .map_err(|error| Usage(format!("cannot read {}: {error}", file.display())))?;
        let sidecar = file.with_extension("toml");
        let sidecar = match std::fs::read_to_string(&sidecar) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", sidecar.display()));
            }
        };
        Ok(Self {
            name: name.into_owned(),
            component,
            sidecar,
            cases,
        })
    }
}
