use std::path::Path;

use anyhow::bail;

use super::{Folder, Tool, tell};

/// What the compiler for JavaScript asks of Node.js.
const OLDEST_NODE: u32 = 20;

/// Brings the compiler with npm, the first time, and runs the folder's `build.mjs`.
pub(super) fn build(folder: &Folder) -> anyhow::Result<()> {
    let node = Tool {
        program: Path::new("node"),
        missing: "missing: Node.js 20 or newer; install it with your package manager (`apt-get install nodejs npm`)",
    };
    let version = node.ask(node.command(folder).arg("--version"))?;
    let major = version
        .trim_start_matches('v')
        .split('.')
        .next()
        .and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < OLDEST_NODE) {
        bail!("Node.js {OLDEST_NODE} or newer is needed; this is {version}");
    }
    let compiler = "node_modules/@bytecodealliance/componentize-js";
    if !folder.dir.join(compiler).exists() {
        tell("bringing the compiler with npm, once for this folder");
        let npm = Tool {
            program: Path::new("npm"),
            missing: "missing: npm; install it with your package manager (`apt-get install npm`)",
        };
        let arguments = ["install", "--no-audit", "--no-fund", "--loglevel=error"];
        npm.run(npm.command(folder).args(arguments))?;
    }
    tell("compiling, which takes some seconds");
    node.run(node.command(folder).arg("build.mjs"))
}
