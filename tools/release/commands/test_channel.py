"""`release channel`, with keys in files and on a server of this machine."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tools.release.channel.testing import make_bundle
from tools.release.commands.channel import app
from tools.release.commands.testing import EXPIRES, write_roles
from tools.release.keys import file_key
from tools.release.keys.public_key import PublicKey
from tools.release.keys.testing import PASSPHRASE, handed


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, PublicKey]:
    """Keys in files, by the file."""
    folder = tmp_path_factory.mktemp("keys")
    made = {}
    for name in ("first", "second", "third", "online"):
        with handed(PASSPHRASE) as descriptor:
            made[str(folder / name / file_key.KEY)] = file_key.make(folder / name, descriptor)
    return made


def _roles(folder: Path, keys: dict[str, PublicKey], expires: str = "2999-01-01") -> Path:
    """Root is for two of the first three keys."""
    *root, online = (key.to_line() for key in keys.values())
    return write_roles(folder, root, online, 2, expires)


def _run(*arguments: str | Path, keys: Sequence[str] = ()) -> tuple[int, str]:
    with ExitStack() as stack:
        signing = [
            word
            for key in keys
            for word in (
                f"--key={key}",
                f"--secret-fd={stack.enter_context(handed(PASSPHRASE))}",
            )
        ]
        done = CliRunner().invoke(app, [*map(str, arguments), *signing])
    return done.exit_code, done.output


@pytest.fixture
def channel(tmp_path: Path, keys: dict[str, PublicKey]) -> Path:
    path = tmp_path / "channel"
    first, _, third, online = keys
    signers = [first, third, online]
    status, told = _run("init", path, _roles(tmp_path, keys), *EXPIRES, keys=signers)
    assert status == 0, told
    return path


def test_a_channel_that_two_of_three_made_can_be_followed(channel: Path, tmp_path: Path) -> None:
    root = channel / "metadata/1.root.json"
    status, told = _run("fetch", channel, "--client", tmp_path / "client", "--root", root)
    assert (status, "no release yet" in told) == (4, True)


def test_one_of_three_makes_no_channel(tmp_path: Path, keys: dict[str, PublicKey]) -> None:
    first, _, _, online = keys
    path = tmp_path / "other"
    status, told = _run("init", path, _roles(tmp_path, keys), *EXPIRES, keys=[first, online])
    assert (status, "root must be signed by 2 of the keys" in told) == (4, True), told
    assert not path.exists()


def test_a_bundle_that_does_not_verify_is_not_published(
    channel: Path, tmp_path: Path, keys: dict[str, PublicKey]
) -> None:
    bundle, online = make_bundle(tmp_path, "0.6.0"), list(keys)[-1]
    public = Path(online).with_name(file_key.PUBLIC)
    status, told = _run(
        "publish", channel, bundle, "--release-key", public, *EXPIRES, keys=[online]
    )
    assert (status, "is not published" in told) == (1, True), told
    assert os.listdir(channel / "targets") == []


def test_what_expires_is_renewed_by_the_online_key(
    channel: Path, keys: dict[str, PublicKey]
) -> None:
    online = list(keys)[-1]
    status, told = _run("refresh", channel, "--timestamp-expires=2999-02-01", keys=[online])
    assert (status, told) == (0, "renewed: timestamp\n")
    assert '"2999-02-01T00:00:00Z"' in (channel / "metadata/timestamp.json").read_text()


def test_root_is_renewed_by_two_of_three(
    channel: Path, tmp_path: Path, keys: dict[str, PublicKey]
) -> None:
    roles = _roles(tmp_path, keys, "2999-06-01")
    first, second, _, online = keys
    status, told = _run("rotate", channel, roles, EXPIRES[-1], keys=[first, second, online])
    assert (status, told) == (0, "root has version 2\n")


@pytest.mark.parametrize("date", ["--timestamp-expires=tomorrow", "--secret-fd=0"])
def test_a_call_that_makes_no_sense(channel: Path, keys: dict[str, PublicKey], date: str) -> None:
    assert _run("refresh", channel, date, keys=[list(keys)[-1]])[0] == 2


def test_an_address_that_is_none(tmp_path: Path) -> None:
    status, told = _run("fetch", "ftp://somewhere/", "--client", tmp_path / "client")
    assert (status, "expected a folder, or an address" in told) == (4, True)
