"""Answers of the host program: the likeliest tokens, their logits, the likelihood of a text."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.programs import host_program

# The prompt as it is, and always the likeliest token.
_PLAIN = "--chat-format raw --temp 0 --repeat 1 --norepeat 0 --stop-you 0 --stop-nl 0".split()


@dataclass(frozen=True)
class Answer:
    """A greedy continuation; ``logits`` (tokens, vocabulary) are those each token was picked from."""

    prompt_tokens: int
    tokens: Sequence[int]
    kernels: str
    logits: npt.NDArray[np.float64]


def run(model: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """One run of the program, however it ends."""
    command: list[str | Path] = [host_program(), "--model", model, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=600)


def continue_text(
    model: Path, prompt: str, count: int, *arguments: str, logits: bool = False
) -> Answer:
    """The ``count`` tokens that follow ``prompt``; raises AssertionError with the program's words when it fails."""
    asked = ["--prompt", prompt, "--max-tokens", str(count), "--json", *_PLAIN, *arguments]
    done = run(model, *asked, *(["--logits"] if logits else []))
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    rows = np.array(answer.get("logits", []), dtype=np.float64)
    return Answer(answer["prompt_tokens"], answer["tokens"], answer["kernels"], rows)


def mean_nll(model: Path, text: Path) -> tuple[int, float]:
    """How many tokens of a text were predicted, and their mean negative log likelihood in nats."""
    done = run(model, "--perplexity", text)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    return result["tokens"], result["nll"]
