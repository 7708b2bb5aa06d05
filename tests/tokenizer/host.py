"""The tokenizer of the host program, asked through its command line."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.programs import host_program


def _run(model: Path, *arguments: str | Path) -> str:
    command: list[str | Path] = [host_program(), "--model", model, *arguments]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def encode(
    model: Path, texts: Sequence[str], folder: Path, *, parse_special: bool
) -> list[list[int]]:
    """Token ids of each text, without BOS and EOS; ``folder`` takes the file the program reads."""
    listing = folder / "texts"
    listing.write_bytes(b"".join(text.encode() + b"\0" for text in texts))
    output = _run(model, "--encode", listing, *([] if parse_special else ["--typed"]))
    return [json.loads(line) for line in output.splitlines()]


def chat_prompt_tokens(model: Path, user: str) -> int:
    """How many tokens the program makes of a conversation's first turn."""
    answer = json.loads(_run(model, "--prompt", user, "--max-tokens", "1", "--json"))
    count: int = answer["prompt_tokens"]
    return count
