"""The models that can be made, by name: for the command line, the tests and the benchmarks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from gguf import GGMLQuantizationType as TensorType

from tools.testmodels.gguf_model import write_gguf
from tools.testmodels.llama2c_model import write_llama2c, write_tokenizer_bin
from tools.testmodels.shapes import Shape
from tools.testmodels.tensor_types import TENSOR_TYPES
from tools.testmodels.vocabularies import gpt2_vocabulary, llama_vocabulary

SEED = 20260101

# Rows of 256 and 512 values: whole super-blocks, so that every tensor type fits.
TINY = Shape(layers=2, dim=256, hidden=512, heads=4, kv_heads=2, vocab=512, context=256, tied=False)
TINY_QWEN2 = replace(TINY, biases=True, rope_base=1e6, rms_epsilon=1e-6)
TINY_TIED = replace(TINY, tied=True, rope_base=50000.0, rope_scale=4.0)
# Small enough to be truncated at every byte and mutated millions of times.
MICRO = Shape(layers=1, dim=8, hidden=8, heads=2, kv_heads=1, vocab=300, context=16, tied=True)
STORIES_260K = Shape(
    layers=5, dim=64, hidden=172, heads=8, kv_heads=4, vocab=512, context=512, tied=True
)
STORIES_15M = Shape(
    layers=6, dim=288, hidden=768, heads=6, kv_heads=6, vocab=32000, context=256, tied=True
)

Maker = Callable[[Path], list[Path]]


def _gguf(
    architecture: str, shape: Shape, matrix_type: TensorType, name: str, to: Path
) -> list[Path]:
    is_llama = architecture == "llama"
    vocabulary = llama_vocabulary(shape.vocab) if is_llama else gpt2_vocabulary(shape.vocab)
    write_gguf(to / f"{name}.gguf", architecture, shape, vocabulary, matrix_type, SEED)
    return [to / f"{name}.gguf"]


def _llama2c(shape: Shape, name: str, to: Path) -> list[Path]:
    write_llama2c(to / f"{name}.bin", shape, SEED)
    write_tokenizer_bin(to / "tokenizer.bin", llama_vocabulary(shape.vocab))
    return [to / f"{name}.bin", to / "tokenizer.bin"]


def _kinds() -> dict[str, Maker]:
    kinds: dict[str, Maker] = {}
    for tensor_type in TENSOR_TYPES:
        name = f"llama-{tensor_type.name.lower()}"
        kinds[name] = partial(_gguf, "llama", TINY, tensor_type, name)
    kinds["llama-tied"] = partial(_gguf, "llama", TINY_TIED, TensorType.F32, "llama-tied")
    kinds["qwen2-f32"] = partial(_gguf, "qwen2", TINY_QWEN2, TensorType.F32, "qwen2-f32")
    kinds["qwen2-q8_0"] = partial(_gguf, "qwen2", TINY_QWEN2, TensorType.Q8_0, "qwen2-q8_0")
    kinds["llama-micro"] = partial(_gguf, "llama", MICRO, TensorType.F32, "llama-micro")
    kinds["qwen2-micro"] = partial(
        _gguf, "qwen2", replace(MICRO, biases=True), TensorType.F32, "qwen2-micro"
    )
    kinds["llama2c-micro"] = partial(_llama2c, MICRO, "llama2c-micro")
    kinds["llama2c-shared"] = partial(_llama2c, STORIES_260K, "llama2c-shared")
    unshared = replace(STORIES_260K, tied=False)
    kinds["llama2c-unshared"] = partial(_llama2c, unshared, "llama2c-unshared")
    kinds["llama2c-15m"] = partial(_llama2c, STORIES_15M, "llama2c-15m")
    return kinds


KINDS: Mapping[str, Maker] = _kinds()


def make(kind: str, output: Path) -> list[Path]:
    """Makes one model in the folder `output` (created if needed) and returns its files.

    Raises:
        KeyError: there is no such kind.
    """
    output.mkdir(parents=True, exist_ok=True)
    return KINDS[kind](output)
