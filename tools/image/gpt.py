"""The partition table: protective MBR, GPT and its backup, with one EFI system partition.

Source: UEFI Specification 2.10, chapter 5. Sectors are 512 bytes; integers are little-endian.
"""

import struct
import uuid
import zlib
from dataclasses import dataclass, replace

from tools.image import blocks
from tools.image.errors import CorruptImage
from tools.image.geometry import MIB_SECTORS, SECTOR

EDGE_SECTORS = MIB_SECTORS  # kept at both ends of the disk, for the table and its backup
PARTITION_START = EDGE_SECTORS
ESP_TYPE = uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
_SIGNATURE = b"EFI PART"
_REVISION = 0x00010000
_HEADER = struct.Struct("<8sIIIIQQQQ16sQIII")
_HEADER_FIELDS = (
    *("signature", "revision", "size", "crc", "reserved", "here", "other", "first_usable"),
    *("last_usable", "disk", "table", "entries", "entry_size", "table_crc"),
)
_ENTRY = struct.Struct("<16s16sQQQ72s")
_ENTRIES = 128
_TABLE_SECTORS = _ENTRIES * _ENTRY.size // SECTOR
_MBR_RECORD = struct.Struct("<B3sB3sII")
_MBR_PROTECTIVE = 0xEE
_MBR_OFFSET = 446
_MAX_ENTRIES = 1024  # a bound for what a foreign image may ask us to read


@dataclass(frozen=True)
class Partition:
    """A partition: its type, identity, and first and last sector."""

    type: uuid.UUID
    guid: uuid.UUID
    first: int
    last: int

    @property
    def offset(self) -> int:
        """Where it begins in the image, in bytes."""
        return self.first * SECTOR

    @property
    def size(self) -> int:
        """Its bytes."""
        return (self.last - self.first + 1) * SECTOR


@dataclass(frozen=True)
class Header:
    """One of the two GPT headers. `here`, `other`, `table` are sector numbers."""

    here: int
    other: int
    first_usable: int
    last_usable: int
    disk: uuid.UUID
    table: int
    entries: int
    table_crc: int

    def mirrored(self) -> "Header":
        """What the other header must be, apart from where its table is."""
        return replace(self, here=self.other, other=self.here)


def encode_front(sectors: int, disk: uuid.UUID, partition: Partition) -> bytes:
    """Sectors 0 to 33 of an image of so many sectors: protective MBR, header, table."""
    table = _encode_table(partition)
    header = _header(sectors, disk, table)
    return _encode_mbr(sectors) + _encode_header(header) + table


def encode_back(sectors: int, disk: uuid.UUID, partition: Partition) -> bytes:
    """The last 33 sectors: the backup table, then its header."""
    table = _encode_table(partition)
    back = replace(_header(sectors, disk, table).mirrored(), table=sectors - 1 - _TABLE_SECTORS)
    return table + _encode_header(back)


def find_system_partition(fd: int, sectors: int) -> Partition:
    """The EFI system partition, by the first header or, when that is damaged, by the backup."""
    try:
        partitions = read_partitions(fd, read_header(fd, 1))
    except CorruptImage as first:
        try:
            partitions = read_partitions(fd, read_header(fd, sectors - 1))
        except CorruptImage:
            raise first from None
    for partition in partitions:
        if partition.type == ESP_TYPE:
            return _within(partition, sectors)
    raise CorruptImage("the partition table has no EFI system partition")


