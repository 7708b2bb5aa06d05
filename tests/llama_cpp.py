"""llama.cpp as a judge: its server, from the xllamacpp wheel, over one model file."""

import json
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xllamacpp

_THREADS = 2


def server_params(model: Path, context: int) -> Any:
    """The server's settings for one conversation of ``context`` tokens."""
    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.n_ctx = context
    params.n_parallel = 1
    params.warmup = False
    params.verbosity = 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = _THREADS
    return params


class LlamaCppServer:
    """A server in this process, listening on the loopback interface; it ends with the object."""

    def __init__(self, params: Any) -> None:
        self._server = xllamacpp.Server(params)

    def post(self, path: str, body: Mapping[str, object]) -> Any:
        """The answer to a request, decoded from JSON. Raises urllib.error.HTTPError when the server refuses it."""
        request = urllib.request.Request(
            f"{self._server.listening_address}/{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as reply:
            return json.load(reply)
