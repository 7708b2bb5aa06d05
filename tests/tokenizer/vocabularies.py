"""Tiny models that carry a real vocabulary under another tokenizer's name, so that llama.cpp loads them as a peer."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from gguf import GGUFReader, GGUFWriter, TokenType

_DIM = 32


@dataclass(frozen=True)
class Words:
    """The pieces of a byte-level BPE model, as its file spells them."""

    tokens: tuple[str, ...]
    types: tuple[int, ...]
    merges: tuple[str, ...]


@dataclass(frozen=True)
class Token:
    """One entry of a llama vocabulary."""

    text: str
    score: float
    kind: TokenType


def _strings(reader: GGUFReader, key: str) -> tuple[str, ...]:
    field = reader.fields[key]
    return tuple(bytes(field.parts[part]).decode() for part in field.data)


def read_words(model: Path) -> Words:
    """The vocabulary of a GGUF file of the gpt2 kind."""
    reader = GGUFReader(model)
    field = reader.fields["tokenizer.ggml.token_type"]
    types = tuple(int(field.parts[part][0]) for part in field.data)
    return Words(
        _strings(reader, "tokenizer.ggml.tokens"), types, _strings(reader, "tokenizer.ggml.merges")
    )


def _add_model(writer: GGUFWriter, rows: int) -> None:
    writer.add_context_length(64)
    writer.add_embedding_length(_DIM)
    writer.add_block_count(1)
    writer.add_feed_forward_length(_DIM)
    writer.add_head_count(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(_DIM)
    square = np.zeros((_DIM, _DIM), dtype=np.float32)
    writer.add_tensor("token_embd.weight", np.zeros((rows, _DIM), dtype=np.float32))
    for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
        writer.add_tensor(f"blk.0.{name}.weight", square)
    for name in ("blk.0.attn_norm", "blk.0.ffn_norm", "output_norm"):
        writer.add_tensor(f"{name}.weight", np.ones(_DIM, dtype=np.float32))


def _write(writer: GGUFWriter, rows: int) -> None:
    _add_model(writer, rows)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_gpt2(path: Path, words: Words, pre: str, user_defined: Sequence[str] = ()) -> None:
    """A byte-level BPE model with pre-tokenizer ``pre`` and a few more tokens that are always cut out whole."""
    tokens = [*words.tokens, *user_defined]
    types = [*words.types, *[TokenType.USER_DEFINED] * len(user_defined)]
    writer = GGUFWriter(path, "llama")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(words.merges)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    _write(writer, len(tokens))


def _byte_alphabet() -> dict[str, int]:
    """The printable character GPT-2 writes for each byte."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    characters = [*map(chr, plain), *(chr(0x100 + i) for i in range(len(others)))]
    return dict(zip(characters, [*plain, *others]))


def _plain_pieces(words: Words, count: int) -> list[str]:
    """The first ``count`` ordinary pieces that are text on their own, with U+2581 for a space."""
    alphabet = _byte_alphabet()
    pieces: dict[str, None] = {}
    for token, kind in zip(words.tokens, words.types):
        if kind != TokenType.NORMAL or len(pieces) == count:
            continue
        try:
            piece = bytes(alphabet[character] for character in token).decode()
        except UnicodeDecodeError:
            continue
        pieces[piece.replace(" ", "\u2581")] = None
    return list(pieces)


def llama_tokens(words: Words, count: int) -> list[Token]:
    """A vocabulary as SentencePiece makes them: three specials, 256 bytes, pieces by falling score with some ties."""
    specials = [
        Token("<unk>", 0.0, TokenType.UNKNOWN),
        Token("<s>", 0.0, TokenType.CONTROL),
        Token("</s>", 0.0, TokenType.CONTROL),
    ]
    octets = [Token(f"<0x{byte:02X}>", 0.0, TokenType.BYTE) for byte in range(256)]
    pieces = [
        Token(piece, -float(rank // 3), TokenType.NORMAL)
        for rank, piece in enumerate(_plain_pieces(words, count))
    ]
    extra = [Token(text, 0.0, TokenType.USER_DEFINED) for text in ("<tool>", "</tool>", "=====")]
    return [*specials, *octets, *pieces, *extra]


def write_llama(
    path: Path, tokens: Sequence[Token], *, space_prefix: bool, missing_rows: int = 0
) -> None:
    """A model of the llama kind, whose last ``missing_rows`` tokens have no row in the embedding."""
    writer = GGUFWriter(path, "llama")
    writer.add_tokenizer_model("llama")
    writer.add_token_list([token.text for token in tokens])
    writer.add_token_scores([token.score for token in tokens])
    writer.add_token_types([token.kind for token in tokens])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_add_space_prefix(space_prefix)
    _write(writer, len(tokens) - missing_rows)
