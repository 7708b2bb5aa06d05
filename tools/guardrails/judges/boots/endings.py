"""How boots end: as their scenario expects, or in a way that a person can look into."""

from __future__ import annotations

from tools.guardrails.captures import Boot
from tools.guardrails.judges.given import Booted
from tools.guardrails.verdict import Finding, checked

LAST_LINES = ("power", "autorun_shutdown")


def endings(boots: list[Booted]) -> Finding:
    problems = [(each.boot.place, says) for each in boots if (says := _wrong_ending(each))]
    return checked("ends_as_expected", len(boots), problems, fine=f"{len(boots)} boots did")


def _wrong_ending(booted: Booted) -> str | None:
    boot, row = booted.boot, booted.boot.row
    if boot.ended_as_expected or (row.outcome == "reset" and _is_rebooting(boot)):
        return None
    if row.outcome == "time_limit":
        return _hang(booted)
    found = row.outcome if row.exit_code is None else f"{row.outcome} {row.exit_code}"
    return (
        f"{boot.place}: expected debug_exit {row.expected_exit}, found {found}; {_last_words(boot)}"
    )


def _is_rebooting(boot: Boot) -> bool:
    """The program said that it starts the machine anew, as the last thing that it said."""
    last = boot.log.records[-1:]
    return bool(last) and last[0].id == "power" and last[0]["action"] == "reboot"


def _last_words(boot: Boot) -> str:
    lines = [line for line in boot.serial.splitlines() if line.strip()]
    return f"the last line is {lines[-1][:160]!r}" if lines else "it said nothing"


def _hang(booted: Booted) -> str:
    boot = booted.boot
    limit = booted.setting("time_limit_s")
    is_kept = (boot.folder / "registers.txt").is_file()
    registers = "registers.txt has" if is_kept else "no registers.txt has"
    return (
        f"{boot.place}: expected an end, found none within {limit} s; {_last_words(boot)}; "
        f"{registers} the state of the processor"
    )


def last_lines(boots: list[Booted]) -> Finding:
    ended = [each.boot for each in boots if each.boot.row.outcome in ("debug_exit", "reset")]
    problems = [(boot.place, says) for boot in ended if (says := _wrong_last_line(boot))]
    return checked(
        "says_that_it_ends",
        len(ended),
        problems,
        fine=f"the last marker is {' or '.join(LAST_LINES)}",
    )


def _wrong_last_line(boot: Boot) -> str | None:
    last = boot.log.records[-1].id if boot.log.records else "none"
    if last in LAST_LINES:
        return None
    return f"{boot.place}: expected {' or '.join(LAST_LINES)} as the last marker, found {last}"
