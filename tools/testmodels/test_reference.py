"""The judge is judged: by llama.cpp, and by the same weights in another format."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xllamacpp
from gguf import GGMLQuantizationType as TensorType
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.testmodels.gguf_model import write_gguf
from tools.testmodels.kinds import MICRO, SEED, make
from tools.testmodels.llama2c_model import rope_tables, write_llama2c
from tools.testmodels.reference import Array, load_gguf, load_llama2c
from tools.testmodels.shapes import Shape
from tools.testmodels.vocabularies import llama_vocabulary

PROMPT = [1, 5, 300, 301, 302]


@dataclass(frozen=True)
class Step:
    """One token llama.cpp chose, and its log-probabilities of the likeliest ones."""

    token: int
    log_probabilities: dict[int, float]


def llama_cpp_steps(path: Path, count: int) -> Iterator[Step]:
    """Greedy continuation of PROMPT with a float32 cache and one thread."""
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_ctx = 128
    params.cpuparams.n_threads = 1
    params.warmup = False
    params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    request = {"prompt": PROMPT, "n_predict": count, "temperature": 0, "n_probs": 8}
    request["ignore_eos"] = True
    answer: dict[str, Any] = xllamacpp.Server(params).handle_completions(request)
    for choice in answer["choices"][0]["logprobs"]["content"]:
        yield Step(choice["id"], {top["id"]: top["logprob"] for top in choice["top_logprobs"]})


def log_softmax(logits: Array) -> Array:
    shifted = logits - logits.max()
    return np.asarray(shifted - np.log(np.exp(shifted).sum()))


# llama.cpp rounds activations to eight bits in front of quantised matrices, and rounds within attention.
@pytest.mark.parametrize(
    ("kind", "tolerance"),
    [
        ("llama-f32", 0.005),
        ("llama-tied", 0.005),
        ("qwen2-f32", 0.005),
        ("llama-q4_k", 0.15),
        ("llama-q6_k", 0.15),
        ("qwen2-q8_0", 0.05),
    ],
)
def test_log_probabilities_agree_with_llama_cpp(
    kind: str, tolerance: float, tmp_path: Path
) -> None:
    (path,) = make(kind, tmp_path)
    model = load_gguf(path)
    tokens = list(PROMPT)
    steps = list(llama_cpp_steps(path, 6))
    assert len(steps) >= 5
    for step in steps:
        ours = log_softmax(model.logits(tokens)[-1])
        theirs = step.log_probabilities
        assert max(abs(ours[token] - value) for token, value in theirs.items()) < tolerance
        tokens.append(step.token)


def test_greedy_follows_the_largest_logit(tmp_path: Path) -> None:
    (path,) = make("llama-f32", tmp_path)
    model = load_gguf(path)
    assert model.greedy(PROMPT, 5) == [step.token for step in llama_cpp_steps(path, 5)]


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    """Any small shape both formats can hold."""
    kv_heads = draw(st.integers(1, 3))
    heads = kv_heads * draw(st.integers(1, 3))
    return Shape(
        layers=draw(st.integers(1, 3)),
        dim=heads * 2 * draw(st.integers(1, 4)),
        hidden=draw(st.integers(1, 24)),
        heads=heads,
        kv_heads=kv_heads,
        vocab=300,
        context=draw(st.integers(1, 16)),
        tied=draw(st.booleans()),
    )


@settings(max_examples=25, deadline=None, derandomize=True)
@given(shape=shapes())
def test_both_formats_give_the_same_logits_of_the_same_weights(shape: Shape) -> None:
    tokens = [1, 7, 299, 0, 42][: shape.context]
    with tempfile.TemporaryDirectory() as folder:
        gguf_path, bin_path = Path(folder) / "m.gguf", Path(folder) / "m.bin"
        write_gguf(gguf_path, "llama", shape, llama_vocabulary(300), TensorType.F32, SEED)
        write_llama2c(bin_path, shape, SEED)
        from_gguf = load_gguf(gguf_path).logits(tokens)
        from_bin = load_llama2c(bin_path).logits(tokens)
    np.testing.assert_allclose(from_bin, from_gguf, rtol=1e-6, atol=1e-6)


def test_positions_matter(tmp_path: Path) -> None:
    (path,) = make("llama-micro", tmp_path)
    model = load_gguf(path)
    assert not np.allclose(model.logits([1, 5, 6, 7])[-1], model.logits([1, 6, 5, 7])[-1])


def test_a_later_token_does_not_change_earlier_logits(tmp_path: Path) -> None:
    (path,) = make("qwen2-micro", tmp_path)
    model = load_gguf(path)
    np.testing.assert_allclose(model.logits([1, 5, 6, 7])[:3], model.logits([1, 5, 6]), rtol=1e-12)


def test_rope_tables_start_at_no_rotation() -> None:
    tables = rope_tables(MICRO)
    assert tables.shape == (2 * MICRO.context, MICRO.head_dim // 2)
    assert (tables[0] == 1).all() and (tables[MICRO.context] == 0).all()
