"""Keys in files: openssl reads ours, we read its, and what is no such key says so."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from pathlib import Path

import pytest

from tools.release.errors import ReleaseError
from tools.release.keys.errors import KeyUnusable
from tools.release.keys.file_key import KEY, PUBLIC, load, make
from tools.release.keys.minisign import sign
from tools.release.keys.public_key import PublicKey
from tools.release.keys.testing import PASSPHRASE, handed

SECRET = f"pass:{PASSPHRASE.decode()}"


def openssl(*arguments: str | Path, content: bytes = b"") -> bytes:
    command = ["openssl", *map(str, arguments)]
    return subprocess.run(command, input=content, capture_output=True, check=True).stdout


def refusal(path: Path, passphrase: bytes = PASSPHRASE) -> str:
    with handed(passphrase) as descriptor, pytest.raises(KeyUnusable) as refused:
        load(path, descriptor)
    assert PASSPHRASE.decode() not in str(refused.value)
    return str(refused.value)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a key."""
    folder = tmp_path_factory.mktemp("keys") / "release"
    with handed(PASSPHRASE + b"\n") as descriptor:
        make(folder, descriptor)
    return folder


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a file with a key may come."""
    path = tmp_path / "key.pem"
    path.touch(0o600)
    return path


def test_what_is_made_is_read(made: Path) -> None:
    assert {path.name for path in made.iterdir()} == {KEY, PUBLIC}
    assert stat.S_IMODE((made / KEY).stat().st_mode) == 0o600
    public = PublicKey.parse((made / PUBLIC).read_text())
    texts = []
    for _ in range(2):
        with handed(PASSPHRASE) as descriptor:
            key = load(made / KEY, descriptor)
        assert key.public_key == public
        texts.append(sign(key, b"message", trusted_comment="comment"))
    assert texts[0] == texts[1]


def test_openssl_reads_ours(made: Path) -> None:
    der = openssl("pkey", "-in", made / KEY, "-passin", SECRET, "-pubout", "-outform", "DER")
    public = PublicKey.parse((made / PUBLIC).read_text())
    assert der.endswith(public.point)
    assert hashlib.sha256(public.point).hexdigest().upper().startswith(public.name)
    shown = openssl("asn1parse", "-in", made / KEY)
    assert b":scrypt" in shown and b":aes-256-cbc" in shown


def test_openssl_verifies_ours(made: Path, tmp_path: Path) -> None:
    with handed(PASSPHRASE) as descriptor:
        (tmp_path / "sig").write_bytes(load(made / KEY, descriptor).sign(b"message"))
    (tmp_path / "m").write_bytes(b"message")
    arguments = ("-inkey", made / KEY, "-passin", SECRET, "-rawin", "-in", tmp_path / "m")
    said = openssl("pkeyutl", "-verify", "-sigfile", tmp_path / "sig", *arguments)
    assert b"Signature Verified Successfully" in said


@pytest.mark.parametrize("scheme", [["-scrypt"], ["-v2", "aes-256-cbc", "-iter", "10000"]])
def test_we_read_openssls(file: Path, scheme: list[str]) -> None:
    plain = openssl("genpkey", "-algorithm", "ed25519")
    file.write_bytes(openssl("pkcs8", "-topk8", *scheme, "-passout", SECRET, content=plain))
    with handed(PASSPHRASE) as descriptor:
        key = load(file, descriptor).public_key
    assert openssl("pkey", "-pubout", "-outform", "DER", content=plain).endswith(key.point)


def test_no_two_files_of_a_passphrase_are_alike(made: Path, tmp_path: Path) -> None:
    with handed(PASSPHRASE) as descriptor:
        other = make(tmp_path / "other", descriptor)
    assert other != PublicKey.parse((made / PUBLIC).read_text())


def test_a_wrong_passphrase_is_told(made: Path) -> None:
    assert refusal(made / KEY, b"wrong").endswith("key.pem: wrong passphrase, or a damaged file")


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o620, 0o666])
def test_a_key_that_others_may_use_is_refused(made: Path, file: Path, mode: int) -> None:
    file.write_bytes((made / KEY).read_bytes())
    file.chmod(mode)
    assert f"(mode {mode:o}): chmod 600 " in refusal(file)


def test_a_key_that_is_not_encrypted_is_refused(file: Path) -> None:
    file.write_bytes(openssl("genpkey", "-algorithm", "ed25519"))
    assert "expected an encrypted PKCS#8 key" in refusal(file)


def test_a_key_of_another_kind_is_refused(file: Path) -> None:
    plain = openssl("genpkey", "-algorithm", "ed448")
    file.write_bytes(openssl("pkcs8", "-topk8", "-passout", SECRET, content=plain))
    assert "expected an Ed25519 key, found one of another kind" in refusal(file)


def test_damage_is_told(made: Path, file: Path) -> None:
    whole = (made / KEY).read_bytes()
    for size in (0, 30, 100, len(whole) - 40):
        file.write_bytes(whole[:size])
        assert "expected an encrypted" in (said := refusal(file)) or "a damaged file" in said


def test_other_things_are_refused(tmp_path: Path) -> None:
    assert "No such file or directory" in refusal(tmp_path / "absent")
    assert "something else" in refusal(tmp_path) or "directory" in refusal(tmp_path)
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert "expected a file with a key" in refusal(tmp_path / "pipe")


def test_what_is_there_stays(made: Path) -> None:
    before = (made / KEY).read_bytes()
    with handed(PASSPHRASE) as descriptor, pytest.raises(ReleaseError, match="there already"):
        make(made, descriptor)
    assert (made / KEY).read_bytes() == before


def test_nothing_is_made_without_a_passphrase(tmp_path: Path) -> None:
    with handed(b"\n") as descriptor, pytest.raises(KeyUnusable, match="an empty one"):
        make(tmp_path / "key", descriptor)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file" / "key", Path("/proc/key")):  # nobody writes to /proc
        with handed(PASSPHRASE) as descriptor, pytest.raises(ReleaseError, match="cannot write"):
            make(folder, descriptor)
