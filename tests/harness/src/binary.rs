use std::path::PathBuf;

use anyhow::Context as _;

/// The `sluice` binary of the build that this test belongs to, and the plugins beside it.
pub fn binary() -> anyhow::Result<PathBuf> {
    let binary = profile_dir()?.join("sluice");
    anyhow::ensure!(
        binary.is_file(),
        "{} is not built; `cargo build -p sluice` builds it",
        binary.display()
    );
    Ok(binary)
}

/// Where `make components` put the shipped policies, if it ran.
pub(crate) fn plugins() -> Option<PathBuf> {
    let dir = profile_dir().ok()?.parent()?.join("plugins");
    dir.is_dir().then_some(dir)
}

/// A component of `plugins/examples`, as `make components` left it.
pub fn example_plugin(name: &str) -> anyhow::Result<Vec<u8>> {
    let dir = profile_dir()?.join("../example-plugins");
    let file = dir.join(format!("{name}.wasm"));
    std::fs::read(&file).with_context(|| format!("{}: `make components` makes it", file.display()))
}

/// `target/debug`, from `target/debug/deps/it-…`.
fn profile_dir() -> anyhow::Result<PathBuf> {
    let executable = std::env::current_exe()?;
    executable
        .ancestors()
        .nth(2)
        .map(PathBuf::from)
        .ok_or_else(|| anyhow::anyhow!("{} is in no target directory", executable.display()))
}
