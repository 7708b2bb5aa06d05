"""A tokenizer that belongs to another model is refused when the model is loaded, not when a prompt meets the gap."""

import subprocess
from pathlib import Path

import pytest

from tests.programs import bundled_model
from tests.tokenizer import host
from tests.tokenizer.vocabularies import llama_tokens, read_words, write_llama


def test_more_tokens_than_rows_of_the_embedding(tmp_path: Path) -> None:
    model = tmp_path / "model.gguf"
    tokens = llama_tokens(read_words(bundled_model()), 100)
    write_llama(model, tokens, space_prefix=True, missing_rows=3)
    with pytest.raises(subprocess.CalledProcessError) as refusal:
        host.encode(model, ["a"], tmp_path, parse_special=True)
    assert (
        f"{len(tokens)} tokens and an embedding of {len(tokens) - 3} rows" in refusal.value.stderr
    )
