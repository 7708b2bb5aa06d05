"""Statistics against values that are counted by hand or published, and their levels by seeded simulation."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.guardrails.statistics import (
    Block,
    Drift,
    Move,
    median,
    quantile,
    share_bounds,
    shift_p_values,
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


def test_a_p_of_just_the_level_is_chance() -> None:
    drift = _drift([200.0] * 3, *[[100.0] * 3] * 3)
    assert drift.p == 2 / 64
    assert drift.move(0.1, alpha=2 / 64, beta=0.1) == Move.STEADY
    assert drift.move(0.1, alpha=2.01 / 64, beta=0.1) == Move.HIGHER


def test_a_change_is_within_the_limit_only_below_beta() -> None:
    drift = _drift([200.0] * 3, *[[100.0] * 3] * 3)
    within = drift.p_within(1.5)
    assert 0 < within < 0.1
    assert drift.move(1.5, alpha=0.05, beta=within) == Move.HIGHER
    assert drift.move(1.5, alpha=0.05, beta=within * 1.01) == Move.STEADY


def test_a_run_in_the_middle_is_compared_with_a_limit_below() -> None:
    """Both tails are as likely: had it been a tenth slower, it would have been the slowest of three."""
    drift = Drift((Block(10.0, (5.0, 10.5)),))
    assert drift.p == 1
    assert drift.p_within(0.1) == pytest.approx(1 / 3)


def test_one_outlier_is_no_drift() -> None:
    drift = _drift([900, *[100] * 9], *[[100.0 + at for at in range(10)]] * 5)
    assert drift.move(0.15, **_LEVELS) == Move.STEADY


def test_so_few_measurements_cannot_show_anything() -> None:
    assert _drift([200], [100], [100], [100]).least_p == 0.5
    assert _drift([200], [100], [100], [100]).move(0.15, **_LEVELS) == Move.STEADY


def _clusters(*categories: tuple[int, list[int]]) -> list[list[list[int]]]:
    """Six clusters of four runs; of each category what this run has, and those before."""
    runs = [[now, *before] for now, before in categories]
    return [[[runs[c][run] for c in range(len(runs))] for run in range(4)] for _ in range(6)]


def test_a_shift_is_measured_in_the_spread_of_its_own_category() -> None:
    """The second category comes seldom, and always now; the first varies by far more, and is as ever."""
    usual, seldom = shift_p_values(
        _clusters((500, [400, 500, 600]), (1, [0, 0, 0])), resamples=2000, seed=1
    )
    assert usual > 0.9
    assert seldom < 0.01


def test_what_never_varies_has_not_shifted_and_hides_nothing() -> None:
    """A spread of nothing is none to measure in."""
    fixed, seldom = shift_p_values(
        _clusters((7, [7, 7, 7]), (1, [0, 0, 0])), resamples=2000, seed=1
    )
    assert fixed == 1
    assert seldom < 0.01
