"""The boot image and the EFI program of a second clone are those of the first, byte for byte."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from tests.hermetic.second_clone import SecondClone

ARTEFACTS = ("firmware/llm_efi.efi", "firmware/boot_img.img")


@pytest.fixture(scope="module")
def second_dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `dist` folder of a second clone of the sources in this sandbox."""
    clone = SecondClone(
        tmp_path_factory.mktemp("second"), cache=Path(os.environ["LLM_BAREMETAL_CACHE"])
    )
    clone.populate(Path.cwd())
    return clone.package("firmware:llm_efi", "firmware:boot_img")


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@pytest.mark.parametrize("artefact", ARTEFACTS)
def test_another_clone_gives_the_same_bytes(artefact: str, second_dist: Path) -> None:
    assert sha256(second_dist / artefact) == sha256(Path(artefact))
