"""Policies: what a value may be, where it comes from, and what is said of one that it may not be."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.guardrails.catalogue import GUARDRAILS
from tools.guardrails.errors import GuardrailError, PolicyError
from tools.guardrails.policy import load, load_all

M9 = """
title = "Startup"
[budget_ms]
type = "integer"
default = 2000
minimum = 0
maximum = 9000
doc = "Budget."
[alpha]
type = "number"
default = 0.01
value = 0.05
why = "few runs"
minimum = 0.001
maximum = 0.2
doc = "Level."
[gate]
type = "switch"
default = true
doc = "Gate."
[phase]
type = "word"
default = "auto"
words = ["auto", "early"]
doc = "Phase."
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "m9.toml").write_text(M9)
    return tmp_path


def test_a_value_says_where_it_comes_from(folder: Path) -> None:
    policy = load_all(folder, ["m9.budget_ms=2500"])["m9"]
    assert policy.integer("budget_ms") == 2500 and policy.origins["budget_ms"] == "--set"
    assert policy.number("alpha") == 0.05 and policy.origins["alpha"] == "policy"
    assert policy.switch("gate") is True and policy.origins["gate"] == "default"
    assert policy.word("phase") == "auto"
    assert policy.rows["alpha"].default == Decimal("0.01")


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("m9.budget=1", "m9 has no value 'budget'; did you mean budget_ms?"),
        ("m19.budget_ms=1", "no milestone 'm19'; did you mean m9?"),
        ("m9.budget_ms=9001", "m9.budget_ms: expected 0 to 9000, found 9001"),
        ("m9.budget_ms=-1", "expected 0 to 9000, found -1"),
        ("m9.budget_ms=2.5", "expected a integer, found '2.5'"),
        ("m9.alpha=nan", "expected a number, found 'nan'"),
        ("m9.alpha=inf", "expected a number, found 'inf'"),
        ("m9.alpha=1", "expected 0.001 to 0.2, found 1"),
        ("m9.gate=maybe", "expected a switch, found 'maybe'"),
        ("m9.phase=late", "expected one of auto, early, found late"),
        ("m9.budget_ms", "expected MILESTONE.KEY=VALUE"),
        ("budget_ms=1", "expected MILESTONE.KEY=VALUE"),
        ("", "expected MILESTONE.KEY=VALUE"),
    ],
)
def test_a_setting_that_cannot_be_is_said(folder: Path, setting: str, says: str) -> None:
    with pytest.raises(PolicyError) as caught:
        load_all(folder, [setting])
    assert says in str(caught.value)


@pytest.mark.parametrize("setting", ["budget_ms=0", "budget_ms=9000", "alpha=0.001", "alpha=0.2"])
def test_a_bound_is_within_the_bounds(folder: Path, setting: str) -> None:
    policy = load_all(folder, [f"m9.{setting}"])["m9"]
    key, _, value = setting.partition("=")
    assert policy.values[key] == Decimal(value)


def test_no_policy_at_all_is_said(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="expected a file for each milestone"):
        load_all(tmp_path)


@given(st.text(max_size=40))
def test_no_setting_does_more_than_be_refused(text: str) -> None:
    try:
        load_all(settings=[text])
    except GuardrailError:
        pass


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('title = "Startup"', "", "expected a title"),
        (
            "default = 2000",
            "default = 9001",
            "budget_ms: Value error, expected 0 to 9000, found 9001",
        ),
        ("default = 2000", "default = true", "expected a integer, found True"),
        ("default = 2000", "", "budget_ms.default: Field required"),
        (
            'why = "few runs"',
            "",
            "alpha: Value error, a `value` that is not the default says `why`",
        ),
        ("maximum = 9000", "maximal = 9000", "budget_ms.maximal: Extra inputs"),
        ('type = "switch"', 'type = "bool"', "gate.type"),
        ("[gate]", "[gate", "m9.toml"),
    ],
)
def test_a_file_that_contradicts_itself_is_said(
    folder: Path, old: str, new: str, says: str
) -> None:
    assert M9.count(old) == 1
    (folder / "m9.toml").write_text(M9.replace(old, new))
    with pytest.raises(PolicyError) as caught:
        load(folder / "m9.toml")
    assert says in str(caught.value)


def test_every_guardrail_has_a_policy_that_says_what_too_little_evidence_means() -> None:
    policies = load_all()
    for name in GUARDRAILS:
        assert isinstance(policies[name.partition("_")[0]].switch("insufficient_fails"), bool)
