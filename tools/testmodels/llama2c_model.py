"""llama2.c model files (export version 0) and their tokenizer.bin from seeded weights."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np

from tools.testmodels.shapes import Floats, Shape, random_weights
from tools.testmodels.vocabularies import SPACE, TokenKind, Vocabulary

# One kind of weight follows for all layers, then the next kind.
_LAYER_KINDS = (
    "attn_norm",
    "attn_q",
    "attn_k",
    "attn_v",
    "attn_output",
    "ffn_norm",
    "ffn_gate",
    "ffn_down",
    "ffn_up",
)


def layer_names(shape: Shape) -> list[str]:
    """GGUF names of the layers' weights in the order of a .bin."""
    return [f"blk.{layer}.{kind}.weight" for kind in _LAYER_KINDS for layer in range(shape.layers)]


def rope_tables(shape: Shape) -> Floats:
    """Cosines, then sines, of every position and pair: stored, though readers compute them."""
    frequencies = shape.rope_base ** (-np.arange(0, shape.head_dim, 2) / shape.head_dim)
    angles = np.outer(np.arange(shape.context), frequencies)
    return np.concatenate([np.cos(angles), np.sin(angles)]).astype(np.float32)


def write_llama2c(path: Path, shape: Shape, seed: int) -> None:
    """Writes a model; a negative vocabulary says that the classifier is stored, not shared."""
    weights = random_weights(shape, seed)
    vocab = shape.vocab if shape.tied else -shape.vocab
    sizes = (
        shape.dim,
        shape.hidden,
        shape.layers,
        shape.heads,
        shape.kv_heads,
        vocab,
        shape.context,
    )
    with path.open("wb") as file:
        file.write(struct.pack("<7i", *sizes))
        for name in ["token_embd.weight", *layer_names(shape), "output_norm.weight"]:
            file.write(weights[name].tobytes())
        file.write(rope_tables(shape).tobytes())
        if not shape.tied:
            file.write(weights["output.weight"].tobytes())


def write_tokenizer_bin(path: Path, vocabulary: Vocabulary) -> None:
    """Writes a vocabulary: the longest piece's length, then score, length, bytes of each."""
    pieces = [_piece(text=token.text, kind=token.kind) for token in vocabulary.tokens]
    with path.open("wb") as file:
        file.write(struct.pack("<i", max(len(piece) for piece in pieces)))
        for token, piece in zip(vocabulary.tokens, pieces):
            _write_piece(file, token.score, piece)


def _piece(text: str, kind: TokenKind) -> bytes:
    if kind == TokenKind.CONTROL:
        return f"\n{text}\n".encode()  # as llama2.c's own export writes BOS and EOS
    return text.replace(SPACE, " ").encode()


def _write_piece(file: BinaryIO, score: float, piece: bytes) -> None:
    file.write(struct.pack("<fi", score, len(piece)))
    file.write(piece)
