"""Killed at any instant, every command leaves what was there or what it makes, and nothing in between."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import FrameType

import pytest

from tools.release.bundle.names import ENVELOPES, PROVENANCE, SIGNATURE, SUMS, TESTS
from tools.release.keys import file_key, pkcs8
from tools.release.keys.dsse import open_sealed
from tools.release.keys.file_key import KEY, PUBLIC
from tools.release.keys.minisign import PublicKey, verify
from tools.release.keys.rotation import Chain, rotate
from tools.release.keys.signing import sign_bundle
from tools.release.keys.testing import PASSPHRASE, handed, make_key, succession, version

TIMES = 100
FORK = multiprocessing.get_context("fork")
OLD, NEW = make_key("old"), make_key("new")


@pytest.fixture(autouse=True, scope="module")
def cheap_keys() -> Iterator[None]:
    """So that a key's making is mostly writing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pkcs8, "COST", 2)
        yield


def _keygen(folder: Path) -> None:
    with handed(PASSPHRASE) as descriptor:
        file_key.make(folder / "key", descriptor)


def _sign(folder: Path) -> None:
    sign_bundle(folder, NEW, version("0.6.0"))


def _rotate(folder: Path) -> None:
    rotate(folder / "keys.chain", OLD, succession("old", "new", "1.0.0"))


def _whole_key(folder: Path) -> bool:
    if not (folder / "key").exists():
        return False
    assert {path.name for path in (folder / "key").iterdir()} == {KEY, PUBLIC}
    with handed(PASSPHRASE) as descriptor:
        key = file_key.load(folder / "key" / KEY, descriptor)
    assert key.public_key == PublicKey.parse((folder / "key" / PUBLIC).read_text())
    return True


def _whole_signatures(folder: Path) -> bool:
    """Each by the old key or by the new one; the one of SHA256SUMS comes last."""
    keys = []
    for place in ENVELOPES.values():
        envelope = (folder / place).read_bytes()
        keys.append(NEW if NEW.public_key.name.encode() in envelope else OLD)
        open_sealed(keys[-1].public_key, envelope)
    text = (folder / SIGNATURE).read_text()
    signer = NEW if NEW.public_key.name in text else OLD
    verify(signer.public_key, (folder / SUMS).read_bytes(), text)
    assert signer is OLD or keys == [NEW, NEW]
    return signer is NEW


def _whole_chain(folder: Path) -> bool:
    links = Chain.parse((folder / "keys.chain").read_bytes()).links
    keys = [link.new for link in links]
    assert keys in ([OLD.public_key], [OLD.public_key, NEW.public_key])
    return len(keys) == 2


def _bundle(folder: Path) -> None:
    """Signed by the old key."""
    for name in (SUMS, PROVENANCE, TESTS):
        (folder / name).write_bytes(b"{}\n")
    sign_bundle(folder, OLD, version("0.6.0"))


def _first_link(folder: Path) -> None:
    rotate(folder / "keys.chain", make_key("first"), succession("first", "old", "0.5.0"))


@dataclass(frozen=True)
class Case:
    """A command, and what there is before and after it."""

    prepare: Callable[[Path], None]
    command: Callable[[Path], None]
    check: Callable[[Path], bool]
    """Nothing is half done; whether it is done."""

    def prepared(self, folder: Path) -> Path:
        """Made once and copied then: a busy disk takes its time to keep what is written for good."""
        first = folder.with_name("first")
        if not first.exists():
            first.mkdir()
            self.prepare(first)
        return Path(shutil.copytree(first, folder))

    def duration(self, folder: Path) -> float:
        """Seconds."""
        self.prepared(folder)
        begun = time.perf_counter()
        self.command(folder)
        return time.perf_counter() - begun


CASES: Mapping[str, Case] = {
    "keygen": Case(lambda folder: None, _keygen, _whole_key),
    "sign": Case(_bundle, _sign, _whole_signatures),
    "rotate": Case(_first_link, _rotate, _whole_chain),
}


@pytest.mark.parametrize("name", CASES)
def test_a_kill_at_any_instant_leaves_the_old_or_the_new(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    span = min(case.duration(tmp_path / f"timed{number}") for number in range(3))
    instants = random.Random(name)
    for number in range(TIMES):
        folder = case.prepared(tmp_path / str(number))
        process = FORK.Process(target=case.command, args=(folder,))
        process.start()
        time.sleep(instants.uniform(0, span))
        process.kill()
        process.join()
        case.check(folder)


CHANGES = {
    "open",
    "write",
    "flush",
    "fsync",
    "mkdir",
    "rename",
    "replace",
    "unlink",
    "fchmod",
    "chmod",
}


def _killed_before(step: int, command: Callable[[Path], None], folder: Path) -> None:
    """Runs a command, and is killed before a step: a call that may change a file."""
    steps = count()

    def kill(frame: FrameType, event: str, called: object) -> None:
        if event == "c_call" and getattr(called, "__name__", "") in CHANGES and next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(kill)
    command(folder)


@pytest.mark.parametrize("name", CASES)
def test_a_kill_at_each_step_leaves_the_old_or_the_new(tmp_path: Path, name: str) -> None:
    case, ends = CASES[name], []
    for step in count():
        folder = case.prepared(tmp_path / str(step))
        process = FORK.Process(target=_killed_before, args=(step, case.command, folder))
        process.start()
        process.join()
        ends.append(case.check(folder))
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
        if not ends[-1]:  # what is left does not hinder another try
            case.command(folder)
            assert case.check(folder)
    assert len(ends) > 8 and ends == sorted(ends) and not ends[0] and ends[-1]
