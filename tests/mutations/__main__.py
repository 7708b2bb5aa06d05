"""`python -m tests.mutations`: mutants of the guardrails against their tests."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tests.mutations import equivalents, page, unjudged
from tests.mutations.groups import groups
from tests.mutations.harness import try_all
from tests.mutations.trials import TrialError
from tools.guardrails.judges.testing import table
from tools.markers.parse import LineParser

app = typer.Typer(
    add_completion=False, help=__doc__, no_args_is_help=True, pretty_exceptions_enable=False
)


@app.command("try")
def try_group(
    group: Annotated[str, typer.Argument(help="A group: a folder of judges, or foundations.")],
    workers: Annotated[int, typer.Option(help="Processes at a time.", min=1)] = 2,
) -> None:
    """Run a group's tests against each of its mutants.

    Status 1: one survives that equivalents.toml lacks, or a row there has no survivor; 4: nothing can be said.
    """
    rows, known = equivalents.load(), groups()
    if group not in known:
        raise typer.BadParameter(f"no group {group!r}; there are {', '.join(known)}")
    LineParser.of(table())  # its patterns are compiled once here, not again in each trial
    try:
        report = try_all(known[group], workers)
    except TrialError as error:
        typer.echo(error, err=True)
        raise typer.Exit(4) from error
    for problem in report.problems(rows):
        typer.echo(problem, err=True)
    typer.echo(page.counts([known[group]], rows), nl=False)
    raise typer.Exit(1 if report.problems(rows) else 0)


@app.command("tables")
def tables() -> None:
    """The tables of docs/mutations.md."""
    rows = equivalents.load()
    typer.echo(page.counts(groups().values(), rows))
    typer.echo(page.accepted(unjudged.load()))
    typer.echo(page.explained(rows), nl=False)


if __name__ == "__main__":
    sys.exit(app())
