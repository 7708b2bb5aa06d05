"""Signing a bundle: minisign and securesystemslib accept what it leaves, and again gives the same."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from securesystemslib.dsse import Envelope

from tools.release.bundle.names import ENVELOPES, PROVENANCE, SIGNATURE, SUMS, TESTS
from tools.release.errors import ReleaseError
from tools.release.keys.errors import KeyUnusable
from tools.release.keys.public_key import PublicKey
from tools.release.keys.signing import sign_bundle
from tools.release.keys.testing import make_key, stranger, version

KEY = make_key("release")
CONTENT = {SUMS: b"0123  a\n", PROVENANCE: b'{"a": 1}\n', TESTS: b'{"b": 2}\n'}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    for name, content in CONTENT.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_strangers_accept_a_signed_bundle(bundle: Path) -> None:
    written = sign_bundle(bundle, KEY, version("0.6.0"))
    assert [path.name for path in written] == [*ENVELOPES.values(), SIGNATURE]
    command = ["minisign", "-V", "-P", KEY.public_key.to_line(), "-m", str(bundle / SUMS)]
    said = subprocess.run(command, capture_output=True, text=True)
    assert said.returncode == 0 and "name:llm-baremetal version:0.6.0" in said.stdout
    for name, sealed in ENVELOPES.items():
        envelope = Envelope.from_dict(json.loads((bundle / sealed).read_bytes()))
        envelope.verify([stranger(KEY.public_key)], 1)
        assert envelope.payload == CONTENT[name]
    assert {name: content(bundle)[name] for name in CONTENT} == CONTENT


def test_signing_again_gives_the_same(bundle: Path) -> None:
    sign_bundle(bundle, KEY, version("0.6.0"))
    before = content(bundle)
    sign_bundle(bundle, KEY, version("0.6.0"))
    assert content(bundle) == before


@pytest.mark.parametrize("missing", CONTENT)
def test_nothing_is_written_of_what_is_no_bundle(bundle: Path, missing: str) -> None:
    (bundle / missing).unlink()
    before = content(bundle)
    with pytest.raises(ReleaseError, match=f"cannot sign .*{missing}"):
        sign_bundle(bundle, KEY, version("0.6.0"))
    assert content(bundle) == before


class Unplugged:
    """A token that goes away after two signatures."""

    public_key: PublicKey = KEY.public_key
    left = 2

    def sign(self, message: bytes) -> bytes:
        self.left -= 1
        if self.left < 0:
            raise KeyUnusable("the token did not sign")
        return KEY.sign(message)


def test_nothing_is_written_when_the_key_stops_signing(bundle: Path) -> None:
    before = content(bundle)
    with pytest.raises(KeyUnusable):
        sign_bundle(bundle, Unplugged(), version("0.6.0"))
    assert content(bundle) == before
