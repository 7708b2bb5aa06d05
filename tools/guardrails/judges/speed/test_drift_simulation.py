"""The drift gates keep their level and their power, by the policies as they are."""

from __future__ import annotations

import pytest

from tools.guardrails.judges.speed.drift_simulation import (
    GATES,
    NOISIER,
    Gate,
    markdown,
    measure,
    rejected,
)

_TRIALS = 600


def _name(gate: Gate) -> str:
    return f"{gate.name} {gate.samples}x{gate.runs} {gate.spread} {gate.between_runs}"


@pytest.mark.parametrize("gate", GATES, ids=_name)
def test_a_declared_drift_is_found_and_noise_is_none(gate: Gate) -> None:
    measured = measure(gate, trials=_TRIALS, seed=7)
    assert measured.false_alarms <= gate.rule.alpha * 1.2
    assert measured.power >= 0.8


@pytest.mark.parametrize("gate", NOISIER, ids=_name)
def test_noise_beyond_the_limit_is_no_drift_either(gate: Gate) -> None:
    assert rejected(gate, 0.0, trials=_TRIALS, seed=7) <= gate.rule.alpha * 1.2


@pytest.mark.parametrize("gate", GATES[:2], ids=_name)
def test_half_the_limit_passes(gate: Gate) -> None:
    assert rejected(gate, gate.rule.limit / 2, trials=_TRIALS, seed=7) <= gate.rule.alpha


def test_the_table_has_a_row_a_gate() -> None:
    table = markdown(measure(gate, trials=10, seed=1) for gate in GATES[:2])
    lines = table.splitlines()
    assert len(lines) == 4
    assert lines[2].startswith("| m9 select | 10 | 5 | 3.0% | 0.0% | 1.00% |")
    assert {line.count("|") for line in lines} == {12}
