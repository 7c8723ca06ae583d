//! `componentize FROM.wasm TO.wasm [FROM TO]…`: core modules to components.

use std::path::Path;

use anyhow::{Result, bail};

fn main() -> Result<()> {
    let paths: Vec<_> = std::env::args_os().skip(1).collect();
    if paths.is_empty() || !paths.len().is_multiple_of(2) {
        bail!("usage: componentize FROM.wasm TO.wasm [FROM TO]…");
    }
    for pair in paths.chunks_exact(2) {
        if let [from, to] = pair {
            let bytes = sluice_componentize::componentize_file(Path::new(from), Path::new(to))?;
            eprintln!("{} ({bytes} bytes)", Path::new(to).display());
        }
    }
    Ok(())
}
