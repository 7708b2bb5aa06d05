"""`preflight`: whether this machine is ready."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tools.release.preflight.checks import Asked, checks
from tools.release.preflight.outcome import Task
from tools.release.preflight.report import as_json, run, show
from tools.release.told import told


def preflight(
    task: Annotated[
        list[Task] | None,
        typer.Argument(help="What is to be done; package, test and boot when none is named."),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(help="Key that is to sign: its file, or a PKCS#11 URI.", show_default=False),
    ] = None,
    checkout: Annotated[Path, typer.Option(help="The checkout.")] = Path("."),
    json_: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Look at what tasks need of this machine, and say what to do about each miss."""
    tasks = task or [Task.PACKAGE, Task.TEST, Task.BOOT]
    with told():
        report = run(checks(), list(dict.fromkeys(tasks)), Asked(key, checkout))
    if json_:
        typer.echo(json.dumps(as_json(report), indent=2))
    else:
        show(Console(), report)
    raise typer.Exit(report.exit)
