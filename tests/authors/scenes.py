"""An author's way, from nothing to a plugin that decides in a running gateway."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import traceback

from demo import Demo
from plugin import Sluice

# Rust makes all three kinds.
MADE = [("rust", "retry"), ("rust", "categorize"), ("rust", "export"), ("js", "retry")]
# What takes minutes to compile for an unoptimised gateway, when asked for by name or AUTHORS=all.
SLOW = [("js", "categorize"), ("python", "retry"), ("python", "categorize")]


def made(sluice, language, kind):
    """new, build, check, test."""
    folder = sluice.new(language, kind)
    sluice.build(folder)
    said = sluice.run("check", folder.name)
    assert f"{kind} policy" in said and "1.0.0" in said, said
    said = sluice.run("test", folder.name)
    assert re.search(r"^\d+ passed, 0 failed$", said, re.M), said
    return folder


def decides(demo, folder, language, kind):
    """In the running gateway, against the same error before and after."""
    if kind == "retry":
        flood = (420, "FLOOD_WAIT_1")
        status, problem = demo.send(flood)
        assert (status, problem["code"]) == (429, "FLOOD_WAIT"), problem
        # The wait that is known now would hold the next call back.
        time.sleep(1.5)
        demo.admit(folder)
        began = time.monotonic()
        status, said = demo.send(flood)
        assert status == 200, said
        assert time.monotonic() - began >= 1, "Telegram's wait was not kept"
    elif kind == "categorize":
        limited = (400, "PEER_FLOOD")
        assert demo.send(limited)[1]["code"] == "PEER_FLOOD"
        demo.admit(folder)
        status, problem = demo.send(limited)
        assert (status, problem["code"]) == (403, "ACCOUNT_LIMITED"), problem
        assert "operator" in problem["advice"], problem
    else:
        demo.admit(folder)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            status, said = demo.ask("GET", f"{demo.admin_url}/{folder.name}.txt")
            if status == 200:
                break
            time.sleep(0.2)
        assert status == 200 and "sluice_" in said, said
    row = demo.ask("GET", f"{demo.url}/api/plugins/{folder.name}")[1]
    demo.remove(folder.name)
    return row


def mistakes_are_explained(sluice):
    """What goes wrong says what to do, and ends with the status that scripts look at."""
    folder = sluice.work / "rust-retry"
    for code, part, arguments in [
        (64, "no name for a plugin", ["new", "Not_A_Name", "--kind", "retry"]),
        (64, "already there", ["new", folder.name, "--kind", "retry"]),
        (64, "invalid value", ["new", "x", "--kind", "retries"]),
        (64, "no plugin's folder", ["build", "."]),
        (64, "cannot read", ["check", "nowhere.wasm"]),
        (64, "neither a plugin's folder nor", ["check", "rust-retry/plugin.toml"]),
    ]:
        said = sluice.run(*arguments, code=code)
        assert part in said, said

    sluice.run("new", "unbuilt", "--kind", "export")
    assert "sluice plugin build unbuilt" in sluice.run("check", "unbuilt", code=1)

    for name, content, part in [
        ("text", b"not WebAssembly", "is not WebAssembly"),
        ("core", b"\0asm\1\0\0\0", "core module"),
        ("zip", b"PK\3\4", "zip archive"),
        ("cut", (folder / "rust-retry.wasm").read_bytes()[:9000], "does not compile"),
    ]:
        (sluice.work / f"{name}.wasm").write_bytes(content)
        said = sluice.run("check", f"{name}.wasm", code=1)
        assert f"{name} is refused" in said and part in said, said

    sidecar = folder / "rust-retry.toml"
    kept = sidecar.read_text()
    for text, part in [
        ("[settings]\nlongest = 5\n", 'unknown setting "longest"; there are longest_wait'),
        ("[settings]\nlongest_wait = -1\n", "longest_wait is a whole number from 0 to 86400"),
        ("priorty = 5\n", "priorty"),
    ]:
        sidecar.write_text(text)
        said = sluice.run("check", folder.name, code=1)
        assert part in said, said
    sidecar.write_text(kept)

    wrong = sluice.work / "wrong.toml"
    wrong.write_text('[[case]]\nname = "short"\nfailure = "FLOOD_WAIT_7"\nexpect = { after_ms = 1 }\n')
    said = sluice.run("test", folder.name, "--cases", wrong, code=1)
    assert "FAIL  short" in said and "after_ms: expected 1, got 7000" in said, said
    wrong.write_text('[[case]]\nname = "typo"\nfialure = "FLOOD_WAIT_7"\nexpect = "retry"\n')
    said = sluice.run("test", folder.name, "--cases", wrong, code=64)
    assert "line 3" in said and "fialure" in said, said


def costs_are_measured(sluice):
    """`bench` measures, and says what it measured."""
    said = sluice.run("bench", "rust-retry", "--calls", "500")
    rows = re.findall(r"^(reused|fresh) +(\d+(?:\.\d)?) (ns|µs) ", said, re.M)
    assert [row[0] for row in rows] == ["reused", "fresh"], said
    assert re.search(r"^fuel +[1-9]\d+ units", said, re.M), said
    assert re.search(r"^memory +[1-9]\d+ KiB", said, re.M), said


def natively(sluice):
    """A new Rust policy's own tests run without WebAssembly."""
    folder = sluice.work / "rust-retry"
    ran = subprocess.run(
        ["cargo", "test", "--quiet", "--offline"],
        cwd=folder, env=sluice.env, capture_output=True, text=True, timeout=300,
    )
    assert ran.returncode == 0 and "3 passed" in ran.stdout, ran.stdout + ran.stderr


