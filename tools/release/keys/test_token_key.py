"""Keys on a token, SoftHSM2's: what it signs is what a key in a file would, and each trouble has its words."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tools.release.keys import token_key
from tools.release.keys.errors import KeyUnusable
from tools.release.keys.minisign import sign, verify
from tools.release.keys.public_key import PublicKey
from tools.release.keys.testing import PIN, TOKEN, handed, make_key, soft_token
from tools.release.keys.token_key import TokenPlace, open_token_key


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with soft_token(tmp_path_factory.mktemp("token")) as module:
        yield module


@pytest.fixture(scope="module")
def made(module: Path) -> tuple[TokenPlace, PublicKey]:
    place = TokenPlace(module, TOKEN, "release")
    with handed(PIN + b"\n") as descriptor:
        return place, token_key.make(place, descriptor)


def refusal(place: TokenPlace, pin: bytes = PIN) -> str:
    with handed(pin) as descriptor, pytest.raises(KeyUnusable) as refused:
        with open_token_key(place, descriptor):
            pass
    assert pin.decode("latin-1") not in str(refused.value)
    return str(refused.value)


def test_a_token_signs_the_same_every_time(made: tuple[TokenPlace, PublicKey]) -> None:
    place, public = made
    texts = []
    for _ in range(2):
        with handed(PIN) as descriptor, open_token_key(place, descriptor) as signer:
            assert signer.public_key == public
            texts.append(sign(signer, b"message", trusted_comment="comment"))
    assert texts[0] == texts[1]
    assert verify(public, b"message", texts[0]) == "comment"


def test_minisign_verifies_a_tokens(made: tuple[TokenPlace, PublicKey], tmp_path: Path) -> None:
    with handed(PIN) as descriptor, open_token_key(made[0], descriptor) as signer:
        (tmp_path / "m.minisig").write_text(sign(signer, b"message", trusted_comment="comment"))
    (tmp_path / "m").write_bytes(b"message")
    command = ["minisign", "-V", "-P", made[1].to_line(), "-m", str(tmp_path / "m")]
    assert subprocess.run(command, capture_output=True).returncode == 0


def test_a_signature_of_another_key_is_not_handed_out(made: tuple[TokenPlace, PublicKey]) -> None:
    with handed(PIN) as descriptor, open_token_key(made[0], descriptor) as signer:
        other = replace(signer, public_key=make_key("another").public_key)
        with pytest.raises(KeyUnusable, match="one pair"):
            other.sign(b"message")


def test_a_key_is_made_once(made: tuple[TokenPlace, PublicKey]) -> None:
    place, public = made
    with handed(PIN) as descriptor, pytest.raises(KeyUnusable, match="has a 'release' already"):
        token_key.make(place, descriptor)
    with handed(PIN) as descriptor, open_token_key(place, descriptor) as signer:
        assert signer.public_key == public


def test_a_wrong_pin_is_told(made: tuple[TokenPlace, PublicKey]) -> None:
    assert refusal(made[0], b"0000") == f"cannot open the token {TOKEN!r}: wrong PIN"
    assert refusal(made[0], b"\xff\xff").startswith(f"cannot open the token {TOKEN!r}: ")


def test_an_absent_key_is_told(module: Path) -> None:
    said = refusal(TokenPlace(module, TOKEN, "other"))
    assert said == f"the token {TOKEN!r} gives no Ed25519 private key 'other': NoSuchKey"


def test_a_key_of_another_kind_is_told(module: Path, tmp_path: Path) -> None:
    rsa = tmp_path / "rsa.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "rsa", "-out", rsa], check=True)
    new = [
        "--import",
        str(rsa),
        "--token",
        TOKEN,
        "--pin",
        PIN.decode(),
        "--label",
        "rsa",
        "--id",
        "01",
    ]
    subprocess.run(["softhsm2-util", *new], check=True, capture_output=True)
    assert "gives no Ed25519 private key 'rsa'" in refusal(TokenPlace(module, TOKEN, "rsa"))


def test_an_absent_token_is_told(module: Path) -> None:
    said = refusal(TokenPlace(module, "other", "release"))
    assert said.startswith(f"no token 'other' in {module}: ") and "plugged in" in said


def test_an_absent_module_is_told(tmp_path: Path) -> None:
    assert "absent.so" in refusal(TokenPlace(tmp_path / "absent.so", TOKEN, "release"))
    (tmp_path / "text.so").write_text("no library")
    assert "text.so" in refusal(TokenPlace(tmp_path / "text.so", TOKEN, "release"))


def test_a_place_is_a_uri() -> None:
    uri = "pkcs11:token=My%20Token;object=a%3Bb?module-path=/lib/x%26y.so"
    assert TokenPlace.parse(uri) == TokenPlace(Path("/lib/x&y.so"), "My Token", "a;b")


@pytest.mark.parametrize(
    "uri",
    [
        "pkcs11:",
        "pkcs11:token=a;object=b",
        "pkcs11:token=a;token=b;object=c?module-path=d",
        "pkcs11:token=a;object=b;serial=1?module-path=d",
    ],
)
def test_another_uri_is_refused(uri: str) -> None:
    with pytest.raises(KeyUnusable, match="expected pkcs11:token=TOKEN;object=KEY"):
        TokenPlace.parse(uri)


@pytest.mark.parametrize("name", ["pin-value", "pin-source"])
def test_a_pin_in_a_uri_is_refused_and_not_repeated(name: str) -> None:
    with pytest.raises(KeyUnusable, match="does not belong") as refused:
        TokenPlace.parse(f"pkcs11:token=a;object=b?module-path=c&{name}=1234")
    assert "1234" not in str(refused.value)
