"""M14, M14.1: every decision has a reason that is known, and console and volume agree about it event by event.

The logs are those that were read back from the volume after each boot. The two files of a log hold at least 64 KiB;
older lines may have made room, and only then may an event of the console be missing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tools.guardrails.captures import Boot, Capture
from tools.guardrails.evidence import Evidence
from tools.guardrails.judges.reasons.decisions import decisions, reasons, without_reason
from tools.guardrails.judges.reasons.volume_logs import (
    Problem,
    Reading,
    asked,
    disparities,
    invalid,
    lost,
    missing,
    readings,
)
from tools.guardrails.policy import Policy
from tools.guardrails.verdict import Finding, Judgement, Status, checked
from tools.markers.parse import LineParser


@dataclass(frozen=True)
class _Logs:
    """What was read back."""

    wanted: tuple[tuple[Capture, str], ...]
    """Captures whose scenarios read a log back, with that log."""
    read: tuple[Reading, ...]

    def of(self, log: str) -> tuple[Reading, ...]:
        return tuple(reading for reading in self.read if reading.log == log)


def judge(evidence: Evidence) -> Judgement:
    """Raises CaptureError."""
    policy = evidence.policies["m14"]
    logs = _read(evidence)
    findings = [_covered(evidence, policy), _extracted(logs, policy)]
    if not policy.switch("skip_journal_extract"):
        findings += [_parity(name, logs, policy) for name in evidence.table.logs]
        findings += _of_lines(logs, policy, LineParser.of(evidence.table))
    return Judgement("m14", tuple(findings), _state(evidence, logs))


def _read(evidence: Evidence) -> _Logs:
    wanted = tuple(
        (capture, log)
        for _, capture in sorted(evidence.captures.items())
        for log in evidence.table.logs
        if asked(capture, log)
    )
    return _Logs(wanted, tuple(each for capture, log in wanted for each in readings(capture, log)))


def _covered(evidence: Evidence, policy: Policy) -> Finding:
    shown = [each for boot in evidence.boots for each in decisions(boot)]
    seen = len({each.reason_id for each in shown})
    return checked(
        "every_decision_has_a_known_reason",
        len(shown),
        [each for boot in evidence.boots for each in without_reason(boot)],
        minimum=policy.integer("min_events"),
        fine=f"{seen} of the {len(reasons(evidence.table))} reasons there are were given",
    )


# ---- M14.1: what was read back ----


def _extracted(logs: _Logs, policy: Policy) -> Finding:
    what, files = "every_log_is_read_back", len(logs.read)
    absent = [each for capture, log in logs.wanted for each in missing(capture, log)]
    if policy.switch("skip_journal_extract"):
        return _unknown(what, 0, "skip_journal_extract is set: no log was compared")
    if absent and not policy.switch("require_journal_parity"):
        return _unknown(what, files, f"{absent[0][1]}: nothing can be compared there")
    return checked(what, files, absent, fine="after each boot whose scenario asks for it")


def _unknown(what: str, samples: int, says: str) -> Finding:
    return Finding(what, Status.INSUFFICIENT, samples, max(1, samples + 1), says)


def _parity(log: str, logs: _Logs, policy: Policy) -> Finding:
    found = logs.of(log)
    unshown = sum(len(reading.unshown) for reading in found)
    cut = f"; power failed before {unshown} were shown" if unshown else ""
    return checked(
        f"console_and_{log}_agree",
        sum(len(reading.shown) for reading in found),
        [each for reading in found for each in disparities(reading)],
        minimum=policy.integer("min_events") if log == "journal" else 1,
        fine=f"same numbers, same texts, nothing more on either side{cut}",
    )


def _of_lines(logs: _Logs, policy: Policy, parser: LineParser) -> Iterator[Finding]:
    yield checked(
        "every_kept_line_is_valid",
        sum(len(reading.written) for reading in logs.read),
        [each for reading in logs.read for each in invalid(reading, parser)],
        minimum=policy.integer("min_events"),
        fine="each is a marker of its log with a known reason",
    )
    yield checked(
        "nothing_kept_is_lost",
        sum(len(reading.before.lines) for reading in logs.read),
        [each for reading in logs.read for each in lost(reading)],
        fine="later boots leave the lines of earlier ones as they were",
    )
    yield _torn(logs, policy.integer("max_torn_lines"))


def _torn(logs: _Logs, limit: int) -> Finding:
    """Lines that a power cut tore are counted apart: they are what a cut does."""
    cut = sum(len(reading.torn) for reading in logs.read if reading.was_cut)
    whole = [reading for reading in logs.read if not reading.was_cut]
    torn = [each for reading in whole for each in _torn_lines(reading)]
    return checked(
        "no_line_is_torn",
        len(logs.read),
        torn if len(torn) > limit else (),
        fine=f"{len(torn)} torn lines of at most {limit}, and {cut} that a power cut tore",
    )


def _torn_lines(reading: Reading) -> Iterator[Problem]:
    for piece in reading.torn:
        name = reading.boot.table.logs[reading.log].files[piece.file]
        place = f"{reading.boot.place}/files/{name}@{piece.offset}"
        yield place, f"{place}: {piece.reason}: {piece.data[:120]!r}"


# ---- state ----


def _state(evidence: Evidence, logs: _Logs) -> dict[str, object]:
    seen = {each.reason_id for boot in evidence.boots for each in decisions(boot)}
    return {
        "logs": [_row(reading) for reading in logs.read],
        "reasons_given": sorted(seen),
        "reasons_not_given": [name for name in reasons(evidence.table) if name not in seen],
    }


def _row(reading: Reading) -> dict[str, object]:
    lines = reading.after.lines
    return {
        "place": reading.place,
        "log": reading.log,
        "files": _files(reading.boot, reading.boot.table.logs[reading.log].files),
        "lines": len(lines),
        "oldest": lines[0].number if lines else None,
        "newest": lines[-1].number if lines else None,
        "shown": len(reading.shown),
        "unshown": len(reading.unshown),
        "torn": len(reading.torn),
    }


def _files(boot: Boot, names: Sequence[str]) -> dict[str, object]:
    """What was taken from the volume."""
    found = {name: content for name in names if (content := boot.file(name)) is not None}
    return {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in found.items()
    }
