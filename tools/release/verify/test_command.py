"""`verify` as a command: its statuses, its JSON, and that docs are what the tables say."""

from __future__ import annotations

import datetime
import json
import os
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tools.release.bundle.inputs import inputs_md
from tools.release.bundle.version import Version
from tools.release.commands.verify import verify as command
from tools.release.keys import revocation, rotation
from tools.release.keys.revocation import Revocation
from tools.release.keys.rotation import Succession
from tools.release.verify.reasons import EXPLANATIONS, Reason, reasons_md
from tools.release.verify.testing import Releases, make_releases
from tools.release.verify.testing_counts import counts

app = typer.Typer()
app.command()(command)


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Releases:
    return make_releases(tmp_path_factory.mktemp("releases"))


@pytest.fixture(scope="module")
def key(releases: Releases) -> str:
    path = releases.scratch / "key.pub"
    path.write_text(releases.signer.public_key.to_text())
    return str(path)


def run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(map(str, arguments)))
    return result.exit_code, result.output


def reasons(output: str) -> set[str]:
    return {finding["reason"] for finding in json.loads(output)["findings"]}


def test_refused_is_1_and_says_why(releases: Releases, key: str) -> None:
    """A made-up image is no image, which is what the command says of it."""
    status, output = run(releases.newer, "--key", key, "--json")
    assert status == 1 and reasons(output) == {"image-layout"}
    assert json.loads(output)["accepted"] is False
    status, output = run(releases.newer, "--key", key)
    assert status == 1 and "image-layout" in output


def test_versions_and_keys_are_looked_at(releases: Releases, key: str, tmp_path: Path) -> None:
    _, output = run(releases.older, "--key", key, "--json", "--installed", "0.6.0")
    assert "version-replayed" in reasons(output)
    public = releases.signer.public_key
    day = datetime.date(2026, 1, 2)
    lost = Revocation(key=public, date=day, reason="lost")
    revocation.revoke(tmp_path / "revoked", releases.signer, lost, public)
    arguments = ("--revocations", tmp_path / "revoked")
    _, output = run(releases.newer, "--key", key, "--json", *arguments)
    assert reasons(output) == {"key-revoked"}
    link = Succession(
        old=releases.stranger.public_key,
        new=public,
        from_version=Version(0, 1, 0),
        not_after=day,
    )
    rotation.rotate(tmp_path / "chain", releases.stranger, link)
    (tmp_path / "old.pub").write_text(releases.stranger.public_key.to_text())
    arguments = ("--chain", tmp_path / "chain")
    _, output = run(releases.newer, "--key", tmp_path / "old.pub", "--json", *arguments)
    assert reasons(output) == {"image-layout"}
    late = (*arguments, "--today", "2026-01-03")
    _, output = run(releases.newer, "--key", tmp_path / "old.pub", "--json", *late)
    assert reasons(output) == {"key-expired"}


def test_a_wrong_call_is_2(releases: Releases, key: str) -> None:
    assert run(releases.newer)[0] == 2
    assert run(releases.newer, "--key", key, "--installed", "latest")[0] == 2
    assert run(releases.newer, "--key", key, "--today", "tomorrow")[0] == 2


def test_what_cannot_be_looked_at_is_4(releases: Releases, key: str, tmp_path: Path) -> None:
    assert run(tmp_path / "nowhere", "--key", key)[0] == 4
    status, output = run(releases.newer, "--key", tmp_path / "no.pub")
    assert status == 4 and "no.pub" in output


def test_no_room_for_the_image_is_4(
    releases: Releases, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/proc")
    status, output = run(releases.newer, "--key", key)
    assert status == 4 and "set TMPDIR" in output


def test_a_stranger_s_name_does_not_move_the_cursor(releases: Releases, key: str) -> None:
    with releases.changed() as bundle:
        (bundle / "\x1b[2Jname").touch()
        os.mkfifo(bundle / "\x1b]0;pipe")
        status, output = run(bundle, "--key", key)
    assert status == 1 and "\x1b" not in output


def test_every_reason_is_explained() -> None:
    assert set(EXPLANATIONS) == set(Reason)
    assert Path("docs/verify-reasons.md").read_text(encoding="utf-8") == reasons_md()


def test_docs_release_has_the_tables(tmp_path: Path) -> None:
    page = Path("docs/release.md").read_text(encoding="utf-8")
    assert counts(tmp_path) in page and inputs_md() in page
