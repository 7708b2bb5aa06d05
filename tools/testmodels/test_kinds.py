"""Models are the same bytes from the same seed; the fuzzers' seeds are up to date."""

from pathlib import Path

import gguf
import pytest
from typer.testing import CliRunner

from tools.testmodels.__main__ import app
from tools.testmodels.hostile import hostile_gguf, hostile_llama2c
from tools.testmodels.kinds import KINDS, STORIES_15M, make
from tools.testmodels.llama2c_model import write_tokenizer_bin
from tools.testmodels.seeds import seeds
from tools.testmodels.vocabularies import byte_alphabet, gpt2_vocabulary, llama_vocabulary

SEEDS = Path("firmware/fuzz/seeds")
SMALL_KINDS = [kind for kind in KINDS if kind != "llama2c-15m"]


@pytest.mark.parametrize("kind", SMALL_KINDS)
def test_a_kind_is_the_same_bytes_every_time(kind: str, tmp_path: Path) -> None:
    first, second = make(kind, tmp_path / "1"), make(kind, tmp_path / "2")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_the_large_preset_has_fifteen_million_parameters(tmp_path: Path) -> None:
    model, tokenizer = make("llama2c-15m", tmp_path)
    floats = (model.stat().st_size - 28) // 4
    tables = STORIES_15M.context * STORIES_15M.head_dim
    assert 15.1e6 < floats - tables < 15.3e6
    assert tokenizer.name == "tokenizer.bin"


def test_a_gguf_file_says_what_it_is(tmp_path: Path) -> None:
    (path,) = make("qwen2-q8_0", tmp_path)
    reader = gguf.GGUFReader(path)
    architecture = reader.get_field("general.architecture")
    assert architecture is not None and architecture.contents() == "qwen2"
    assert {t.tensor_type.name for t in reader.tensors} == {"F32", "Q8_0"}
    assert "blk.1.attn_v.bias" in {t.name for t in reader.tensors}


def test_vocabularies_have_unique_tokens_and_exactly_the_size_asked_for() -> None:
    for vocabulary in (llama_vocabulary(700), gpt2_vocabulary(700)):
        texts = [token.text for token in vocabulary.tokens]
        assert len(texts) == len(set(texts)) == 700


def test_every_merge_joins_two_tokens_to_a_third() -> None:
    vocabulary = gpt2_vocabulary(512)
    texts = {token.text for token in vocabulary.tokens}
    assert len(vocabulary.merges) > 100
    assert all({left, right, left + right} <= texts for left, right in vocabulary.merges)


def test_the_byte_alphabet_is_visible_and_unique() -> None:
    alphabet = byte_alphabet()
    assert len(set(alphabet)) == 256
    assert alphabet[ord("a")] == "a" and alphabet[ord(" ")] == "\u0120"
    assert all(character.isprintable() for character in alphabet)


def test_a_vocabulary_too_small_for_its_bytes_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot hold"):
        llama_vocabulary(100)


def test_a_tokenizer_bin_writes_spaces_as_spaces(tmp_path: Path) -> None:
    write_tokenizer_bin(tmp_path / "tokenizer.bin", llama_vocabulary(512))
    data = (tmp_path / "tokenizer.bin").read_bytes()
    assert b" robot" in data
    assert "\u2581".encode() not in data


def test_hostile_variants_differ_from_the_file_they_break(tmp_path: Path) -> None:
    (path,) = make("llama-micro", tmp_path)
    whole = path.read_bytes()
    model, _ = make("llama2c-micro", tmp_path)
    assert all(data != whole for data in hostile_gguf(whole).values())
    assert all(data != model.read_bytes() for data in hostile_llama2c(model.read_bytes()).values())


def test_the_seeds_in_the_repository_are_those_the_program_writes() -> None:
    stored = {
        path.relative_to(SEEDS).as_posix(): path.read_bytes()
        for path in SEEDS.rglob("*")
        if path.is_file()
    }
    assert stored == seeds()


def test_the_command_line_makes_and_lists(tmp_path: Path) -> None:
    runner = CliRunner()
    assert "llama-q4_k" in runner.invoke(app, ["list"]).stdout.split()
    made = runner.invoke(app, ["make", "llama-micro", "--output", str(tmp_path)])
    assert made.exit_code == 0 and Path(made.stdout.strip()).is_file()
    refused = runner.invoke(app, ["make", "nonsense", "--output", str(tmp_path)])
    assert refused.exit_code == 2


def test_the_command_line_writes_the_fixtures(tmp_path: Path) -> None:
    runner = CliRunner()
    fixture = tmp_path / "fixture.bin"
    assert runner.invoke(app, ["dequantize", "--output", str(fixture)]).exit_code == 0
    assert runner.invoke(app, ["seeds", "--output", str(tmp_path / "seeds")]).exit_code == 0
    assert fixture.stat().st_size > 50_000
    assert (tmp_path / "seeds/model_gguf/llama").read_bytes()[:4] == b"GGUF"
