"""The boot image and the EFI program of a second clone are those of the first, byte for byte."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.hermetic.second_clone import SecondClone

TARGETS = ("firmware:llm_efi", "firmware:boot_img")
ARTEFACTS = ("firmware/llm_efi.efi", "firmware/boot_img.img")


STEP = "Completed: Write firmware/boot_img.img"


@dataclass(frozen=True)
class Built:
    """A second clone of the sources in this sandbox, and what its first build said."""

    clone: SecondClone
    log: str


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Built:
    clone = SecondClone(
        tmp_path_factory.mktemp("second"), cache=Path(os.environ["LLM_BAREMETAL_CACHE"])
    )
    clone.populate(Path.cwd())
    return Built(clone, clone.package(*TARGETS))


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@pytest.mark.parametrize("artefact", ARTEFACTS)
def test_another_clone_gives_the_same_bytes(artefact: str, second: Built) -> None:
    assert sha256(second.clone.dist / artefact) == sha256(Path(artefact))


def test_another_path_and_language_are_no_other_key(second: Built) -> None:
    elsewhere = f"/nowhere:{second.clone.environment['PATH']}"
    again = second.clone.package(*TARGETS, PATH=elsewhere, LC_ALL="C.UTF-8", LANG="tr_TR.UTF-8")
    assert STEP in second.log
    assert "Completed:" not in again and "Wrote dist/firmware/boot_img.img" in again
