"""The promoted run: comparisons look at runs up to it, so that a slow creep is not followed run by run.

Two files beside runs.jsonl, so that a ledger is never without its own:

    baseline.json           which run of the ledger, and why
    baseline-results.jsonl  the benchmark results of that run's image
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tools.guardrails.errors import LedgerError
from tools.guardrails.ledger import disk, store
from tools.guardrails.ledger.chain import digest
from tools.guardrails.ledger.record import RunRecord
from tools.guardrails.ledger.store import Ledger

PROMOTION, RESULTS = "baseline.json", "baseline-results.jsonl"

_AGAIN = "Take both back from version control, or promote again."


class Promotion(BaseModel):
    """Which recorded run, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: int = Field(ge=1)
    line_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Of its line in the ledger."""
    commit: str = Field(pattern=r"^[0-9a-f]{40}$")
    why: str
    results_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Of the results that were promoted with it."""

    def to_text(self) -> str:
        return self.model_dump_json(indent=2) + "\n"


@dataclass(frozen=True)
class Promoted:
    """What later runs are compared with."""

    promotion: Promotion
    results: bytes
    """results.jsonl (benchmark/results.py), as it was promoted."""


@dataclass(frozen=True)
class Candidate:
    """A run of the ledger that may be promoted."""

    record: RunRecord
    line_sha256: str


def candidate(ledger: Ledger, run: int | None = None) -> Candidate:
    """A run by its number, or the newest. Raises LedgerError: there is none, it did not pass, or its commit is not all
    that its image was built from."""
    place, number, line = _line(ledger, run)
    record = store.parse(place, number, line)
    if not record.passed:
        raise LedgerError(f"run {number} did not pass: only a run that passed can be promoted")
    if record.dirty:
        raise LedgerError(
            f"run {number} is of files that differ from {record.commit[:12]}: promote one of a commit"
        )
    return Candidate(record, digest(line))


def _line(ledger: Ledger, run: int | None) -> tuple[str, int, bytes]:
    for place, number, line in ledger.lines_newest_first():
        if run in (None, number):
            return place, number, line
    newest = f"the newest is run {ledger.head.lines}" if ledger.head.lines else "it has none"
    raise LedgerError(
        f"expected {'a recorded run' if run is None else f'run {run}'} in the ledger; {newest}"
    )


def promote(folder: Path, of: Candidate, why: str, results: bytes) -> Promotion:
    """Makes a run of this ledger the baseline, in place of any before. Raises LedgerError: without a reason.

    The results are replaced first: an interruption between the two leaves files that do not fit, and says so.
    """
    if not why.strip():
        raise LedgerError("expected why this run is promoted: who reads the next verdict will ask")
    made = Promotion(
        run=of.record.sequence,
        line_sha256=of.line_sha256,
        commit=of.record.commit,
        why=why.strip(),
        results_sha256=_sha256(results),
    )
    with disk.locked(folder):
        disk.replace(folder / RESULTS, [results])
        disk.replace(folder / PROMOTION, [made.to_text().encode()])
    return made


def load(folder: Path, ledger: Ledger) -> Promoted | None:
    """What was promoted in a ledger; None where nothing was. Raises LedgerError: unreadable, its parts do not fit
    each other, or the run is not in the ledger as it was."""
    files = [folder / PROMOTION, folder / RESULTS]
    if not any(path.exists() for path in files):
        return None
    try:
        text, results = (path.read_bytes() for path in files)
    except OSError as error:
        raise LedgerError(f"{error.filename}: {error.strerror}. {_AGAIN}") from error
    promotion = _parse(files[0], text)
    if _sha256(results) != promotion.results_sha256:
        raise LedgerError(f"{files[1]}: these are not the results of {PROMOTION}. {_AGAIN}")
    _check(files[0], promotion, ledger)
    return Promoted(promotion, results)


def _parse(path: Path, text: bytes) -> Promotion:
    try:
        return Promotion.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise LedgerError(f"{path}: {place or 'content'}: {first['msg']}. {_AGAIN}") from error


def _check(path: Path, promotion: Promotion, ledger: Ledger) -> None:
    try:
        found = candidate(ledger, promotion.run)
    except LedgerError as error:
        raise LedgerError(f"{path}: {error}. {_AGAIN}") from error
    if (found.line_sha256, found.record.commit) != (promotion.line_sha256, promotion.commit):
        raise LedgerError(
            f"{path}: expected run {promotion.run} to be {promotion.line_sha256[:12]}… of {promotion.commit[:12]}, "
            f"found {found.line_sha256[:12]}… of {found.record.commit[:12]}. {_AGAIN}"
        )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
