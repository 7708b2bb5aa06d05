"""Trends: a quantity of a scenario in run after run. Only runs of one stratum are alike."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from tools.guardrails.facts import CaptureFacts, Stratum
from tools.guardrails.judges.speed.latency import PHASES
from tools.guardrails.judges.speed.metrics import cycles_per_token
from tools.guardrails.judges.speed.slo_runs import Run
from tools.guardrails.statistics import median


@dataclass(frozen=True)
class Quantity:
    """One that trends are shown of."""

    name: str
    title: str
    unit: str
    sample: str
    """What each measurement is of, in the plural."""
    measured: Callable[[CaptureFacts], list[float]]
    """In the unit."""


def _startup(phase: int) -> Callable[[CaptureFacts], list[float]]:
    def measured(facts: CaptureFacts) -> list[float]:
        times = [PHASES[phase].of(boot) for boot in facts.boots]
        return [time for time in times if time]  # no time is a clock that stood still

    return measured


def _cost(phase: str) -> Callable[[CaptureFacts], list[float]]:
    def measured(facts: CaptureFacts) -> list[float]:
        costs = [
            cycles_per_token(answer, phase) for boot in facts.boots for answer in boot.generations
        ]
        return [cost / 1e6 for cost in costs if cost]

    return measured


QUANTITIES = (
    Quantity("select", "Choosing the model", "ms", "boots", _startup(0)),
    Quantity("prepare", "Preparing the model", "ms", "boots", _startup(1)),
    Quantity("prefill", "Reading a prompt", "M cycles a token", "answers", _cost("prefill")),
    Quantity("decode", "Writing an answer", "M cycles a token", "answers", _cost("decode")),
)


@dataclass(frozen=True)
class Point:
    """What one run measured."""

    label: str
    stratum: str
    """Its short name: S1, S2, ..."""
    samples: int
    least: float
    median: float
    most: float


@dataclass(frozen=True)
class Trend:
    """One quantity of one scenario."""

    quantity: Quantity
    scenario: str
    points: tuple[Point | None, ...]
    """Of each run, oldest first; None of a run that measured nothing."""

    @property
    def measured(self) -> tuple[Point, ...]:
        return tuple(point for point in self.points if point is not None)

    @property
    def title(self) -> str:
        return f"{self.quantity.title}, {self.scenario}"


def strata_of(runs: Sequence[Run], scenarios: Collection[str]) -> dict[str, Stratum]:
    """The strata of the runs by short names, numbered as they first came."""
    found = [
        facts.stratum
        for run in reversed(runs)
        for name in sorted(scenarios)
        if (facts := run.of(name))
    ]
    return {f"S{number}": each for number, each in enumerate(_distinct(found), start=1)}


def _distinct(strata: list[Stratum]) -> list[Stratum]:
    seen: dict[str, Stratum] = {each.model_dump_json(): each for each in reversed(strata)}
    return list(reversed(seen.values()))


def trends_of(
    runs: Sequence[Run], scenarios: Collection[str], strata: dict[str, Stratum]
) -> tuple[Trend, ...]:
    """Of runs that are given newest first. A trend without any measurement is left out."""
    names = {stratum.model_dump_json(): name for name, stratum in strata.items()}

    def point(run: Run, scenario: str, quantity: Quantity) -> Point | None:
        facts = run.of(scenario)
        values = quantity.measured(facts) if facts else []
        if facts is None or not values:
            return None
        name = names[facts.stratum.model_dump_json()]
        return Point(run.label, name, len(values), min(values), median(values), max(values))

    trends = (
        Trend(quantity, name, tuple(point(run, name, quantity) for run in reversed(runs)))
        for quantity in QUANTITIES
        for name in sorted(scenarios)
    )
    return tuple(trend for trend in trends if trend.measured)