def read_header(fd: int, sector: int) -> Header:
    """The GPT header in a sector. Raises CorruptImage."""
    raw = blocks.read_exact(fd, sector * SECTOR, SECTOR)
    values = dict(zip(_HEADER_FIELDS, _HEADER.unpack_from(raw), strict=True))
    if values["signature"] != _SIGNATURE or values["size"] != _HEADER.size:
        raise CorruptImage(f"sector {sector} holds no GPT header; is this a disk image?")
    blanked = raw[:16] + bytes(4) + raw[20 : _HEADER.size]
    if zlib.crc32(blanked) != values["crc"]:
        raise CorruptImage(f"GPT header in sector {sector}: its checksum is wrong")
    if values["entry_size"] != _ENTRY.size or values["entries"] > _MAX_ENTRIES:
        raise CorruptImage(f"GPT header in sector {sector}: unsupported table shape")
    return Header(
        here=values["here"],
        other=values["other"],
        first_usable=values["first_usable"],
        last_usable=values["last_usable"],
        disk=uuid.UUID(bytes_le=values["disk"]),
        table=values["table"],
        entries=values["entries"],
        table_crc=values["table_crc"],
    )


def read_partitions(fd: int, header: Header) -> tuple[Partition, ...]:
    """The partitions in a header's table. Raises CorruptImage."""
    size = header.entries * _ENTRY.size
    table = blocks.read_exact(fd, header.table * SECTOR, size)
    if zlib.crc32(table) != header.table_crc:
        raise CorruptImage(f"GPT table in sector {header.table}: its checksum is wrong")
    rows = (_ENTRY.unpack_from(table, n * _ENTRY.size) for n in range(header.entries))
    return tuple(
        Partition(uuid.UUID(bytes_le=row[0]), uuid.UUID(bytes_le=row[1]), row[2], row[3])
        for row in rows
        if row[0] != bytes(16)
    )


def protective_mbr_fault(mbr: bytes, sectors: int) -> str | None:
    """What is wrong with sector 0 as a protective MBR, or None."""
    _, _, kind, _, first, count = _MBR_RECORD.unpack_from(mbr, _MBR_OFFSET)
    if mbr[-2:] != b"\x55\xaa":
        return "no 55 AA at the end of sector 0"
    if kind != _MBR_PROTECTIVE or first != 1:
        return f"the first record has type {kind:#04x} from sector {first}, expected 0xee from 1"
    if count != _mbr_count(sectors):
        return f"it covers {count} sectors, expected {_mbr_count(sectors)}"
    return None


def _within(partition: Partition, sectors: int) -> Partition:
    if not 0 < partition.first <= partition.last < sectors:
        raise CorruptImage(
            f"the EFI system partition (sectors {partition.first} to {partition.last}) does not "
            f"lie within the image's {sectors} sectors; is the image cut short?"
        )
    return partition


def _header(sectors: int, disk: uuid.UUID, table: bytes) -> Header:
    front = 2 + _TABLE_SECTORS
    return Header(
        here=1,
        other=sectors - 1,
        first_usable=front,
        last_usable=sectors - front,
        disk=disk,
        table=2,
        entries=_ENTRIES,
        table_crc=zlib.crc32(table),
    )


def _encode_header(header: Header) -> bytes:
    def pack(crc: int) -> bytes:
        return _HEADER.pack(
            _SIGNATURE,
            _REVISION,
            _HEADER.size,
            crc,
            0,
            header.here,
            header.other,
            header.first_usable,
            header.last_usable,
            header.disk.bytes_le,
            header.table,
            header.entries,
            _ENTRY.size,
            header.table_crc,
        )

    return pack(zlib.crc32(pack(0))).ljust(SECTOR, b"\0")


def _encode_table(partition: Partition) -> bytes:
    name = "EFI system partition".encode("utf-16-le")
    row = _ENTRY.pack(
        partition.type.bytes_le, partition.guid.bytes_le, partition.first, partition.last, 0, name
    )
    return row.ljust(_TABLE_SECTORS * SECTOR, b"\0")


def _encode_mbr(sectors: int) -> bytes:
    whole_disk = _MBR_RECORD.pack(
        0, b"\x00\x02\x00", _MBR_PROTECTIVE, b"\xff\xff\xff", 1, _mbr_count(sectors)
    )
    return (bytes(_MBR_OFFSET) + whole_disk).ljust(SECTOR - 2, b"\0") + b"\x55\xaa"


def _mbr_count(sectors: int) -> int:
    return min(sectors - 1, 0xFFFFFFFF)
