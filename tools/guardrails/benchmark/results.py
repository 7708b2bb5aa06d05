"""Results of a benchmark pack (M19): results.jsonl, whose first line says what was run, and each other one a case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from tools.guardrails.errors import GuardrailError
from tools.guardrails.facts import NO_MODEL

SCHEMA = 1

Count = Annotated[int, Field(ge=0, lt=2**64)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
CaseId = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")]


class BenchmarkError(GuardrailError):
    """Results that cannot be read, or that cannot be compared with others."""


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Header(_Row):
    """What was run, and with what."""

    kind: Literal["header"]
    schema_version: Literal[1] = Field(alias="schema")
    commit: str = Field(pattern=r"^[0-9a-f]{40}$")
    dirty: bool
    """Whether files differed from the commit."""
    seed: Count
    corpus_sha256: Sha256
    model: str = Field(pattern=rf"^({NO_MODEL}|[0-9a-f]{{8}}/[0-9]{{1,20}})$")
    """CRC-32C and bytes of the weights; `none` of a boot that ended before it could say."""
    emulator: str = Field(pattern=r"^[A-Za-z0-9 .,:;()+_/~-]{1,200}$")
    cases: tuple[CaseId, ...] = Field(min_length=1, strict=False)
    """Of the corpus, in its order: a case without a line is missing, also when it is in both packs."""


class Answered(_Row):
    """A case that was answered."""

    kind: Literal["case"]
    case_id: CaseId
    status: Literal["ok"]
    latency_ms: float = Field(ge=0.001, le=1e12, allow_inf_nan=False, strict=False)
    """Of the guest's clock, from the prompt to the end of the answer."""
    prefill_cycles: Count
    prefill_tokens: Count
    decode_cycles: Count
    decode_tokens: Count
    """Tokens that the model ran for: the first of an answer comes of the prompt."""
    ids: str = Field(pattern=r"^[0-9a-f]{8}$")
    """FNV-1a of the answer's token ids."""

    def cycles_per_token(self, phase: Literal["prefill", "decode"]) -> float | None:
        """None where nothing was measured."""
        cycles = self.prefill_cycles if phase == "prefill" else self.decode_cycles
        tokens = self.prefill_tokens if phase == "prefill" else self.decode_tokens
        return cycles / tokens if cycles and tokens else None


class Failed(_Row):
    """A case that was not answered."""

    kind: Literal["case"]
    case_id: CaseId
    status: Literal["failed"]
    why: str = Field(min_length=1, max_length=400)


Case = Annotated[Answered | Failed, Field(discriminator="status")]
_CASE: TypeAdapter[Answered | Failed] = TypeAdapter(Case)


@dataclass(frozen=True)
class Results:
    """A pack that was run."""

    header: Header
    cases: Mapping[str, Answered | Failed]
    """By id; those of the header that have no line are not in it."""


def read_results(content: bytes, name: str = "results.jsonl") -> Results:
    """The results. Raises BenchmarkError, which names the first bad line and counts the others: none is passed over."""
    lines = content.split(b"\n")
    if lines.pop() != b"":
        raise BenchmarkError(
            f"{name}: the last line has no end: it was cut off. Run the pack again."
        )
    if not lines:
        raise BenchmarkError(f"{name}: expected a header, found nothing. Run the pack again.")
    header = _header(lines[0], name)
    cases, problems = _cases(lines[1:], header)
    if problems:
        more = f" (and {len(problems) - 1} more bad lines)" if len(problems) > 1 else ""
        raise BenchmarkError(f"{name}:{problems[0]}{more}")
    return Results(header, MappingProxyType(cases))


def _header(line: bytes, name: str) -> Header:
    try:
        header = Header.model_validate_json(line)
    except ValidationError as error:
        raise BenchmarkError(f"{name}:1: header: {_first(error)}") from error
    if len(set(header.cases)) < len(header.cases):
        raise BenchmarkError(f"{name}:1: header: a case is named twice")
    return header


def _cases(lines: list[bytes], header: Header) -> tuple[dict[str, Answered | Failed], list[str]]:
    """The cases by id, and what is wrong with the lines that are none."""
    cases: dict[str, Answered | Failed] = {}
    problems: list[str] = []
    for number, line in enumerate(lines, start=2):
        try:
            case = _CASE.validate_json(line)
        except ValidationError as error:
            problems.append(f"{number}: {_first(error)}")
            continue
        if case.case_id in cases:
            problems.append(f"{number}: {case.case_id} has a line already")
        elif case.case_id not in header.cases:
            problems.append(f"{number}: {case.case_id} is no case of the header")
        else:
            cases[case.case_id] = case
    return cases, problems


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg']}" if place else str(first["msg"])


_ALIKE = ("seed", "corpus_sha256", "model", "emulator", "cases")


def check_alike(baseline: Header, current: Header) -> None:
    """Raises BenchmarkError, which names all that differs: then differences in time say nothing of the commits."""
    pairs = {name: (getattr(baseline, name), getattr(current, name)) for name in _ALIKE}
    different = [
        f"{name}: {_short(before)} and {_short(now)}"
        for name, (before, now) in pairs.items()
        if before != now and not (name == "model" and NO_MODEL in (before, now))
    ]
    if different:
        raise BenchmarkError(
            f"packs of {baseline.commit[:12]} and {current.commit[:12]} are not alike: {'; '.join(different)}"
        )


def _short(value: object) -> str:
    return f"{len(value)} cases" if isinstance(value, tuple) else str(value)[:100]
