"""Keys in files as OpenSSL makes them, and on a token of SoftHSM2."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pkcs11
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from tools.release.keys.errors import KeyUnusable
from tools.release.keys.token_key import TokenPlace
from tools.release.secureboot.sign import sign
from tools.release.secureboot.signers import (
    open_rsa_signer,
    open_token_key,
    read_file_key,
)
from tools.release.secureboot.testing import make_pair, make_program, run

PAIR = make_pair("the signer")
PASSPHRASE = "correct horse"
PROGRAM = make_program([b"code" * 64])
SIGNED = sign(PROGRAM, PAIR.signer)


def write(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def handed(secret: str) -> int:
    """A descriptor to read a passphrase or PIN from."""
    reader, writer = os.pipe()
    os.write(writer, secret.encode())
    os.close(writer)
    return reader


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return write(tmp_path / "key.pem", PAIR.encrypted(PASSPHRASE.encode()))


def test_a_key_that_openssl_encrypted_signs(tmp_path: Path) -> None:
    plain, _ = PAIR.write(tmp_path)
    key = write(tmp_path / "openssl.pem", b"")
    arguments = ("pkcs8", "-topk8", "-v2", "aes-256-cbc", "-passout", "pass:correct horse")
    assert run("openssl", *arguments, "-in", plain, "-out", key).returncode == 0
    assert sign(PROGRAM, read_file_key(key, PAIR.certificate, handed(PASSPHRASE))) == SIGNED


def test_a_key_does_not_show_itself(key: Path) -> None:
    signer = read_file_key(key, PAIR.certificate, handed(PASSPHRASE))
    assert "key" not in repr(signer).lower().replace("filekey", "")


def test_a_wrong_passphrase(key: Path) -> None:
    with pytest.raises(KeyUnusable, match="wrong passphrase") as caught:
        read_file_key(key, PAIR.certificate, handed("battery staple"))
    assert "battery" not in str(caught.value)


def test_a_key_that_others_may_read(key: Path) -> None:
    key.chmod(0o640)
    with pytest.raises(KeyUnusable, match=r"others may use .*mode 640.*chmod 600"):
        read_file_key(key, PAIR.certificate, handed(PASSPHRASE))


def test_a_key_that_is_not_encrypted(tmp_path: Path) -> None:
    plain, _ = PAIR.write(tmp_path)
    plain.chmod(0o600)
    with pytest.raises(KeyUnusable, match="expected an encrypted PKCS#8 key"):
        read_file_key(plain, PAIR.certificate, handed(PASSPHRASE))


def test_a_key_of_another_certificate(key: Path) -> None:
    with pytest.raises(KeyUnusable, match="not of one pair"):
        read_file_key(key, make_pair("another").certificate, handed(PASSPHRASE))


def test_a_key_that_is_not_rsa(tmp_path: Path) -> None:
    encryption = BestAvailableEncryption(PASSPHRASE.encode())
    curve = ec.generate_private_key(ec.SECP256R1())
    content = curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    with pytest.raises(KeyUnusable, match="expected an RSA key"):
        read_file_key(write(tmp_path / "ec.pem", content), PAIR.certificate, handed(PASSPHRASE))


def test_a_key_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(KeyUnusable, match="cannot read the key .*No such file"):
        read_file_key(tmp_path / "absent.pem", PAIR.certificate, handed(PASSPHRASE))


PIN = "1234"
MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TokenPlace]:
    """A token that holds the signer's key."""
    folder = tmp_path_factory.mktemp("token")
    module = next((path for path in map(Path, MODULES) if path.is_file()), None)
    assert module is not None, "SoftHSM2 is missing: apt-get install softhsm2"
    (folder / "tokens").mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    plain, _ = PAIR.write(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(configuration))
        pins = ("--pin", PIN, "--so-pin", PIN)
        start = ("--init-token", "--free", "--label", "release")
        assert run("softhsm2-util", *start, *pins).returncode == 0
        load = ("--import", plain, "--token", "release", "--label", "db", "--id", "01")
        assert run("softhsm2-util", *load, *pins).returncode == 0
        pkcs11.lib(str(module)).reinitialize()
        yield TokenPlace(module, "release", "db")


def test_a_token_makes_the_same_signature_as_the_file(place: TokenPlace) -> None:
    with open_token_key(place, PAIR.certificate, handed(PIN)) as signer:
        assert sign(PROGRAM, signer) == SIGNED
        assert "1234" not in repr(signer)


def test_a_key_is_one_word(place: TokenPlace, key: Path) -> None:
    uri = f"pkcs11:token=release;object=db?module-path={place.module}"
    for word, secret in ((uri, PIN), (str(key), PASSPHRASE)):
        with open_rsa_signer(word, PAIR.certificate, handed(secret)) as signer:
            assert sign(PROGRAM, signer) == SIGNED


def test_a_token_with_another_key_than_the_certificates(place: TokenPlace) -> None:
    with open_token_key(place, make_pair("another").certificate, handed(PIN)) as signer:
        with pytest.raises(KeyUnusable, match="does not verify with its certificate"):
            sign(PROGRAM, signer)


def test_a_session_that_is_over_signs_no_more(place: TokenPlace) -> None:
    with open_token_key(place, PAIR.certificate, handed(PIN)) as signer:
        pass
    with pytest.raises(KeyUnusable, match="the token did not sign"):
        sign(PROGRAM, signer)


def test_a_wrong_pin(place: TokenPlace) -> None:
    with pytest.raises(KeyUnusable, match="'release'.*PinIncorrect") as caught:
        with open_token_key(place, PAIR.certificate, handed("9876")):
            pass
    assert "9876" not in str(caught.value)


def test_a_token_or_a_key_that_is_not_there(place: TokenPlace) -> None:
    with pytest.raises(KeyUnusable, match="no token 'absent'"):
        with open_token_key(
            TokenPlace(place.module, "absent", "db"), PAIR.certificate, handed(PIN)
        ):
            pass
    with pytest.raises(KeyUnusable, match="no RSA key 'absent'"):
        with open_token_key(
            TokenPlace(place.module, "release", "absent"), PAIR.certificate, handed(PIN)
        ):
            pass


def test_a_module_that_is_not_there(place: TokenPlace, tmp_path: Path) -> None:
    absent = TokenPlace(tmp_path / "absent.so", "release", "db")
    with pytest.raises(KeyUnusable, match="absent.so"):
        with open_token_key(absent, PAIR.certificate, handed(PIN)):
            pass
