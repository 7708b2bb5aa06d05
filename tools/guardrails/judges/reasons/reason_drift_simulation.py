"""How often M15 calls a drift that is none, and one that is there: seeded simulations.

`python -m tools.guardrails.judges.reasons.reason_drift_simulation` prints the table as Markdown.

Boots are drawn as captures have them: at each place of a scenario other work and another number of decisions, and
within a boot decisions that hang together. `correlation` is that of two decisions of one boot (a Dirichlet-multinomial
distribution); 0 would be decisions drawn one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tools.guardrails import policy
from tools.guardrails.judges.reasons import reason_drift
from tools.guardrails.judges.reasons.reason_drift import Rule, Shares

TRIALS = 2000
RESAMPLES = 2000
"""Fewer than the judge's: the level is that of any number of them."""
REASONS = 12
DECLARED = 0.4
"""The drift that must be found: so many of all decisions have another reason."""
ORGANISM = (8, 6, 2, 2, 7, 3, 4, 2, 7, 4)
"""Decisions of each boot of firmware/scenarios/organism.toml."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Setting:
    """A scenario, and the noise its decisions are made under."""

    name: str
    decisions: tuple[int, ...]
    """Of each boot."""
    runs: int
    """Before the one that is judged."""
    correlation: float
    between_runs: float = 0.0
    """The same, of decisions in two boots of one run."""


SETTINGS = (
    Setting("organism", ORGANISM, runs=5, correlation=0.02),
    Setting("organism", ORGANISM, runs=5, correlation=0.1),
    Setting("organism", ORGANISM, runs=3, correlation=0.1),
)
NOISIER = (
    Setting("organism", ORGANISM, runs=5, correlation=0.5),
    Setting("organism", ORGANISM, runs=5, correlation=0.1, between_runs=0.02),
)
"""Decisions that hang together as closely as can be, and runs that differ as a whole, which the test does not know."""


def rule() -> Rule:
    """That of the policy."""
    return reason_drift.rule(policy.load(policy.FOLDER / "m15.toml"))


@dataclass(frozen=True)
class Work:
    """What the boots of a scenario decide, on average: shares by boot and reason."""

    shares: Floats

    @classmethod
    def draw(cls, setting: Setting, generator: np.random.Generator) -> Work:
        base = generator.dirichlet(np.ones(REASONS))
        return cls(generator.dirichlet(4 * base + 1e-3, size=len(setting.decisions)))

    def drifted(self, by: float) -> Work:
        """With so many decisions given a reason that is neither rare nor frequent."""
        target = np.argsort(self.shares.sum(axis=0))[REASONS // 2]
        return Work((1 - by) * self.shares + by * np.eye(REASONS)[target])


def _around(shares: Floats, correlation: float, generator: np.random.Generator) -> Floats:
    if correlation == 0:
        return shares
    weights = np.maximum(shares * (1 / correlation - 1), 1e-9)
    drawn = np.asarray([generator.dirichlet(each) for each in weights])
    return np.asarray(drawn / drawn.sum(axis=1, keepdims=True))


def _run(work: Work, setting: Setting, generator: np.random.Generator) -> tuple[Counter[str], ...]:
    mean = work.shares.mean(axis=0, keepdims=True)
    shifted = _around(mean, setting.between_runs, generator) / np.maximum(mean, 1e-9)
    shares = work.shares * shifted
    shares = _around(shares / shares.sum(axis=1, keepdims=True), setting.correlation, generator)
    boots = (generator.multinomial(n, row) for n, row in zip(setting.decisions, shares))
    return tuple(Counter({f"R{i}": int(n) for i, n in enumerate(boot) if n}) for boot in boots)


def found(setting: Setting, by: float, *, trials: int, seed: int) -> float:
    """The share of runs that the judge calls drifted, when their decisions drifted by `by`."""
    generator = np.random.default_rng(seed)
    limits, hits = rule(), 0
    for _ in range(trials):
        work = Work.draw(setting, generator)
        now = _run(work.drifted(by), setting, generator)
        before = tuple(_run(work, setting, generator) for _ in range(setting.runs))
        hits += bool(Shares(now, before, RESAMPLES).drifts(limits))
    return hits / trials


_HEADINGS = (
    "scenario",
    "boots",
    "decisions",
    "earlier runs",
    "correlation in a boot",
    "between boots of a run",
    "level",
    "false alarms",
    "declared drift",
    "power",
    "trials",
)


def _cells(setting: Setting, *, trials: int, seed: int) -> Iterator[str]:
    yield from (setting.name, str(len(setting.decisions)), str(sum(setting.decisions)))
    yield from (str(setting.runs), f"{setting.correlation:g}", f"{setting.between_runs:g}")
    yield f"{rule().alpha:.2%}"
    yield f"{found(setting, 0.0, trials=trials, seed=seed):.2%}"
    yield f"{DECLARED:.0%}"
    yield f"{found(setting, DECLARED, trials=trials, seed=seed):.1%}"
    yield str(trials)


def markdown(settings: Iterable[Setting], *, trials: int = TRIALS, seed: int = 15) -> str:
    """The rates as a table."""
    rows = (tuple(_cells(setting, trials=trials, seed=seed)) for setting in settings)
    table = [_HEADINGS, tuple("---" for _ in _HEADINGS), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in table)


if __name__ == "__main__":
    print(markdown(SETTINGS + NOISIER), end="")
