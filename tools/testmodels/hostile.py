"""Model files that are broken in the ways a bad disk, a cut download or an attacker breaks them."""

from __future__ import annotations

import struct

_TENSOR_COUNT, _KEY_COUNT, _FIRST_KEY = 8, 16, 24  # byte offsets in a GGUF file
_HUGE = (2**63).to_bytes(8, "little")
_LLAMA2C_FIELDS = ("dim", "hidden", "layers", "heads", "kv-heads", "vocab", "context")


def _replaced(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def _flipped(data: bytes, at: int) -> bytes:
    return _replaced(data, at, bytes([data[at] ^ 0x10]))


def hostile_gguf(data: bytes) -> dict[str, bytes]:
    """Broken variants of a GGUF file, by what is wrong. All but "flipped" must be refused."""
    return {
        "empty": b"",
        "truncated-header": data[:20],
        "truncated-keys": data[:200],
        "truncated-data": data[: len(data) * 3 // 4],
        "flipped": _flipped(data, 300),
        "wrong-magic": _replaced(data, 0, b"GGML"),
        "version-1": _replaced(data, 4, struct.pack("<I", 1)),
        "big-endian": _replaced(data, 4, struct.pack(">I", 3)),
        "tensors-over-file": _replaced(data, _TENSOR_COUNT, _HUGE),
        "keys-over-file": _replaced(data, _KEY_COUNT, _HUGE),
        "huge-string": _replaced(data, _FIRST_KEY, _HUGE),
        "zero-heads": _with_u32(data, b"attention.head_count", 0),
        "huge-layers": _with_u32(data, b"block_count", 2**31),
        "unknown-architecture": data.replace(b"llama", b"mamba"),
        "offset-past-end": _with_tensor_offset(data, b"output_norm.weight", 2**40),
        "unknown-type": _with_tensor_type(data, b"output_norm.weight", 999),
    }


def _after(data: bytes, name: bytes) -> int:
    return data.index(struct.pack("<Q", len(name)) + name) + 8 + len(name)


def _with_u32(data: bytes, key: bytes, value: int) -> bytes:
    at = data.index(key + struct.pack("<I", 4)) + len(key) + 4
    return _replaced(data, at, struct.pack("<I", value))


def _with_tensor_type(data: bytes, name: bytes, value: int) -> bytes:
    """For a vector: its name is followed by one dimension of 8 bytes, then the type."""
    return _replaced(data, _after(data, name) + 4 + 8, struct.pack("<I", value))


def _with_tensor_offset(data: bytes, name: bytes, value: int) -> bytes:
    return _replaced(data, _after(data, name) + 4 + 8 + 4, struct.pack("<Q", value))


def hostile_llama2c(data: bytes) -> dict[str, bytes]:
    """Broken variants of a llama2.c file, by what is wrong. Every one must be refused."""
    variants = {
        "empty": b"",
        "truncated-header": data[:27],
        "truncated-data": data[:-4],
        "too-long": data + bytes(4),
        "version-1": _replaced(data, 0, struct.pack("<2i", 0x616B3432, 1)),
    }
    for index, field in enumerate(_LLAMA2C_FIELDS):
        for value in (0, -1, 2**31 - 1):
            variants[f"{field}-is-{value}"] = _replaced(data, 4 * index, struct.pack("<i", value))
    return variants
