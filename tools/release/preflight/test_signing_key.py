"""Keys that may sign, and what only looks like one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tools.release.keys import file_key
from tools.release.keys.testing import PASSPHRASE, handed
from tools.release.preflight.outcome import State
from tools.release.preflight.signing_key import look_at_key


@pytest.fixture
def key(tmp_path: Path) -> Path:
    with handed(PASSPHRASE) as descriptor:
        file_key.make(tmp_path / "key", descriptor)
    return tmp_path / "key" / file_key.KEY


def test_a_key_as_keygen_makes_it(key: Path) -> None:
    assert look_at_key(str(key)).state == State.OK


def test_a_key_that_others_may_read(key: Path) -> None:
    key.chmod(0o640)
    assert "mode 640" in look_at_key(str(key)).found
    assert look_at_key(str(key)).state == State.MISSING


def test_a_key_that_is_not_encrypted(key: Path) -> None:
    key.write_text("-----BEGIN PRIVATE KEY-----\n")
    assert look_at_key(str(key)).state == State.MISSING


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name in ("pipe", "absent", "."):
        assert look_at_key(str(tmp_path / name)).state == State.MISSING


@pytest.mark.parametrize("key", [None, "pkcs11:token=t;object=o?module-path=/lib/x.so"])
def test_what_was_not_looked_at_is_not_called_good(key: str | None) -> None:
    assert look_at_key(key).state == State.UNKNOWN
