"""The model of the boot image continues text and weighs text as llama.cpp does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import gguf
import numpy as np
import pytest

from tests.inference import host
from tests.inference.expand import expand
from tests.inference.llama_cpp import LlamaCpp, Step, hidden_states
from tests.programs import bundled_model

# Fixed before the first comparison. The judge computes with the model's weights in float32, because llama.cpp rounds
# vectors to 8 bits when weights are quantised: that moves the log probabilities of this model by 0.1, and on these
# prompts parts llama.cpp from itself seven times in ten. The program under test reads the quantised file as it is.
PROMPTS = (
    "The capital of France is",
    "Once upon a time, in a village by the sea,",
    "def fibonacci(n):\n    ",
    "Water boils at",
    "user: Name three colours.\nassistant:",
    "1, 2, 3, 5, 8, 13,",
    "The difference between a compiler and an interpreter is that",
    "Dear Sir or Madam,\n\nI am writing to",
    "Ingredients: flour, eggs, sugar, butter.\nMethod:",
    "Photosynthesis is the process by which plants",
)
TOKENS = 24
AGREEING_PROMPTS = 8
NEAR_TIE = 0.05  # logits
TEXT = Path(__file__).with_name("text.txt")
TEXT_TOKENS = 2000
PERPLEXITY_TOLERANCE = 0.005


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> LlamaCpp:
    """llama.cpp over the same weights, with nothing rounded below float32."""
    path = expand(bundled_model(), tmp_path_factory.mktemp("float32") / "model.gguf")
    return LlamaCpp(path, exact=True)


@pytest.fixture(scope="module")
def quantised() -> LlamaCpp:
    """llama.cpp over the very file."""
    return LlamaCpp(bundled_model())


def first_difference(ours: Sequence[int], theirs: Sequence[Step]) -> int | None:
    """Where two continuations part; an end of text is part of theirs and not of ours."""
    pairs = zip(ours, (step.token for step in theirs))
    return next((i for i, (a, b) in enumerate(pairs) if a != b), None)


def gap_in_llama_cpp(step: Step, token: int) -> float:
    """How much likelier, in logits, llama.cpp holds its own choice than ``token``."""
    likeliness = step.log_probabilities
    return likeliness[step.token] - likeliness.get(token, -np.inf)


def test_greedy_continuations_are_those_of_llama_cpp(exact: LlamaCpp) -> None:
    gaps = {}
    for prompt in PROMPTS:
        ours = host.continue_text(bundled_model(), prompt, TOKENS, "--ctx", "512")
        ids = exact.tokens(prompt)
        assert ours.prompt_tokens == len(ids)
        theirs = exact.continue_tokens(ids, TOKENS)
        at = first_difference(ours.tokens, theirs)
        if at is None:
            assert len(ours.tokens) in (len(theirs), len(theirs) - 1)
        else:
            gaps[prompt] = gap_in_llama_cpp(theirs[at], ours.tokens[at])
    assert len(gaps) <= len(PROMPTS) - AGREEING_PROMPTS, gaps
    assert all(gap < NEAR_TIE for gap in gaps.values()), gaps


def mean_error(likeliness: Mapping[int, float], reference: Mapping[int, float]) -> float:
    """Mean distance of log probabilities, over the tokens that the reference names."""
    return float(np.mean([abs(likeliness[token] - value) for token, value in reference.items()]))


def test_rounding_is_far_below_that_of_llama_cpp(exact: LlamaCpp, quantised: LlamaCpp) -> None:
    ours, theirs = [], []
    for prompt in PROMPTS:
        ids = exact.tokens(prompt)
        reference = exact.log_probabilities(ids)
        answer = host.continue_text(bundled_model(), prompt, 1, "--ctx", "512", logits=True)
        logits = answer.logits[0] - np.logaddexp.reduce(answer.logits[0])
        ours.append(mean_error(dict(enumerate(logits)), reference))
        rounded = quantised.log_probabilities(ids)
        both = {token: reference[token] for token in reference if token in rounded}
        theirs.append(mean_error(rounded, both))
    assert np.mean(ours) < np.mean(theirs) / 10, (ours, theirs)


def nll_of_llama_cpp(tokens: Sequence[int]) -> float:
    """Mean over a text, from llama.cpp's hidden states and the classifier in the file."""
    states = hidden_states(bundled_model(), tokens)[:-1]
    tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(bundled_model()).tensors}
    embedding = tensors["token_embd.weight"]
    classifier = gguf.dequantize(embedding.data, embedding.tensor_type).T
    total = 0.0
    for start in range(0, len(states), 256):
        logits = states[start : start + 256] @ classifier
        expected = logits[np.arange(len(logits)), tokens[start + 1 : start + 1 + len(logits)]]
        total += float(np.sum(np.logaddexp.reduce(logits.astype(np.float64), axis=1) - expected))
    return total / len(states)


def test_perplexity_is_that_of_llama_cpp(quantised: LlamaCpp) -> None:
    tokens = quantised.tokens(TEXT.read_text())
    predicted, ours = host.mean_nll(bundled_model(), TEXT)
    assert predicted == len(tokens) - 1 >= TEXT_TOKENS
    theirs = nll_of_llama_cpp(tokens)
    assert np.exp(ours) == pytest.approx(np.exp(theirs), rel=PERPLEXITY_TOLERANCE)


def test_the_scalar_kernels_say_the_same() -> None:
    prompt = "The opposite of hot is"
    scalar = host.continue_text(bundled_model(), prompt, 3, "--kernels", "scalar", "--ctx", "64")
    chosen = host.continue_text(bundled_model(), prompt, 3, "--ctx", "64")
    assert scalar.kernels == "scalar"
    assert scalar.tokens == chosen.tokens
