"""The statistics of guardrails. Every gate built on one has a seeded simulation of its false alarms and its power."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy import stats


def quantile(values: Sequence[float], share: float) -> float:
    """The quantile of a non-empty sample, interpolated between its order statistics (Hyndman and Fan's type 7)."""
    return float(np.quantile(np.asarray(values, dtype=np.float64), share))


def median(values: Sequence[float]) -> float:
    return quantile(values, 0.5)


@dataclass(frozen=True)
class Block:
    """One measurement of the run that is judged, and the same one of runs before it. All are above 0."""

    now: float
    before: tuple[float, ...]


class Move(StrEnum):
    """Where to the measurements of a run have moved."""

    HIGHER = "higher"
    STEADY = "steady"
    LOWER = "lower"


@dataclass(frozen=True)
class Drift:
    """How a run lies to those before it: at least one block, each with at least one measurement from before.

    Only measurements of one block are compared, for those of two blocks are of different work. When nothing differs,
    each rank in its block is as likely as any other for the run that is judged, whatever the noise; the sum of these
    ranks therefore has a distribution that is counted, not approximated. Ties share their ranks.
    """

    blocks: tuple[Block, ...]

    @property
    def relative(self) -> float:
        """The median, over the blocks, of the change: 0.1 is a tenth above the median from before."""
        return median([block.now / median(block.before) for block in self.blocks]) - 1

    @property
    def p(self) -> float:
        """Two-sided: how likely ranks that differ so much are when nothing differs."""
        return min(1.0, 2 * min(self._tails(1.0)))

    @property
    def least_p(self) -> float:
        """The least p that so many measurements can give."""
        return min(1.0, 2 / math.prod(len(block.before) + 1 for block in self.blocks))

    def p_within(self, limit: float) -> float:
        """How likely ranks no further off are when the change is just the limit: small ones show that it is less."""
        below, above = self._tails(1.0)
        return self._tails(1 + limit)[0] if above < below else self._tails(1 / (1 + limit))[1]

    def move(self, limit: float, *, alpha: float, beta: float) -> Move:
        """Whether there is a change that is no chance (level alpha) and is not shown to be within the limit.

        A change of just the limit is missed in at most a share beta of cases, if it is no chance. Without noise this is
        the comparison of the change with the limit.
        """
        if self.p >= alpha or self.p_within(limit) < beta:
            return Move.STEADY
        below, above = self._tails(1.0)
        return Move.HIGHER if above < below else Move.LOWER

    def _tails(self, factor: float) -> tuple[float, float]:
        """How likely rank sums up to that of now, divided by the factor, and from it on are.

        Rounded, so that machines agree that add in another order.
        """
        likely, found = np.ones(1), 0
        for block in self.blocks:
            doubled = _doubled_ranks((block.now / factor, *block.before))
            likely = np.convolve(likely, np.bincount(doubled) / len(doubled))
            found += doubled[0]
        return _rounded(likely[: found + 1].sum()), _rounded(likely[found:].sum())


def _rounded(value: float) -> float:
    return float(f"{value:.12g}")


def _doubled_ranks(values: Sequence[float]) -> list[int]:
    """Whole numbers also where ranks are shared."""
    order = sorted(values)
    return [bisect_left(order, value) + bisect_right(order, value) + 1 for value in values]


def share_bounds(hits: int, samples: int, confidence: float) -> tuple[float, float]:
    """Wilson's interval for the share that `hits` of `samples` are of; 0 to 1 without samples."""
    if samples == 0:
        return 0.0, 1.0
    interval = stats.binomtest(hits, samples).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def shift_p_values(
    counts: Sequence[Sequence[Sequence[int]]], *, resamples: int, seed: int
) -> tuple[float, ...]:
    """p of each category: how likely a shift as large as its own is, in any category, when nothing differs.

    `counts` are by cluster, run and category; the first run of each cluster is the one that is judged, and all have as
    many. What is counted within a cluster may hang together in any way: only that its runs could as well have come in
    another order is used. So whole clusters are drawn anew, each run of one as likely as any other. A shift is measured
    in the spread of its category and compared with the largest of all (Westfall and Young's maxT): the level holds
    for all categories together. Seeded, so that the same counts give the same p.
    """
    table = np.asarray(counts, dtype=np.float64)
    shifts = table - table.mean(axis=1, keepdims=True)
    spread = np.sqrt((shifts**2).mean(axis=1).sum(axis=0))
    shifts = shifts / np.where(spread > 0, spread, 1.0)
    generator = np.random.default_rng(seed)
    drawn = np.zeros((resamples, table.shape[2]))
    for cluster in shifts:
        drawn += cluster[generator.integers(table.shape[1], size=resamples)]
    largest = np.sort(np.abs(drawn).max(axis=1))
    found = np.abs(shifts[:, 0].sum(axis=0)) - 1e-9
    at_least = resamples - np.searchsorted(largest, found)
    return tuple(float(each) for each in (at_least + 1) / (resamples + 1))
