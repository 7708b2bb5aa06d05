"""Passphrases: from descriptors and from a terminal, and never from anywhere else."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from tools.release.keys import passphrase
from tools.release.keys.errors import KeyUnusable
from tools.release.keys.testing import handed


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        (b"a b", b"a b"),
        (b"a\n", b"a"),
        (b"a\n\n", b"a\n"),
        (b"\xff\x00", b"\xff\x00"),
        (b"x" * 1024, b"x" * 1024),
    ],
    ids=["as it is", "a last line feed", "only the last", "any bytes", "long"],
)
def test_a_descriptor_holds_the_passphrase(content: bytes, secret: bytes) -> None:
    with handed(content) as descriptor:
        assert passphrase.choose("", descriptor) == secret


@pytest.mark.parametrize("content", [b"", b"\n", b"x" * 1025], ids=["none", "empty", "too long"])
def test_no_passphrase_is_told(content: bytes) -> None:
    with handed(content) as descriptor, pytest.raises(KeyUnusable, match="expected a passphrase"):
        passphrase.read("", descriptor)


@pytest.mark.parametrize("descriptor", [9999, 2**40])
def test_no_descriptor_is_told(descriptor: int) -> None:
    with pytest.raises(KeyUnusable, match=f"from descriptor {descriptor}: "):
        passphrase.read("", descriptor)


def test_a_descriptor_that_is_only_written_is_told() -> None:
    reader, writer = os.pipe()
    try:
        with pytest.raises(KeyUnusable, match="Bad file descriptor"):
            passphrase.read("", writer)
    finally:
        os.close(reader)
        os.close(writer)


MODULES = ":".join(map(os.path.abspath, sys.path))
PROGRAM = """
from tools.release.keys import passphrase
from tools.release.keys.errors import KeyUnusable
try:
    print("got", passphrase.choose("Passphrase: ", None))
except KeyUnusable as error:
    print("refused:", error)
"""


def test_without_a_terminal_nothing_is_read() -> None:
    said = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={"PYTHONPATH": MODULES},
        input=b"abc\nabc\n",
        capture_output=True,
        check=True,
        start_new_session=True,
    )
    assert b"refused: there is no terminal" in said.stdout and b"abc" not in said.stdout


def typed(*lines: bytes) -> bytes:
    """What a terminal shows when these are typed, each after its question."""
    child, terminal = pty.fork()
    if child == 0:
        os.execve(
            sys.executable,
            [sys.executable, "-c", PROGRAM],
            {"PYTHONPATH": MODULES},
        )
    shown = b""
    try:
        for line in lines:
            while not shown.endswith(b": "):
                shown += os.read(terminal, 100)
            os.write(terminal, line + b"\n")
            shown += b"|"
        while part := os.read(terminal, 1000):
            shown += part
    except OSError:  # the other side is closed
        pass
    finally:
        os.waitpid(child, 0)
        os.close(terminal)
    return shown


def test_a_terminal_is_asked_twice_and_shows_nothing() -> None:
    shown = typed(b"s3cret", b"s3cret")
    assert shown.startswith(b"Passphrase: |\r\nOnce more: |\r\n")
    assert shown.endswith(b"got b's3cret'\r\n") and shown.count(b"s3cret") == 1


def test_two_that_differ_are_refused() -> None:
    shown = typed(b"s3cret", b"secret")
    assert shown.endswith(b"refused: the two passphrases differ: nothing was made; try again\r\n")


def test_an_empty_answer_is_refused() -> None:
    assert b"refused: expected a passphrase" in typed(b"")
