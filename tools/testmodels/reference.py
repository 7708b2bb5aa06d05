"""The forward pass of a llama-like transformer in float64: the judge of kernels and formats.

Follows the published definitions: RMSNorm (Zhang and Sennrich 2019), rotary embeddings (Su et al.
2021), grouped-query attention (Ainslie et al. 2023), SwiGLU (Shazeer 2020). Written for clarity.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from gguf import GGUFReader

from tools.testmodels.llama2c_model import layer_names
from tools.testmodels.shapes import Shape, matrix_shapes
from tools.testmodels.tensor_types import dequantize

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Model:
    """A model read for judging.

    `halves` pairs value i of a head with i + dims/2 when rotating, else 2i with 2i + 1.
    """

    shape: Shape
    halves: bool
    weights: Mapping[str, Array]

    def logits(self, tokens: Sequence[int]) -> Array:
        """(len(tokens), vocab) logits after each token of a sequence that starts at position 0."""
        x = self.weights["token_embd.weight"][np.asarray(tokens)]
        for layer in range(self.shape.layers):
            x = x + self._attention(x, f"blk.{layer}.")
            x = x + self._feed_forward(x, f"blk.{layer}.")
        output = self.weights.get("output.weight", self.weights["token_embd.weight"])
        return self._norm(x, "output_norm.weight") @ output.T

    def greedy(self, prompt: Sequence[int], count: int) -> list[int]:
        """The `count` most likely next tokens, one after another."""
        tokens = list(prompt)
        for _ in range(count):
            tokens.append(int(self.logits(tokens)[-1].argmax()))
        return tokens[len(prompt) :]

    def _norm(self, x: Array, name: str) -> Array:
        mean_square = np.mean(x * x, axis=-1, keepdims=True)
        normed: Array = x / np.sqrt(mean_square + self.shape.rms_epsilon) * self.weights[name]
        return normed

    def _project(self, x: Array, name: str) -> Array:
        bias = self.weights.get(name + ".bias")
        product = x @ self.weights[name + ".weight"].T
        return product if bias is None else product + bias

    def _heads(self, x: Array, name: str, heads: int) -> Array:
        """(heads, positions, head_dim)."""
        return self._project(x, name).reshape(len(x), heads, -1).transpose(1, 0, 2)

    def _attention(self, x: Array, prefix: str) -> Array:
        shape = self.shape
        normed = self._norm(x, prefix + "attn_norm.weight")
        q = self._rotate(self._heads(normed, prefix + "attn_q", shape.heads))
        k = self._rotate(self._heads(normed, prefix + "attn_k", shape.kv_heads))
        v = self._heads(normed, prefix + "attn_v", shape.kv_heads)
        share = shape.heads // shape.kv_heads
        scores = q @ np.repeat(k, share, axis=0).transpose(0, 2, 1) / np.sqrt(shape.head_dim)
        scores[:, *np.triu_indices(len(x), 1)] = -np.inf
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        mixed = (weights @ np.repeat(v, share, axis=0)).transpose(1, 0, 2).reshape(len(x), -1)
        return self._project(mixed, prefix + "attn_output")

    def _rotate(self, x: Array) -> Array:
        """Turns each pair of a head at position p by p / scale * base^(-2i/dims)."""
        dims = self.shape.head_dim
        frequencies = self.shape.rope_base ** (-np.arange(0, dims, 2) / dims)
        angles = np.outer(np.arange(x.shape[1]) / self.shape.rope_scale, frequencies)
        first, second = (
            (slice(0, dims // 2), slice(dims // 2, dims))
            if self.halves
            else (slice(0, dims, 2), slice(1, dims, 2))
        )
        out = np.empty_like(x)
        out[..., first] = x[..., first] * np.cos(angles) - x[..., second] * np.sin(angles)
        out[..., second] = x[..., first] * np.sin(angles) + x[..., second] * np.cos(angles)
        return out

    def _feed_forward(self, x: Array, prefix: str) -> Array:
        normed = self._norm(x, prefix + "ffn_norm.weight")
        gate = self._project(normed, prefix + "ffn_gate")
        silu = gate / (1.0 + np.exp(-gate))
        return self._project(silu * self._project(normed, prefix + "ffn_up"), prefix + "ffn_down")


def load_gguf(path: Path) -> Model:
    """Reads a llama or qwen2 GGUF file, every tensor as the gguf package dequantises it."""
    reader = GGUFReader(path)
    architecture = str(_value(reader, "general.architecture"))
    weights = {
        tensor.name: dequantize(tensor.data, tensor.tensor_type).astype(np.float64)
        for tensor in reader.tensors
    }

    def key(name: str) -> Any:
        return _value(reader, f"{architecture}.{name}")

    heads = int(key("attention.head_count"))
    shape = Shape(
        layers=int(key("block_count")),
        dim=int(key("embedding_length")),
        hidden=int(key("feed_forward_length")),
        heads=heads,
        kv_heads=int(key("attention.head_count_kv") or heads),
        vocab=len(weights["token_embd.weight"]),
        context=int(key("context_length")),
        tied="output.weight" not in weights,
        biases="blk.0.attn_q.bias" in weights,
        rms_epsilon=float(key("attention.layer_norm_rms_epsilon")),
        rope_base=float(key("rope.freq_base") or 10000.0),
        rope_scale=float(key("rope.scaling.factor") or 1.0),
    )
    return Model(shape, halves=architecture == "qwen2", weights=weights)


def _value(reader: GGUFReader, key: str) -> Any:
    field = reader.get_field(key)
    return None if field is None else field.contents()


def load_llama2c(path: Path) -> Model:
    """Reads a llama2.c export of version 0."""
    data = path.read_bytes()
    dim, hidden, layers, heads, kv_heads, vocab, context = struct.unpack_from("<7i", data)
    shape = Shape(layers, dim, hidden, heads, kv_heads, abs(vocab), context, tied=vocab > 0)
    sizes: dict[str, tuple[int, ...]] = dict(matrix_shapes(shape))
    values = np.frombuffer(data, np.float32, offset=28).astype(np.float64)
    weights: dict[str, Array] = {}
    at = 0
    for name in ["token_embd.weight", *layer_names(shape), "output_norm.weight"]:
        size = sizes.get(name, (dim,))
        weights[name] = values[at : at + int(np.prod(size))].reshape(size)
        at += int(np.prod(size))
    if not shape.tied:
        weights["output.weight"] = values[vocab * dim :].reshape(-vocab, dim)
    return Model(shape, halves=False, weights=weights)
