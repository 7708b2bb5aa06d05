"""The folder to upload: whole, verified, and the same however often it is made."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tools.release.bundle.version import Version
from tools.release.errors import Refused, ReleaseError
from tools.release.prep.signed import only_bundle
from tools.release.prep.upload import prepare
from tools.release.verify.signatures import Trust
from tools.release.verify.testing import NEWER, Releases, look, make_releases


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Releases:
    return make_releases(tmp_path_factory.mktemp("releases"))


def prepared(
    releases: Releases, output: Path, bundle: Path | None = None, tag: str = "v0.6.0"
) -> Path:
    trust = Trust(releases.signer.public_key)
    return prepare(bundle or releases.newer, tag, NEWER, trust, output, look=look)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_people_download_passes_sha256sum(releases: Releases, tmp_path: Path) -> None:
    upload = prepared(releases, tmp_path)
    assert upload == tmp_path / "upload-v0.6.0"
    assert contents(upload) == contents(releases.newer)
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=upload, check=True)


def test_again_it_changes_nothing(releases: Releases, tmp_path: Path) -> None:
    upload = prepared(releases, tmp_path)
    before = {path.name: path.stat().st_mtime_ns for path in upload.iterdir()}
    assert prepared(releases, tmp_path) == upload
    assert before == {path.name: path.stat().st_mtime_ns for path in upload.iterdir()}


@pytest.mark.parametrize("name", ["SHA256SUMS", "extra"])
def test_another_folder_of_that_name_stays(releases: Releases, tmp_path: Path, name: str) -> None:
    upload = prepared(releases, tmp_path)
    (upload / name).write_text("mine")
    before = contents(upload)
    with pytest.raises(ReleaseError, match=f"is there already, with other files .{name}"):
        prepared(releases, tmp_path)
    assert contents(upload) == before


@pytest.mark.parametrize("tag", ["0.6.0", "v0.6.1", "v0.6.0/..", "latest"])
def test_another_tag(releases: Releases, tmp_path: Path, tag: str) -> None:
    with pytest.raises(ReleaseError, match="expected the tag v0.6.0"):
        prepared(releases, tmp_path, tag=tag)
    assert not list(tmp_path.iterdir())


def test_another_version(releases: Releases, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="expected version 0.6.0"):
        prepared(releases, tmp_path, releases.older)
    trust = Trust(releases.signer.public_key)
    with pytest.raises(Refused, match="expected version 0.6.1"):
        prepare(releases.newer, "v0.6.1", Version(0, 6, 1), trust, tmp_path, look=look)


def test_a_bundle_that_is_not_right(releases: Releases, tmp_path: Path) -> None:
    with releases.changed() as bundle:
        (bundle / "SHA256SUMS.minisig").unlink()
        with pytest.raises(Refused, match="signature-missing|file-missing"):
            prepared(releases, tmp_path, bundle)
    assert not list(tmp_path.iterdir())


def test_a_package_is_the_folder_of_one_bundle(releases: Releases, tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="found 0: ./pants package tools/release:bundle"):
        only_bundle(tmp_path)
    for number, name in enumerate(("a", "b"), start=1):
        shutil.copytree(releases.newer, tmp_path / name)
        if number == 1:
            assert only_bundle(tmp_path) == tmp_path / "a"
    with pytest.raises(ReleaseError, match="found 2"):
        only_bundle(tmp_path)
