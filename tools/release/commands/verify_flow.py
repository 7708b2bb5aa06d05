"""`verify-flow`: everything that a release goes through, on this machine, by one command."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tools.release.errors import Exit
from tools.release.flow.run import Result, State, Step, run
from tools.release.flow.steps import Place, steps

_STYLES = {State.PASSED: "green", State.FAILED: "bold red", State.NOT_RUN: "yellow"}


def verify_flow(
    checkout: Annotated[Path, typer.Option(help="The checkout.")] = Path("."),
    logs: Annotated[Path, typer.Option(help="Folder for what the commands said.")] = Path(
        "dist/verify-flow"
    ),
    json_: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Preflight, package, boot, bundle and verify: the first failure ends it.

    Ends with 0 when all passed, and 1 when one failed.
    """
    console = Console(stderr=True)
    results = followed(console, steps(Place(checkout.absolute(), logs.absolute())))
    if json_:
        typer.echo(json.dumps([dataclasses.asdict(result) for result in results], indent=2))
    else:
        show(Console(), results)
    done = bool(results) and all(result.state == State.PASSED for result in results)
    raise typer.Exit(Exit.DONE if done else Exit.REFUSED)


def followed(console: Console, todo: Sequence[Step]) -> list[Result]:
    """The results; while a step runs, a terminal shows which."""
    results: list[Result] = []
    with console.status("") as status:
        status.update(f"{todo[0].name}: {todo[0].purpose}")
        for number, result in enumerate(run(todo), start=1):
            results.append(result)
            console.print(Text(f"{number} of {len(todo)}  {result.name}: {result.state}"))
            if number < len(todo):
                status.update(f"{todo[number].name}: {todo[number].purpose}")
    return results


def show(console: Console, results: Sequence[Result]) -> None:
    """A row a step."""
    table = Table("step", "result", "seconds", "what was found", box=None, pad_edge=False)
    for result in results:
        state = Text(str(result.state), style=_STYLES[result.state])
        table.add_row(result.name, state, f"{result.seconds:.1f}", Text(result.says))
    console.print(table)
