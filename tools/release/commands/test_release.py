"""A release as the people who make it type it: sign, prepare, serve, fetch; and what is refused leaves nothing."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tools.release.__main__ import app
from tools.release.bundle.build import build
from tools.release.bundle.names import SIGNATURES
from tools.release.bundle.testing import ask, write_real_inputs
from tools.release.bundle.version import Version
from tools.release.commands.testing import EXPIRES, write_roles
from tools.release.keys import file_key
from tools.release.keys.testing import PASSPHRASE, handed

VERSION = Version(0, 6, 0)


def release(*arguments: str | Path, keys: int = 1, secret: bytes = PASSPHRASE) -> tuple[int, str]:
    """A command's status and output; `keys` descriptors with the passphrase are handed to it."""
    with ExitStack() as stack:
        secrets = [f"--secret-fd={stack.enter_context(handed(secret))}" for _ in range(keys)]
        done = CliRunner().invoke(app, [*map(str, arguments), *secrets])
    return done.exit_code, " ".join(done.output.split())


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys") / "release"
    with handed(PASSPHRASE) as descriptor:
        file_key.make(folder, descriptor)
    return folder / file_key.KEY


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `package` leaves: the folder with the bundle in it."""
    folder = tmp_path_factory.mktemp("made")
    build(write_real_inputs(folder / "inputs"), VERSION, VERSION, folder / "package")
    return folder / "package"


@pytest.fixture
def bundle(packaged: Path, tmp_path: Path) -> Path:
    """A copy of the bundle, not signed."""
    (made,) = packaged.iterdir()
    return Path(shutil.copytree(made, tmp_path / made.name))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_signing_twice_gives_the_same_bytes(bundle: Path, key: Path) -> None:
    status, told = release("sign", bundle, "--key", key)
    assert (status, "0.6.0: accepted" in told) == (0, True), told
    signed = contents(bundle)
    ask(["minisign", "-Vm", "SHA256SUMS", "-p", str(key.with_name(file_key.PUBLIC))], bundle)
    assert release("sign", bundle, "--key", key)[0] == 0
    assert contents(bundle) == signed


def test_a_bundle_that_would_not_verify_is_not_signed(bundle: Path, key: Path) -> None:
    (bundle / "BOOTX64.EFI").write_bytes(b"MZ something else")
    before = contents(bundle)
    status, told = release("sign", bundle, "--key", key)
    assert (status, "refused" in told) == (1, True), told
    assert contents(bundle) == before and [each.name for each in bundle.parent.iterdir()] == [
        bundle.name
    ]


def test_a_wrong_passphrase_signs_nothing(bundle: Path, key: Path) -> None:
    status, told = release("sign", bundle, "--key", key, secret=b"wrong")
    assert (status, "wrong passphrase" in told) == (4, True), told
    assert not SIGNATURES & set(contents(bundle))


def test_publish_leaves_the_folder_to_upload_and_the_package_as_it_was(
    packaged: Path, key: Path, tmp_path: Path
) -> None:
    (made,) = packaged.iterdir()
    before = contents(made)
    for _ in range(2):
        status, told = release("publish", packaged, "--key", key, "--output", tmp_path)
        assert (status, "upload every file of it" in told) == (0, True), told
    upload = contents(tmp_path / "upload-v0.6.0")
    assert set(upload) == set(before) | SIGNATURES and contents(made) == before
    public = key.with_name(file_key.PUBLIC)
    assert release("verify", tmp_path / "upload-v0.6.0", "--key", public, keys=0)[0] == 0


def test_nothing_is_published_from_a_folder_without_a_bundle(key: Path, tmp_path: Path) -> None:
    status, told = release("publish", tmp_path, "--key", key, "--output", tmp_path / "out")
    assert (status, "expected the folder of one bundle" in told) == (4, True), told
    assert list(tmp_path.iterdir()) == []


def test_a_release_goes_through_a_channel_to_a_client(
    bundle: Path, key: Path, tmp_path: Path
) -> None:
    public, channel, client = key.with_name(file_key.PUBLIC), tmp_path / "channel", tmp_path / "c"
    assert release("sign", bundle, "--key", key)[0] == 0
    line = public.read_text().splitlines()[1]
    roles = write_roles(tmp_path, [line], line)
    status, told = release("channel", "init", channel, roles, "--key", key, *EXPIRES)
    assert status == 0, told
    arguments: list[str | Path] = [channel, bundle, "--release-key", public, "--key", key, *EXPIRES]
    assert release("channel", "publish", *arguments) == (0, "0.6.0 is published")
    assert release("channel", "publish", *arguments) == (0, "it is published already")
    root = channel / "metadata/1.root.json"
    fetch: list[str | Path] = ["channel", "fetch", channel, "--client", client, "--root", root]
    status, told = release(*fetch, keys=0)
    assert (status, "0.6.0" in told) == (0, True), told
    (fetched,) = [path.parent for path in client.rglob("manifest.json")]
    assert contents(fetched) == contents(bundle)
    assert release("verify", fetched, "--key", public, keys=0)[0] == 0
