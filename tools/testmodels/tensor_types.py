"""Tensor types the firmware reads: quantised weights, and random blocks of all bit patterns."""

from __future__ import annotations

import struct
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt
from gguf import GGMLQuantizationType as TensorType

from tools.testmodels.shapes import Floats

Bytes = npt.NDArray[np.uint8]

TENSOR_TYPES: tuple[TensorType, ...] = (
    TensorType.F32,
    TensorType.F16,
    TensorType.BF16,
    TensorType.Q4_0,
    TensorType.Q4_1,
    TensorType.Q5_0,
    TensorType.Q5_1,
    TensorType.Q8_0,
    TensorType.Q4_K,
    TensorType.Q5_K,
    TensorType.Q6_K,
)

# Byte offsets of the halves (scales and minima) in a block; every other byte may have any value.
_HALVES = {
    TensorType.Q4_0: (0,),
    TensorType.Q4_1: (0, 2),
    TensorType.Q5_0: (0,),
    TensorType.Q5_1: (0, 2),
    TensorType.Q8_0: (0,),
    TensorType.Q4_K: (0, 2),
    TensorType.Q5_K: (0, 2),
    TensorType.Q6_K: (208,),
}
FIXTURE_VALUES = 1024
_SUB_BLOCKS = 8
_HALF_SUBNORMALS = 0x0400


def type_by_name(name: str) -> TensorType:
    """The tensor type called `name` in any case, as in "q4_k".

    Raises:
        KeyError: the firmware does not read such a type.
    """
    return {tensor_type.name.lower(): tensor_type for tensor_type in TENSOR_TYPES}[name.lower()]


def block_size(tensor_type: TensorType) -> tuple[int, int]:
    """(values, bytes) of one block."""
    values, size = gguf.GGML_QUANT_SIZES[tensor_type]
    return values, size


def quantize(weights: Floats, tensor_type: TensorType) -> npt.NDArray[Any]:
    """`weights` (rows of whole blocks) in a type: floats for F32 and F16, else rows of bytes."""
    if tensor_type in (TensorType.Q4_K, TensorType.Q5_K):
        return _quantize_with_minimum(weights, bits=4 if tensor_type == TensorType.Q4_K else 5)
    if tensor_type == TensorType.Q6_K:
        return _quantize_q6_k(weights)
    return np.asarray(gguf.quantize(weights, tensor_type))


def dequantize(data: npt.NDArray[Any], tensor_type: TensorType) -> Floats:
    """The float32 values of rows of floats or of bytes, as the gguf package reads them."""
    plain = {TensorType.F32: np.float32, TensorType.F16: np.float16}
    if tensor_type in plain:
        data = data.view(plain[tensor_type])
    return np.asarray(gguf.dequantize(data, tensor_type), dtype=np.float32)


def random_blocks(tensor_type: TensorType, count: int, seed: int) -> Bytes:
    """`count` blocks of random bits, (count, bytes of a block), without infinities and NaNs.

    Every 16th block has subnormal scales, every 16th after the first negative ones.
    """
    rng = np.random.default_rng(seed)
    _, size = block_size(tensor_type)
    if tensor_type == TensorType.F32:
        return rng.standard_normal((count, 1), dtype=np.float32).view(np.uint8)
    if tensor_type in (TensorType.F16, TensorType.BF16):
        largest = 0x7C00 if tensor_type == TensorType.F16 else 0x7F80
        magnitude = rng.integers(0, largest, (count, 1), dtype=np.uint16)
        return (magnitude | rng.integers(0, 2, (count, 1), dtype=np.uint16) << 15).view(np.uint8)
    blocks = rng.integers(0, 256, (count, size), dtype=np.uint8)
    for offset in _HALVES[tensor_type]:
        scales = rng.uniform(1e-3, 2.0, count).astype(np.float16).view(np.uint16)
        scales[0::16] = rng.integers(0, _HALF_SUBNORMALS, len(scales[0::16]), dtype=np.uint16)
        scales[1::16] |= 0x8000
        blocks[:, offset : offset + 2] = scales.view(np.uint8).reshape(count, 2)
    return blocks


