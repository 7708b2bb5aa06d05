"""A release of real boot images, small, for tests that ask other programs about it."""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

from tools.image.build import build as build_image
from tools.image.layout import File, Layout
from tools.release.bundle import inputs as bundle_inputs
from tools.release.bundle.inputs import Inputs
from tools.release.bundle.measure import measure_file
from tools.release.bundle.names import PROGRAM_IN_IMAGE

MODEL = "Small-1M.Q4_1.gguf"
_PACKAGES = {"minisign": "minisign", "jq": "jq", "xz": "xz-utils"}


def ask(command: list[str], folder: Path) -> str:
    """Run a judge program; its output, or a failed test when it complains or is missing."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={"PATH": f"{os.environ.get('PATH', '')}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
        )
    except FileNotFoundError:
        missing = (
            f"{command[0]} is missing: apt-get install {_PACKAGES.get(command[0], command[0])}"
        )
        raise AssertionError(missing) from None
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


def write_image(folder: Path, name: str, files: dict[str, bytes], size_mib: int | None) -> Path:
    """A boot image of these files; `size_mib` as in layouts."""
    listed = []
    for number, (path, content) in enumerate(files.items()):
        source = folder / f"{name}-{number}"
        source.write_bytes(content)
        listed.append(File(path=path, source=source))
    image = folder / f"{name}.img"
    layout = Layout(label="LLMB", files=tuple(listed), free_mib=1, size_mib=size_mib)
    build_image(layout, image)
    return image


def write_real_inputs(
    folder: Path, version: str = "0.6.0", *, size_mib: int | None = None
) -> Inputs:
    """Every input; the image with the model has `size_mib`, where that is given."""
    folder.mkdir(parents=True)
    chance = random.Random(0)
    program = {PROGRAM_IN_IMAGE: b"MZ" + chance.randbytes(50_000)}
    model = {f"models/{MODEL}": b"GGUF" + chance.randbytes(5_000_000)}
    image = write_image(folder, "with", {**program, **model}, size_mib)
    with image.open("rb") as file:
        digest = measure_file(file.fileno()).sha256
    firmware = f'"ovmf_code_sha256": "{"4" * 64}", "ovmf_vars_sha256": "{"5" * 64}"'
    texts = {
        "changelog": f"# Changelog\n\n## [{version}] - 2026-01-01\n\n### Added\n\n- Réponses.\n",
        "source.pants.toml": "[GLOBAL]\n",
        "toolchain-lock": f"ziglang==0.17.1 --hash=sha256:{'1' * 64}\n",
        "model-lock": f"# The model.\nsmall-model==0.1.2 --hash=sha256:{'2' * 64}\n",
        "python-lock.tools": f"typer==0.29.2 --hash=sha256:{'3' * 64}\n",
        "python-lock.pants": f"pantsbuild.pants==2.17.1 --hash=sha256:{'6' * 64}\n",
        "license.llm-baremetal": "Apache License\n   Version 2.0, January 2004\n",
        "license.Small": "Do as you please.\n",
        "policy.m9": "limit = 1\n",
        "capture.chat": f'{{"scenario": {{"sha256": "{"7" * 64}"}}, '
        f'"image_sha256": "{digest}", "qemu_version": "QEMU 7.2", "wall_seconds": 1, {firmware}}}',
        "verdict.m9": '{"guardrail": "m9", "status": "pass", "findings": '
        '[{"what": "startup", "status": "pass"}, {"what": "select", "status": "pass"}]}',
    }
    paths = {
        "image": image,
        "image-without-model": write_image(folder, "without", program, None),
        "program": folder / "with-0",
    }
    for name, text in texts.items():
        paths[name] = folder / name
        paths[name].write_text(text, encoding="utf-8")
    paths["source.firmware"] = _write_sources(folder / "sources")
    return bundle_inputs.parse(f"{name}={path}" for name, path in paths.items())


def _write_sources(folder: Path) -> Path:
    """A folder whose order by name differs from git's, which takes `a` as `a/`."""
    for name in ("a/one.c", "a.h", "a-b", "z/y/x"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name}\n")
    (folder / "a-b").chmod(0o755)
    return folder


def ask_sha256(path: Path) -> str:
    """A file's digest as coreutils computes it."""
    return ask(["sha256sum", path.name], path.parent).split()[0]
