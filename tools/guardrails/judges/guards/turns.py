"""Turns of a boot: how each answer ended, and what was said behind it."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from tools.guardrails.captures import Boot
from tools.guardrails.policy import Policy
from tools.guardrails.statistics import median
from tools.markers.parse import Record


def whole(record: Record, field: str) -> int:
    """A field that the table has as a whole number."""
    return int(str(record[field]))


@dataclass(frozen=True)
class Turn:
    """One answer."""

    number: int
    """In its boot, from 0."""
    end: Record
    behind: tuple[Record, ...]
    """Up to the end of the next answer."""

    def of(self, *markers: str) -> tuple[Record, ...]:
        return tuple(record for record in self.behind if record.id in markers)

    @property
    def tokens(self) -> int:
        return whole(self.end, "tokens")

    @property
    def reason(self) -> str:
        return str(self.end["reason"])

    @property
    def overruns(self) -> int:
        return whole(self.end, "overruns")

    @property
    def ms_a_token(self) -> float:
        """Mean time of its tokens in milliseconds; 0 without tokens."""
        return float(str(self.end["decode"])) / self.tokens if self.tokens else 0.0

    def is_near(self, policy: Policy) -> bool:
        """Whether its tokens cost about what they cost at an empty context."""
        return whole(self.end, "pos") <= policy.integer("clear_positions")


def turns(boot: Boot) -> tuple[Turn, ...]:
    """The turns of a boot, in order. What stands before the end of the first belongs to none."""
    records = boot.log.records
    ends = [place for place, record in enumerate(records) if record.id == "gen_end"]
    return tuple(
        Turn(number, records[start], records[start + 1 : stop])
        for number, (start, stop) in enumerate(pairwise([*ends, len(records)]))
    )


def turn_of(record: Record, all_turns: tuple[Turn, ...]) -> int:
    """The number of the turn behind whose end a record stands; -1 before the first."""
    return bisect([turn.end.line for turn in all_turns], record.line) - 1


def usual_ms(of: Iterable[Turn]) -> float:
    """What a token of these turns took, in milliseconds: the median of their means; 0 without any."""
    times = [turn.ms_a_token for turn in of if turn.tokens]
    return median(times) if times else 0.0
