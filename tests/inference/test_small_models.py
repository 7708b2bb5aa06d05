"""Small seeded models of every format and tensor type: logits against float64 numpy, and against llama.cpp's error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt
import pytest

from tests.inference import host
from tests.inference.llama_cpp import LlamaCpp
from tests.tokenizer.host import encode
from tools.testmodels.kinds import KINDS, make
from tools.testmodels.reference import Model, load_gguf, load_llama2c

PROMPT = "Once upon a time there was a tree, and under the tree 17 cats."
TOKENS = 8
CONTEXT = 256
BOS = 1
FLOAT_TOLERANCE = 1e-4  # of float32 sums
ROUNDED_TOLERANCE = 5e-4  # of the largest logit, where integer kernels round vectors
UNQUANTISED = ("f32", "f16", "bf16")
GGUF_KINDS = [
    kind for kind in KINDS if kind.startswith(("llama-", "qwen2-")) and "micro" not in kind
]

Array = npt.NDArray[np.float64]


def assert_close(ours: Array, reference: Array) -> None:
    """Within 1e-4 of each value, or of a hundredth of the largest where values cross zero."""
    scale = np.abs(reference).max(axis=-1, keepdims=True)
    error = np.abs(ours - reference) / np.maximum(np.abs(reference), scale / 100)
    assert error.max() < FLOAT_TOLERANCE


def reference_logits(model: Model, prompt: Sequence[int], answer: host.Answer) -> Array:
    """Logits that each token of the answer should have been picked from."""
    tokens = [*prompt, *answer.tokens]
    rows = model.logits(tokens)[len(prompt) - 1 :]
    return rows[: len(answer.logits)]


@pytest.mark.parametrize("kind", ["llama2c-shared", "llama2c-unshared", "llama2c-micro"])
def test_llama2c_logits(kind: str, tmp_path: Path) -> None:
    path = make(kind, tmp_path)[0]
    prompt = [BOS, *encode(path, ["Hi 7"], tmp_path, parse_special=True)[0]]
    answer = host.continue_text(path, "Hi 7", TOKENS, logits=True)
    assert answer.prompt_tokens == len(prompt)
    assert_close(answer.logits, reference_logits(load_llama2c(path), prompt, answer))


def test_a_shorter_context_changes_nothing_within_it(tmp_path: Path) -> None:
    path = make("llama2c-shared", tmp_path)[0]
    whole = host.continue_text(path, "Hi 7", TOKENS, logits=True)
    short = host.continue_text(path, "Hi 7", TOKENS, "--ctx", "64", logits=True)
    assert np.array_equal(whole.logits, short.logits)


def test_a_prompt_longer_than_the_context_is_refused_in_words(tmp_path: Path) -> None:
    path = make("llama2c-shared", tmp_path)[0]
    done = host.run(path, "--prompt", "many words " * 40, "--json", "--ctx", "64")
    assert done.returncode != 0
    assert "64" in done.stderr and len(done.stderr.splitlines()) == 1


def is_float(path: Path) -> bool:
    kinds = {tensor.tensor_type.name.lower() for tensor in gguf.GGUFReader(path).tensors}
    return kinds <= set(UNQUANTISED)


def log_softmax(logits: Array) -> Array:
    normalised: Array = logits - np.logaddexp.reduce(logits)
    return normalised


def errors(reference: Array, ours: Array, theirs: Mapping[int, float]) -> tuple[float, float]:
    """Root mean square error of log probabilities, ours and llama.cpp's, over the tokens llama.cpp names."""
    tokens = list(theirs)
    expected = log_softmax(reference)[tokens]
    return (
        float(np.sqrt(np.mean((log_softmax(ours)[tokens] - expected) ** 2))),
        float(np.sqrt(np.mean((np.array(list(theirs.values())) - expected) ** 2))),
    )


@pytest.mark.parametrize("kind", GGUF_KINDS)
def test_gguf_logits(kind: str, tmp_path: Path) -> None:
    path = make(kind, tmp_path)[0]
    judge = LlamaCpp(path, CONTEXT)
    prompt = judge.tokens(PROMPT)
    answer = host.continue_text(path, PROMPT, TOKENS, logits=True)
    assert answer.prompt_tokens == len(prompt)
    reference = reference_logits(load_gguf(path), prompt, answer)
    if is_float(path):
        assert_close(answer.logits, reference)
    rounding = np.abs(answer.logits - reference).max() / np.abs(reference).max()
    assert rounding < ROUNDED_TOLERANCE
    ours, theirs = errors(reference[0], answer.logits[0], judge.log_probabilities(prompt))
    assert ours < max(theirs, FLOAT_TOLERANCE)
