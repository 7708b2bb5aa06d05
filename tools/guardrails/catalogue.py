"""The guardrails: one row a milestone, from which targets, command line and documentation are checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tools.guardrails.benchmark import judge as benchmark
from tools.guardrails.evidence import Evidence
from tools.guardrails.judges.boots import runtime, static
from tools.guardrails.judges.guards import autotune, realtime
from tools.guardrails.judges.loop import curriculum, quality, selfheal
from tools.guardrails.judges.reasons import coverage, explainability, reason_drift
from tools.guardrails.judges.speed import ci_report, latency, metrics, slo
from tools.guardrails.verdict import Judgement


@dataclass(frozen=True)
class Guardrail:
    """One target of tools/guardrails/BUILD."""

    name: str
    judge: Callable[[Evidence], Judgement]
    scenarios: tuple[str, ...]
    """The captures it judges."""
    question: str
    is_compared: bool = False
    """It looks at runs before, so the facts of its captures are kept in the ledger."""
    is_remembered: bool = False
    """Its state is kept in the ledger, and the next run goes on from it."""


_EVERY_MARKER = ("chat", "commands", "missing_model", "nomodel", "organism", "two_models")
_WITHOUT_POWER_CUTS = (
    "bad_config",
    "chat",
    "commands",
    "corrupt_model",
    "full_volume",
    "little_memory",
    "long_prompt",
    "missing_model",
    "no_autorun_end",
    "no_avx",
    "no_config",
    "nomodel",
    "organism",
    "read_only_volume",
    "slow_machine",
    "slower_clock",
    "truncated_model",
    "two_models",
)
_ANSWERS = ("chat", "organism")
_DECISIONS = ("commands", "organism", "slow_machine")
_SLOWNESS = ("chat", "slow_machine", "slower_clock")

_ROWS = (
    Guardrail(
        "m8_static",
        static.judge,
        _EVERY_MARKER,
        "Does every promised marker come from a boot, and is every line one of the table?",
    ),
    Guardrail(
        "m8_runtime",
        runtime.judge,
        _WITHOUT_POWER_CUTS,
        "Does every boot end and speak as its scenario expects?",
    ),
    Guardrail(
        "m9",
        latency.judge,
        _ANSWERS,
        "Do boots start within their budgets, and as fast as before?",
        is_compared=True,
    ),
    Guardrail(
        "m10",
        quality.judge,
        ("organism",),
        "Do applied actions harm, and is a quarantine needed?",
        is_compared=True,
        is_remembered=True,
    ),
    Guardrail(
        "m11",
        selfheal.judge,
        ("organism",),
        "Is a quarantined guest on a sound way back, through a canary?",
        is_compared=True,
        is_remembered=True,
    ),
    Guardrail(
        "m12",
        curriculum.judge,
        ("organism",),
        "How sure must advice be, and did boots obey that?",
        is_compared=True,
        is_remembered=True,
    ),
    Guardrail(
        "m13",
        explainability.judge,
        _DECISIONS,
        "Has every decision a reason, and every number a source?",
    ),
    Guardrail(
        "m14",
        coverage.judge,
        _DECISIONS,
        "Do console and volume agree about every decision?",
    ),
    Guardrail(
        "m15",
        reason_drift.judge,
        ("organism",),
        "Are decisions made for the same reasons as before?",
        is_compared=True,
    ),
    Guardrail(
        "m15_dashboard",
        slo.judge,
        _ANSWERS,
        "Do runs keep their service levels, and how much of each error budget is left?",
        is_compared=True,
    ),
    Guardrail(
        "m16",
        metrics.judge,
        _ANSWERS,
        "Do the metrics fit together, and do tokens cost what they did?",
        is_compared=True,
    ),
    Guardrail(
        "m17",
        ci_report.judge,
        _ANSWERS,
        "What has drifted, on one page for CI?",
        is_compared=True,
    ),
    Guardrail(
        "m18",
        autotune.judge,
        _SLOWNESS,
        "Does autotune move knobs only when, and as far as, it may?",
    ),
    Guardrail(
        "m18_1",
        realtime.judge,
        _SLOWNESS,
        "Does the guard stop late turns when told, and give everything back?",
    ),
    Guardrail(
        "m19",
        benchmark.judge,
        ("benchmark",),
        "Is every case of the benchmark pack answered alike, and as fast as in the promoted one?",
    ),
)

GUARDRAILS: Mapping[str, Guardrail] = MappingProxyType({row.name: row for row in _ROWS})

REMEMBERED = tuple(row.name for row in _ROWS if row.is_remembered)


def compared(names: Iterable[str]) -> frozenset[str]:
    """The scenarios whose facts the ledger keeps for some guardrails."""
    rows = (GUARDRAILS[name] for name in names)
    return frozenset(name for row in rows if row.is_compared for name in row.scenarios)
