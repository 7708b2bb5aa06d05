"""`policy`: every threshold, and what is asked of the guest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tools.guardrails import console as consoles
from tools.guardrails import policy as policies
from tools.guardrails import session
from tools.guardrails.commands.common import AsJson, LedgerFolder, Settings, told
from tools.guardrails.errors import LedgerError
from tools.guardrails.files import replace_file
from tools.guardrails.ledger import store
from tools.guardrails.policy_file import policy_file
from tools.guardrails.policy_table import policies_md

app = typer.Typer(help="Every threshold.", no_args_is_help=True)


def _policies(
    show: Callable[[Mapping[str, policies.Policy]], None], settings: list[str] | None
) -> None:
    with told():
        loaded = policies.load_all(settings=settings or ())
    show(loaded)


@app.command("show")
def show_policy(settings: Settings = None, as_json: AsJson = False) -> None:
    """Every value in force, with its origin, default and bounds."""
    if as_json:
        _policies(lambda loaded: typer.echo(consoles.policies_json(loaded)), settings)
    else:
        _policies(
            lambda loaded: consoles.show_policies(Console(), loaded, changed_only=False), settings
        )


@app.command()
def diff(settings: Settings = None) -> None:
    """Only the values that are not the default, and why."""
    _policies(lambda loaded: consoles.show_policies(Console(), loaded, changed_only=True), settings)


@app.command("file")
def write_policy_file(
    output: Annotated[Path, typer.Option(help="Where policy.cfg goes.")],
    ledger: LedgerFolder = session.LEDGER,
) -> None:
    """policy.cfg: what quarantine, canary and curriculum ask of the guest since the newest run."""
    with told():
        newest = next(store.read(ledger).newest_first(), None)
        if newest is None:
            raise LedgerError(
                f"{ledger}: no run is recorded there, so nothing is asked of the guest"
            )
        text = policy_file(newest.states).decode("ascii")
    replace_file(output, text)
    typer.echo(text, nl=False)


@app.command()
def docs() -> None:
    """docs/policies.md, on standard output."""
    _policies(lambda loaded: typer.echo(policies_md(loaded), nl=False), None)
