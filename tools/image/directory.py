"""Directory entries: a file's 32-byte slot and the long-name slots before it.

pyfatfs' classes define the slots. Two things are done here because pyfatfs 1.1.0 gets them wrong:
it refuses long names over 127 characters and names outside code page 437 (`make_lfn_entry`), and it
stamps entries with the clock (`FATDirectoryEntry.new`).
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

from pyfatfs.EightDotThree import EightDotThree
from pyfatfs.FATDirectoryEntry import FATDirectoryEntry, FATLongDirectoryEntry

SLOT = FATDirectoryEntry.FAT_DIRECTORY_HEADER_SIZE
MAX_FOLDER_BYTES = 65536 * SLOT
MAX_FILE_BYTES = FATDirectoryEntry.MAX_FILE_SIZE
FOLDER = FATDirectoryEntry.ATTR_DIRECTORY
ARCHIVE = FATDirectoryEntry.ATTR_ARCHIVE
LABEL = FATDirectoryEntry.ATTR_VOLUME_ID
_LONG = FATDirectoryEntry.ATTR_LONG_NAME
_FREE = FATDirectoryEntry.FREE_DIR_ENTRY_MARK
_LONG_LAYOUT = FATLongDirectoryEntry.FAT_LONG_DIRECTORY_LAYOUT
_LAST_PART = FATLongDirectoryEntry.LAST_LONG_ENTRY
_PART_BYTES = FATLongDirectoryEntry.LFN_ENTRY_LENGTH
_EPOCH_DATE = 0x21  # 1980-01-01, the first day FAT can name; time 00:00 is 0
_LOWER_BASE, _LOWER_EXTENSION = 0x08, 0x10  # Windows NT's case bits in DIR_NTRes


@dataclass(frozen=True)
class Entry:
    """One file, folder or label of a directory.

    `slots` is its whole on-disk form; `cluster` is 0 for an empty file or the root folder.
    """

    name: str
    alias: bytes
    attributes: int
    cluster: int
    size: int
    slots: bytes = field(repr=False)

    @property
    def is_folder(self) -> bool:
        """Whether this is a folder (`.` and `..` included)."""
        return bool(self.attributes & FOLDER)

    @property
    def is_label(self) -> bool:
        """Whether this only names the volume."""
        return bool(self.attributes & LABEL)

    @property
    def is_dot(self) -> bool:
        """Whether this is a folder's link to itself or to its parent."""
        return self.alias[:1] == b"."


@dataclass(frozen=True)
class Listing:
    """A directory as read: its entries in order, and what was wrong with its slots."""

    entries: tuple[Entry, ...]
    faults: tuple[str, ...]

    @property
    def children(self) -> tuple[Entry, ...]:
        """Files and folders, without the label and the dot entries."""
        return tuple(e for e in self.entries if not (e.is_label or e.is_dot))


def make_entry(name: str, alias: bytes, attributes: int, cluster: int = 0, size: int = 0) -> Entry:
    """An entry with fixed time stamps; the long-name slots are made when `name` needs them."""
    short = _short_name(alias)
    long_name = None if alias_text(alias) == name else _long_name(name, short.checksum())
    raw = FATDirectoryEntry(
        DIR_Name=short,
        DIR_Attr=attributes,
        DIR_NTRes=0,
        DIR_CrtTimeTenth=0,
        DIR_CrtTime=0,
        DIR_CrtDate=_EPOCH_DATE,
        DIR_LstAccessDate=_EPOCH_DATE,
        DIR_FstClusHI=cluster >> 16,
        DIR_WrtTime=0,
        DIR_WrtDate=_EPOCH_DATE,
        DIR_FstClusLO=cluster & 0xFFFF,
        DIR_FileSize=size,
        lfn_entry=long_name,
    )
    return Entry(name, alias, attributes, cluster, size, bytes(raw))


def make_label(label: str) -> Entry:
    """The root folder's entry that names the volume."""
    alias = label.encode("ascii").ljust(11)
    return make_entry(alias_text(alias), alias, LABEL)


def dot_entries(cluster: int, parent: int) -> tuple[Entry, Entry]:
    """The first two entries of every folder but the root; `parent` is 0 when that is the root."""
    return (
        make_entry(".", b".".ljust(11), FOLDER, cluster),
        make_entry("..", b"..".ljust(11), FOLDER, parent),
    )


