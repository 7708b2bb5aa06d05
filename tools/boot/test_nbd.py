"""The protocol's corners that QEMU does not go to: an old handshake, and clients that get it wrong."""

from __future__ import annotations

import errno
import socket
import struct
import threading
from collections.abc import Callable

import pytest

from tools.boot.nbd import MAX_TRANSFER, ProtocolError, serve

GREETING = b"NBDMAGICIHAVEOPT\x00\x03"
NO_ZEROES = struct.pack(">I", 3)
EXPORT_NAME, ABORT, GO = 1, 2, 7
READ, WRITE, DISCONNECT, FLUSH, TRIM = range(5)


class Memory:
    """A disk of 4 KiB."""

    size = 4096

    def __init__(self) -> None:
        self.content = bytearray(range(256)) * 16
        self.flushes = 0

    def read(self, offset: int, length: int) -> bytes:
        return bytes(self.content[offset : offset + length])

    def write(self, offset: int, data: bytes) -> None:
        self.content[offset : offset + len(data)] = data

    def flush(self) -> None:
        self.flushes += 1


def _option(number: int, data: bytes = b"") -> bytes:
    return b"IHAVEOPT" + struct.pack(">II", number, len(data)) + data


def _request(
    kind: int, offset: int = 0, length: int = 0, data: bytes = b"", flags: int = 0
) -> bytes:
    return struct.pack(">IHHQQI", 0x25609513, flags, kind, 77, offset, length) + data


def _reply(error: int, data: bytes = b"") -> bytes:
    return struct.pack(">IIQ", 0x67446698, error, 77) + data


def _talk(sent: bytes, memory: Memory) -> bytes:
    """All that the server says to a client that says this and then closes its side."""
    ours, theirs = socket.socketpair()
    failures: list[Exception] = []

    def run() -> None:
        with theirs:
            try:
                serve(theirs, memory)
            except ProtocolError as error:
                failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    with ours:
        ours.sendall(sent)
        ours.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: ours.recv(65536), b""))
    thread.join()
    if failures:
        raise failures[0]
    return answer


@pytest.fixture
def transmit() -> Callable[..., bytes]:
    """What the server replies to requests."""

    def replies(*requests: bytes, memory: Memory | None = None) -> bytes:
        start = NO_ZEROES + _option(EXPORT_NAME)
        answer = _talk(start + b"".join(requests), memory or Memory())
        return answer[len(GREETING) + 10 :]

    return replies


def test_an_old_client_gets_size_flags_and_padding() -> None:
    answer = _talk(struct.pack(">I", 1) + _option(EXPORT_NAME, b"any name"), Memory())
    assert answer == GREETING + struct.pack(">QH", 4096, 5) + bytes(124)


def test_an_option_that_is_not_known_is_refused_and_the_next_is_taken() -> None:
    answer = _talk(NO_ZEROES + _option(8) + _option(GO, bytes(6)), Memory())
    magic = struct.pack(">Q", 0x3E889045565A9)
    refused = magic + struct.pack(">III", 8, 1 << 31 | 1, 0)
    info = magic + struct.pack(">IIIHQH", GO, 3, 12, 0, 4096, 5)
    assert answer == GREETING + refused + info + magic + struct.pack(">III", GO, 1, 0)


def test_a_client_may_leave_without_a_disk() -> None:
    answer = _talk(NO_ZEROES + _option(ABORT), Memory())
    assert answer.endswith(struct.pack(">III", ABORT, 1, 0))


def test_requests_are_answered_in_order(transmit: Callable[..., bytes]) -> None:
    memory = Memory()
    replies = transmit(
        _request(WRITE, 4094, 2, b"ab"),
        _request(FLUSH),
        _request(READ, 4093, 3),
        _request(DISCONNECT),
        memory=memory,
    )
    assert replies == _reply(0) + _reply(0) + _reply(0, b"\xfdab")
    assert memory.flushes == 1


@pytest.mark.parametrize(
    "request_",
    [
        _request(READ, 4095, 2),
        _request(READ, 1 << 63, 1),
        _request(READ, 0, MAX_TRANSFER + 1),
        _request(WRITE, 4095, 2, b"ab"),
        _request(WRITE, 0, 1, b"a", flags=1),
        _request(TRIM, 0, 512),
    ],
)
def test_what_cannot_be_done_is_an_error_and_changes_nothing(
    transmit: Callable[..., bytes], request_: bytes
) -> None:
    memory = Memory()
    assert transmit(request_, _request(FLUSH), memory=memory) == _reply(errno.EINVAL) + _reply(0)
    assert memory.content == Memory().content


@pytest.mark.parametrize(
    "sent",
    [
        struct.pack(">I", 4),
        NO_ZEROES + b"IHAVENOT" + bytes(8),
        NO_ZEROES + b"IHAVEOPT" + struct.pack(">II", GO, 1 << 31),
        NO_ZEROES + _option(EXPORT_NAME) + bytes(28),
        NO_ZEROES + _option(EXPORT_NAME) + _request(WRITE, 0, MAX_TRANSFER + 1),
    ],
)
def test_what_makes_no_sense_ends_the_conversation(sent: bytes) -> None:
    with pytest.raises(ProtocolError):
        _talk(sent, Memory())


def test_a_client_that_goes_in_the_middle_of_a_write_has_not_written() -> None:
    memory = Memory()
    _talk(NO_ZEROES + _option(EXPORT_NAME) + _request(WRITE, 0, 512, bytes(100)), memory)
    assert memory.content == Memory().content
