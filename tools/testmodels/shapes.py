"""Sizes of the models that are made, and their random weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Shape:
    """Hyper-parameters of a dense transformer; `biases` are those of query, key and value."""

    layers: int
    dim: int
    hidden: int
    heads: int
    kv_heads: int
    vocab: int
    context: int
    tied: bool
    biases: bool = False
    rms_epsilon: float = 1e-5
    rope_base: float = 10000.0
    rope_scale: float = 1.0

    @property
    def head_dim(self) -> int:
        """Values of one head."""
        return self.dim // self.heads

    @property
    def kv_dim(self) -> int:
        """Values of all keys, or all values, at one position."""
        return self.kv_heads * self.head_dim


def matrix_shapes(shape: Shape) -> Iterator[tuple[str, tuple[int, int]]]:
    """GGUF names and (rows, columns) of every matrix, in the order of the file."""
    yield "token_embd.weight", (shape.vocab, shape.dim)
    for layer in range(shape.layers):
        prefix = f"blk.{layer}."
        yield prefix + "attn_q.weight", (shape.dim, shape.dim)
        yield prefix + "attn_k.weight", (shape.kv_dim, shape.dim)
        yield prefix + "attn_v.weight", (shape.kv_dim, shape.dim)
        yield prefix + "attn_output.weight", (shape.dim, shape.dim)
        yield prefix + "ffn_gate.weight", (shape.hidden, shape.dim)
        yield prefix + "ffn_up.weight", (shape.hidden, shape.dim)
        yield prefix + "ffn_down.weight", (shape.dim, shape.hidden)
    if not shape.tied:
        yield "output.weight", (shape.vocab, shape.dim)


def norm_names(shape: Shape) -> Iterator[str]:
    """GGUF names of the vectors of `dim` values."""
    for layer in range(shape.layers):
        yield f"blk.{layer}.attn_norm.weight"
        yield f"blk.{layer}.ffn_norm.weight"
    yield "output_norm.weight"


def bias_shapes(shape: Shape) -> Iterator[tuple[str, int]]:
    """GGUF names and lengths of the biases, when there are any."""
    for layer in range(shape.layers if shape.biases else 0):
        yield f"blk.{layer}.attn_q.bias", shape.dim
        yield f"blk.{layer}.attn_k.bias", shape.kv_dim
        yield f"blk.{layer}.attn_v.bias", shape.kv_dim


def random_weights(shape: Shape, seed: int) -> dict[str, Floats]:
    """Every weight by its GGUF name: matrices that keep the size of activations, norms near one."""
    rng = np.random.default_rng(seed)

    def normal(size: int | tuple[int, int], mean: float, deviation: float) -> Floats:
        return (mean + deviation * rng.standard_normal(size, dtype=np.float32)).astype(np.float32)

    weights = {
        name: normal(size, 0.0, 1.0 / np.sqrt(size[1])) for name, size in matrix_shapes(shape)
    }
    weights |= {name: normal(shape.dim, 1.0, 0.1) for name in norm_names(shape)}
    weights |= {name: normal(length, 0.0, 0.2) for name, length in bias_shapes(shape)}
    return weights
