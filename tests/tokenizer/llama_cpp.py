"""llama.cpp as a judge: its own tokenizer over a model file, through the server of the xllamacpp wheel."""

import json
import urllib.request
from pathlib import Path

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

    def encode(self, text: str, *, parse_special: bool) -> list[int]:
        """Token ids with BOS and EOS where the model asks for them."""
        body = {"content": text, "add_special": True, "parse_special": parse_special}
        request = urllib.request.Request(
            f"{self._server.listening_address}/tokenize",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as reply:
            tokens: list[int] = json.load(reply)["tokens"]
        return tokens
