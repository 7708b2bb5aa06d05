"""The promoted run: comparisons look at runs up to it, so that a slow creep is not followed run by run."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tools.guardrails.errors import LedgerError
from tools.guardrails.ledger.store import Ledger


class Promotion(BaseModel):
    """Which recorded run, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: int = Field(ge=1)
    commit: str = Field(pattern=r"^[0-9a-f]{40}$")
    why: str = Field(min_length=1, max_length=400)

    def to_text(self) -> str:
        return self.model_dump_json(indent=2) + "\n"


def load(path: Path, ledger: Ledger) -> Promotion | None:
    """None where no run is promoted. Raises LedgerError: it cannot be read, or is not of this ledger."""
    try:
        promotion = Promotion.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise LedgerError(f"{path}: {error}. Take it back from version control.") from error
    return check(promotion, ledger, str(path))


def check(promotion: Promotion, ledger: Ledger, name: str) -> Promotion:
    """Raises LedgerError: the ledger has no such run, or it is of another commit, or did not pass."""
    runs = (each for each in ledger.newest_first() if each.sequence == promotion.run)
    run = next(runs, None)
    if run is None or run.commit != promotion.commit:
        found = "no such run" if run is None else f"run {run.sequence} of {run.commit[:12]}"
        raise LedgerError(
            f"{name}: expected run {promotion.run} of {promotion.commit[:12]} in the ledger, found {found}"
        )
    if not run.passed:
        raise LedgerError(
            f"{name}: run {run.sequence} did not pass: only a run that passed can be promoted"
        )
    return promotion
