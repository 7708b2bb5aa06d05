"""llama.cpp's own tokenizer over a model file."""

from pathlib import Path

from tests.llama_cpp import LlamaCppServer, server_params

_CONTEXT = 64  # nothing is generated


class LlamaCppTokenizer:
    """What a running llama.cpp makes of text."""

    def __init__(self, model: Path) -> None:
        self._server = LlamaCppServer(server_params(model, _CONTEXT))

    def encode(self, text: str, *, parse_special: bool) -> list[int]:
        """Token ids of a text, without BOS and EOS around it."""
        body = {"content": text, "add_special": False, "parse_special": parse_special}
        tokens: list[int] = self._server.post("tokenize", body)["tokens"]
        return tokens

    def encode_chat(self, user: str) -> list[int]:
        """Token ids of a conversation's first turn, as the model's own template spells it."""
        messages = [{"role": "user", "content": user}]
        prompt = self._server.post("apply-template", {"messages": messages})["prompt"]
        return self.encode(prompt, parse_special=True)
