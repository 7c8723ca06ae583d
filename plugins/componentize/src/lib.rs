//! Wraps a core WebAssembly module that carries its world (as `wit-bindgen` leaves it) into a
//! component, which is what the gateway loads.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use wit_component::ComponentEncoder;

/// The component for a core module. The module must carry the custom section that names its world,
/// and the result is validated.
pub fn componentize(module: &[u8]) -> Result<Vec<u8>> {
    ComponentEncoder::default()
        .validate(true)
        .module(module)
        .context("the module does not carry a world; is it built with wit-bindgen?")?
        .encode()
        .context("the module does not fit its world")
}

/// Reads a module and puts the component at `to`, in one rename, so that a gateway that watches the
/// directory never sees half of it.
pub fn componentize_file(from: &Path, to: &Path) -> Result<u64> {
    let module = std::fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
    let component = componentize(&module).with_context(|| from.display().to_string())?;
    let Some(dir) = to.parent() else {
        bail!("{} names no file", to.display());
    };
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    // Not ending in `.wasm`: a gateway takes no notice of it.
    let part = to.with_extension("part");
    std::fs::write(&part, &component)
        .with_context(|| format!("cannot write {}", part.display()))?;
    std::fs::rename(&part, to).with_context(|| format!("cannot write {}", to.display()))?;
    Ok(component.len() as u64)
}
