"""Slots that are whole, cut anywhere, and spoilt anywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.oo.errors import BadSlot, NoRecord
from tools.oo.slots import PAYLOAD_MAX, SLOT_BYTES, Slot, newest, parse_slot

HEADER_BYTES = SLOT_BYTES - PAYLOAD_MAX

slots = st.builds(Slot, st.integers(1, 2**64 - 2), st.binary(max_size=PAYLOAD_MAX))


def test_the_format_is_the_one_that_the_firmware_writes() -> None:
    """The same bytes are in firmware/store/slots_test.c."""
    start = b"OOST\2\0\0\0\xb4\x11\x01\xe3\6\0\0\0\1\0\0\0\0\0\0\0mode=0"
    assert Slot(1, b"mode=0").to_bytes() == start.ljust(SLOT_BYTES, b"\0")
    assert parse_slot(start.ljust(SLOT_BYTES, b"\0")) == Slot(1, b"mode=0")


@given(slots)
def test_a_record_comes_back(slot: Slot) -> None:
    assert parse_slot(slot.to_bytes()) == slot


@given(slots, st.data())
def test_a_changed_byte_of_a_record_is_noticed(slot: Slot, data: st.DataObject) -> None:
    spoilt = bytearray(slot.to_bytes())
    at = data.draw(st.integers(0, HEADER_BYTES + len(slot.payload) - 1))
    spoilt[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(BadSlot):
        parse_slot(bytes(spoilt))


@given(slots, st.integers(0, SLOT_BYTES - 1))
def test_a_file_that_is_cut_is_noticed(slot: Slot, size: int) -> None:
    with pytest.raises(BadSlot, match=f"has {size} bytes, expected 4096"):
        parse_slot(slot.to_bytes()[:size])


@given(st.binary(max_size=SLOT_BYTES))
def test_any_other_bytes_are_no_record(data: bytes) -> None:
    with pytest.raises(BadSlot):
        parse_slot(data.ljust(SLOT_BYTES, b"\0"))


@pytest.mark.parametrize("slot", [Slot(0, b""), Slot(2**64 - 1, b""), Slot(1, bytes(4073))])
def test_a_record_that_no_slot_can_hold_is_not_made(slot: Slot) -> None:
    with pytest.raises(BadSlot):
        slot.to_bytes()


@given(slots, slots)
def test_the_higher_generation_is_the_newer(first: Slot, second: Slot) -> None:
    expected = first if first.generation >= second.generation else second
    assert newest(first.to_bytes(), second.to_bytes()) == expected


@given(slots)
def test_one_whole_file_is_enough(slot: Slot) -> None:
    spoilt = b"x" + slot.to_bytes()[1:]
    for other in (None, b"", spoilt, b"\n" * SLOT_BYTES):
        assert newest(slot.to_bytes(), other) == newest(other, slot.to_bytes()) == slot


def test_when_there_is_none_each_file_has_a_reason() -> None:
    with pytest.raises(NoRecord) as caught:
        newest(None, b"\n" * SLOT_BYTES)
    assert caught.value.reasons == ("is missing", "is blank: nothing was saved to it")
    assert "second file is blank" in str(caught.value)
