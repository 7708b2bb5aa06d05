"""Programs in the format PE32+, as far as a signature touches them, and the hash that a signature is over.

Sources: Microsoft, "PE Format" (attribute certificate table, CheckSum); Microsoft, "Windows Authenticode Portable
Executable Signature Format" (calculating the hash). Integers are little-endian, offsets count from the file's start.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tools.release.errors import Refused

ALIGNMENT = 8
"""Of the certificate table, and of each certificate in it."""
_MAX_BYTES = 0xFFFFFFFF
_DOS_HEADER_BYTES = 64
_DOS_POINTER = 60
_COFF = struct.Struct("<4sHHIIIHH")
_PE32, _PE32_PLUS = 0x10B, 0x20B
# In the optional header:
_HEADERS_SIZE = 60
_CHECKSUM = 64
_DIRECTORIES = 108
_FIRST_DIRECTORY = 112
_CERTIFICATE_DIRECTORY = 4
_MAX_DIRECTORIES = 16
_DIRECTORY = struct.Struct("<II")
_SECTION = struct.Struct("<8sIIII16x")
_CERTIFICATE = struct.Struct("<IHH")
_REVISION_2 = 0x0200
_PKCS_SIGNED_DATA = 0x0002


class MalformedProgram(Refused):
    """The bytes are no program that could be signed; `offset` is where that shows."""

    def __init__(self, offset: int, finding: str) -> None:
        super().__init__(f"malformed program, at byte {offset:#x}: {finding}")
        self.offset = offset


@dataclass(frozen=True)
class Extent:
    """A part of the file."""

    offset: int
    size: int

    @property
    def end(self) -> int:
        """The offset of the first byte behind it."""
        return self.offset + self.size


@dataclass(frozen=True)
class Program:
    """A program that has been checked: headers, sections and what trails them follow each other without a gap."""

    content: bytes
    checksum: int
    """Where CheckSum is."""
    directory: int
    """Where the entry of the certificate table is."""
    certificates: Extent
    """The certificate table, the last thing in the file; empty when there is none."""

    @property
    def body(self) -> bytes:
        """All but the certificate table, with zeros up to where a table can begin."""
        body = self.content[: self.certificates.offset]
        return body + bytes(-len(body) % ALIGNMENT)

    def digest(self) -> bytes:
        """The Authenticode hash (SHA-256).

        Headers, sections in file order, trailing data, without CheckSum, the entry of the certificate table, and the
        table itself. As nothing overlaps and nothing is left out between them, these are the bytes as they lie.
        """
        body = self.body
        sha = hashlib.sha256(body[: self.checksum])
        sha.update(body[self.checksum + 4 : self.directory])
        sha.update(body[self.directory + _DIRECTORY.size :])
        return sha.digest()

    def signatures(self) -> tuple[bytes, ...]:
        """The PKCS#7 signatures in the certificate table. Raises MalformedProgram."""
        found = []
        offset = self.certificates.offset
        while offset < self.certificates.end:
            length, revision, kind = _read(self.content, _CERTIFICATE, offset, "a certificate")
            if not _CERTIFICATE.size < length <= self.certificates.end - offset:
                left = self.certificates.end - offset
                raise MalformedProgram(offset, f"a certificate of {length} bytes; {left} are left")
            if (revision, kind) != (_REVISION_2, _PKCS_SIGNED_DATA):
                raise MalformedProgram(
                    offset,
                    f"a certificate of revision {revision:#x} and type {kind:#x}; "
                    f"expected {_REVISION_2:#x} and {_PKCS_SIGNED_DATA:#x} (PKCS#7)",
                )
            found.append(self.content[offset + _CERTIFICATE.size : offset + length])
            offset += length + -length % ALIGNMENT
        return tuple(found)

    def with_signature(self, signature: bytes) -> bytes:
        """The program with this PKCS#7 signature in place of those it has."""
        length = _CERTIFICATE.size + len(signature)
        header = _CERTIFICATE.pack(length, _REVISION_2, _PKCS_SIGNED_DATA)
        return self._with_table(header + signature + bytes(-length % ALIGNMENT))

    def without_signatures(self) -> bytes:
        """The program without a certificate table."""
        return self._with_table(b"")

    def _with_table(self, table: bytes) -> bytes:
        content = bytearray(self.body)
        if len(content) + len(table) > _MAX_BYTES:
            raise MalformedProgram(len(content), "no room for a signature below 4 GiB")
        where = len(content) if table else 0
        _DIRECTORY.pack_into(content, self.directory, where, len(table))
        content += table
        struct.pack_into("<I", content, self.checksum, checksum(content, self.checksum))
        return bytes(content)


def checksum(content: bytes | bytearray, where: int) -> int:
    """CheckSum of a file that has the field at `where`: the file's words (16 bits) added with carry, and its size."""
    total = 0
    for part in (content[:where], content[where + 4 :]):
        padded = bytes(part) + bytes(len(part) % 2)
        total += sum(struct.unpack(f"<{len(padded) // 2}H", padded))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return (total + len(content)) & 0xFFFFFFFF


