"""`boot`: captures of the scenarios, made by the build, which boots only what has changed since."""

from __future__ import annotations

import subprocess
from typing import Annotated

import typer

from tools.guardrails import policy, session
from tools.guardrails.catalogue import GUARDRAILS
from tools.guardrails.commands.common import told
from tools.guardrails.errors import GuardrailError

JUDGED = tuple(sorted({name for row in GUARDRAILS.values() for name in row.scenarios}))
"""The scenarios that some guardrail looks at."""


def boot(
    scenarios: Annotated[
        list[str] | None, typer.Argument(help="As chat; all that are judged when none is named.")
    ] = None,
) -> None:
    """Build the image and boot it as each scenario says. The captures go where `check` and `record` look for them."""
    with told():
        _package([_target(name) for name in scenarios or JUDGED])
    typer.echo(f"captures of {len(scenarios or JUDGED)} scenarios are in {session.CAPTURES}")


def _target(scenario: str) -> str:
    if scenario not in JUDGED:
        raise GuardrailError(f"no scenario {scenario!r}{policy.nearest(scenario, JUDGED)}")
    return f"firmware/scenarios:{scenario}"


def _package(targets: list[str]) -> None:
    # The daemon, if there is one, is busy with whoever called us.
    command = ["./pants", "--no-pantsd", "package", *targets]
    try:
        status = subprocess.run(command, check=False).returncode
    except OSError as error:
        raise GuardrailError(f"./pants: {error.strerror}: call this from the root") from error
    if status != 0:
        raise GuardrailError(
            f"the build ended with {status}; what it said is above (./pants package {targets[0]})"
        )
