"""Pages: what they say of runs, of no runs, and of records that mean harm; the same bytes everywhere."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools.guardrails.benchmark.compare import Matrix, Outcome
from tools.guardrails.benchmark.compare import Row as BenchmarkRow
from tools.guardrails.benchmark.results import Header
from tools.guardrails.dashboard.model import build
from tools.guardrails.dashboard.rendering import html, markdown, to_json, write
from tools.guardrails.dashboard.testing_dashboard import dashboard, hostile, recorded, usual
from tools.guardrails.judges.speed.testing_slo import SCENARIOS, ledger, recorded_only


def test_an_empty_ledger_has_no_data(tmp_path: Path) -> None:
    empty = dashboard(tmp_path)
    page, text = html(empty), markdown(empty)
    assert "there is no data" in page and "there is no data" in text
    assert page.count('class="word open">no data') == 2 * 5
    assert "100" not in re.sub(r'viewBox="[^"]*"', "", text)
    assert json.loads(to_json(empty))["drift_pass_rate_pct"] is None


def test_markdown_has_a_row_a_run_and_a_milestone(tmp_path: Path) -> None:
    text = markdown(usual(tmp_path))
    assert "| run 6 | 2026-12-07 12:00 UTC | 000000000000 | 2 | 0 | 1 |" in text
    assert (
        "| m9 | Do boots start within their budgets, and as fast as before? | pass | pass | **fail** |"
        in text
    )
    assert "| run 4 | S4 | 5 | 3,030 | 3,032 | 3,034 |" in text
    assert "| OO_APPLY_OK | 77.8 % | 80.0 % | +2.2 |" in text


def test_every_table_of_the_page_has_as_many_cells_in_each_row(tmp_path: Path) -> None:
    text = markdown(usual(tmp_path))
    tables = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    assert len(tables) >= 14
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}) == 1


def test_html_has_the_numbers_of_markdown(tmp_path: Path) -> None:
    page, text = html(usual(tmp_path)), markdown(usual(tmp_path / "again"))
    cells = set(re.findall(r"\| ([0-9][0-9.,]*(?: %)?) (?=\|)", text))
    assert len(cells) > 20
    missing = [cell for cell in cells if f">{cell}<" not in page]
    assert not missing


def test_json_has_what_the_pages_show(tmp_path: Path) -> None:
    state = json.loads(to_json(usual(tmp_path)))
    assert [run["label"] for run in state["runs"]] == [f"run {n}" for n in range(6, 0, -1)]
    assert {trend["quantity"] for trend in state["trends"]} == {
        "select",
        "prepare",
        "prefill",
        "decode",
    }
    assert {each["emulator"] for each in state["strata"].values()} == {"QEMU 7", "QEMU 8"}
    assert state["current_week"] == "2026-W50" and state["benchmark"] is None


def test_runs_of_two_strata_are_not_joined(tmp_path: Path) -> None:
    page = html(usual(tmp_path))
    lines = re.findall(r'<polyline class="median" points="([^"]*)"', page)
    assert len(lines) == 2 * 8  # of eight charts
    assert {len(line.split()) for line in lines} == {3}


def test_hostile_records_are_only_text(tmp_path: Path) -> None:
    made = hostile(tmp_path)
    page, text = html(made), markdown(made)
    assert page.count("<script") == 1 and text.count("<script") == 0
    assert "&lt;script&gt;" in page and "&lt;script" in text
    assert "\u202e" not in page + text
    assert not re.search(r"(?<!\\)\]\(", text) and "\n# x" not in text
    for table in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}) == 1


def test_the_page_names_nothing_outside_of_it(tmp_path: Path) -> None:
    page = html(usual(tmp_path))
    assert re.findall(r"(?:src|href|action)\s*=\s*\"([^\"]*)\"", page) == ["data:,"]
    assert "@import" not in page and "url(" not in page


def _sums(folder: Path) -> list[str]:
    return [hashlib.sha256(each.read_bytes()).hexdigest() for each in sorted(folder.iterdir())]


AGAIN = """
import sys
from pathlib import Path
from tools.guardrails.dashboard.rendering import write
from tools.guardrails.dashboard.testing_dashboard import usual
write(usual(Path(sys.argv[1]) / "ledger"), Path(sys.argv[1]) / "pages")
"""


@pytest.mark.parametrize(("seed", "zone"), [("1", "Pacific/Kiritimati"), ("2", "America/Nome")])
def test_the_bytes_are_the_same_elsewhere(tmp_path: Path, seed: str, zone: str) -> None:
    write(usual(tmp_path / "ledger"), tmp_path / "pages")
    other = {"PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": "C", "PYTHONUTF8": "0"}
    place = tmp_path / "other"
    place.mkdir()
    environment = {**os.environ, **other, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", AGAIN, str(place)], check=True, env=environment)
    assert _sums(place / "pages") == _sums(tmp_path / "pages")
    assert len(_sums(place / "pages")) == 3


def _header(commit: str) -> Header:
    return Header(
        kind="header",
        schema=1,
        commit=commit * 40,
        dirty=False,
        seed=42,
        corpus_sha256="c" * 64,
        model="dddddddd/98362432",
        emulator="QEMU",
        cases=("slow_case", "same_case"),
    )


def test_a_benchmark_is_shown_when_there_is_one(tmp_path: Path) -> None:
    rows = (
        BenchmarkRow("slow_case", Outcome.REGRESSED, {"latency": 0.25}, ("latency",)),
        BenchmarkRow("same_case", Outcome.SAME, {"latency": 0.0, "decode": -0.01}),
    )
    matrix = Matrix(_header("a"), _header("b"), 0.05, rows)
    evidence = recorded_only(ledger(tmp_path, recorded(1)))
    text = markdown(build(evidence, SCENARIOS, benchmark=matrix))
    assert "## Benchmark: bbbbbbbbbbbb against aaaaaaaaaaaa, seed 42" in text
    assert "| slow_case | **regressed** | +25.0% | – | – |" in text
    assert "Benchmark" not in markdown(build(evidence, SCENARIOS))
