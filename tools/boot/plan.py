"""What is done for each boot of a scenario: to the volume before it, and to the machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle

from tools.boot.scenario import Boot, BootSettings, Scenario

_ABOUT_FILES = frozenset({"remove", "config", "autorun", "files", "damage"})


@dataclass(frozen=True)
class Plan:
    """One boot. The volume is touched in the order of the fields, and not at all where they ask for nothing."""

    number: int
    given: Boot
    """The boot's row, as written."""
    settings: BootSettings
    """The row over what the scenario says."""
    make_room: bool
    """The filler of a full volume is taken off."""
    changes: tuple[BootSettings, ...]
    """Whose files are put on the volume."""
    fill: bool
    """The volume is filled up."""


def plans(scenario: Scenario) -> Iterator[Plan]:
    """The boots of a scenario in order; after the last row they go on with the first."""
    full = False
    for number, row in enumerate(cycle(scenario.rows), start=1):
        plan = _plan(scenario, number, row, full)
        full = "full_volume" in plan.settings.faults
        yield plan


def _plan(scenario: Scenario, number: int, row: Boot, was_full: bool) -> Plan:
    settings = _over(scenario, row)
    full = "full_volume" in settings.faults
    sources = (scenario, row) if number == 1 else (row,)
    changes = tuple(source for source in sources if source.model_fields_set & _ABOUT_FILES)
    make_room = was_full and (not full or bool(changes))
    return Plan(
        number=number,
        given=row,
        settings=settings,
        make_room=make_room,
        changes=changes,
        fill=full and (make_room or not was_full),
    )


def _over(scenario: Scenario, row: Boot) -> BootSettings:
    """The scenario's settings, those that the row names replaced."""
    return BootSettings(
        **{
            name: getattr(row if name in row.model_fields_set else scenario, name)
            for name in BootSettings.model_fields
        }
    )
