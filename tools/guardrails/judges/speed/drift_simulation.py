"""What the drift gates do when nothing differs, and when their declared drift is there: seeded simulations.

`python -m tools.guardrails.judges.speed.drift_simulation` prints the table as Markdown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import typer

from tools.guardrails import policy
from tools.guardrails.judges.speed import comparison
from tools.guardrails.judges.speed.comparison import Comparison, Rule
from tools.guardrails.statistics import Move

SEED = 20251125
TRIALS = 2000
KINDS_OF_WORK = 0.3
"""Spread between the places of one run: a prompt of 3 tokens and one of 60 do not cost the same a token."""


@dataclass(frozen=True)
class Gate:
    """A comparison as one scenario gives it, and the noise it is made under. Spreads are of logarithms."""

    name: str
    milestone: str
    limit_row: str
    per_unit: float
    """What the row's unit is of the whole: 0.01 for percent."""
    samples_row: str
    samples: int
    runs: int
    spread: float
    """Of one measurement, where the same work is repeated."""
    between_runs: float = 0.0
    """What all measurements of a run share, as of an image whose files lie elsewhere."""

    @property
    def rule(self) -> Rule:
        of = _policies(self.milestone)
        row = of.rows[self.limit_row]
        value = of.integer(self.limit_row) if row.type == "integer" else of.number(self.limit_row)
        return comparison.rule(of, value * self.per_unit, samples=self.samples_row)


@cache
def _policies(name: str) -> policy.Policy:
    return policy.load(policy.FOLDER / f"{name}.toml")


_SELECT = ("m9", "max_select_drift_pct", 0.01, "min_boots")
_PREPARE = ("m9", "max_prepare_drift_pct", 0.01, "min_boots")
_CYCLES = ("m16", "drift_threshold", 1.0, "min_samples")

GATES = (
    Gate("m9 select", *_SELECT, samples=10, runs=5, spread=0.03),
    Gate("m9 prepare", *_PREPARE, samples=10, runs=5, spread=0.03),
    Gate("m9 prepare", *_PREPARE, samples=10, runs=3, spread=0.03),
    Gate("m16 organism", *_CYCLES, samples=13, runs=10, spread=0.03),
    Gate("m16 chat", *_CYCLES, samples=3, runs=10, spread=0.03),
    Gate("m16 chat", *_CYCLES, samples=3, runs=10, spread=0.001),
)
"""Noise as captures show it, or more."""

NOISIER = (
    Gate("m9 prepare", *_PREPARE, samples=10, runs=5, spread=1.0),
    Gate("m9 prepare", *_PREPARE, samples=10, runs=5, spread=0.03, between_runs=0.03),
    Gate("m16 organism", *_CYCLES, samples=13, runs=10, spread=1.0),
    Gate("m16 organism", *_CYCLES, samples=13, runs=10, spread=0.03, between_runs=0.03),
    Gate("m16 chat", *_CYCLES, samples=3, runs=10, spread=1.0),
)
"""Noise in which the limit alone would alarm, and noise that ranks do not know: no false alarms here either."""


def _draw(gate: Gate, effect: float, generator: np.random.Generator) -> Comparison:
    works = generator.normal(0, KINDS_OF_WORK, (gate.samples, 1))
    noise = gate.spread * generator.normal(size=(gate.samples, gate.runs + 1))
    shared = gate.between_runs * generator.normal(size=(1, gate.runs + 1))
    values = np.exp(works + noise + shared)
    values[:, 0] *= 1 + effect
    runs = [{str(at): float(value) for at, value in enumerate(run)} for run in values.T]
    return Comparison(
        gate.milestone, gate.name, "", "simulated", runs[0], tuple(runs[1:]), gate.rule
    )


def rejected(gate: Gate, effect: float, *, trials: int, seed: int) -> float:
    """The share of runs that the gate calls slower, when they are slower by `effect`."""
    generator = np.random.default_rng(seed)
    limit = gate.rule.limit
    drawn = (_draw(gate, effect, generator) for _ in range(trials))
    return sum(each.move(limit) == Move.HIGHER for each in drawn) / trials


@dataclass(frozen=True)
class Measured:
    """A gate's rates."""

    gate: Gate
    false_alarms: float
    power: float
    trials: int
    seed: int


def measure(gate: Gate, *, trials: int = TRIALS, seed: int = SEED) -> Measured:
    """Both rates; the power is that at a drift of just the limit, the declared one."""
    alarms = rejected(gate, 0.0, trials=trials, seed=seed)
    power = rejected(gate, gate.rule.limit, trials=trials, seed=seed)
    return Measured(gate, alarms, power, trials, seed)


_HEADINGS = (
    "gate",
    "samples",
    "earlier runs",
    "spread",
    "between runs",
    "level",
    "false alarms",
    "declared drift",
    "power",
    "trials",
    "seed",
)


def _cells(measured: Measured) -> Iterator[str]:
    gate, rule = measured.gate, measured.gate.rule
    yield from (gate.name, str(gate.samples), str(gate.runs))
    yield from (f"{gate.spread:.1%}", f"{gate.between_runs:.1%}")
    yield from (f"{rule.alpha:.2%}", f"{measured.false_alarms:.2%}")
    yield from (f"{rule.limit:.0%}", f"{measured.power:.1%}")
    yield from (str(measured.trials), str(measured.seed))


def markdown(rows: Iterator[Measured]) -> str:
    """The rates as a table."""
    table = [_HEADINGS, tuple("---" for _ in _HEADINGS), *map(tuple, map(_cells, rows))]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in table)


def main() -> None:
    """Prints the table."""
    typer.echo(markdown(map(measure, GATES + NOISIER)), nl=False)


if __name__ == "__main__":
    main()
