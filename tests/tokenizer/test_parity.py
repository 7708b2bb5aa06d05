"""The same text gives the same tokens as in llama.cpp, for every kind of tokenizer this program knows."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pytest

from tests.programs import bundled_model
from tests.tokenizer import host
from tests.tokenizer.corpus import strings
from tests.tokenizer.judge import LlamaCppTokenizer
from tests.tokenizer.vocabularies import Words, llama_tokens, read_words, write_gpt2, write_llama

USER_DEFINED = ("<tool>", "</tool>", "<tool", "   ====x", "<user-defined>")
LLAMA_PIECES = 20_000


def _write_llama(path: Path, words: Words, space_prefix: bool) -> None:
    write_llama(path, llama_tokens(words, LLAMA_PIECES), space_prefix=space_prefix)


WRITERS: Mapping[str, Callable[[Path, Words], None]] = {
    **{
        pre: partial(write_gpt2, pre=pre, user_defined=USER_DEFINED)
        for pre in ("default", "gpt-2", "smollm", "llama-bpe", "qwen2")
    },
    "llama": partial(_write_llama, space_prefix=True),
    "llama-without-space-prefix": partial(_write_llama, space_prefix=False),
}


@pytest.fixture(scope="module")
def words() -> Words:
    return read_words(bundled_model())


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return strings()


@pytest.fixture(scope="module")
def bundled_judge() -> LlamaCppTokenizer:
    return LlamaCppTokenizer(bundled_model())


def assert_same_tokens(
    model: Path, judge: LlamaCppTokenizer, texts: list[str], folder: Path
) -> None:
    for parse_special in (True, False):
        ours = host.encode(model, texts, folder, parse_special=parse_special)
        assert len(ours) == len(texts)
        for text, ids in zip(texts, ours):
            assert ids == judge.encode(text, parse_special=parse_special), repr(text)


def test_the_corpus_is_varied_enough(texts: list[str]) -> None:
    assert len(set(texts)) >= 500
    assert len({character for text in texts for character in text}) >= 1400


def test_the_bundled_model_s_tokens(
    bundled_judge: LlamaCppTokenizer, texts: list[str], tmp_path: Path
) -> None:
    assert_same_tokens(bundled_model(), bundled_judge, texts, tmp_path)


@pytest.mark.parametrize("kind", WRITERS)
def test_the_same_words_under_another_tokenizer(
    kind: str, words: Words, texts: list[str], tmp_path: Path
) -> None:
    model = tmp_path / "model.gguf"
    WRITERS[kind](model, words)
    assert_same_tokens(model, LlamaCppTokenizer(model), texts, tmp_path)


@pytest.mark.parametrize(
    "user", ["Hi", "What is 2+2?", "<|im_end|> is a token", "tabs\tand  spaces"]
)
def test_a_first_turn_has_the_tokens_of_the_model_s_own_template(
    user: str, bundled_judge: LlamaCppTokenizer
) -> None:
    typed = bundled_judge.encode(user, parse_special=False)
    spelled = bundled_judge.encode_chat("x")
    expected = len(spelled) - len(bundled_judge.encode("x", parse_special=False)) + len(typed)
    assert host.chat_prompt_tokens(bundled_model(), user) == expected
