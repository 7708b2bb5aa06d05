"""OVMF with Secure Boot starts the signed image, and no other."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.secureboot.machine import OVMF_SECURE_CODE, READY, REFUSED, SecureBoot, boot, enrolled
from tools.boot import installed
from tools.image.put import put
from tools.image.volume import extract
from tools.release.secureboot.certificates import read_certificate
from tools.release.secureboot.enrol import Keys
from tools.release.secureboot.image import PROGRAM, sign_image
from tools.release.secureboot.pe import parse
from tools.release.secureboot.sign import sign
from tools.release.secureboot.signers import FileKey, read_file_key
from tools.release.secureboot.testing import certify, make_pair, run
from tools.release.secureboot.verify import Finding, verify

PLACES = ("firmware/boot_img_nomodel.img", "dist/firmware/boot_img_nomodel.img")
NAME = "llm-baremetal test db"
OWNER = make_pair(NAME)
STARTED = "OK: Version: "


@pytest.fixture(scope="module")
def unsigned() -> Path:
    """The image without a model, as a sandbox has it, or where `package` leaves it."""
    return next(path for path in map(Path, PLACES) if path.is_file())


@pytest.fixture(scope="module")
def signed(unsigned: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    image = tmp_path_factory.mktemp("signed") / "signed.img"
    sign_image(unsigned, OWNER.signer, image)
    return image


@pytest.fixture(scope="module")
def secure() -> SecureBoot:
    platform, exchange = make_pair("llm-baremetal test PK"), make_pair("llm-baremetal test KEK")
    return enrolled(Keys(platform.certificate, exchange.certificate, (OWNER.certificate,)))


def program(image: Path, folder: Path) -> bytes:
    extract(image, PROGRAM, folder / "program.efi")
    return (folder / "program.efi").read_bytes()


def with_program(image: Path, content: bytes, folder: Path) -> Path:
    changed = folder / "changed.img"
    shutil.copyfile(image, changed)
    (folder / "changed.efi").write_bytes(content)
    put(changed, PROGRAM, folder / "changed.efi")
    return changed


def refused(said: str) -> bool:
    return REFUSED in said and STARTED not in said


def test_the_signed_image_boots(signed: Path, secure: SecureBoot) -> None:
    said = boot(signed, secure)
    assert STARTED in said
    assert READY in said
    assert REFUSED not in said


def test_the_unsigned_image_is_refused(unsigned: Path, secure: SecureBoot) -> None:
    assert refused(boot(unsigned, secure))


def test_one_flipped_bit_is_refused(signed: Path, secure: SecureBoot, tmp_path: Path) -> None:
    content = bytearray(program(signed, tmp_path))
    content[len(content) // 2] ^= 1
    assert verify(bytes(content), [OWNER.certificate]).finding is Finding.HASH_MISMATCH
    assert refused(boot(with_program(signed, bytes(content), tmp_path), secure))


def test_an_image_signed_by_another_is_refused(
    unsigned: Path, secure: SecureBoot, tmp_path: Path
) -> None:
    """By a key whose certificate has the same name and number."""
    key = make_pair("another").key
    other = FileKey(certify(key, NAME), key)
    image = tmp_path / "other.img"
    sign_image(unsigned, other, image)
    assert verify(program(image, tmp_path), [other.certificate]).is_signed
    assert refused(boot(image, secure))


def test_keys_that_debian_enrolled(unsigned: Path, tmp_path: Path) -> None:
    """OVMF brings variables along with a key enrolled that everyone has: no step of ours but the signature."""
    variables = installed.find(installed.OVMF_VARIABLES, None)
    snakeoil = variables.with_name("OVMF_VARS_4M.snakeoil.fd").read_bytes()
    place = variables.parent.parent / "ovmf"
    (tmp_path / "snakeoil.key").write_bytes((place / "PkKek-1-snakeoil.key").read_bytes())
    (tmp_path / "snakeoil.key").chmod(0o600)
    reader, writer = os.pipe()
    os.write(writer, b"snakeoil")
    os.close(writer)
    certificate = read_certificate(place / "PkKek-1-snakeoil.pem")
    signer = read_file_key(tmp_path / "snakeoil.key", certificate, reader)
    sign_image(unsigned, signer, tmp_path / "signed.img")
    code = installed.find(OVMF_SECURE_CODE, None)
    assert READY in boot(tmp_path / "signed.img", SecureBoot(code, snakeoil))


def test_the_signed_image_boots_where_there_are_no_keys(signed: Path) -> None:
    code = installed.find(installed.OVMF_CODE, None)
    variables = installed.find(installed.OVMF_VARIABLES, None).read_bytes()
    assert READY in boot(signed, SecureBoot(code, variables))


def test_debians_tools_and_ours_agree_on_our_program(
    unsigned: Path, signed: Path, tmp_path: Path
) -> None:
    key, certificate = OWNER.write(tmp_path)
    ours, theirs = tmp_path / "ours.efi", tmp_path / "theirs.efi"
    extract(signed, PROGRAM, ours)
    assert run("sbverify", "--cert", certificate, ours).returncode == 0
    plain = program(unsigned, tmp_path)
    assert ours.read_bytes() == sign(plain, OWNER.signer)
    arguments = ("--key", key, "--cert", certificate, "--output", theirs)
    assert run("sbsign", *arguments, tmp_path / "program.efi").returncode == 0
    assert verify(theirs.read_bytes(), [OWNER.certificate]).is_signed
    assert parse(theirs.read_bytes()).digest() == parse(plain).digest()
