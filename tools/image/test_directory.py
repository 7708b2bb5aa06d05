"""Directory slots: written and read back, and read when they make no sense."""

from hypothesis import given
from hypothesis import strategies as st
from pyfatfs.EightDotThree import EightDotThree
from pyfatfs.FATDirectoryEntry import FATLongDirectoryEntry, make_lfn_entry

from tools.image.directory import ARCHIVE, FOLDER, SLOT, decode, encode, make_entry, make_label
from tools.image.names import assign_aliases, is_short

_names = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\uffff\ufffe"),
    min_size=1,
    max_size=100,
)


@given(
    st.lists(_names, unique=True, max_size=8), st.integers(0, 0x0FFFFFFF), st.integers(0, 2**32 - 1)
)
def test_round_trip(names: list[str], cluster: int, size: int) -> None:
    aliases = assign_aliases(names, ())
    entries = tuple(make_entry(name, aliases[name], ARCHIVE, cluster, size) for name in names)
    listing = decode(encode(entries) + bytes(SLOT))
    assert listing.entries == entries
    assert listing.faults == ()


@given(st.binary(max_size=40 * SLOT))
def test_any_bytes_are_read(content: bytes) -> None:
    listing = decode(content)
    assert sum(len(entry.slots) for entry in listing.entries) <= len(content)


def test_short_names_need_one_slot() -> None:
    assert len(make_entry("BOOTX64.EFI", b"BOOTX64 EFI", ARCHIVE).slots) == SLOT
    assert len(make_entry("BootX64.efi", b"BOOTX64 EFI", ARCHIVE).slots) == 2 * SLOT


def test_long_slots_equal_those_of_pyfatfs() -> None:
    name, alias = "a name of 26 characters...", b"ANAMEO~1   "
    short = EightDotThree()
    short.set_byte_name(alias)
    theirs: FATLongDirectoryEntry = make_lfn_entry(name, short)
    assert make_entry(name, alias, ARCHIVE).slots[:-SLOT] == bytes(theirs)


def test_case_bits_of_windows_nt() -> None:
    slot = bytearray(make_entry("REPL.CFG", b"REPL    CFG", ARCHIVE).slots)
    slot[12] = 0x18
    assert decode(bytes(slot)).entries[0].name == "repl.cfg"


def test_long_name_with_a_wrong_checksum_is_dropped() -> None:
    slots = bytearray(make_entry("a long name", b"ALONGN~1   ", FOLDER).slots)
    slots[13] ^= 1
    listing = decode(bytes(slots))
    assert [entry.name for entry in listing.entries] == ["ALONGN~1"]
    assert len(listing.faults) == 1


def test_removed_entries_are_skipped() -> None:
    slots = bytearray(make_entry("A", b"A          ", ARCHIVE).slots)
    slots[0] = 0xE5
    kept = make_entry("B", b"B          ", ARCHIVE)
    assert decode(bytes(slots) + kept.slots).entries == (kept,)


def test_label_is_no_child() -> None:
    listing = decode(make_label("MY BOOT IMG").slots)
    assert listing.entries[0].alias == b"MY BOOT IMG"
    assert listing.children == () and listing.faults == ()
    assert not is_short("MY BOOT IMG")
