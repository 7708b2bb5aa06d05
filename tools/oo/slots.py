"""The state of a volume: one record in two files (format: firmware/store/slots.h)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from tools.oo.crc32c import crc32c
from tools.oo.errors import BadSlot, NoRecord

SLOT_BYTES = 4096

_MAGIC, _VERSION = b"OOST", 2
_HEAD = struct.Struct("<4sII")
_SEALED = struct.Struct("<IQ")
PAYLOAD_MAX = SLOT_BYTES - _HEAD.size - _SEALED.size

_BLANK = b"\n" * SLOT_BYTES
_GENERATION_END = 2**64 - 1


@dataclass(frozen=True)
class Slot:
    """A record, and how many were saved up to it."""

    generation: int
    payload: bytes

    def to_bytes(self) -> bytes:
        """The slot's file. Raises BadSlot for what no slot can hold."""
        if not 0 < self.generation < _GENERATION_END:
            raise BadSlot(f"expected a generation from 1 on, got {self.generation}")
        if len(self.payload) > PAYLOAD_MAX:
            raise BadSlot(f"expected at most {PAYLOAD_MAX} bytes, got {len(self.payload)}")
        sealed = _SEALED.pack(len(self.payload), self.generation) + self.payload
        record = _HEAD.pack(_MAGIC, _VERSION, crc32c(sealed)) + sealed
        return record.ljust(SLOT_BYTES, b"\0")


def parse_slot(data: bytes) -> Slot:
    """The record of one slot file. Raises BadSlot when it has no whole one."""
    if len(data) != SLOT_BYTES:
        raise BadSlot(f"has {len(data)} bytes, expected {SLOT_BYTES}")
    if data == _BLANK:
        raise BadSlot("is blank: nothing was saved to it")
    magic, version, crc = _HEAD.unpack_from(data)
    if (magic, version) != (_MAGIC, _VERSION):
        raise BadSlot(f"is no state file of version {_VERSION}: begins with {data[:8]!r}")
    size, generation = _SEALED.unpack_from(data, _HEAD.size)
    if size > PAYLOAD_MAX:
        raise BadSlot(f"says it holds {size} bytes, expected at most {PAYLOAD_MAX}")
    sealed = data[_HEAD.size : _HEAD.size + _SEALED.size + size]
    if crc != crc32c(sealed):
        raise BadSlot(f"has the checksum {crc32c(sealed):08x}, and says {crc:08x}")
    if not 0 < generation < _GENERATION_END:
        raise BadSlot(f"has the generation {generation}, which is none")
    return Slot(generation, sealed[_SEALED.size :])


def newest(first: bytes | None, second: bytes | None) -> Slot:
    """The newest whole record of two slot files; None stands for one that is not there.

    Raises:
        NoRecord: neither has one.
    """
    slots: list[Slot] = []
    reasons: list[str] = []
    for data in (first, second):
        try:
            slots.append(_parse_if_there(data))
        except BadSlot as error:
            reasons.append(str(error))
    if not slots:
        raise NoRecord((reasons[0], reasons[1]))
    return max(slots, key=lambda slot: slot.generation)


def _parse_if_there(data: bytes | None) -> Slot:
    if data is None:
        raise BadSlot("is missing")
    return parse_slot(data)
