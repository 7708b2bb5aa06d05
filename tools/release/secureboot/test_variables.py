"""The stores of Debian's OVMF are the judges: empty ones, and some in which EDK2 itself enrolled keys."""

from __future__ import annotations

import struct
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.boot import installed
from tools.release.secureboot.enrol import (
    DATABASE_VENDOR,
    GLOBAL_VENDOR,
    OWNER,
    AlreadyEnrolled,
    Keys,
    enrol,
    signature_lists,
)
from tools.release.secureboot.testing import make_pair
from tools.release.secureboot.variables import (
    MalformedStore,
    StoreFull,
    Variable,
    parse_store,
)

EMPTY_PATH = installed.find(installed.OVMF_VARIABLES, None)
EMPTY = EMPTY_PATH.read_bytes()
DEBIANS = EMPTY_PATH.with_name("OVMF_VARS_4M.snakeoil.fd").read_bytes()
PK, KEK, DB = (make_pair(name).certificate for name in ("PK", "KEK", "db"))
KEYS = Keys(PK, KEK, (DB,))
VENDORS = {"PK": GLOBAL_VENDOR, "KEK": GLOBAL_VENDOR, "db": DATABASE_VENDOR}


def by_name(store: bytes) -> dict[str, Variable]:
    return {variable.name: variable for variable in parse_store(store).variables}


def test_a_new_store_is_empty() -> None:
    assert parse_store(EMPTY).variables == ()


def test_what_is_enrolled_can_be_read_back_and_nothing_else_changed() -> None:
    store = enrol(EMPTY, KEYS)
    found = by_name(store)
    assert {name: variable.vendor for name, variable in found.items()} == VENDORS
    for name, certificate in zip(VENDORS, (PK, KEK, DB), strict=True):
        assert found[name].data == signature_lists([certificate])
    end = parse_store(store).free
    assert len(store) == len(EMPTY)
    assert store[end:] == EMPTY[end:]


def test_variables_are_like_those_that_edk2_writes_itself() -> None:
    ours, theirs = by_name(enrol(EMPTY, KEYS)), by_name(DEBIANS)
    for name in VENDORS:
        assert ours[name].vendor == theirs[name].vendor
        assert ours[name].attributes == theirs[name].attributes
    certificate = theirs["db"].data[44:]
    lists = signature_lists([certificate])
    assert lists[:28] == theirs["db"].data[:28]
    assert lists[28:44] == OWNER.bytes_le
    assert lists[44:] == certificate


def test_variables_that_were_replaced_are_not_found() -> None:
    """EDK2 wrote CustomMode three times."""
    names = [variable.name for variable in parse_store(DEBIANS).variables]
    assert names.count("CustomMode") == 1
    assert by_name(DEBIANS)["SecureBootEnable"].data == b"\1"


def test_several_keys_may_sign() -> None:
    both = (DB, make_pair("another").certificate)
    store = enrol(EMPTY, Keys(PK, KEK, both))
    assert by_name(store)["db"].data == signature_lists(both[:1]) + signature_lists(both[1:])


def test_an_owner_is_not_replaced() -> None:
    with pytest.raises(AlreadyEnrolled, match="already has db, KEK, PK"):
        enrol(DEBIANS, KEYS)
    with pytest.raises(AlreadyEnrolled):
        enrol(enrol(EMPTY, KEYS), KEYS)


def test_a_store_that_is_full_says_how_much_is_missing() -> None:
    parsed = parse_store(EMPTY)
    room = parsed.end - parsed.free
    vendor = uuid.UUID(int=0)
    fits = Variable("x", vendor, 7, bytes(room - 64))
    assert parse_store(parsed.with_variables([fits])).variables == (fits,)
    with pytest.raises(StoreFull, match=f"has {room} bytes free; {room + 4} are needed"):
        parsed.with_variables([Variable("x", vendor, 7, bytes(room - 60))])


variables = st.builds(
    Variable,
    name=st.text(st.characters(min_codepoint=1, max_codepoint=0xD7FF), min_size=1, max_size=20),
    vendor=st.uuids(),
    attributes=st.integers(0, 0xFF),
    data=st.binary(max_size=100),
    time=st.binary(min_size=16, max_size=16),
)


@settings(deadline=None)
@given(st.lists(variables, max_size=5), st.lists(variables, max_size=5))
def test_variables_are_read_as_they_were_written(
    first: list[Variable], second: list[Variable]
) -> None:
    store = parse_store(parse_store(EMPTY).with_variables(first)).with_variables(second)
    assert parse_store(store).variables == (*first, *second)


@settings(deadline=None)
@given(st.integers(0, 0x64 * 8 - 1))
def test_a_flipped_bit_in_the_headers(bit: int) -> None:
    content = bytearray(EMPTY)
    content[bit // 8] ^= 1 << bit % 8
    # reserved; and the size of the store, as a smaller one may be just as good
    unnoticed = bit // 8 >= 0x48 + 22 or 0x48 + 16 <= bit // 8 < 0x48 + 20
    try:
        assert parse_store(bytes(content)).variables == ()
        assert unnoticed
    except MalformedStore:
        pass


FULL = enrol(EMPTY, KEYS)


@settings(deadline=None)
@given(st.integers(0x64, parse_store(FULL).free - 1), st.binary(min_size=1, max_size=80))
def test_damaged_records_never_end_in_a_crash(offset: int, junk: bytes) -> None:
    try:
        parse_store(FULL[:offset] + junk + FULL[offset + len(junk) :])
    except MalformedStore as error:
        assert f"{error.offset:#x}" in str(error)


def test_a_file_that_is_cut_short() -> None:
    for size in (0, 10, 0x48, 0x60, 1000):
        with pytest.raises(MalformedStore):
            parse_store(EMPTY[:size])


def test_a_record_that_reaches_out_of_the_store() -> None:
    content = bytearray(FULL)
    struct.pack_into("<I", content, 0x64 + 40, 0xFFFFFFF0)
    with pytest.raises(MalformedStore, match="at byte 0x64: a record"):
        parse_store(bytes(content))


def test_free_room_must_be_free() -> None:
    content = bytearray(EMPTY)
    content[5000] = 0
    with pytest.raises(MalformedStore, match="free room"):
        parse_store(bytes(content))