def panic_is_told(sluice):
    """A panic in the guest is told with its message and place."""
    sluice.run("new", "panics", "--kind", "retry")
    folder = sluice.work / "panics"
    source = folder / "src/lib.rs"
    text = source.read_text()
    line = "let Some(wait) = attempt.verdict.wait else {"
    assert line in text
    source.write_text(text.replace(line, f'assert!(attempt.attempt > 9, "only late ones"); {line}'))
    sluice.build(folder)
    said = sluice.run("check", "panics", code=1)
    assert "only late ones" in said and "lib.rs" in said, said
    said = sluice.run("test", "panics", code=1)
    assert "only late ones" in said, said


def main():
    binary, tools, *wanted = sys.argv[1:]
    failed = 0
    with tempfile.TemporaryDirectory(prefix="sluice-authors-") as work:
        sluice = Sluice(binary, tools, work)
        demo = Demo(binary, pathlib.Path(work) / "data", sluice.cache, sluice.env)

        def scene(name, act):
            nonlocal failed
            if wanted and not any(part in name for part in wanted):
                return
            began = time.monotonic()
            try:
                act()
                print(f"authors: {name} ... ok ({time.monotonic() - began:.1f} s)", flush=True)
            except Exception:  # every scene is told, whatever became of the others
                failed += 1
                print(f"authors: {name} ... FAILED", flush=True)
                traceback.print_exc()

        def through(language, kind):
            decides(demo, made(sluice, language, kind), language, kind)

        try:
            scene("panic", lambda: panic_is_told(sluice))
            everything = wanted or os.environ.get("AUTHORS") == "all"
            for language, kind in MADE + (SLOW if everything else []):
                scene(f"{language} {kind}", lambda: through(language, kind))
            scene("rust retry natively", lambda: natively(sluice))
            scene("rust retry costs", lambda: costs_are_measured(sluice))
            scene("rust retry mistakes", lambda: mistakes_are_explained(sluice))
        finally:
            demo.end()
    if failed:
        sys.exit(f"{failed} scenes failed")


if __name__ == "__main__":
    main()