def encode(entries: Iterable[Entry]) -> bytes:
    """A directory's slots; unused space after them must be zero."""
    return b"".join(entry.slots for entry in entries)


def decode(content: bytes) -> Listing:
    """Read a directory's slots. Never fails: what makes no sense is listed among the faults."""
    entries: list[Entry] = []
    faults: list[str] = []
    long_slots: list[bytes] = []
    for offset in range(0, len(content) - SLOT + 1, SLOT):
        slot = content[offset : offset + SLOT]
        if slot[0] == 0:
            break
        if slot[0] != _FREE and slot[11] & 0x3F == _LONG:
            long_slots.append(slot)
            continue
        used = 0
        if slot[0] != _FREE:
            entries.append(_decode_entry(long_slots, slot))
            used = len(entries[-1].slots) // SLOT - 1
        if len(long_slots) > used:
            faults.append(f"long-name slots before offset {offset} belong to no entry")
        long_slots = []
    if long_slots:
        faults.append("the directory ends in long-name slots that belong to no entry")
    return Listing(tuple(entries), tuple(faults))


def _decode_entry(long_slots: list[bytes], slot: bytes) -> Entry:
    values = struct.unpack(FATDirectoryEntry.FAT_DIRECTORY_LAYOUT, slot)
    fields = dict(zip(FATDirectoryEntry.FAT_DIRECTORY_VARS, values, strict=True))
    alias: bytes = fields["DIR_Name"]
    long_name = _decode_long_name(long_slots, _short_name(alias).checksum())
    return Entry(
        name=alias_text(alias, fields["DIR_NTRes"]) if long_name is None else long_name,
        alias=alias,
        attributes=fields["DIR_Attr"],
        cluster=(fields["DIR_FstClusHI"] << 16 | fields["DIR_FstClusLO"]) & 0x0FFFFFFF,
        size=fields["DIR_FileSize"],
        slots=slot if long_name is None else b"".join(long_slots) + slot,
    )


def _decode_long_name(slots: list[bytes], checksum: int) -> str | None:
    """The name in a run of long-name slots (last part first), or None when they do not match."""
    parts = [struct.unpack(_LONG_LAYOUT, slot) for slot in reversed(slots)]
    orders = [part[0] for part in parts]
    expected = [n + (_LAST_PART if n == len(parts) else 0) for n in range(1, len(parts) + 1)]
    if not parts or orders != expected or any(part[4] != checksum for part in parts):
        return None
    units = b"".join(part[1] + part[5] + part[7] for part in parts)
    return units.decode("utf-16-le", errors="replace").split("\0")[0]


def alias_text(alias: bytes, case_bits: int = 0) -> str:
    """`REPL    CFG` to `REPL.CFG`; the case bits tell which half is meant in lower case."""
    raw = b"\xe5" + alias[1:] if alias[0] == 0x05 else alias
    base, extension = raw[:8].decode("cp437").rstrip(" "), raw[8:].decode("cp437").rstrip(" ")
    base = base.lower() if case_bits & _LOWER_BASE else base
    extension = extension.lower() if case_bits & _LOWER_EXTENSION else extension
    return f"{base}.{extension}" if extension else base


def _short_name(alias: bytes) -> EightDotThree:
    short = EightDotThree()
    short.set_byte_name(alias)
    return short


def _long_name(name: str, checksum: int) -> FATLongDirectoryEntry:
    units = name.encode("utf-16-le")
    if len(units) % _PART_BYTES:
        units += b"\0\0"
    units += b"\xff" * (-len(units) % _PART_BYTES)
    count = len(units) // _PART_BYTES
    long_name = FATLongDirectoryEntry()
    for number in range(1, count + 1):
        part = units[(number - 1) * _PART_BYTES : number * _PART_BYTES]
        long_name.add_lfn_entry(
            LDIR_Ord=number | (_LAST_PART if number == count else 0),
            LDIR_Name1=part[:10],
            LDIR_Attr=_LONG,
            LDIR_Type=0,
            LDIR_Chksum=checksum,
            LDIR_Name2=part[10:22],
            LDIR_FstClusLO=0,
            LDIR_Name3=part[22:],
        )
    return long_name
