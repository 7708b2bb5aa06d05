"""One group's mutants against its tests."""

from __future__ import annotations

import importlib
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies

from tests.mutations.comparisons import Mutant, mutants
from tests.mutations.equivalents import Equivalent, compare
from tests.mutations.groups import SIMULATED, Group
from tests.mutations.trials import Outcome, TrialError, Trials


@dataclass(frozen=True)
class Report:
    """What came of a group."""

    group: Group
    outcomes: dict[Mutant, Outcome]

    @property
    def survivors(self) -> tuple[Mutant, ...]:
        return tuple(m for m, outcome in self.outcomes.items() if outcome is Outcome.SURVIVED)

    def problems(self, equivalents: Collection[Equivalent]) -> tuple[str, ...]:
        """Survivors that nobody explains, and explanations without a survivor."""
        files = {path.as_posix() for path in self.group.modules}
        return compare(self.survivors, files, equivalents).problems


def mutants_of(group: Group) -> tuple[Mutant, ...]:
    """Every mutant of a group's modules."""
    return tuple(mutant for path in group.modules for mutant in mutants(path))


def try_all(group: Group, workers: int) -> Report:
    """Run the group's tests against each of its mutants. Raises TrialError: they fail without one, or there are none.

    It imports the group's modules for good, so a process tries one group.
    """
    all_mutants = mutants_of(group)
    if not all_mutants or not group.tests:
        raise TrialError(f"{group.name}: expected mutants and tests, found none")
    for path in group.modules:
        importlib.import_module(".".join(path.with_suffix("").parts))
    trials = Trials(all_mutants, workers, _warm_up)
    _same_examples_every_time()
    status = pytest.main([*_arguments(), *map(str, group.tests)], plugins=[trials])
    if trials.error:
        raise trials.error
    if len(trials.outcomes) != len(all_mutants):
        raise TrialError(f"{group.name}: pytest ended with {status} before mutants were tried")
    return Report(group, trials.outcomes)


def _arguments() -> Iterator[str]:
    yield from ("-p", "no:cacheprovider", "-p", "no:terminal", "--noconftest", "--assert=plain")
    yield from ("--capture=sys", "--rootdir", os.curdir)
    yield from ("-k", " and ".join(f"not {word}" for word in SIMULATED))


def _same_examples_every_time() -> None:
    """Of hypothesis: a mutant that is noticed today is noticed tomorrow. How small its example is does not matter."""
    settings.register_profile(
        "mutations",
        derandomize=True,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile("mutations")


def _warm_up() -> None:
    """Hypothesis reads its tables of characters at its first example: here once, not again in each trial."""

    @settings(max_examples=1)
    @given(strategies.text())
    def draw(_: str) -> None:
        pass

    draw()
