use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, bail};

use super::{Folder, Tool};

const TARGET: &str = "wasm32-unknown-unknown";

/// Builds the core module with cargo and wraps it.
pub(super) fn build(folder: &Folder) -> anyhow::Result<()> {
    let rustc = Tool {
        program: Path::new("rustc"),
        missing: "missing: Rust; install it with rustup (https://rustup.rs)",
    };
    let mut libraries = rustc.command(folder);
    libraries.args(["--print", "target-libdir", "--target", TARGET]);
    if !Path::new(&rustc.ask(&mut libraries)?).is_dir() {
        bail!("missing: the Rust target {TARGET}; run `rustup target add {TARGET}`");
    }
    let cargo = Tool {
        program: Path::new("cargo"),
        missing: "missing: cargo; install Rust with rustup (https://rustup.rs)",
    };
    let module = module(folder, &cargo)?;
    sluice_componentize::componentize_file(&module, &folder.component())?;
    Ok(())
}

/// The core module. Cargo tells where it is: the target directory may be anywhere.
fn module(folder: &Folder, cargo: &Tool<'_>) -> anyhow::Result<PathBuf> {
    let mut command = cargo.command(folder);
    command
        .args(["build", "--release", "--lib", "--target", TARGET])
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit());
    let output = command.output().map_err(|error| cargo.explain(error))?;
    if !output.status.success() {
        bail!("cargo could not build it; what it said is above");
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let mut files = text.lines().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let files = message.get("filenames")?.as_array()?;
        let mut files = files
            .iter()
            .filter_map(|file| file.as_str().map(PathBuf::from));
        files.find(|file| {
            file.extension()
                .is_some_and(|extension| extension == "wasm")
        })
    });
    // The plugin itself is built last.
    files
        .next_back()
        .context("cargo made no .wasm file: is `crate-type` in Cargo.toml still \"cdylib\"?")
}
