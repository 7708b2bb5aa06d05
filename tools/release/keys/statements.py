"""Files of signed statements about keys: a DSSE envelope a line, only ever made longer."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, PlainSerializer, PlainValidator, ValidationError

from tools.release.bundle.output import replacing
from tools.release.errors import ReleaseError
from tools.release.keys import dsse
from tools.release.keys.errors import Reason, SignatureRefused
from tools.release.keys.public_key import PublicKey, Signer

_LIMIT = 1024 * 1024  # bytes of a file: far more than keys have successors


def _key(line: object) -> PublicKey:
    if isinstance(line, PublicKey):
        return line
    if not isinstance(line, str):
        raise ValueError("expected the second line of a .pub file")
    try:
        return PublicKey.from_line(line)
    except SignatureRefused as error:
        raise ValueError(str(error)) from None


KeyLine = Annotated[PublicKey, PlainValidator(_key), PlainSerializer(PublicKey.to_line)]
"""A whole public key, as in the second line of its .pub file."""


class Statement(BaseModel):
    """What is said about a key."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


S = TypeVar("S", bound=Statement)


def seal(signer: Signer, statement: Statement, payload_type: str) -> bytes:
    """A line of a file, with its line feed; the same bytes every time. Raises KeyUnusable."""
    return dsse.seal(signer, statement.model_dump_json().encode(), payload_type) + b"\n"


def open_all(
    content: bytes, kind: type[S], payload_type: str, signers: Callable[[S], Sequence[PublicKey]]
) -> tuple[S, ...]:
    """The statements of a file, each signed by one of the keys that may make it. Raises SignatureRefused."""
    if len(content) > _LIMIT or not (content == b"" or content.endswith(b"\n")):
        raise _malformed(
            f"expected lines that end in a line feed, {_LIMIT} bytes at most; is the file cut short?"
        )
    return tuple(
        _open(number, line, kind, payload_type, signers)
        for number, line in enumerate(content.split(b"\n")[:-1], start=1)
    )


def _open(
    number: int,
    line: bytes,
    kind: type[S],
    payload_type: str,
    signers: Callable[[S], Sequence[PublicKey]],
) -> S:
    try:
        sealed = dsse.unverified(line)
        if sealed.payload_type != payload_type:
            raise _malformed(f"expected {payload_type}, found {sealed.payload_type[:80]!r}")
        statement = _decode(sealed.payload, kind)
        _verify(line, signers(statement))
    except SignatureRefused as error:
        raise SignatureRefused(error.reason, f"line {number}: {error}") from None
    return statement


def _decode(payload: bytes, kind: type[S]) -> S:
    try:
        return kind.model_validate_json(payload)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        place = ".".join(map(str, fault["loc"])) or "the statement"
        raise _malformed(f"{place}: {fault['msg']}") from None


def _verify(line: bytes, keys: Sequence[PublicKey]) -> None:
    """By whichever of the keys the line says that it was signed by."""
    *others, last = keys
    for key in others:
        try:
            dsse.open_sealed(key, line)
            return
        except SignatureRefused as error:
            if error.reason is not Reason.OTHER_KEY:
                raise
    dsse.open_sealed(last, line)


def read(path: Path) -> bytes:
    """A file of statements. Raises ReleaseError."""
    try:
        with path.open("rb") as file:
            return file.read(_LIMIT + 1)
    except OSError as error:
        raise ReleaseError(f"cannot read {path}: {error.strerror}") from None


def append(path: Path, line: Callable[[bytes], bytes]) -> None:
    """Adds the line that `line` makes when it is given what is there already, which may be nothing.

    One writer at a time; an interruption leaves the file as it was. Raises ReleaseError, and what `line` raises.
    """
    with _locked(path.parent):
        before = read(path) if os.path.lexists(path) else b""
        content = before + line(before)
        with replacing(path) as file:
            file.write(content)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """The lock is of the folder itself: no file of it lives as long as it does."""
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise ReleaseError(f"cannot write to {folder}: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _malformed(text: str) -> SignatureRefused:
    return SignatureRefused(Reason.MALFORMED, text)
