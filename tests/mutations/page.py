"""The tables of docs/mutations.md."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from tests.mutations.equivalents import Equivalent
from tests.mutations.groups import Group
from tests.mutations.harness import mutants_of
from tests.mutations.unjudged import Unjudged


def counts(groups: Iterable[Group], equivalents: Collection[Equivalent]) -> str:
    """Mutants by module. What is neither noticed nor equivalent fails the test of its group, so the rest is noticed."""
    rows = [row for group in groups for row in _counted(group, equivalents)]
    total = [str(sum(int(row[at]) for row in rows)) for at in (1, 2, 3)]
    return _table(
        ("module", "mutants", "noticed", "equivalent"), [*rows, ("all", *total)], numbers=3
    )


def explained(equivalents: Iterable[Equivalent]) -> str:
    """Mutants that nobody can notice, each with the reason."""
    rows = [
        (f"`{row.file}` `{row.function}`", f"`{row.before}`", f"`{row.after}`", row.why)
        for row in equivalents
    ]
    return _table(("where", "comparison", "becomes", "why nobody can notice"), rows)


def accepted(rows: Iterable[Unjudged]) -> str:
    """Mutations of markers that no guardrail notices, each with the reason why it need not."""
    cells = [(f"`{row.marker}`", row.mutation, row.why) for row in rows]
    return _table(("marker", "mutation", "why no guardrail need notice"), cells)


def _counted(
    group: Group, equivalents: Collection[Equivalent]
) -> Iterator[tuple[str, str, str, str]]:
    mutants = mutants_of(group)
    for path in map(str, group.modules):
        mine = [mutant for mutant in mutants if mutant.place.path == path]
        equivalent = sum(any(row.is_of(mutant) for row in equivalents) for mutant in mine)
        if mine:
            yield f"`{path}`", str(len(mine)), str(len(mine) - equivalent), str(equivalent)


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: int = 0) -> str:
    dashes = ["---"] * (len(headings) - numbers) + ["--:"] * numbers
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (headings, dashes, *rows))
