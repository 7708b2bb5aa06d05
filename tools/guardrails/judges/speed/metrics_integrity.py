"""Whether the metrics of a volume fit together, and fit what the console said of the same answers (M16)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tools.guardrails.captures import Boot, Capture
from tools.guardrails.evidence import Evidence
from tools.guardrails.facts import CaptureFacts, Generation
from tools.guardrails.judges.given import Configuration, configurations
from tools.guardrails.verdict import Finding, Status, checked
from tools.markers.parse import Record

_KEPT = 64
"""Answers that the metrics keep: the last ones (docs/guards.md)."""
_DEADLINES = ("guardrails", "strict_budget")
"""Settings with which a token has a deadline that it can overrun."""
_OFF = frozenset({"0", "false", "no", "off"})
_GUARDED = "budget_guard"
_FILE = "LLMK_METRICS.LOG"


class Totals(BaseModel):
    """Counts of a session, all of its answers."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    total_prefill_cycles: int = Field(ge=0)
    total_decode_cycles: int = Field(ge=0)
    total_prefill_tokens: int = Field(ge=0)
    total_decode_tokens: int = Field(ge=0)
    total_decode_calls: int = Field(ge=0)
    generation_count: int = Field(ge=0)
    kv_cache_resets: int = Field(ge=0)
    sentinel_violations_total: int = Field(ge=0)


@dataclass(frozen=True)
class _Measured:
    """The metrics of one boot, and what its scenario gave it and asked of it."""

    boot: Boot
    answers: tuple[Generation, ...]
    config: Configuration
    is_read_back: bool

    @cached_property
    def text(self) -> str | None:
        return self.boot.report()

    @property
    def said(self) -> tuple[Record, ...]:
        """What the console says of the answers that the metrics keep."""
        return self.boot.of("gen_end")[-_KEPT:]

    @property
    def has_deadlines(self) -> bool:
        return any(self.config.get(key, "0").lower() not in _OFF for key in _DEADLINES)

    @property
    def owes_metrics(self) -> bool:
        """It answered and ended as it should, and its metrics were asked for."""
        return bool(self.said) and self.boot.ended_as_expected and self.is_read_back

    def places(self) -> Iterator[tuple[str, Generation]]:
        for number, answer in enumerate(self.answers, start=1):
            yield f"{self.boot.place}/answer-{number}", answer


def _measured(evidence: Evidence) -> tuple[_Measured, ...]:
    return tuple(
        each
        for name, capture in sorted(evidence.captures.items())
        for each in _measured_of(capture, evidence.facts[name])
    )


def _measured_of(capture: Capture, facts: CaptureFacts) -> Iterator[_Measured]:
    rows = zip(capture.boots, facts.boots, configurations(capture), strict=True)
    for boot, found, config in rows:
        yield _Measured(boot, found.generations, config, _is_read_back(capture, boot))


def _is_read_back(capture: Capture, boot: Boot) -> bool:
    asked = {**capture.run.scenario.given, **boot.row.given}.get("read_back", ())
    return isinstance(asked, list | tuple) and _FILE in asked


def findings(evidence: Evidence, *, tolerance: float) -> tuple[Finding, ...]:
    """Raises CaptureError."""
    boots = _measured(evidence)
    return (
        _exported(boots),
        _matches_console(boots),
        _each(boots, "phases_sum_up", lambda _, answer: _sum_problem(answer, tolerance)),
        _each(boots, "counts_fit", lambda _, answer: _count_problem(answer)),
        _each(boots, "overruns_have_a_reason", _overrun_problem),
        _totals_fit(boots),
    )


def _exported(boots: tuple[_Measured, ...]) -> Finding:
    what, answered = "metrics_exported", [each for each in boots if each.said]
    without = [each for each in answered if each.text is None]
    owed = [
        (each.boot.place, f"{each.boot.place}: {len(each.said)} answers, and no {_FILE}")
        for each in without
        if each.owes_metrics
    ]
    samples, minimum = len(answered) - len(without), max(1, len(answered))
    if owed or samples >= minimum:
        fine = f"{samples} boots that answered left their metrics"
        return checked(what, samples, owed, minimum=minimum, fine=fine)
    says = (
        f"of {len(answered)} boots that answered, {len(without)} left no {_FILE}"
        if without
        else "no boot answered"
    )
    places = tuple(each.boot.place for each in without)
    return Finding(what, Status.INSUFFICIENT, samples, minimum, says, places)


def _matches_console(boots: tuple[_Measured, ...]) -> Finding:
    with_metrics = [each for each in boots if each.text is not None]
    problems = [
        (each.boot.place, f"{each.boot.place}: {problem}")
        for each in with_metrics
        if (problem := _console_problem(each))
    ]
    samples = sum(len(each.answers) for each in with_metrics)
    fine = f"{samples} answers are the same on the console"
    return checked("metrics_match_console", samples, problems, fine=fine)


