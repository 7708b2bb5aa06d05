"""The host program without a terminal: one prompt, token ids, perplexity."""

from __future__ import annotations

import json
import math
import subprocess
from pathlib import Path

import pytest

from tests.programs import host_program
from tools.testmodels.kinds import make

GREEDY = ("--temp", "0", "--repeat", "1", "--norepeat", "0", "--stop-you", "0")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    return make("llama-f32", folder)[0]


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [host_program(), *map(str, arguments)], capture_output=True, text=True, timeout=60
    )


def test_prompt_gives_only_the_answer(model: Path) -> None:
    plain = run("--model", model, "--prompt", "hello", "--max-tokens", "6", *GREEDY)
    as_json = json.loads(
        run("--model", model, "--prompt", "hello", "--max-tokens", "6", "--json", *GREEDY).stdout
    )
    assert plain.returncode == 0
    assert plain.stderr == ""
    assert plain.stdout == as_json["text"] + "\n"
    assert len(as_json["tokens"]) == 6
    assert as_json["reason"] == "max_tokens"
    assert as_json["prefill_us"] > 0 and as_json["decode_us"] > 0


def test_logits_are_those_the_tokens_were_picked_from(model: Path) -> None:
    out = run("--model", model, "--prompt", "x", "--max-tokens", "3", "--json", "--logits", *GREEDY)
    result = json.loads(out.stdout)
    assert [max(range(len(row)), key=row.__getitem__) for row in result["logits"]] == result[
        "tokens"
    ]


def test_the_seed_decides(model: Path) -> None:
    def answer(seed: int) -> str:
        arguments = ("--prompt", "hello", "--max-tokens", "20", "--temp", "2", "--json")
        return str(
            json.loads(run("--model", model, *arguments, "--seed", str(seed)).stdout)["text"]
        )

    assert answer(1) == answer(1)
    assert answer(1) != answer(2)


def test_encode_gives_a_line_of_ids_a_text(model: Path, tmp_path: Path) -> None:
    texts = ["hello", "", "ünïcödé 😀", "two\nlines"]
    (tmp_path / "texts").write_bytes("\0".join(texts).encode() + b"\0")
    out = run("--model", model, "--encode", tmp_path / "texts")
    rows = [json.loads(line) for line in out.stdout.splitlines()]
    assert len(rows) == len(texts)
    assert rows[1] == []
    assert all(isinstance(token, int) for row in rows for token in row)


def test_perplexity_of_a_text(model: Path, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("the quick brown fox " * 100)
    result = json.loads(run("--model", model, "--perplexity", tmp_path / "text").stdout)
    assert result["perplexity"] == pytest.approx(math.exp(result["nll"]), rel=1e-6)
    assert result["tokens"] > 100


def test_the_example_is_up_to_date() -> None:
    example = Path("firmware/repl/repl.cfg.example").read_text()
    assert example == run("--config-example").stdout, "run: llm_host --config-example"


def test_help_names_every_setting() -> None:
    text = run("--help").stdout
    for flag in ("--prompt", "--perplexity", "max_tokens", "chat_format"):
        assert flag in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--promt", "x"], "--promt: unknown argument, did you mean --prompt"),
        (["--temp", "hot"], 'temp: expected 0 to 10, found "hot"'),
        (["--top-p", "7"], "top_p: expected 0 to 1"),
        (["--prompt"], "--prompt: expected a value behind it"),
        (["stray"], "stray: unknown argument"),
        (["--volume", "/nowhere"], "/nowhere"),
    ],
)
def test_wrong_arguments_are_explained(arguments: list[str], message: str) -> None:
    out = run(*arguments)
    assert out.returncode == 2
    assert message in out.stderr
    assert out.stdout == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--model", "nowhere.gguf", "--prompt", "x"],
        ["--volume", "/proc/self", "--prompt", "x"],
        ["--model", "{model}", "--encode", "nowhere.txt"],
        ["--model", "{model}", "--perplexity", "/dev/null"],
        ["--model", "{model}", "--prompt", "word " * 1000, "--json"],
    ],
)
def test_what_cannot_be_done_is_explained(model: Path, arguments: list[str]) -> None:
    out = run(*(argument.format(model=model) for argument in arguments))
    assert out.returncode == 1
    assert out.stderr.startswith("llm_host: ")
    assert len(out.stderr.splitlines()) == 1
    assert out.stdout == ""
