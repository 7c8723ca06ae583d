use std::path::Path;

use anyhow::Context as _;

use super::{Folder, Tool, tell};

/// Brings the compiler into `.venv`, the first time, and runs it.
pub(super) fn build(folder: &Folder) -> anyhow::Result<()> {
    let programs = folder.dir.join(".venv/bin");
    let compiler = programs.join("componentize-py");
    if !compiler.exists() {
        tell("bringing the compiler with pip into .venv, once for this folder");
        let python = Tool {
            program: Path::new("python3"),
            missing: "missing: Python 3.10 or newer with venv; install it with your package manager (`apt-get install python3 python3-venv`)",
        };
        python.run(python.command(folder).args(["-m", "venv", ".venv"]))?;
        let pip = Tool {
            program: &programs.join("pip"),
            missing: "missing: pip in .venv; install python3-venv with your package manager and remove .venv",
        };
        let arguments = [
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "-r",
            "requirements.txt",
        ];
        pip.run(pip.command(folder).args(arguments))?;
    }
    let componentize = Tool {
        program: &compiler,
        missing: "missing: componentize-py in .venv; remove .venv and build again",
    };
    tell("compiling, which takes some seconds");
    let part = folder.component().with_extension("part");
    let mut command = componentize.command(folder);
    command
        .args(["-d", "wit", "-w", folder.kind.world()])
        .args(["componentize", "--stub-wasi", "policy", "-o"])
        .arg(&part);
    componentize.run(&mut command)?;
    // In one rename: a gateway may be looking.
    std::fs::rename(&part, folder.component()).context("cannot put the component in its place")
}
