"""What opens a key: asked on the terminal, or read from a file descriptor. Never from arguments or the environment."""

from __future__ import annotations

import getpass
import os
import warnings

from tools.release.keys.errors import KeyUnusable

_LIMIT = 1024


def read(question: str, descriptor: int | None) -> bytes:
    """A passphrase or PIN: everything in the descriptor but a last line feed, or an answer on the terminal.

    Raises KeyUnusable.
    """
    secret = _ask(question) if descriptor is None else _read_all(descriptor)
    if not secret:
        raise KeyUnusable("expected a passphrase, found an empty one")
    return secret


def choose(question: str, descriptor: int | None) -> bytes:
    """A new passphrase, which is asked for twice. Raises KeyUnusable."""
    secret = read(question, descriptor)
    if descriptor is None and _ask("Once more: ") != secret:
        raise KeyUnusable("the two passphrases differ: nothing was made; try again")
    return secret


def _ask(question: str) -> bytes:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)  # else it would echo
            return getpass.getpass(question).encode()
    except (getpass.GetPassWarning, EOFError, OSError, UnicodeError):
        raise KeyUnusable(
            "there is no terminal to ask for the passphrase on: hand it over with --secret-fd"
        ) from None


def _read_all(descriptor: int) -> bytes:
    content = b""
    try:
        while len(content) <= _LIMIT and (part := os.read(descriptor, _LIMIT + 1)):
            content += part
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or "no such descriptor"
        raise KeyUnusable(
            f"cannot read the passphrase from descriptor {descriptor}: {reason}"
        ) from None
    if len(content) > _LIMIT:
        raise KeyUnusable(f"expected a passphrase of at most {_LIMIT} bytes in {descriptor}")
    return content.removesuffix(b"\n")
