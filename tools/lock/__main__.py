"""`python3.11 -m tools.lock [NAME ...]`: make the lock files named (default: all) again.

Run it from the repository root. Each lock needs the CPython that `locks.toml` names for it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from tools.lock.lock import LockError, lock_text, pins

FOLDER = Path("3rdparty/python")


def resolve(requirements: Path, python: str) -> dict[str, Any]:
    """What pip of the interpreter `python` would install for the requirements file, wheels only."""
    with tempfile.TemporaryDirectory() as scratch:
        environment, report = Path(scratch, "environment"), Path(scratch, "report.json")
        subprocess.run([python, "-m", "venv", environment], check=True)
        pip = [str(environment / "bin/python"), "-m", "pip", "install", "--quiet", "--dry-run"]
        only = ["--ignore-installed", "--only-binary=:all:"]
        files = ["--report", str(report), "--requirement", str(requirements)]
        subprocess.run([*pip, *only, *files], check=True)
        content: dict[str, Any] = json.loads(report.read_text())
        return content


def write_lock(name: str, version: str, interpreter: str) -> Path:
    """Resolve `NAME.in` and replace `NAME.lock`, at once and whole."""
    source, target = FOLDER / f"{name}.in", FOLDER / f"{name}.lock"
    text = lock_text(source=source.name, python=version, pinned=pins(resolve(source, interpreter)))
    partial = target.with_suffix(".partial")
    partial.write_text(text)
    os.replace(partial, target)
    return target


def main(arguments: list[str]) -> int:
    versions = {
        name: table["python"]
        for name, table in tomllib.loads((FOLDER / "locks.toml").read_text()).items()
    }
    parser = argparse.ArgumentParser(
        prog="python3.11 -m tools.lock", description="Make Python lock files."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(versions)}")
    for version in sorted(set(versions.values())):
        default = f"python{version}"
        parser.add_argument(
            f"--{default}", default=default, metavar="EXE", help=f"default: {default}"
        )
    options = parser.parse_args(arguments)
    for name in options.names or versions:
        if name not in versions:
            parser.error(
                f"no lock named {name!r} in {FOLDER}/locks.toml; there are {', '.join(versions)}"
            )
        interpreter = getattr(options, f"python{versions[name]}")
        try:
            print(f"wrote {write_lock(name, versions[name], interpreter)}")
        except (LockError, OSError, subprocess.CalledProcessError) as error:
            print(f"cannot make {name}.lock: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