def parse(content: bytes) -> Program:
    """Check a program. Raises MalformedProgram, also for what a signature would not cover: gaps and overlaps."""
    if content[:2] != b"MZ":
        raise MalformedProgram(0, "expected MZ; this is no EFI program")
    if len(content) > _MAX_BYTES:
        raise MalformedProgram(_MAX_BYTES, "a program has less than 4 GiB")
    (coff,) = _read(content, struct.Struct("<I"), _DOS_POINTER, "the DOS header")
    if coff < _DOS_HEADER_BYTES:
        raise MalformedProgram(_DOS_POINTER, f"the PE header is at {coff}, inside the DOS header")
    signature, _, sections, *_, optional_size, _ = _read(content, _COFF, coff, "the PE header")
    if signature != b"PE\0\0":
        raise MalformedProgram(coff, f"expected PE\\0\\0, found {signature!r}")
    optional = coff + _COFF.size
    directories = _check_optional_header(content, optional, optional_size)
    table = Extent(optional + optional_size, sections * _SECTION.size)
    (headers_size,) = _read(content, struct.Struct("<I"), optional + _HEADERS_SIZE, "the headers")
    if not table.end <= headers_size <= len(content):
        raise MalformedProgram(
            optional + _HEADERS_SIZE,
            f"SizeOfHeaders is {headers_size}; expected {table.end} (where the section table ends) "
            f"to {len(content)} (the file's size)",
        )
    end = _check_sections(content, table, headers_size)
    directory = directories + _CERTIFICATE_DIRECTORY * _DIRECTORY.size
    certificates = _certificates(content, directory, end)
    return Program(content, optional + _CHECKSUM, directory, certificates)


def _read(content: bytes, layout: struct.Struct, offset: int, what: str) -> tuple[Any, ...]:
    if offset + layout.size > len(content):
        raise MalformedProgram(len(content), f"the file ends inside {what}")
    return layout.unpack_from(content, offset)


def _check_optional_header(content: bytes, offset: int, size: int) -> int:
    """Where the data directories begin."""
    what = "the optional header"
    (magic,) = _read(content, struct.Struct("<H"), offset, what)
    if magic != _PE32_PLUS:
        found = "PE32, for 32 bits" if magic == _PE32 else f"magic {magic:#x}"
        raise MalformedProgram(offset, f"{found}; expected PE32+ ({_PE32_PLUS:#x})")
    (directories,) = _read(content, struct.Struct("<I"), offset + _DIRECTORIES, what)
    if not _CERTIFICATE_DIRECTORY < directories <= _MAX_DIRECTORIES:
        raise MalformedProgram(
            offset + _DIRECTORIES,
            f"{directories} data directories; expected {_CERTIFICATE_DIRECTORY + 1} "
            f"(the last is the certificate table's) to {_MAX_DIRECTORIES}",
        )
    expected = _FIRST_DIRECTORY + directories * _DIRECTORY.size
    if size != expected:
        raise MalformedProgram(
            offset,
            f"the optional header has {size} bytes; {directories} directories make it {expected}",
        )
    return offset + _FIRST_DIRECTORY


def _check_sections(content: bytes, table: Extent, headers_size: int) -> int:
    """Where the last section ends. `headers_size` is where the first begins."""
    extents = [Extent(0, headers_size)]
    names = ["the headers"]
    rows = [
        _read(content, _SECTION, offset, "the section table")
        for offset in range(table.offset, table.end, _SECTION.size)
    ]
    for name, _, _, size, offset in sorted(rows, key=lambda row: (row[4], row[3])):
        if size:
            extents.append(Extent(offset, size))
            names.append("section " + name.rstrip(b"\0").decode("ascii", "backslashreplace"))
    for (before, name), (after, next_name) in pairwise(zip(extents, names, strict=True)):
        if after.offset != before.end:
            fault = "overlap" if after.offset < before.end else "leave a gap that no hash covers"
            raise MalformedProgram(
                min(after.offset, before.end),
                f"{name} (to {before.end:#x}) and {next_name} (from {after.offset:#x}) {fault}",
            )
    if extents[-1].end > len(content):
        raise MalformedProgram(len(content), f"the file ends inside {names[-1]}")
    return extents[-1].end


def _certificates(content: bytes, directory: int, earliest: int) -> Extent:
    """The certificate table. It ends the file, as no hash would cover what is behind it."""
    offset, size = _DIRECTORY.unpack_from(content, directory)
    if offset == size == 0:
        return Extent(len(content), 0)
    table = Extent(offset, size)
    if size == 0 or offset % ALIGNMENT or offset < earliest or table.end != len(content):
        raise MalformedProgram(
            directory,
            f"the certificate table is {size} bytes at {offset:#x}; expected a multiple of {ALIGNMENT}, behind the "
            f"sections (from {earliest:#x}), and up to the end of the file ({len(content):#x})",
        )
    return table