def _console_problem(measured: _Measured) -> str | None:
    said, answers = measured.said, measured.answers
    if len(said) != len(answers):
        return f"the console shows {len(said)} answers, the metrics {len(answers)}: they may be of another boot"
    for record, answer in zip(said, answers):
        for name in ("prompt_tokens", "tokens", "overruns", "reason"):
            if record[name] != getattr(answer, name):
                return f"line {record.line}: {name}={record[name]}, in the metrics {getattr(answer, name)}"
    return None


def _each(
    boots: tuple[_Measured, ...],
    what: str,
    problem_of: Callable[[_Measured, Generation], str | None],
) -> Finding:
    answers = [(each, place, answer) for each in boots for place, answer in each.places()]
    problems = [
        (place, f"{place}: {problem}")
        for each, place, answer in answers
        if (problem := problem_of(each, answer))
    ]
    return checked(what, len(answers), problems, fine=f"in all of {len(answers)} answers")


def _sum_problem(answer: Generation, tolerance: float) -> str | None:
    parts, whole = answer.prefill_cycles + answer.decode_cycles, answer.loop_cycles
    if abs(parts - whole) > tolerance * whole:
        return f"expected prefill and decode to be {whole} cycles within {tolerance:.0%}, found {parts}"
    if not answer.prefill_cycles:
        return "expected a prompt to take time, found 0 cycles"
    first = answer.first_token_cycles
    if first and not answer.prefill_cycles <= first <= whole:
        return f"expected the first token after the prompt and before the end, found it at {first} cycles"
    return None


def _count_problem(answer: Generation) -> str | None:
    """The first token comes of the prompt; the token that ends a turn is no part of the answer."""
    tokens, calls = answer.tokens, answer.decode_calls
    if not answer.prompt_tokens:
        return "expected a prompt of at least 1 token, found 0"
    if calls not in (tokens - 1, tokens):
        return f"expected the model to run {max(0, tokens - 1)} to {tokens} times for {tokens} tokens, found {calls}"
    if calls and not answer.decode_cycles:
        return f"expected {calls} runs of the model to take time, found 0 cycles"
    return None


def _overrun_problem(measured: _Measured, answer: Generation) -> str | None:
    overruns = answer.overruns
    if overruns > answer.decode_calls:
        return f"expected at most {answer.decode_calls} overruns, one a run of the model, found {overruns}"
    if overruns and not measured.has_deadlines:
        return f"{overruns} overruns, where nothing sets a deadline"
    if answer.reason == _GUARDED and not overruns:
        return "ended over its budget, without an overrun"
    return None


def _totals_fit(boots: tuple[_Measured, ...]) -> Finding:
    read = [(each, _totals(each.text)) for each in boots if each.text is not None]
    problems = [
        (each.boot.place, f"{each.boot.place}: {problem}")
        for each, found in read
        if (problem := found if isinstance(found, str) else _totals_problem(found, each.answers))
    ]
    fine = f"{len(read)} sessions are the sums of their answers"
    return checked("totals_are_sums", len(read), problems, fine=fine)


def _totals(text: str) -> Totals | str:
    """The totals, or what is wrong with them."""
    try:
        return Totals.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        return f"{_FILE}: {'.'.join(map(str, first['loc']))}: {first['msg']}"


def _totals_problem(totals: Totals, answers: tuple[Generation, ...]) -> str | None:
    if min(totals.generation_count, _KEPT) != len(answers):
        return f"{totals.generation_count} answers were counted, {len(answers)} are listed"
    sums = {
        "total_prefill_cycles": sum(answer.prefill_cycles for answer in answers),
        "total_decode_cycles": sum(answer.decode_cycles for answer in answers),
        "total_prefill_tokens": sum(answer.prompt_tokens for answer in answers),
        "total_decode_tokens": sum(answer.tokens for answer in answers),
        "total_decode_calls": sum(answer.decode_calls for answer in answers),
    }
    is_whole = totals.generation_count <= _KEPT
    for name, listed in sums.items():
        total = getattr(totals, name)
        if total < listed or (is_whole and total != listed):
            return f"{name} is {total}, its answers have {listed}"
    return None


def totals(evidence: Evidence) -> dict[str, object]:
    """Of each scenario: answers, conversations forgotten and failed checks, over its boots."""
    sums: dict[str, Counter[str]] = {}
    for each in _measured(evidence):
        found = _totals(each.text) if each.text is not None else ""
        if isinstance(found, Totals):
            sums.setdefault(each.boot.scenario, Counter()).update(
                boots=1,
                generation_count=found.generation_count,
                kv_cache_resets=found.kv_cache_resets,
                sentinel_violations=found.sentinel_violations_total,
            )
    return {name: dict(counts) for name, counts in sums.items()}
