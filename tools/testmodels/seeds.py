"""The corpora the fuzzers in firmware/fuzz start from: small files, whole and broken."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from gguf import GGMLQuantizationType as TensorType

from tools.oo.records import Line
from tools.oo.slots import Slot
from tools.testmodels.gguf_model import write_gguf
from tools.testmodels.hostile import hostile_gguf, hostile_llama2c
from tools.testmodels.llama2c_model import write_llama2c, write_tokenizer_bin
from tools.testmodels.shapes import Shape
from tools.testmodels.vocabularies import SPACE, Token, TokenKind, Vocabulary

_SEED = 7
_SHAPE = Shape(layers=1, dim=4, hidden=4, heads=2, kv_heads=1, vocab=12, context=4, tied=True)
# The least header a llama2.c model can have, so that mutations of it stay near whole files.
_LEAST = Shape(layers=1, dim=2, hidden=1, heads=1, kv_heads=1, vocab=1, context=1, tied=True)
_TEXT = " ab a b\u00e9\u4f60 12 don't\n\n<|im_start|>\U0001f600".encode()

_LLAMA = Vocabulary(
    "llama",
    (
        Token("<unk>", 0.0, TokenKind.UNKNOWN),
        Token("<s>", 0.0, TokenKind.CONTROL),
        Token("</s>", 0.0, TokenKind.CONTROL),
        Token("<0x0A>", 0.0, TokenKind.BYTE),
        Token("<0xC3>", 0.0, TokenKind.BYTE),
        Token("<0xA9>", 0.0, TokenKind.BYTE),
        Token(SPACE, -9.0),
        Token("a", -8.0),
        Token("b", -7.0),
        Token("ab", -1.0),
        Token(SPACE + "ab", -2.0),
        Token("<|im_start|>", 0.0, TokenKind.CONTROL),
    ),
    (),
    bos=1,
    eos=2,
)
_GPT2_TEXTS = ("a", "b", "\u0120", "1", "2", "ab", "\u0120ab", "12", "\u010a")
_GPT2 = Vocabulary(
    "gpt2",
    (
        Token("<|endoftext|>", 0.0, TokenKind.CONTROL),
        Token("<|im_start|>", 0.0, TokenKind.CONTROL),
        Token("<|im_end|>", 0.0, TokenKind.CONTROL),
        *(Token(text) for text in _GPT2_TEXTS),
    ),
    (("a", "b"), ("\u0120", "ab"), ("1", "2")),
    bos=1,
    eos=2,
)

_CONFIGS = {
    "ordinary": b"# how it talks\ntemp=0.7\ntop_p = 0.9\ntop_k=40\nseed=42\nmax_tokens=64\nctx_len=512\n",
    "text": b'system_prompt="You are # a robot"\nmodel=models/m.gguf\nchat_format=chatml\n',
    "aliases": b"temperature=1\nno_repeat_ngram=3\nrepeat_penalty=1.1\nstop_you=0\nstats=yes\n",
    "wrong": b"temp=abc\ntop_p=5\nunknown=1\n=\n==\nno separator\n;comment\ntemp=1e999\nseed=-1\n",
    "windows": b"\xef\xbb\xbftemp=0.5\r\nseed=1\r\n\r\n\x00=\x01\r\n",
}

_SLOT = Slot(7, b"boot_count=3\nmode=1\n").to_bytes()
# The fuzzer adds the zeros behind a record by itself.
_RECORD = _SLOT.rstrip(b"\0")
_SLOTS = {
    "whole": _RECORD,
    "empty-payload": Slot(1, b"").to_bytes()[:24],
    "version-1": b"OOST\1\0\0\0" + _RECORD[8:],
    "spoilt": _RECORD[:-1] + b"!",
    "huge-payload": _RECORD[:12] + b"\xff\xff\xff\xff" + _RECORD[16:],
    "too-long": _SLOT + b"\0",
    "blank": b"\n" * len(_SLOT),
}

_LINES = [Line(n, text).to_bytes() for n, text in enumerate(("a", "crc=b crc=0", "", "d"), start=1)]
# How many bytes of an input are the first file.
_LOG_BYTES = 1200
_RECORD_LOGS = {
    "whole": b"".join(_LINES),
    "torn": b"\n".join((_LINES[0], _LINES[1][:9], _LINES[2])),
    "two-files": b"".join(_LINES[:2]).ljust(_LOG_BYTES, b"\n") + b"".join(_LINES[2:]),
    "full": (_LINES[0] + b"x" * _LOG_BYTES)[:_LOG_BYTES],
    "last-number": Line(2**64 - 1, "end").to_bytes(),
    "no-numbers": b"event= x crc=00000000\nevent=0 x crc=00000000\n crc=\n",
}


def _bytes_of(write: Callable[[Path], None]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "seed.gguf"
        write(path)
        return path.read_bytes()


def _gguf(architecture: str, shape: Shape, vocabulary: Vocabulary, kind: TensorType) -> bytes:
    return _bytes_of(lambda path: write_gguf(path, architecture, shape, vocabulary, kind, _SEED))


def _llama2c(shape: Shape) -> bytes:
    return _bytes_of(lambda path: write_llama2c(path, shape, _SEED))


def _model_gguf_seeds() -> dict[str, bytes]:
    whole = _gguf("llama", _SHAPE, _LLAMA, TensorType.F32)
    biased = replace(_SHAPE, biases=True, tied=False, rope_scale=2.0)
    quantised = replace(_SHAPE, dim=32, hidden=32)
    return {
        "llama": whole,
        "halves": _gguf("llama", _SHAPE, _LLAMA, TensorType.F16),
        "qwen2": _gguf("qwen2", biased, _GPT2, TensorType.BF16),
        "quantised": _gguf("llama", quantised, _LLAMA, TensorType.Q4_0),
        **hostile_gguf(whole),
    }


def _tokenizer_gguf_seeds() -> dict[str, bytes]:
    """The head of a file, and behind it a text to encode instead of weights."""
    seeds = {"llama": _gguf("llama", _SHAPE, _LLAMA, TensorType.F32)}
    for pre in ("default", "smollm", "llama-bpe", "qwen2"):
        seeds[pre] = _gguf("llama", _SHAPE, replace(_GPT2, pre=pre), TensorType.F32)
    return {name: _without_tensors(data) + _TEXT for name, data in seeds.items()}


def _without_tensors(data: bytes) -> bytes:
    """Cut where the tensor table begins, and padded to where the data section then does."""
    head = data[:8] + bytes(8) + data[16 : data.index(b"token_embd.weight") - 8]
    return head + bytes(-len(head) % 32)


def _tokenizer_llama2c_seeds() -> dict[str, bytes]:
    tokenizer = _bytes_of(lambda path: write_tokenizer_bin(path, _LLAMA))
    start = len(_LLAMA.tokens).to_bytes(2, "little") + bytes([len(_TEXT)]) + _TEXT
    return {
        "whole": start + tokenizer,
        "truncated": start + tokenizer[:-3],
        "fewer": b"\x03\x00" + start[2:] + tokenizer,
        "huge-piece": start + tokenizer[:8] + b"\xff\xff\xff\x7f" + tokenizer[12:],
        "negative-piece": start + tokenizer[:8] + b"\xff\xff\xff\xff" + tokenizer[12:],
    }


def seeds() -> dict[str, bytes]:
    """Every seed by its path below the corpora's folder: "<fuzzer>/<name>"."""
    least = _llama2c(_LEAST)
    corpora = {
        "model_gguf": _model_gguf_seeds(),
        "model_llama2c": {
            "shared": least,
            "unshared": _llama2c(replace(_LEAST, tied=False)),
            **hostile_llama2c(least),
        },
        "tokenizer_gguf": _tokenizer_gguf_seeds(),
        "tokenizer_llama2c": _tokenizer_llama2c_seeds(),
        "config": _CONFIGS,
        "slots": _SLOTS,
        "record_log": _RECORD_LOGS,
    }
    return {
        f"{fuzzer}/{name}": data
        for fuzzer, corpus in corpora.items()
        for name, data in corpus.items()
    }


def write_files(files: dict[str, bytes], folder: Path) -> None:
    """Writes each file at its path below `folder`."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
