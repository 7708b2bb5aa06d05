"""A fake emulator, for tests of what would start it."""

from __future__ import annotations

from pathlib import Path


def install(folder: Path, *, version: str = "1") -> list[str]:
    """A fake emulator with its firmware, and the options that name them."""
    program = folder / "qemu"
    program.write_text(f"#!/bin/sh\necho {version}\n")
    program.chmod(0o755)
    (folder / "code.fd").write_bytes(b"code")
    (folder / "vars.fd").write_bytes(b"vars")
    return [
        "--baremetal-qemu-binary=qemu",
        f"--baremetal-qemu-search-path=['{folder}']",
        f"--baremetal-qemu-ovmf-code=['/nowhere', '{folder}/code.fd']",
        f"--baremetal-qemu-ovmf-vars=['{folder}/vars.fd']",
    ]
