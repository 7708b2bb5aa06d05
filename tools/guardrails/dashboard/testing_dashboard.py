"""Dashboards for tests: of recorded runs that have everything a page shows."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tools.guardrails.dashboard.model import Dashboard, build
from tools.guardrails.judges.speed.testing_slo import (
    SCENARIOS,
    Recorded,
    answer,
    at,
    booted,
    captured,
    ledger,
    recorded_only,
)
from tools.guardrails.verdict import Status

HOSTILE = "<script>document.title='run'</script>|\n# x [a](http://example.invalid) \u202e`"


def recorded(
    number: int, *, stratum: str = "QEMU", reasons: dict[str, int] | None = None
) -> Recorded:
    """A run of two scenarios, a week after the one before it."""
    boots = [
        booted(
            prepare_us=3_000_000 + 10_000 * number + 1_000 * boot,
            reasons=reasons or {"OO_APPLY_OK": 3 + number, "OO_BLOCK_DYNAMIC": 2},
            outcomes=("helpful", "neutral", "harmful", "helpful"),
            generations=(answer(2200 + number), answer(2210 + boot)),
        )
        for boot in range(5)
    ]
    verdicts = {"m9": Status.PASS, "m15": Status.PASS, "m16": Status.INSUFFICIENT}
    return Recorded(
        [
            captured(f"c{number}", *boots[:1], scenario="chat", emulator=stratum),
            captured(f"o{number}", *boots, scenario="organism", emulator=stratum),
        ],
        at=at("2026-11-02 12:00") + timedelta(days=7 * number),
        verdicts=verdicts if number % 3 else {**verdicts, "m9": Status.FAIL},
    )


def dashboard(folder: Path, *runs: Recorded, settings: tuple[str, ...] = ()) -> Dashboard:
    """Of these runs, oldest first."""
    return build(recorded_only(ledger(folder, *runs), *settings), SCENARIOS)


def usual(folder: Path) -> Dashboard:
    """Six runs; the emulator changed after the third."""
    strata = ["QEMU 7"] * 3 + ["QEMU 8"] * 3
    return dashboard(folder, *(recorded(n, stratum=each) for n, each in enumerate(strata)))


def hostile(folder: Path) -> Dashboard:
    """Every text of a record that is not checked by form says things to a browser."""
    run = recorded(1, stratum=HOSTILE, reasons={HOSTILE: 4, "OO_APPLY_OK": 1})
    return dashboard(folder, Recorded(run.captures, run.at, {HOSTILE: Status.FAIL}))
