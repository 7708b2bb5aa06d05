"""The slowed kernel of docs/benchmarks.md can still be made."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

PATCH = Path("tests/benchmark/slow_kernel.patch")
KERNEL = Path("firmware/kernels/avx2_blocks.c")


def test_the_patch_fits_the_kernel(tmp_path: Path) -> None:
    """Mended by making the same change again: one row in five twice, for one vector only."""
    copy = tmp_path / KERNEL
    copy.parent.mkdir(parents=True)
    shutil.copy(KERNEL, copy)
    command = ["git", "apply", "--verbose", str(PATCH.resolve())]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "offset" not in done.stderr and copy.read_text() != KERNEL.read_text()
