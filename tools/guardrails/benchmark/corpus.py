"""The corpus of benchmark packs, and the scenario that runs it."""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tools.guardrails.benchmark.results import BenchmarkError, CaseId

CORPUS = Path(__file__).parent / "corpus.toml"
SCENARIO = "benchmark"


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Sampling(_Row):
    """Of every case."""

    seed: int = Field(ge=0, lt=2**64)
    temperature: Decimal = Field(ge=0)
    top_p: Decimal = Field(gt=0, le=1)
    top_k: int = Field(ge=0)


class CorpusCase(_Row):
    """One prompt, in a conversation of its own."""

    id: CaseId
    category: str
    prompt: str = Field(min_length=1, pattern=r"^[^/\n][^\n]*$")
    max_new_tokens: int = Field(ge=1, le=4096)


class _Content(_Row):
    version: int
    sampling: Sampling
    case: tuple[CorpusCase, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Corpus:
    """All cases, and the digest of the file: what makes two packs alike."""

    sha256: str
    sampling: Sampling
    cases: tuple[CorpusCase, ...]


def load_corpus(path: Path = CORPUS) -> Corpus:
    """Raises BenchmarkError."""
    try:
        data = path.read_bytes()
        content = _Content.model_validate(tomllib.loads(data.decode(), parse_float=Decimal))
    except ValidationError as error:
        first = error.errors()[0]
        raise BenchmarkError(
            f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}"
        ) from error
    except (OSError, ValueError) as error:
        raise BenchmarkError(f"{path}: {error}") from error
    if len({case.id for case in content.case}) < len(content.case):
        raise BenchmarkError(f"{path}: a case is named twice")
    return Corpus(hashlib.sha256(data).hexdigest(), content.sampling, content.case)


def scenario_toml(corpus: Corpus) -> str:
    """firmware/scenarios/benchmark.toml. The seed is set anew for each case, so that each stands for itself."""
    sampling = corpus.sampling
    config = [
        "ctx_len=1024",
        f"temp={sampling.temperature}",
        f"top_p={sampling.top_p}",
        f"top_k={sampling.top_k}",
        "min_p=0",
        "repeat=1",
        "norepeat=0",
        "autorun_autostart=1",
    ]
    autorun = [line for case in corpus.cases for line in _lines(case, sampling.seed)]
    return "\n".join(
        [
            "# Made from tools/guardrails/benchmark/corpus.toml; a test compares.",
            'description = "The benchmark corpus: each case in a conversation of its own (M19)"',
            *_list("config", config),
            *_list("autorun", [*autorun, "/poweroff"]),
            "time_limit_s = 2400",
            'read_back = ["LLMK_METRICS.LOG", "LLMK_METRICS2.LOG"]',
            "",
        ]
    )


def _lines(case: CorpusCase, seed: int) -> tuple[str, ...]:
    return ("/clear", f"/seed {seed}", f"/max_tokens {case.max_new_tokens}", case.prompt)


def _list(name: str, items: list[str]) -> list[str]:
    quoted = (json.dumps(item, ensure_ascii=False) for item in items)  # a TOML basic string as well
    return [f"{name} = [", *(f"  {item}," for item in quoted), "]"]
