"""llama.cpp as a judge: its own tokenizer over a model file, through the server of the xllamacpp wheel."""

import json
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xllamacpp


class LlamaCppTokenizer:
    """A running llama.cpp server on the loopback interface; it ends with the object."""

    def __init__(self, model: Path) -> None:
        params = xllamacpp.CommonParams()
        params.model.path = str(model)
        params.n_ctx = 64
        params.n_parallel = 1
        params.warmup = False
        params.verbosity = 0
        self._server = xllamacpp.Server(params)

    def _post(self, path: str, body: Mapping[str, object]) -> Any:
        request = urllib.request.Request(
            f"{self._server.listening_address}/{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as reply:
            return json.load(reply)

    def encode(self, text: str, *, parse_special: bool) -> list[int]:
        """Token ids of a text, without BOS and EOS around it."""
        body = {"content": text, "add_special": False, "parse_special": parse_special}
        tokens: list[int] = self._post("tokenize", body)["tokens"]
        return tokens

    def encode_chat(self, user: str) -> list[int]:
        """Token ids of a conversation's first turn, as the model's own template spells it."""
        messages = [{"role": "user", "content": user}]
        prompt = self._post("apply-template", {"messages": messages})["prompt"]
        return self.encode(prompt, parse_special=True)
