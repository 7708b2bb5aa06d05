from __future__ import annotations

import hashlib
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.release.secureboot.pe import MalformedProgram, checksum, parse
from tools.release.secureboot.testing import (
    CERTIFICATE_DIRECTORY,
    CHECKSUM,
    HEADERS_SIZE,
    OPTIONAL_HEADER,
    PE_HEADER,
    SECTION_TABLE,
    make_program,
)

PROGRAM = make_program([b"code" * 128, b"data" * 128])
SIGNED = parse(PROGRAM).with_signature(b"signature")
SECTION_SIZE, SECTION_OFFSET = 16, 20


def patched(program: bytes, offset: int, form: str, *values: int) -> bytes:
    content = bytearray(program)
    struct.pack_into("<" + form, content, offset, *values)
    return bytes(content)


def as_microsoft_says(content: bytes) -> bytes:
    """The steps of "Calculating the PE Image Hash", one by one."""
    certificates = struct.unpack_from("<II", content, CERTIFICATE_DIRECTORY)[1]
    content += bytes(-len(content) % 8)
    sha = hashlib.sha256(content[:CHECKSUM])
    sha.update(content[CHECKSUM + 4 : CERTIFICATE_DIRECTORY])
    sha.update(content[CERTIFICATE_DIRECTORY + 8 : HEADERS_SIZE])
    hashed = HEADERS_SIZE
    (count,) = struct.unpack_from("<H", content, PE_HEADER + 6)
    rows = [
        struct.unpack_from("<II", content, SECTION_TABLE + 40 * n + SECTION_SIZE)
        for n in range(count)
    ]
    for size, offset in sorted(filter(lambda row: row[0], rows), key=lambda row: row[1]):
        sha.update(content[offset : offset + size])
        hashed += size
    sha.update(content[hashed : len(content) - certificates])
    return sha.digest()


sections = st.lists(st.binary(max_size=300), min_size=1, max_size=3)


@settings(deadline=None)
@given(sections, st.binary(max_size=20), st.booleans(), st.binary(min_size=1, max_size=30))
def test_the_hash_is_the_specifications_before_and_after_signing(
    contents: list[bytes], trailing: bytes, reverse: bool, signature: bytes
) -> None:
    program = make_program(contents, trailing, reverse)
    parsed = parse(program)
    signed = parsed.with_signature(signature)
    assert parsed.digest() == as_microsoft_says(program)
    assert parse(signed).digest() == parsed.digest() == as_microsoft_says(signed)
    assert parse(signed).signatures() == (signature,)
    assert parse(signed).without_signatures() == parsed.without_signatures()


@settings(deadline=None)
@given(st.integers(0, len(PROGRAM) * 8 - 1))
def test_a_flipped_bit_changes_the_hash_unless_it_is_in_checksum(bit: int) -> None:
    content = bytearray(PROGRAM)
    content[bit // 8] ^= 1 << bit % 8
    try:
        same = parse(bytes(content)).digest() == parse(PROGRAM).digest()
    except MalformedProgram:
        same = False
    assert same == (CHECKSUM <= bit // 8 < CHECKSUM + 4)


@settings(deadline=None)
@given(st.data())
def test_bytes_that_are_no_program_are_refused_in_words(data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(SIGNED)))
    junk = data.draw(st.binary(max_size=64))
    at = data.draw(st.integers(0, HEADERS_SIZE))
    content = SIGNED[:at] + junk + SIGNED[at + len(junk) : cut]
    try:
        parse(content).signatures()
    except MalformedProgram as error:
        assert 0 <= error.offset <= 0xFFFFFFFF
        assert f"{error.offset:#x}" in str(error)


ROW = SECTION_TABLE + 40
CASES = {
    "no MZ": (b"\x7fELF" + PROGRAM[4:], 0, "expected MZ"),
    "empty": (b"", 0, "expected MZ"),
    "cut in the DOS header": (PROGRAM[:40], 40, "ends inside the DOS header"),
    "PE header in the DOS header": (patched(PROGRAM, 60, "I", 4), 60, "inside the DOS header"),
    "PE header behind the end": (
        patched(PROGRAM, 60, "I", 0xFFFFFFF0),
        len(PROGRAM),
        "ends inside the PE header",
    ),
    "32 bits": (patched(PROGRAM, OPTIONAL_HEADER, "H", 0x10B), OPTIONAL_HEADER, "expected PE32+"),
    "no directory of certificates": (
        patched(PROGRAM, OPTIONAL_HEADER + 108, "I", 4),
        OPTIONAL_HEADER + 108,
        "4 data directories",
    ),
    "directories and header disagree": (
        patched(PROGRAM, OPTIONAL_HEADER + 108, "I", 15),
        OPTIONAL_HEADER,
        "15 directories make it",
    ),
    "section table outside the headers": (
        patched(PROGRAM, OPTIONAL_HEADER + 60, "I", SECTION_TABLE),
        OPTIONAL_HEADER + 60,
        "SizeOfHeaders",
    ),
    "headers longer than the file": (
        patched(PROGRAM, OPTIONAL_HEADER + 60, "I", 1 << 20),
        OPTIONAL_HEADER + 60,
        "SizeOfHeaders",
    ),
    "gap": (
        patched(PROGRAM + bytes(8), ROW + SECTION_OFFSET, "I", HEADERS_SIZE + 520),
        HEADERS_SIZE + 512,
        "leave a gap that no hash covers",
    ),
    "overlap": (
        patched(PROGRAM, ROW + SECTION_OFFSET, "I", HEADERS_SIZE + 8),
        HEADERS_SIZE + 8,
        "overlap",
    ),
    "section behind the end": (
        patched(PROGRAM, ROW + SECTION_SIZE, "I", 4096),
        len(PROGRAM),
        "ends inside section .s1",
    ),
    "bytes behind the certificates": (SIGNED + bytes(8), CERTIFICATE_DIRECTORY, "up to the end"),
    "certificates over a section": (
        patched(PROGRAM, CERTIFICATE_DIRECTORY, "II", len(PROGRAM) - 8, 8),
        CERTIFICATE_DIRECTORY,
        "behind the sections",
    ),
    "an empty certificate": (patched(SIGNED, len(PROGRAM), "I", 8), len(PROGRAM), "of 8 bytes"),
    "a certificate that is too long": (
        patched(SIGNED, len(PROGRAM), "I", 0xFFFFFFFF),
        len(PROGRAM),
        "24 are left",
    ),
    "a certificate of another type": (
        patched(SIGNED, len(PROGRAM) + 6, "H", 0x0EF1),
        len(PROGRAM),
        "type 0xef1",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_is_said_with_its_place(case: str) -> None:
    content, offset, words = CASES[case]
    with pytest.raises(MalformedProgram) as caught:
        parse(content).signatures()
    assert caught.value.offset == offset
    assert words in str(caught.value)


def test_several_certificates_are_read_one_after_the_other() -> None:
    first = SIGNED[len(PROGRAM) :]
    content = patched(SIGNED + first, CERTIFICATE_DIRECTORY + 4, "I", 2 * len(first))
    assert parse(content).signatures() == (b"signature", b"signature")


def test_the_checksum_does_not_depend_on_the_field_itself() -> None:
    stored = struct.unpack_from("<I", SIGNED, CHECKSUM)[0]
    assert checksum(SIGNED, CHECKSUM) == stored
    assert checksum(patched(SIGNED, CHECKSUM, "I", 0), CHECKSUM) == stored
