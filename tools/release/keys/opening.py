"""A key by one word: a file, or a PKCS#11 URI."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.release.keys import file_key, token_key
from tools.release.keys.public_key import PublicKey, Signer
from tools.release.keys.token_key import SCHEME, TokenPlace


@contextmanager
def open_signer(key: str, descriptor: int | None = None) -> Iterator[Signer]:
    """The key in a file (`KEY/key.pem`) or on a token (`pkcs11:…`, RFC 7512), for as long as the block lasts.

    Its passphrase or PIN is asked for, or read from a descriptor. Raises KeyUnusable.
    """
    if key.startswith(SCHEME):
        with token_key.open_token_key(TokenPlace.parse(key), descriptor) as signer:
            yield signer
    else:
        yield file_key.load(Path(key), descriptor)


def make_key(key: str, descriptor: int | None = None) -> PublicKey:
    """A new key in a new folder, or on a token. Raises ReleaseError."""
    if key.startswith(SCHEME):
        return token_key.make(TokenPlace.parse(key), descriptor)
    return file_key.make(Path(key), descriptor)
