"""What checks found, for tasks: ready only where everything that is needed was looked at and is there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tools.release.errors import Exit
from tools.release.preflight.checks import Asked, Check
from tools.release.preflight.outcome import Outcome, State, Task

_STYLES = {State.OK: "green", State.MISSING: "bold red", State.UNKNOWN: "yellow"}


@dataclass(frozen=True)
class Report:
    """The outcome of each check that the tasks have."""

    tasks: tuple[Task, ...]
    outcomes: Mapping[Check, Outcome]

    def misses(self, task: Task) -> tuple[Check, ...]:
        """What keeps a task from being ready."""
        return tuple(
            check
            for check, outcome in self.outcomes.items()
            if task in check.tasks and check.needed and outcome.state != State.OK
        )

    def is_ready(self, task: Task) -> bool:
        """A task without a single check that looked at something is not."""
        looked = any(task in check.tasks and check.needed for check in self.outcomes)
        return looked and not self.misses(task)

    @property
    def exit(self) -> Exit:
        """0: all are ready; 1: something is missing; 4: nothing that was looked at, but not all could be."""
        if all(map(self.is_ready, self.tasks)):
            return Exit.DONE
        missed = {check for task in self.tasks for check in self.misses(task)}
        states = {self.outcomes[check].state for check in missed}
        return Exit.REFUSED if State.MISSING in states else Exit.COULD_NOT_RUN


def run(checks: Collection[Check], tasks: Collection[Task], asked: Asked) -> Report:
    """Look at everything that the tasks need."""
    wanted = [check for check in checks if check.tasks & set(tasks)]
    return Report(tuple(tasks), {check: check.look(asked) for check in wanted})


def show(console: Console, report: Report) -> None:
    """A row a check, with the remedy where there is something to do, and a line a task."""
    table = Table(box=None, pad_edge=False)
    for column in ("check", "state", "what was looked at, and found"):
        table.add_column(column, overflow="fold")
    for check, outcome in report.outcomes.items():
        state = outcome.state if check.needed else f"{outcome.state} (not needed)"
        text = Text(f"{check.asks}: {outcome.found}")
        table.add_row(check.id, Text(state, style=_style(check, outcome)), text)
        if outcome.state != State.OK:
            table.add_row("", "", Text(f"-> {check.remedy}", style="bold"))
    console.print(table)
    for task in report.tasks:
        misses = ", ".join(check.id for check in report.misses(task))
        verdict = (
            Text("READY", "bold green") if report.is_ready(task) else Text("NOT READY", "bold red")
        )
        console.print(Text(f"{task}: ") + verdict + Text(f": {misses}" if misses else ""))


def _style(check: Check, outcome: Outcome) -> str:
    return _STYLES[outcome.state] if check.needed else ""


def as_json(report: Report) -> dict[str, object]:
    """For machines."""
    return {
        "ready": report.exit == Exit.DONE,
        "tasks": {
            task: {
                "ready": report.is_ready(task),
                "misses": [check.id for check in report.misses(task)],
            }
            for task in report.tasks
        },
        "checks": [
            {
                "id": check.id,
                "tasks": sorted(check.tasks),
                "needed": check.needed,
                "asks": check.asks,
                "state": outcome.state,
                "found": outcome.found,
                "remedy": None if outcome.state == State.OK else check.remedy,
            }
            for check, outcome in report.outcomes.items()
        ],
    }
