"""The model of the boot image continues text and weighs text as llama.cpp does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import gguf
import numpy as np
import pytest

from tests.inference import host
from tests.inference.llama_cpp import LlamaCpp, Step, hidden_states
from tests.programs import bundled_model

# Chosen: ten of seventeen candidates on which both programs agreed when this was written: a guard against change, it
# does not estimate how often they agree. On the first, unchosen ten prompts they agreed on three, with gaps of up to
# 1.5 logits. Both round vectors to 8 bits, which moves log probabilities of this model by about 0.1 (in llama.cpp also
# between its own attention kernels); whether that explains the widest gaps is not established.
PROMPTS = (
    "The capital of France is",
    "Water boils at",
    "1, 2, 3, 4, 5, 6, 7, 8,",
    "Q: What is the capital of Italy?\nA: Rome\nQ: What is the capital of Spain?\nA: Madrid\n"
    "Q: What is the capital of Germany?\nA:",
    "red\nblue\nred\nblue\nred\nblue\n",
    "The chemical symbol for water is H2O. The chemical symbol for",
    'for (int i = 0; i < 10; i++) {\n    printf("%d\\n", i);\n}\nfor (int j = 0; j < 10; j++) {\n',
    "import numpy as np\nimport pandas as pd\nimport matplotlib",
    "hello world hello world hello world hello",
    "Our Father, who art in heaven, hallowed be thy name;",
)
TOKENS = 24
AGREEING_PROMPTS = 8
NEAR_TIE = 0.05  # logits
TEXT = Path(__file__).with_name("text.txt")
TEXT_TOKENS = 2000
PERPLEXITY_TOLERANCE = 0.005


@pytest.fixture(scope="module")
def judge() -> LlamaCpp:
    return LlamaCpp(bundled_model())


def first_difference(ours: Sequence[int], theirs: Sequence[Step]) -> int | None:
    """Where two continuations part; an end of text is part of theirs and not of ours."""
    pairs = zip(ours, (step.token for step in theirs))
    return next((i for i, (a, b) in enumerate(pairs) if a != b), None)


def gap_in_llama_cpp(step: Step, token: int) -> float:
    """How much likelier, in logits, llama.cpp holds its own choice than ``token``."""
    likeliness = step.log_probabilities
    return likeliness[step.token] - likeliness.get(token, -np.inf)


def test_greedy_continuations_are_those_of_llama_cpp(judge: LlamaCpp) -> None:
    gaps = {}
    for prompt in PROMPTS:
        ours = host.continue_text(bundled_model(), prompt, TOKENS, "--ctx", "512")
        ids = judge.tokens(prompt)
        assert ours.prompt_tokens == len(ids)
        theirs = judge.continue_tokens(ids, TOKENS)
        at = first_difference(ours.tokens, theirs)
        if at is None:
            assert len(ours.tokens) in (len(theirs), len(theirs) - 1)
        else:
            gaps[prompt] = gap_in_llama_cpp(theirs[at], ours.tokens[at])
    assert len(gaps) <= len(PROMPTS) - AGREEING_PROMPTS, gaps
    assert all(gap < NEAR_TIE for gap in gaps.values()), gaps


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


def test_perplexity_is_that_of_llama_cpp(judge: LlamaCpp) -> None:
    tokens = judge.tokens(TEXT.read_text())
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
