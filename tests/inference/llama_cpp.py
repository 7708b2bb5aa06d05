"""llama.cpp as a judge: greedy continuations with their runners-up, and hidden states of a whole text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xllamacpp

from tests.llama_cpp import LlamaCppServer, server_params

_RUNNERS_UP = 20


@dataclass(frozen=True)
class Step:
    """One token of a continuation, and the log probabilities of the likeliest ones at its place."""

    token: int
    log_probabilities: Mapping[int, float]


class LlamaCpp:
    """A running llama.cpp that continues text; `exact` keeps its cache and attention in float32."""

    def __init__(self, model: Path, context: int = 512, exact: bool = False) -> None:
        params = server_params(model, context)
        if exact:
            params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
            disabled = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
            params.flash_attn_type = disabled
        self._server = LlamaCppServer(params)

    def tokens(self, text: str) -> list[int]:
        """Token ids with BOS where the model asks for it."""
        ids: list[int] = self._server.post("tokenize", {"content": text, "add_special": True})[
            "tokens"
        ]
        return ids

    def continue_tokens(self, prompt: Sequence[int], count: int) -> list[Step]:
        """The ``count`` likeliest tokens one after another, or fewer where the text ends."""
        return self._complete(prompt, {"n_predict": count})

    def log_probabilities(self, prompt: Sequence[int]) -> Mapping[int, float]:
        """Of the likeliest tokens behind ``prompt``. The server keeps none for a token whose text is incomplete UTF-8
        or an end, so it is made to pick the prompt's last one; that leaves the probabilities as they are.
        """
        forced = {"n_predict": 1, "logit_bias": [[prompt[-1], 1e6]]}
        return self._complete(prompt, forced)[0].log_probabilities

    def _complete(self, prompt: Sequence[int], options: Mapping[str, Any]) -> list[Step]:
        request = {"prompt": list(prompt), "temperature": 0, "n_probs": _RUNNERS_UP, **options}
        steps = self._server.post("completion", request)["completion_probabilities"]
        return [
            Step(step["id"], {top["id"]: top["logprob"] for top in step["top_logprobs"]})
            for step in steps
        ]


def hidden_states(model: Path, tokens: Sequence[int]) -> npt.NDArray[np.float32]:
    """(tokens, width): what llama.cpp hands to the classifier at each position of one sequence."""
    params = server_params(model, len(tokens) + 1)
    params.n_batch = params.n_ubatch = len(tokens)
    params.embedding = True
    params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_NONE
    server = LlamaCppServer(params)
    reply = server.post("embeddings", {"content": list(tokens), "embd_normalize": -1})
    return np.array(reply[0]["embedding"], dtype=np.float32)
