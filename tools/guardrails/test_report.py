"""A judgement's files: nothing that a guest says gets out of its place in them."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from tools.guardrails.report import junit_xml, report_md, state_json, write
from tools.guardrails.verdict import Finding, Judgement, Status

_said = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
_judgements = st.builds(
    Judgement,
    st.just("m9"),
    st.lists(
        st.builds(
            Finding, st.just("asked"), st.sampled_from(Status), st.integers(0, 9), st.just(1), _said
        ),
        max_size=4,
    ).map(tuple),
)


@given(_judgements)
def test_junit_is_xml_with_a_case_a_finding(judgement: Judgement) -> None:
    suite = ElementTree.fromstring(junit_xml(judgement).encode())
    cases = list(suite)
    assert len(cases) == len(judgement.findings) == int(suite.attrib["tests"])
    for case, finding in zip(cases, judgement.findings):
        assert (case.find("failure") is not None) == (finding.status == Status.FAIL)
        assert (case.find("skipped") is not None) == (finding.status == Status.INSUFFICIENT)
    assert int(suite.attrib["failures"]) == len(suite.findall("testcase/failure"))
    assert int(suite.attrib["skipped"]) == len(suite.findall("testcase/skipped"))


@given(_judgements)
def test_a_finding_is_one_row_of_the_table(judgement: Judgement) -> None:
    lines = report_md(judgement, "Startup").split("\n")
    rows = lines[6:-1]
    assert len(rows) == len(judgement.findings)
    for row in rows:
        assert row.replace("\\|", "").count("|") == 6 and "<" not in row


@given(_judgements)
def test_state_json_says_all_of_it(judgement: Judgement) -> None:
    content = json.loads(state_json(judgement))
    assert content["status"] == judgement.status
    assert [each["says"] for each in content["findings"]] == [f.says for f in judgement.findings]


def test_the_same_judgement_gives_the_same_bytes(tmp_path: Path) -> None:
    judgement = Judgement(
        "m9", (Finding("asked", Status.FAIL, 1, 1, "wéll\n", ("a:1",)),), {"k": 1.5}
    )
    for name in ("one", "two"):
        write(judgement, "Startup", tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert files == ["junit.xml", "report.md", "state.json"]
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
