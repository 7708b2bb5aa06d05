"""The file in which EDK2 keeps UEFI variables (OVMF_VARS.fd): reading them, and adding some.

Source: EDK2, MdeModulePkg/Include/Guid/VariableFormat.h and MdePkg/Include/Pi/PiFirmwareVolume.h: a firmware volume
whose content is one variable store, the records of which follow each other up to the first free byte (0xFF).
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tools.release.errors import Refused

NON_VOLATILE, BOOT_SERVICE, RUNTIME, TIME_AUTHENTICATED = 0x01, 0x02, 0x04, 0x20
_VOLUME = struct.Struct("<16x16sQ4sIHHHBB")
_VOLUME_TYPE = uuid.UUID("fff12b8d-7696-4c8b-a985-2747075b4f50")
_STORE = struct.Struct("<16sIBB6x")
_STORE_TYPE = uuid.UUID("aaf32c78-947b-439a-a180-2e144ec37792")
_FORMATTED, _HEALTHY = 0x5A, 0xFE
# StartId, State, Attributes, MonotonicCount, TimeStamp (EFI_TIME), PubKeyIndex, NameSize, DataSize, VendorGuid
_RECORD = struct.Struct("<HBxIQ16sIII16s")
_START = 0x55AA
_ADDED = 0x3F
_RECORD_ALIGNMENT = 4
_FREE = 0xFF


class MalformedStore(Refused):
    """The bytes are no variable store; `offset` is where that shows."""

    def __init__(self, offset: int, finding: str) -> None:
        super().__init__(f"malformed variable store, at byte {offset:#x}: {finding}")
        self.offset = offset


class StoreFull(Refused):
    """What should be added does not fit."""


@dataclass(frozen=True)
class Variable:
    """A variable. `time` is an EFI_TIME: an authenticated variable is replaced only by one with a later time."""

    name: str
    vendor: uuid.UUID
    attributes: int
    data: bytes
    time: bytes = bytes(16)


@dataclass(frozen=True)
class Store:
    """A file that has been checked: what it holds, and where there is room."""

    content: bytes
    variables: tuple[Variable, ...]
    """In the order of the file, without those that were replaced or deleted."""
    free: int
    """Where the next record goes."""
    end: int
    """The first byte behind the records' room."""

    def with_variables(self, variables: Sequence[Variable]) -> bytes:
        """The file with more variables. Raises StoreFull."""
        records = b"".join(map(_encode, variables))
        if self.free + len(records) > self.end:
            raise StoreFull(
                f"the variable store has {self.end - self.free} bytes free; {len(records)} are needed"
            )
        return self.content[: self.free] + records + self.content[self.free + len(records) :]


def parse_store(content: bytes) -> Store:
    """Read a file of variables. Raises MalformedStore."""
    start, end = _room(content)
    variables = []
    offset = start
    for offset, variable in _records(content, start, end):
        if variable is not None:
            variables.append(variable)
    if content[offset:end].strip(bytes([_FREE])):
        raise MalformedStore(
            offset, "expected a record, or free room (0xFF) up to the end of the store"
        )
    return Store(content, tuple(variables), offset, end)


def _room(content: bytes) -> tuple[int, int]:
    """Where the records begin, and where their room ends."""
    if len(content) < _VOLUME.size:
        raise MalformedStore(len(content), "the file ends inside the header of the firmware volume")
    kind, size, signature, _, header_size, *_ = _VOLUME.unpack_from(content)
    if signature != b"_FVH" or uuid.UUID(bytes_le=kind) != _VOLUME_TYPE:
        raise MalformedStore(0, "expected a firmware volume of variables (such as OVMF_VARS_4M.fd)")
    if size > len(content) or not _VOLUME.size <= header_size <= size - _STORE.size:
        raise MalformedStore(32, f"a volume of {size} bytes and a header of {header_size}")
    header = content[:header_size].ljust(header_size + header_size % 2, b"\0")
    if sum(struct.unpack(f"<{len(header) // 2}H", header)) & 0xFFFF:
        raise MalformedStore(0, "the checksum of the volume's header is wrong")
    kind, store_size, form, state = _STORE.unpack_from(content, header_size)
    if uuid.UUID(bytes_le=kind) != _STORE_TYPE:
        raise MalformedStore(header_size, "expected a store of authenticated variables")
    if (form, state) != (_FORMATTED, _HEALTHY):
        raise MalformedStore(
            header_size, f"the store is not healthy (format {form:#x}, state {state:#x})"
        )
    if not _STORE.size <= store_size <= size - header_size:
        raise MalformedStore(
            header_size + 16, f"a store of {store_size} bytes in a volume of {size}"
        )
    return header_size + _STORE.size, header_size + store_size


def _records(content: bytes, start: int, end: int) -> Iterator[tuple[int, Variable | None]]:
    """Of each record where it ends, and its variable, unless that is gone."""
    offset = start
    while offset + _RECORD.size <= end:
        (mark, state, attributes, _, time, _, name_size, size, vendor) = _RECORD.unpack_from(
            content, offset
        )
        if mark != _START:
            return
        name_at = offset + _RECORD.size
        data_at = name_at + name_size
        if data_at + size > end or name_size < 2 or name_size % 2:
            raise MalformedStore(
                offset, f"a record with a name of {name_size} and data of {size} bytes"
            )
        variable = None
        if state == _ADDED:
            name = content[name_at:data_at].decode("utf-16-le", "replace").rstrip("\0")
            data = content[data_at : data_at + size]
            variable = Variable(name, uuid.UUID(bytes_le=vendor), attributes, data, time)
        offset = data_at + size
        offset += -offset % _RECORD_ALIGNMENT
        yield offset, variable


def _encode(variable: Variable) -> bytes:
    name = (variable.name + "\0").encode("utf-16-le")
    vendor = variable.vendor.bytes_le
    numbers = (
        _START,
        _ADDED,
        variable.attributes,
        0,
        variable.time,
        0,
        len(name),
        len(variable.data),
    )
    record = _RECORD.pack(*numbers, vendor) + name + variable.data
    return record + bytes([_FREE]) * (-len(record) % _RECORD_ALIGNMENT)
