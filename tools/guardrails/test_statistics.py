"""Statistics against values that are counted by hand or published, and their levels by seeded simulation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.guardrails.statistics import (
    Block,
    Drift,
    Move,
    distributions_differ,
    median,
    quantile,
    share_bounds,
)

_positive = st.integers(1, 2**40).map(float)
_blocks = st.lists(
    st.builds(Block, _positive, st.lists(_positive, min_size=1, max_size=4).map(tuple)),
    min_size=1,
    max_size=4,
)
_LEVELS = {"alpha": 0.01, "beta": 0.1}


def _drift(now: list[float], *runs: list[float]) -> Drift:
    rows = zip(now, *runs, strict=True)
    return Drift(tuple(Block(row[0], row[1:]) for row in rows))


def test_quantiles_lie_between_order_statistics() -> None:
    assert quantile([1, 2], 0.5) == 1.5
    assert quantile(range(1, 11), 0.95) == pytest.approx(9.55)
    assert quantile([7], 0.99) == 7
    assert median([3, 1, 2]) == 2


def test_wilson_bounds_are_the_published_ones() -> None:
    assert share_bounds(0, 10, 0.95) == pytest.approx((0.0, 0.27753), abs=1e-5)
    assert share_bounds(5, 10, 0.95) == pytest.approx((0.23659, 0.76341), abs=1e-5)
    assert share_bounds(0, 0, 0.95) == (0.0, 1.0)


@given(_blocks)
def test_p_is_that_of_counting_all_arrangements(blocks: list[Block]) -> None:
    """Each measurement of a block might as well have been that of the run which is judged."""
    members = [(block.now, *block.before) for block in blocks]
    ranks = [[2 * _rank(value, block) for value in block] for block in members]
    sums = [sum(chosen) for chosen in itertools.product(*ranks)]
    found = sum(block[0] for block in ranks)
    low = sum(each <= found for each in sums) / len(sums)
    high = sum(each >= found for each in sums) / len(sums)
    assert Drift(tuple(blocks)).p == pytest.approx(min(1.0, 2 * min(low, high)))


def _rank(value: float, block: tuple[float, ...]) -> float:
    below, equal = sum(each < value for each in block), block.count(value)
    return below + (equal + 1) / 2


@given(_blocks)
def test_p_is_never_below_the_least_p(blocks: list[Block]) -> None:
    drift = Drift(tuple(blocks))
    assert drift.least_p * (1 - 1e-9) <= drift.p <= 1


@given(_blocks, st.sampled_from([2.0, 0.5, 1024.0]))
def test_the_unit_of_measurement_does_not_matter(blocks: list[Block], factor: float) -> None:
    scaled = tuple(
        Block(each.now * factor, tuple(value * factor for value in each.before)) for each in blocks
    )
    before, after = Drift(tuple(blocks)), Drift(scaled)
    assert after.p == before.p
    assert after.relative == pytest.approx(before.relative)
    assert after.move(0.2, **_LEVELS) == before.move(0.2, **_LEVELS)


def test_the_change_is_the_median_of_the_changes_of_like_work() -> None:
    """Prompts of 3 and of 60 tokens differ by 40 %; what is compared does not."""
    drift = _drift([110, 1100, 11000], [100, 1000, 10000], [100, 1000, 10000])
    assert drift.relative == pytest.approx(0.1)


def test_equal_measurements_have_not_moved() -> None:
    drift = _drift([5] * 10, [5] * 10, [5] * 10, [5] * 10)
    assert (drift.relative, drift.p) == (0.0, 1.0)
    assert drift.move(0.05, **_LEVELS) == Move.STEADY


@pytest.mark.parametrize(
    ("factor", "move"),
    [(1.21, Move.HIGHER), (1.19, Move.STEADY), (0.82, Move.LOWER), (0.85, Move.STEADY)],
)
def test_without_noise_a_change_is_compared_with_the_limit(factor: float, move: Move) -> None:
    """A slower machine by 19 % is no chance, and within 20 %; down, 20 % is the same ratio: to five sixths."""
    runs = [[100.0, 200.0, 300.0, 400.0, 500.0]] * 5
    drift = _drift([value * factor for value in runs[0]], *runs)
    assert drift.p < 0.01
    assert drift.move(0.2, **_LEVELS) == move


def test_one_outlier_is_no_drift() -> None:
    drift = _drift([900, *[100] * 9], *[[100 + at for at in range(10)]] * 5)
    assert drift.move(0.15, **_LEVELS) == Move.STEADY


def test_so_few_measurements_cannot_show_anything() -> None:
    assert _drift([200], [100], [100], [100]).least_p == 0.5
    assert _drift([200], [100], [100], [100]).move(0.15, **_LEVELS) == Move.STEADY


def test_counts_of_one_distribution_are_rarely_called_different() -> None:
    generator = np.random.default_rng(5)
    shares = [0.6, 0.2, 0.1, 0.05, 0.05]
    trials, alpha = 400, 0.05
    alarms = sum(
        distributions_differ(
            generator.multinomial(20, shares).tolist(),
            generator.multinomial(60, shares).tolist(),
            resamples=199,
            seed=trial,
        )
        < alpha
        for trial in range(trials)
    )
    assert alarms / trials <= alpha * 1.2


def test_counts_of_two_distributions_are_told_apart() -> None:
    generator = np.random.default_rng(6)
    found = sum(
        distributions_differ(
            generator.multinomial(40, [0.2, 0.6, 0.2]).tolist(),
            generator.multinomial(120, [0.6, 0.2, 0.2]).tolist(),
            resamples=199,
            seed=trial,
        )
        < 0.05
        for trial in range(100)
    )
    assert found >= 80


def test_a_category_that_nobody_had_changes_nothing() -> None:
    few = distributions_differ([3, 9], [9, 3], resamples=999, seed=1)
    assert few == distributions_differ([3, 0, 9], [9, 0, 3], resamples=999, seed=1)
    assert few < 0.1


@pytest.mark.parametrize("rows", [([0, 0], [1, 2]), ([1, 2], [0, 0]), ([0, 0], [0, 0]), ([4], [2])])
def test_rows_that_say_nothing_do_not_differ(rows: tuple[list[int], list[int]]) -> None:
    assert distributions_differ(*rows, resamples=99, seed=1) == 1.0
