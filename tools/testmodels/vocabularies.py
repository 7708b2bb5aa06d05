"""Small tokenizer vocabularies of both kinds, trained on a few sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from gguf import GGUFWriter

SPACE = "\u2581"  # how the llama kind writes a space
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_TEXT = (
    "once upon a time there was a little robot who lived in a small house near the sea "
    "the robot liked to read and to count the ships that sailed past the window every morning "
    "one day a bird came to the house and asked the robot what is the name of the star over there "
    "that is the north star said the robot and it shows the sailors where they are "
    "It was 10 or 20 or 300 miles away. The bird said: thank you, and flew to the star."
)


class TokenKind(IntEnum):
    """`tokenizer.ggml.token_type`."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    UNUSED = 5
    BYTE = 6


@dataclass(frozen=True)
class Token:
    """One row of a vocabulary."""

    text: str
    score: float = 0.0
    kind: TokenKind = TokenKind.NORMAL


@dataclass(frozen=True)
class Vocabulary:
    """A tokenizer's tables: `model` is "llama" or "gpt2".

    gpt2 only: `merges` are pairs in order of rank, `pre` names the pre-tokenizer.
    """

    model: str
    tokens: tuple[Token, ...]
    merges: tuple[tuple[str, str], ...]
    bos: int
    eos: int
    pre: str = "smollm"


def _joined(symbols: Sequence[str], pair: tuple[str, str]) -> tuple[str, ...]:
    out: list[str] = []
    for symbol in symbols:
        if out and (out[-1], symbol) == pair:
            out[-1] += symbol
        else:
            out.append(symbol)
    return tuple(out)


def _train(words: Counter[tuple[str, ...]], limit: int) -> list[tuple[str, str]]:
    """Byte-pair encoding: the most frequent neighbours first, ties in the order of their text."""
    merges: list[tuple[str, str]] = []
    while len(merges) < limit:
        pairs: Counter[tuple[str, str]] = Counter()
        for symbols, count in words.items():
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] += count
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        joined: Counter[tuple[str, ...]] = Counter()
        for symbols, count in words.items():
            joined[_joined(symbols, best)] += count
        words = joined
    return merges


def byte_alphabet() -> list[str]:
    """The printable character for each byte in the gpt2 kind: itself, or one from U+0100 on."""
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in visible]
    return [
        chr(byte) if byte in visible else chr(0x100 + hidden.index(byte)) for byte in range(256)
    ]


def _padded(tokens: list[Token], vocab: int) -> tuple[Token, ...]:
    if vocab < len(tokens):
        raise ValueError(f"a vocabulary of {vocab} cannot hold the {len(tokens)} tokens it needs")
    padding = [Token(f"<|unused_{i}|>", -1e6, TokenKind.UNUSED) for i in range(len(tokens), vocab)]
    return (*tokens, *padding)


def llama_vocabulary(vocab: int) -> Vocabulary:
    """Unknown, BOS, EOS, bytes, pieces by falling score, single characters, padding to `vocab`."""
    words = Counter(tuple(SPACE + word) for word in _TEXT.split(" "))
    alphabet = sorted({character for word in words for character in word})
    specials = [
        Token("<unk>", 0.0, TokenKind.UNKNOWN),
        Token("<s>", 0.0, TokenKind.CONTROL),
        Token("</s>", 0.0, TokenKind.CONTROL),
    ]
    byte_tokens = [Token(f"<0x{byte:02X}>", 0.0, TokenKind.BYTE) for byte in range(256)]
    room = max(0, vocab - len(specials) - len(byte_tokens) - len(alphabet))
    pieces = dict.fromkeys(left + right for left, right in _train(words, room))
    ranked = [Token(text, -float(rank)) for rank, text in enumerate([*pieces, *alphabet])]
    return Vocabulary("llama", _padded([*specials, *byte_tokens, *ranked], vocab), (), bos=1, eos=2)


def gpt2_vocabulary(vocab: int) -> Vocabulary:
    """Three control tokens, 256 bytes, merged pieces, padding to `vocab`."""
    alphabet = byte_alphabet()
    first, *others = _TEXT.split(" ")
    spaced = [first, *(" " + word for word in others)]
    words = Counter(tuple(alphabet[byte] for byte in word.encode()) for word in spaced)
    specials = [
        Token(text, 0.0, TokenKind.CONTROL)
        for text in ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
    ]
    merges = _train(words, max(0, vocab - len(specials) - len(alphabet)))
    pieces = dict.fromkeys([*alphabet, *(left + right for left, right in merges)])
    tokens = _padded([*specials, *(Token(text) for text in pieces)], vocab)
    return Vocabulary("gpt2", tokens, tuple(merges), bos=1, eos=2)


def write_vocabulary(writer: GGUFWriter, vocabulary: Vocabulary) -> None:
    """Puts the `tokenizer.ggml.*` keys into a GGUF file."""
    writer.add_tokenizer_model(vocabulary.model)
    writer.add_token_list([token.text for token in vocabulary.tokens])
    writer.add_token_types([int(token.kind) for token in vocabulary.tokens])
    writer.add_bos_token_id(vocabulary.bos)
    writer.add_eos_token_id(vocabulary.eos)
    if vocabulary.model == "llama":
        writer.add_token_scores([token.score for token in vocabulary.tokens])
        writer.add_unk_token_id(0)
        writer.add_add_space_prefix(True)
    else:
        writer.add_tokenizer_pre(vocabulary.pre)
        writer.add_token_merges([" ".join(pair) for pair in vocabulary.merges])
        writer.add_add_bos_token(False)
        writer.add_chat_template(CHATML)
