"""Temporary: mtools."""

from __future__ import annotations
import subprocess
from pathlib import Path
from tools.boot.scenario import AUTORUN_PATH, CONFIG_PATH, Scenario


class VolumeError(Exception):
    pass


def read(image: Path, path: str) -> bytes | None:
    r = subprocess.run(["mtype", "-i", f"{image}@@1M", f"::{path}"], capture_output=True)
    return r.stdout if r.returncode == 0 else None


def write(image: Path, path: str, content: bytes) -> None:
    r = subprocess.run(["mcopy", "-o", "-i", f"{image}@@1M", "-", f"::{path}"], input=content, capture_output=True)
    if r.returncode: raise VolumeError(r.stderr.decode())


def prepare(image: Path, scenario: Scenario, beside: Path) -> None:
    if scenario.config is not None:
        write(image, CONFIG_PATH, "".join(f"{l}\n" for l in scenario.config).encode())
    if scenario.autorun:
        write(image, AUTORUN_PATH, "".join(f"{l}\n" for l in scenario.autorun).encode())
    for f in scenario.files:
        write(image, f.path, f.text.encode() if f.text is not None else (beside / f.source).read_bytes())
    for d in scenario.damage:
        c = read(image, d.path)
        if c is None: raise VolumeError(f"no {d.path}")
        write(image, d.path, d.apply(c))
