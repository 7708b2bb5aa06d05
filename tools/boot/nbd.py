"""The server's side of the NBD protocol: one client, one disk.

The fixed newstyle handshake with the options EXPORT_NAME, GO and ABORT, then simple replies to READ, WRITE, FLUSH and
DISC: the subset QEMU needs (NetworkBlockDevice/nbd, doc/proto.md; NBD_OPT_GO and NBD_REP_INFO: its extension-info).
Numbers on the wire are big-endian.
"""

from __future__ import annotations

import errno
import socket
import struct
from dataclasses import dataclass
from typing import BinaryIO, Protocol


class ProtocolError(Exception):
    """The client sent what the protocol does not allow; the connection cannot go on."""


class Device(Protocol):
    """A disk to serve. Ranges are checked before they get here."""

    size: int

    def read(self, offset: int, length: int) -> bytes:
        """What is on the disk."""

    def write(self, offset: int, data: bytes) -> None:
        """Puts data on the disk, or in its cache."""

    def flush(self) -> None:
        """Returns once everything written before is safe from a loss of power."""


_INIT_MAGIC = 0x4E42444D41474943  # "NBDMAGIC"
_OPTION_MAGIC = 0x49484156454F5054  # "IHAVEOPT"
_OPTION_REPLY_MAGIC = 0x3E889045565A9
_REQUEST_MAGIC = 0x25609513
_REPLY_MAGIC = 0x67446698

_GREETING = struct.Struct(">QQH")
_CLIENT_FLAGS = struct.Struct(">I")
_OPTION = struct.Struct(">QII")  # magic, option, bytes of data
_OPTION_REPLY = struct.Struct(">QIII")  # magic, option, type, bytes of data
_EXPORT = struct.Struct(">QH")  # size, transmission flags
_REQUEST = struct.Struct(">IHHQQI")  # magic, flags, type, handle, offset, length
_REPLY = struct.Struct(">IIQ")  # magic, error, handle

_FIXED_NEWSTYLE, _NO_ZEROES = 1, 2
_HANDSHAKE_FLAGS = _FIXED_NEWSTYLE | _NO_ZEROES
_TRANSMISSION_FLAGS = 1 | 4  # HAS_FLAGS, SEND_FLUSH
_OPT_EXPORT_NAME, _OPT_ABORT, _OPT_GO = 1, 2, 7
_REP_ACK, _REP_INFO, _REP_ERR_UNSUP = 1, 3, 1 << 31 | 1
_INFO_EXPORT = struct.pack(">H", 0)
_ZEROES = bytes(124)
_READ, _WRITE, _DISCONNECT, _FLUSH = range(4)

MAX_TRANSFER = 32 << 20
"""Bytes of one read or write; what every client may ask for when the server says nothing else."""
_MAX_OPTION = 64 << 10


class _Gone(Exception):
    """The client closed the connection."""


@dataclass(frozen=True)
class _Client:
    stream: socket.socket
    unread: BinaryIO

    def receive(self, length: int) -> bytes:
        data = self.unread.read(length)
        if len(data) < length:
            raise _Gone
        return data

    def send(self, *parts: bytes) -> None:
        self.stream.sendall(b"".join(parts))


def serve(stream: socket.socket, device: Device) -> None:
    """Answers one client until it leaves. Raises ProtocolError, and whatever the device raises."""
    with stream.makefile("rb") as unread:
        client = _Client(stream, unread)
        try:
            if _agree(client, device.size):
                while _answer(client, device):
                    pass
        except (_Gone, ConnectionError):
            pass


def _agree(client: _Client, size: int) -> bool:
    """The handshake; False when the client wants no disk after all."""
    client.send(_GREETING.pack(_INIT_MAGIC, _OPTION_MAGIC, _HANDSHAKE_FLAGS))
    (flags,) = _CLIENT_FLAGS.unpack(client.receive(_CLIENT_FLAGS.size))
    if flags & ~_HANDSHAKE_FLAGS:
        raise ProtocolError(f"client flags {flags:#x}: only {_HANDSHAKE_FLAGS:#x} were offered")
    export = _EXPORT.pack(size, _TRANSMISSION_FLAGS)
    while (option := _next_option(client)) != _OPT_ABORT:
        if option == _OPT_EXPORT_NAME:
            client.send(export, b"" if flags & _NO_ZEROES else _ZEROES)
            return True
        if option == _OPT_GO:
            client.send(_option_reply(option, _REP_INFO, _INFO_EXPORT + export))
            client.send(_option_reply(option, _REP_ACK))
            return True
        client.send(_option_reply(option, _REP_ERR_UNSUP))
    client.send(_option_reply(_OPT_ABORT, _REP_ACK))
    return False


def _next_option(client: _Client) -> int:
    """The next option's number. Its data is passed over: whatever disk it names, there is one."""
    magic, option, length = _OPTION.unpack(client.receive(_OPTION.size))
    if magic != _OPTION_MAGIC or length > _MAX_OPTION:
        raise ProtocolError(f"option {option} with magic {magic:#x} and {length} bytes of data")
    client.receive(length)
    return int(option)


def _option_reply(option: int, kind: int, data: bytes = b"") -> bytes:
    return _OPTION_REPLY.pack(_OPTION_REPLY_MAGIC, option, kind, len(data)) + data


def _answer(client: _Client, device: Device) -> bool:
    """One request; False when it is the last."""
    request = client.receive(_REQUEST.size)
    magic, flags, kind, handle, offset, length = _REQUEST.unpack(request)
    if magic != _REQUEST_MAGIC or (kind == _WRITE and length > MAX_TRANSFER):
        raise ProtocolError(f"request {kind} with magic {magic:#x} and a length of {length}")
    data = client.receive(length) if kind == _WRITE else b""
    if kind == _DISCONNECT:
        return False
    if flags or length > MAX_TRANSFER or offset + length > device.size:
        client.send(_REPLY.pack(_REPLY_MAGIC, errno.EINVAL, handle))
    elif kind == _READ:
        client.send(_REPLY.pack(_REPLY_MAGIC, 0, handle), device.read(offset, length))
    else:
        client.send(_REPLY.pack(_REPLY_MAGIC, _change(device, kind, offset, data), handle))
    return True


def _change(device: Device, kind: int, offset: int, data: bytes) -> int:
    """A write or a flush; the error number to reply with."""
    if kind == _WRITE:
        device.write(offset, data)
    elif kind == _FLUSH:
        device.flush()
    else:
        return errno.EINVAL
    return 0
