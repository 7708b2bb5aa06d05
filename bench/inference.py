"""Tokens a second of the host program beside llama.cpp, on the same model and prompt, with one thread each.

Both read the same prompt and then generate greedily, in turns (ours, llama.cpp, ours, ...). Printed are medians, the
ratio ours / llama.cpp, and how many bytes of weights a second generation reads.

    python bench/inference.py --host dist/firmware/llm_host --model MODEL.gguf [--runs N] [--json]

Prints JSON, or a table on a terminal.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xllamacpp
from rich.console import Console
from rich.table import Table

TEXT = Path(__file__).parent.parent / "tests/inference/text.txt"
PROMPT_CHARACTERS = 1100  # about 256 tokens
GENERATED_TOKENS = 64
CONTEXT = 1024
PLAIN = "--chat-format raw --temp 0 --repeat 1 --norepeat 0 --stop-you 0 --stop-nl 0".split()


@dataclass(frozen=True)
class Speed:
    """Tokens a second of one run."""

    prompt: float
    generation: float


Runner = Callable[[], Speed]


def run_host(host: Path, model: Path, prompt: str) -> Speed:
    """One process of the host program."""
    command = [str(host), "--model", str(model), "--prompt", prompt, "--json", *PLAIN]
    sizes = ["--max-tokens", str(GENERATED_TOKENS), "--ctx", str(CONTEXT)]
    done = subprocess.run([*command, *sizes], capture_output=True, check=True, text=True)
    answer = json.loads(done.stdout)
    generated = len(answer["tokens"]) - 1  # the first comes out of the prompt's own pass
    return Speed(
        prompt=answer["prompt_tokens"] / answer["prefill_us"] * 1e6,
        generation=generated / answer["decode_us"] * 1e6,
    )


def llama_cpp(model: Path) -> Callable[[str], Speed]:
    """A server with the model loaded, and the function that asks it."""
    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.n_ctx = CONTEXT
    params.n_parallel = 1
    params.verbosity = 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(params)

    def run(prompt: str) -> Speed:
        body = {"prompt": prompt, "n_predict": GENERATED_TOKENS, "temperature": 0}
        request = urllib.request.Request(
            f"{server.listening_address}/completion",
            data=json.dumps({**body, "cache_prompt": False, "ignore_eos": True}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as reply:
            timings = json.load(reply)["timings"]
        return Speed(timings["prompt_per_second"], timings["predicted_per_second"])

    return run


def interleave(runners: Mapping[str, Runner], runs: int) -> dict[str, list[Speed]]:
    """`runs` rounds, each runner once a round, after one round that warms caches and is not counted."""
    speeds: dict[str, list[Speed]] = {name: [] for name in runners}
    for index in range(runs + 1):
        for name, runner in runners.items():
            speed = runner()
            if index:
                speeds[name].append(speed)
    return speeds


def summarise(speeds: Sequence[Speed], weight_bytes: int) -> dict[str, Any]:
    """Medians of one program; generation reads every weight once a token."""
    prompt = [speed.prompt for speed in speeds]
    generation = [speed.generation for speed in speeds]
    return {
        "prompt_tokens_per_second": round(statistics.median(prompt), 1),
        "generation_tokens_per_second": round(statistics.median(generation), 1),
        "generation_gigabytes_per_second": round(
            statistics.median(generation) * weight_bytes / 1e9, 2
        ),
        "runs": [
            {"prompt": round(p, 1), "generation": round(g, 1)} for p, g in zip(prompt, generation)
        ],
    }


def measure(host: Path, model: Path, runs: int) -> dict[str, Any]:
    """The whole comparison as data."""
    prompt = TEXT.read_text()[:PROMPT_CHARACTERS]
    ask = llama_cpp(model)
    runners = {"ours": lambda: run_host(host, model, prompt), "llama.cpp": lambda: ask(prompt)}
    speeds = interleave(runners, runs)
    size = model.stat().st_size
    result: dict[str, Any] = {name: summarise(each, size) for name, each in speeds.items()}
    result["ratio"] = {
        kind: round(
            result["ours"][f"{kind}_tokens_per_second"]
            / result["llama.cpp"][f"{kind}_tokens_per_second"],
            2,
        )
        for kind in ("prompt", "generation")
    }
    return result


def as_table(result: Mapping[str, Any]) -> Table:
    """What a person wants to see of it."""
    table = Table("one thread", "prompt, tokens/s", "generation, tokens/s", "GB/s")
    for name in ("ours", "llama.cpp"):
        row = result[name]
        table.add_row(
            name,
            str(row["prompt_tokens_per_second"]),
            str(row["generation_tokens_per_second"]),
            str(row["generation_gigabytes_per_second"]),
        )
    ratio = result["ratio"]
    table.add_row("ratio", f"{ratio['prompt']}x", f"{ratio['generation']}x", "")
    return table


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--host", type=Path, required=True, help="the host program")
    parser.add_argument("--model", type=Path, required=True, help="a GGUF file")
    parser.add_argument("--runs", type=int, default=5, help="counted runs of each program")
    parser.add_argument("--json", action="store_true", help="JSON on a terminal too")
    arguments = parser.parse_args()
    result = measure(arguments.host.absolute(), arguments.model, arguments.runs)
    if sys.stdout.isatty() and not arguments.json:
        Console().print(as_table(result))
    else:
        print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
