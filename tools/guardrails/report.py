"""A judgement as files: state.json for machines, report.md for people, junit.xml for CI. The same bytes every time."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

from tools.guardrails.files import replace_file
from tools.guardrails.verdict import Finding, Judgement, Status


def state_json(judgement: Judgement) -> str:
    """Everything of a judgement."""
    return json.dumps(judgement.as_json(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def report_md(judgement: Judgement, title: str) -> str:
    """The findings as a table."""
    rows = [
        f"| {finding.what} | {finding.status} | {finding.samples} | {finding.minimum} | {_cell(finding.says)} |"
        for finding in judgement.findings
    ]
    lines = [
        f"# {title}",
        "",
        f"{judgement.guardrail}: **{judgement.status}**, {judgement.samples} samples.",
        "",
        "| finding | status | samples | at least | what was found |",
        "| --- | --- | --- | --- | --- |",
        *rows,
    ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Text that cannot leave its cell, or be more than text."""
    printable = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return printable.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")


def junit_xml(judgement: Judgement) -> str:
    """One test case a finding; insufficient ones are skipped ones."""
    suite = ElementTree.Element(
        "testsuite",
        name=judgement.guardrail,
        tests=str(len(judgement.findings)),
        failures=str(_count(judgement, Status.FAIL)),
        skipped=str(_count(judgement, Status.INSUFFICIENT)),
        errors="0",
    )
    for finding in judgement.findings:
        suite.append(_case(judgement.guardrail, finding))
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _count(judgement: Judgement, status: Status) -> int:
    return sum(finding.status == status for finding in judgement.findings)


def _case(guardrail: str, finding: Finding) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=f"guardrails.{guardrail}", name=finding.what)
    says = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in finding.says)
    kinds = {Status.FAIL: "failure", Status.INSUFFICIENT: "skipped"}
    if finding.status in kinds:
        ElementTree.SubElement(case, kinds[finding.status], message=says)
    ElementTree.SubElement(case, "system-out").text = says
    return case


def write(judgement: Judgement, title: str, folder: Path) -> None:
    """The three files, in a folder that is made when it is not there."""
    files = {
        "state.json": state_json(judgement),
        "report.md": report_md(judgement, title),
        "junit.xml": junit_xml(judgement),
    }
    for name, text in files.items():
        replace_file(folder / name, text)
