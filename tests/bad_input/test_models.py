"""Hostile model files: one clear line, and a session that goes on, with another model or with none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bad_input.session import Session, talk
from tools.testmodels.hostile import hostile_gguf, hostile_llama2c
from tools.testmodels.kinds import make

# What the message must name, by variant.
GGUF_CAUSES = {
    "empty": "magic number",
    "truncated-header": "metadata count",
    "truncated-keys": "20 metadata keys in a file of 200 bytes",
    "truncated-data": "bytes of data",
    "wrong-magic": "GGUF",
    "version-1": "version 1",
    "big-endian": "big-endian",
    "tensors-over-file": "9223372036854775808 tensors",
    "keys-over-file": "9223372036854775808 metadata keys",
    "huge-string": "a key at byte 32 needs 9223372036854775808 bytes",
    "zero-heads": "llama.attention.head_count is 0",
    "huge-layers": "layers is 2147483648",
    "unknown-architecture": 'architecture "mamba"',
    "offset-past-end": "output_norm.weight",
    "unknown-type": "type 999",
}
MICRO_GGUF = "llama-micro"
MICRO_BIN = "llama2c-micro"


def only_failure(session: Session) -> tuple[str, str]:
    """Path and message of the one model that could not be loaded."""
    (record,) = session.log.of("model_failed")
    return str(record["path"]), str(record["error"])


def volume_with(folder: Path, name: str, data: bytes) -> Path:
    (folder / "models").mkdir(parents=True, exist_ok=True)
    (folder / "models" / name).write_bytes(data)
    return folder


@pytest.mark.parametrize("variant", GGUF_CAUSES)
def test_a_hostile_gguf_is_refused_by_name_and_cause(variant: str, tmp_path: Path) -> None:
    (whole,) = make(MICRO_GGUF, tmp_path / "whole")
    data = hostile_gguf(whole.read_bytes())[variant]
    session = talk(volume_with(tmp_path / "volume", "m.gguf", data), ["hello"])
    path, error = only_failure(session)
    assert path == "models/m.gguf"
    assert GGUF_CAUSES[variant] in error
    assert session.went_on


def test_every_variant_is_tried(tmp_path: Path) -> None:
    (whole,) = make(MICRO_GGUF, tmp_path)
    assert set(hostile_gguf(whole.read_bytes())) == {*GGUF_CAUSES, "flipped"}


def test_a_flipped_bit_ends_in_a_model_or_a_message(tmp_path: Path) -> None:
    (whole,) = make(MICRO_GGUF, tmp_path / "whole")
    data = hostile_gguf(whole.read_bytes())["flipped"]
    assert talk(volume_with(tmp_path / "volume", "m.gguf", data), ["hello"]).went_on


def test_every_hostile_llama2c_file_is_refused(tmp_path: Path) -> None:
    model, tokenizer = make(MICRO_BIN, tmp_path / "whole")
    for number, (variant, data) in enumerate(hostile_llama2c(model.read_bytes()).items()):
        volume = volume_with(tmp_path / str(number), "m.bin", data)
        volume_with(volume, "tokenizer.bin", tokenizer.read_bytes())
        session = talk(volume, ["hello"])
        path, error = only_failure(session)
        assert path == "models/m.bin", variant
        assert error.startswith("models/m.bin: "), variant
        assert session.went_on, variant


@pytest.mark.parametrize("broken", ["missing", "truncated", "longer", "not-a-tokenizer"])
def test_a_bin_needs_the_tokenizer_that_belongs_to_it(broken: str, tmp_path: Path) -> None:
    model, tokenizer = make(MICRO_BIN, tmp_path / "whole")
    volume = volume_with(tmp_path / "volume", "m.bin", model.read_bytes())
    whole = tokenizer.read_bytes()
    data = {"truncated": whole[:-5], "longer": whole + bytes(50), "not-a-tokenizer": b"\xff" * 99}
    if broken in data:
        volume_with(volume, "tokenizer.bin", data[broken])
    session = talk(volume, ["hello"])
    _, error = only_failure(session)
    assert "tokenizer.bin" in error
    assert session.went_on


def test_another_model_takes_the_place_of_a_broken_one(tmp_path: Path) -> None:
    (whole,) = make("llama-q8_0", tmp_path / "whole")
    volume = volume_with(tmp_path / "volume", "good.gguf", whole.read_bytes())
    volume_with(volume, "cut.gguf", whole.read_bytes()[:1000])
    session = talk(volume, ["hello"], "--model", "models/cut.gguf")
    assert only_failure(session)[0] == "models/cut.gguf"
    (fallback,) = session.log.of("model_fallback")
    assert fallback["used"] == "models/good.gguf"
    assert session.log.of("gen_end")
    assert session.went_on


def test_a_model_larger_than_memory_says_how_much_it_needs(tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    (volume / "models").mkdir(parents=True)
    with (volume / "models" / "huge.gguf").open("wb") as file:
        file.truncate(3 << 30)  # no blocks are written
    session = talk(volume, ["hello"], memory=1 << 30)
    _, error = only_failure(session)
    assert "needs 3073 MiB" in error and "MiB are free" in error
    assert session.went_on


def test_no_model_is_a_session_without_one(tmp_path: Path) -> None:
    session = talk(tmp_path, ["/models", "hello", "/model_info", "/ctx"])
    assert "no model" in session.text
    assert not session.log.of("gen_end")
    assert session.went_on


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    session = talk(tmp_path, ["hello"], "--model", "models/absent.gguf")
    assert "models/absent.gguf" in session.text
    assert session.went_on


def test_of_two_models_one_is_chosen(tmp_path: Path) -> None:
    (whole,) = make(MICRO_GGUF, tmp_path / "whole")
    volume = volume_with(tmp_path / "volume", "a.gguf", whole.read_bytes())
    volume_with(volume, "b.gguf", whole.read_bytes())
    session = talk(volume, ["2", "hello"])
    (loaded,) = session.log.of("model_loaded")
    assert loaded["path"] == "models/b.gguf"
    assert session.went_on