def dequantize_fixture() -> bytes:
    """What firmware/model/dequantize_test.c reads.

    For every type: its number, the number of values and the bytes of their blocks (three 32-bit
    integers), the blocks, and the values as float32.
    """
    parts: list[bytes] = []
    for tensor_type in TENSOR_TYPES:
        values, _ = block_size(tensor_type)
        blocks = random_blocks(tensor_type, FIXTURE_VALUES // values, seed=int(tensor_type))
        expected = dequantize(blocks.reshape(1, -1), tensor_type)
        header = struct.pack("<3I", tensor_type, FIXTURE_VALUES, blocks.nbytes)
        parts += [header, blocks.tobytes(), expected.tobytes()]
    return b"".join(parts)


def _halves(values: npt.NDArray[Any]) -> Bytes:
    return values.astype(np.float16).view(np.uint8).reshape(len(values), 2)


def _ratio(numerator: npt.NDArray[Any], denominator: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The quotient, 0 where the denominator is 0."""
    out: npt.NDArray[Any] = np.zeros_like(numerator)
    np.divide(numerator, denominator, out=out, where=denominator != 0)
    return out


def _pack_scales(scales: Bytes, minima: Bytes) -> Bytes:
    """Eight 6-bit scales and minima a block, (n, 8) each, in the 12 bytes of Q4_K and Q5_K."""
    low = scales[:, :4] | (scales[:, 4:] >> 4) << 6
    middle = minima[:, :4] | (minima[:, 4:] >> 4) << 6
    high = (scales[:, 4:] & 15) | (minima[:, 4:] & 15) << 4
    return np.concatenate([low, middle, high], axis=1)


def _quantize_with_minimum(weights: Floats, bits: int) -> Bytes:
    """Q4_K and Q5_K by rounding to the range of each sub-block: simple, not the smallest error."""
    x = weights.reshape(-1, _SUB_BLOCKS, 32).astype(np.float64)
    lowest = np.maximum(-x.min(axis=2), 0.0)
    step = (x.max(axis=2) + lowest) / (2**bits - 1)
    d = (step.max(axis=1) / 63).astype(np.float16)
    d_min = (lowest.max(axis=1) / 63).astype(np.float16)
    scales = np.rint(_ratio(step, d[:, None].astype(np.float64))).clip(0, 63)
    minima = np.rint(_ratio(lowest, d_min[:, None].astype(np.float64))).clip(0, 63)
    sub_scale = (scales * d[:, None])[:, :, None]
    shifted = x + (minima * d_min[:, None])[:, :, None]
    quants = np.rint(_ratio(shifted, np.broadcast_to(sub_scale, x.shape)))
    q = quants.clip(0, 2**bits - 1).astype(np.uint8)
    packed = (q[:, 0::2] & 15) | (q[:, 1::2] & 15) << 4
    fifth = (q >> 4) << np.arange(_SUB_BLOCKS, dtype=np.uint8)[None, :, None]
    parts = [
        _halves(d),
        _halves(d_min),
        _pack_scales(scales.astype(np.uint8), minima.astype(np.uint8)),
    ]
    parts += [np.bitwise_or.reduce(fifth, axis=1)] if bits == 5 else []
    blocks = np.concatenate([*parts, packed.reshape(len(x), -1)], axis=1)
    return blocks.reshape(len(weights), -1)


def _quantize_q6_k(weights: Floats) -> Bytes:
    """Q6_K with the scale of each 16 values set by the largest of them."""
    x = weights.reshape(-1, 16, 16).astype(np.float64)
    step = np.abs(x).max(axis=2) / 31
    d = (step.max(axis=1) / 127).astype(np.float16)
    scales = np.rint(_ratio(step, d[:, None].astype(np.float64))).clip(0, 127)
    sub_scale = np.broadcast_to((scales * d[:, None])[:, :, None], x.shape)
    q = (np.rint(_ratio(x, sub_scale)).clip(-32, 31) + 32).astype(np.uint8)
    runs = q.reshape(-1, 2, 4, 32)
    low = np.stack(
        [
            runs[:, :, 0] & 15 | (runs[:, :, 2] & 15) << 4,
            runs[:, :, 1] & 15 | (runs[:, :, 3] & 15) << 4,
        ],
        axis=2,
    )
    shifts = (2 * np.arange(4, dtype=np.uint8))[None, None, :, None]
    high = np.bitwise_or.reduce((runs >> 4) << shifts, axis=2)
    count = len(x)
    parts = [low.reshape(count, -1), high.reshape(count, -1), scales.astype(np.uint8), _halves(d)]
    return np.concatenate(parts, axis=1).reshape(len(weights), -1)
