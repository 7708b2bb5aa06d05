"""M10 to M12 round the loop: what the guardrails ask for after a run, the boots of the next run obey.

When the firmware or a policy changes what is asked for, `policy_file(run.states)` of the run that is named is what the
.cfg file of the next one has to be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools.guardrails import recording, session
from tools.guardrails.captures import Capture, read_capture
from tools.guardrails.catalogue import GUARDRAILS
from tools.guardrails.checkout import Checkout
from tools.guardrails.evidence import Evidence
from tools.guardrails.facts import BootFacts
from tools.guardrails.ledger.record import RunRecord
from tools.guardrails.policy_file import policy_file
from tools.guardrails.verdict import Judgement, Status

FOLDER = Path("firmware.scenarios.loop")
JUDGES = ("m9", "m10", "m11", "m12")
TABLE = session.marker_table()
TO_CANARY = ["harm", *["quarantine"] * 5]
RELEASED = [*TO_CANARY, "canary", "release"]
RELAPSED = [*TO_CANARY, "relapse"]


@dataclass(frozen=True)
class Run:
    """One capture that was judged and recorded."""

    name: str
    evidence: Evidence
    judgements: dict[str, Judgement]
    record: RunRecord

    @property
    def boots(self) -> tuple[BootFacts, ...]:
        return self.evidence.facts["loop"].boots

    @property
    def mode(self) -> str:
        """That the run leaves to the next."""
        return str(self.record.states["m11"]["mode"])

    @property
    def action(self) -> str:
        return str(self.record.states["m11"]["action"])


def capture(name: str) -> Capture:
    return read_capture(FOLDER / name, TABLE)


def run(name: str, ledger: Path) -> Run:
    # Boots repeat themselves exactly, and here each run of the quarantine is the same image again.
    again = ["m11.count_repeated_runs=true"]
    evidence = session.gather(TABLE, {"loop": capture(name)}, ledger, again)
    judgements = {judge: GUARDRAILS[judge].judge(evidence) for judge in JUDGES}
    built = Checkout("0" * 40, dirty=False)
    return Run(name, evidence, judgements, recording.record(ledger, evidence, judgements, built))


def go(names: Sequence[str], folder: Path) -> list[Run]:
    return [run(name, folder) for name in names]


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    return go(RELEASED, tmp_path_factory.mktemp("released"))


@pytest.fixture(scope="module")
def relapsed(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    return go(RELAPSED, tmp_path_factory.mktemp("relapsed"))


def test_harm_leads_through_quarantine_and_canary_to_release(released: list[Run]) -> None:
    assert [(each.action, each.mode) for each in released] == [
        ("quarantine_start", "QUARANTINED"),
        *[("keep_quarantine", "QUARANTINED")] * 4,
        ("canary_start", "CANARY"),
        ("full_release", "NORMAL"),
        ("no_quarantine", "NORMAL"),
    ]


def test_harm_in_the_canary_leads_back(relapsed: list[Run]) -> None:
    assert [each.mode for each in relapsed[-2:]] == ["CANARY", "QUARANTINED"]
    last = relapsed[-1]
    assert last.action == "canary_rollback"
    assert last.judgements["m11"].status == Status.FAIL
    assert last.record.states["m11"]["cooldown_left"] == 2  # the next release comes later


@pytest.mark.parametrize("names", [RELEASED, RELAPSED], ids=["released", "relapsed"])
def test_each_image_has_the_policy_that_the_run_before_asked_for(
    names: list[str], request: pytest.FixtureRequest
) -> None:
    runs: list[Run] = request.getfixturevalue("released" if names is RELEASED else "relapsed")
    for before, after in zip(runs, runs[1:]):
        for boot in capture(after.name).boots:
            assert boot.file("policy.cfg") == policy_file(before.record.states), after.name
            (policy,) = boot.of("policy")
            assert policy["reason_id"] == "POLICY_APPLIED"


def outcomes(each: Run) -> list[str]:
    return [label for boot in each.boots for label in boot.outcomes]


def test_harm_is_measured_and_only_harm_fails(released: list[Run], relapsed: list[Run]) -> None:
    assert outcomes(released[0]) == ["harmful"] * 4
    assert released[0].judgements["m10"].status == Status.FAIL
    assert outcomes(relapsed[-1]) == ["harmful"] * 2  # after which confidence is below the canary's
    for each in released[1:]:
        assert "harmful" not in outcomes(each)
        assert each.judgements["m10"].status != Status.FAIL
        assert each.judgements["m11"].status == Status.PASS


def test_a_quarantined_guest_only_simulates_and_so_shows_that_it_could_act(
    released: list[Run],
) -> None:
    for each in released[1:6]:
        assert not any(boot.applies for boot in each.boots)
        estimates = [label for boot in each.boots for label in boot.estimates]
        assert estimates.count("helpful") == 4 and "harmful" not in estimates


def test_canary_and_released_guests_act_and_are_measured(released: list[Run]) -> None:
    for each in released[6:]:
        assert [applied for boot in each.boots for applied in boot.applies] == [True, True]
        assert "helpful" in outcomes(each)


def test_the_canary_s_gate_is_the_stricter_one(released: list[Run]) -> None:
    def thresholds(each: Run) -> set[int]:
        boots = capture(each.name).boots
        return {int(str(r["threshold"])) for boot in boots for r in boot.of("oo_confidence")}

    canary, release = (thresholds(each) for each in released[6:])
    assert canary == {70} and max(release) < 70
    for each in released[1:]:
        findings = {found.what: found.status for found in each.judgements["m12"].findings}
        assert findings["threshold_is_obeyed"] == Status.PASS, each.name
