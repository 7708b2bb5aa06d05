"""Looking at programs: each that others only exist for is run, because one that is there may not start."""

from __future__ import annotations

import glob
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tools.boot import installed, kvm
from tools.boot.installed import OVMF_CODE, OVMF_VARIABLES, Component, NotInstalled
from tools.boot.qemu import Firmware
from tools.release.preflight.outcome import Outcome, missing, ok, unknown

_TIMEOUT_S = 60
_PYTHON = "import ensurepip, sys, venv; print('%d.%d.%d' % sys.version_info[:3])"
_OLDEST_QEMU = (7, 2)
_QEMU_VERSION = re.compile(r"version (\d+)\.(\d+)", re.ASCII)


def look_for_sign(sign: str) -> Outcome:
    """A program on PATH, or files by an absolute pattern."""
    if sign.startswith("/"):
        files = sorted(glob.glob(sign))
        return ok(files[0]) if files else missing(f"no {sign}")
    program = shutil.which(sign)
    return ok(program) if program else missing(f"no {sign} on PATH")


def look_for_python(version: str) -> Outcome:
    """A CPython that starts and has the modules of ./pants, found where ./pants looks."""
    broken = []
    for candidate in _pythons(version):
        output = _output(candidate, "-c", _PYTHON)
        if output is not None and output.strip().startswith(f"{version}."):
            return ok(f"{candidate}, {output.strip()}")
        broken.append(candidate)
    if broken:
        return missing(f"{', '.join(broken)}: does not start, or lacks venv and ensurepip")
    return missing(f"no python{version} on PATH, in pyenv or known to uv")


def _pythons(version: str) -> Iterator[str]:
    name = f"python{version}"
    for folder in os.get_exec_path():
        if found := shutil.which(name, path=folder):
            yield found
    pyenv = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    yield from sorted(glob.glob(f"{glob.escape(pyenv)}/versions/{version}.*/bin/{name}"))
    if uv := shutil.which("uv"):
        found_by_uv = _output(uv, "python", "find", "--no-project", version)
        if found_by_uv is not None and found_by_uv.strip():
            yield found_by_uv.strip()


def look_for_qemu(component: Component = installed.QEMU) -> Outcome:
    """The emulator, in a version that the captures are known to be the same with."""
    try:
        program = installed.find(component, None)
    except NotInstalled as error:
        return missing(str(error))
    output = _output(str(program), "--version") or ""
    match = _QEMU_VERSION.search(output)
    if match is None:
        return missing(f"{program} does not say its version")
    version = int(match[1]), int(match[2])
    found = f"{program}, {version[0]}.{version[1]}"
    return ok(found) if version >= _OLDEST_QEMU else missing(f"{found}, older than 7.2")


def look_for_ovmf(component: Component) -> Outcome:
    """A file of the UEFI firmware."""
    try:
        path = installed.find(component, None)
        size = path.stat().st_size
    except NotInstalled as error:
        return missing(str(error))
    except OSError as error:
        return unknown(f"cannot look: {error}")
    return ok(f"{path}, {size} bytes") if size else missing(f"{path} is empty")


def look_for_kvm() -> Outcome:
    """Whether an interactive boot would be fast; unattended ones count their time and do not use it."""
    try:
        code, variables = (installed.find(each, None) for each in (OVMF_CODE, OVMF_VARIABLES))
        usable = kvm.is_usable(installed.find(installed.QEMU, None), Firmware(code, variables))
    except NotInstalled as error:
        return unknown(f"there is nothing to try it with: {error}")
    except OSError as error:
        return unknown(f"cannot try it: {error}")
    return ok("/dev/kvm starts a machine") if usable else missing("/dev/kvm starts no machine")


def git(checkout: Path, *arguments: str) -> str | None:
    """What git says in a checkout, or None when it cannot be asked."""
    program = shutil.which("git")
    return _output(program, "-C", str(checkout), *arguments) if program else None


def _output(*command: str) -> str | None:
    """What a program writes, or None when it fails, hangs or does not start."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
