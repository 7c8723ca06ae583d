"""A plugin's folder and the command line around it."""

import hashlib
import os
import pathlib
import shutil
import subprocess

PATIENCE = 300


class Sluice:
    """The binary under test, in a directory of its own."""

    def __init__(self, binary, tools, work):
        self.binary, self.tools, self.work = binary, pathlib.Path(tools), pathlib.Path(work)
        self.cache = self.tools / "cache"
        self.cache.mkdir(parents=True, exist_ok=True)
        # Crates that every new Rust plugin needs are compiled once for all of them.
        self.env = {
            **os.environ,
            "CARGO_TARGET_DIR": str(self.tools / "target"),
            "SLUICE_PLUGIN_CACHE": str(self.cache),
            # Unoptimised, on a busy machine; what is never answered is cut off all the same.
            "SLUICE_POLICY__DEADLINE": "250ms",
        }
        # Tools that turn up in a test's environment are for the test, not for cargo.
        for name in ("RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"):
            self.env.pop(name, None)

    def run(self, *arguments, code=0):
        """What it says on both outputs; fails when it ends otherwise than expected."""
        ran = subprocess.run(
            [self.binary, "plugin", *map(str, arguments)],
            cwd=self.work,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        said = ran.stdout + ran.stderr
        assert ran.returncode == code, f"{arguments}: ended with {ran.returncode}: {said}"
        return said

    def new(self, language, kind):
        """A folder made by `plugin new`, with its component."""
        name = f"{language}-{kind}"
        self.run("new", name, "--kind", kind, "--lang", language)
        folder = self.work / name
        if language == "js":
            (folder / "node_modules").symlink_to(self.tools / "node/node_modules")
        if language == "python":
            (folder / ".venv").symlink_to(self.tools / "venv")
        return folder

    def build(self, folder):
        """Builds the folder's component, or takes the one that was built from the same files."""
        kept = self.tools / "built" / f"{digest(folder)}.wasm"
        component = folder / f"{folder.name}.wasm"
        if kept.exists():
            shutil.copy(kept, component)
            return
        said = self.run("build", folder.name)
        assert str(component.name) in said, said
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(".part")
        shutil.copy(component, part)
        part.rename(kept)


def digest(folder):
    """Of all that a component is made from."""
    hashed = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        tool = inside.parts[0] in (".venv", "node_modules", "target", ".cache")
        if not tool and path.is_file() and path.suffix != ".wasm":
            hashed.update(str(inside).encode() + b"\0" + path.read_bytes() + b"\0")
    return hashed.hexdigest()
