"""Verdicts: absence of evidence is never a pass."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.guardrails.verdict import Finding, Judgement, Status, checked

_findings = st.builds(
    Finding,
    st.just("asked"),
    st.sampled_from(Status),
    st.integers(0, 9),
    st.just(1),
    st.just("said"),
)


@given(st.lists(_findings, max_size=6))
def test_a_judgement_passes_only_when_all_of_it_does(findings: list[Finding]) -> None:
    judgement = Judgement("m9", tuple(findings))
    said = [finding.status for finding in findings]
    assert (judgement.status == Status.PASS) == (bool(said) and set(said) == {Status.PASS})
    assert (judgement.status == Status.FAIL) == (Status.FAIL in said)
    assert judgement.line().startswith(f"m9: {judgement.status} (")


@pytest.mark.parametrize(
    ("problems", "more"), [(1, ""), (2, " (and 1 more)"), (4, " (and 3 more)")]
)
def test_a_failure_says_how_many_problems_there_are(problems: int, more: str) -> None:
    wrong = [(f"place {n}", f"wrong {n}") for n in range(problems)]
    assert checked("asked", 9, wrong, fine="well").says == f"wrong 0{more}"


def test_the_line_of_a_verdict_tells_its_worst_finding() -> None:
    good = Finding("first", Status.PASS, 3, 1, "well")
    bad = Finding("second", Status.FAIL, 2, 1, "wrong")
    assert Judgement("m9", (good,)).line() == "m9: pass (1 findings from 3 samples)"
    expected = "m9: fail (2 findings from 5 samples); second: wrong"
    assert Judgement("m9", (good, bad)).line() == expected


def test_nothing_asked_is_insufficient() -> None:
    assert Judgement("m9", ()).status == Status.INSUFFICIENT


@given(st.integers(0, 5), st.integers(1, 5), st.integers(0, 3))
def test_one_problem_fails_and_too_few_samples_never_pass(
    samples: int, minimum: int, problems: int
) -> None:
    found = checked("asked", samples, [("here", "wrong")] * problems, minimum=minimum, fine="well")
    if problems:
        assert found.status == Status.FAIL and found.places == ("here",) * problems
    elif samples < minimum:
        assert found.status == Status.INSUFFICIENT
        assert found.says == f"expected at least {minimum} samples, found {samples}"
    else:
        assert found.status == Status.PASS and found.says == "well"
