"""M19: slower, missing, failed and other answers are told by case; unlike packs and bad lines are refused."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.guardrails.benchmark.compare import Compared, Outcome, compare, matrix_md
from tools.guardrails.benchmark.results import (
    Answered,
    BenchmarkError,
    Results,
    read_results,
)
from tools.guardrails.errors import GuardrailError
from tools.guardrails.judges.testing import finding
from tools.guardrails.policy import FOLDER, Policy, load
from tools.guardrails.report import state_json
from tools.guardrails.verdict import Status

IDS = ("tiny_story", "summary", "translation", "question")
Fields = Mapping[str, object]


def _header(**changes: object) -> dict[str, object]:
    plain: dict[str, object] = {
        "kind": "header",
        "schema": 1,
        "commit": "a" * 40,
        "dirty": False,
        "seed": 42,
        "corpus_sha256": "c" * 64,
        "model": "dddddddd/98362432",
        "emulator": "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)",
        "cases": IDS,
    }
    return {**plain, **changes}


def _case(case_id: str, **changes: object) -> dict[str, object]:
    plain: dict[str, object] = {
        "kind": "case",
        "case_id": case_id,
        "status": "ok",
        "latency_ms": 20_000.0,
        "prefill_cycles": 5_000_000,
        "prefill_tokens": 5,
        "decode_cycles": 20_000_000,
        "decode_tokens": 10,
        "ids": "0badcafe",
    }
    return {**plain, **changes}


def _failed(case_id: str) -> dict[str, object]:
    return {"kind": "case", "case_id": case_id, "status": "failed", "why": "time limit"}


def _bytes(*rows: Fields) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def _pack(changes: Mapping[str, Fields | None] | None = None, **header: object) -> Results:
    """A pack of four cases; of a case, what differs, or None where it has no line."""
    given_ = changes or {}
    rows = [
        _case(name, **(given_.get(name) or {})) for name in IDS if given_.get(name, {}) is not None
    ]
    return read_results(_bytes(_header(**header), *rows))


def _policy(*settings: str) -> Policy:
    policy = load(FOLDER / "m19.toml")
    for setting in settings:
        policy = policy.with_setting(*setting.split("="))
    return policy


def _compared(changes: Mapping[str, Fields | None], *settings: str) -> Compared:
    return compare(_pack(), _pack(changes, commit="b" * 40), _policy(*settings))


def _outcomes(compared: Compared) -> dict[str, Outcome]:
    return {row.case_id: row.outcome for row in compared.matrix.rows}


def test_two_like_packs_pass() -> None:
    compared = _compared({})
    assert compared.judgement.status == Status.PASS
    assert set(_outcomes(compared).values()) == {Outcome.SAME}
    assert finding(compared.judgement, "no_case_slower").samples == 4


@pytest.mark.parametrize(
    ("quantity", "change"),
    [
        ("latency", {"latency_ms": 24_000.0}),
        ("prefill", {"prefill_cycles": 6_000_000}),
        ("decode", {"decode_cycles": 24_000_000}),
    ],
)
def test_a_slower_case_is_the_only_regression(quantity: str, change: Fields) -> None:
    compared = _compared({"summary": change})
    failed = finding(compared.judgement, "no_case_slower")
    assert failed.status == Status.FAIL
    assert failed.places == ("summary",)
    assert f"{quantity} +20.0%" in failed.says
    row = compared.matrix.of(Outcome.REGRESSED)
    assert [(each.case_id, each.regressed) for each in row] == [("summary", (quantity,))]
    assert len(compared.matrix.of(Outcome.SAME)) == 3


@pytest.mark.parametrize(
    ("latency", "outcome"),
    [
        (22_999.0, Outcome.SAME),
        (23_001.0, Outcome.REGRESSED),
        (17_001.0, Outcome.SAME),
        (16_999.0, Outcome.IMPROVED),
    ],
)
def test_the_threshold_is_fifteen_percent(latency: float, outcome: Outcome) -> None:
    assert _outcomes(_compared({"summary": {"latency_ms": latency}}))["summary"] == outcome


@pytest.mark.parametrize("latency", [25_000.0, 15_000.0])
def test_a_change_of_just_the_threshold_is_none(latency: float) -> None:
    compared = _compared({"summary": {"latency_ms": latency}}, "regression_threshold=0.25")
    assert _outcomes(compared)["summary"] == Outcome.SAME


def test_cycles_are_shared_by_the_tokens_of_their_phase() -> None:
    case = _pack().cases["summary"]
    assert isinstance(case, Answered)
    assert case.cycles_per_token("prefill") == 1_000_000
    assert case.cycles_per_token("decode") == 2_000_000


def test_a_faster_case_passes_and_is_told() -> None:
    compared = _compared({"summary": {"decode_cycles": 10_000_000}})
    assert compared.judgement.status == Status.PASS
    assert finding(compared.judgement, "no_case_slower").says.endswith(
        "0 slower, 1 faster by more than 15%"
    )


def test_one_faster_phase_does_not_hide_a_slower_one() -> None:
    change = {"decode_cycles": 10_000_000, "prefill_cycles": 9_000_000}
    compared = _compared({"summary": change})
    assert _outcomes(compared)["summary"] == Outcome.REGRESSED


def test_a_missing_case_is_a_regression() -> None:
    compared = _compared({"summary": None})
    found = finding(compared.judgement, "cases_answered")
    assert (found.status, found.places) == (Status.FAIL, ("summary",))
    assert _outcomes(compared)["summary"] == Outcome.MISSING


def test_a_case_that_is_missing_in_both_packs_is_missing() -> None:
    compared = compare(_pack({"summary": None}), _pack({"summary": None}), _policy())
    assert finding(compared.judgement, "cases_answered").status == Status.FAIL


def test_a_failed_case_is_a_regression_also_without_the_gate() -> None:
    rows = [_failed(name) if name == "summary" else _case(name) for name in IDS]
    now = read_results(_bytes(_header(), *rows))
    compared = compare(_pack(), now, _policy("fail_on_regression=false"))
    found = finding(compared.judgement, "cases_answered")
    assert (found.status, found.says) == (Status.FAIL, "summary failed: time limit")


def test_a_case_that_only_the_baseline_lacks_is_repaired() -> None:
    compared = compare(_pack({"summary": None}), _pack(), _policy())
    assert compared.judgement.status == Status.PASS
    assert _outcomes(compared)["summary"] == Outcome.REPAIRED
    assert finding(compared.judgement, "no_case_slower").samples == 3


@pytest.mark.parametrize(
    "change", [{"ids": "12345678"}, {"decode_tokens": 5}, {"prefill_tokens": 4}]
)
def test_another_answer_is_not_faster(change: Fields) -> None:
    quick = {**change, "latency_ms": 1000.0, "decode_cycles": 1_000_000}
    compared = _compared({"summary": quick})
    found = finding(compared.judgement, "answers_match")
    assert (found.status, found.places) == (Status.FAIL, ("summary",))
    assert _outcomes(compared)["summary"] == Outcome.CHANGED


def test_another_answer_can_be_told_only() -> None:
    compared = _compared({"summary": {"ids": "12345678"}}, "fail_on_changed_answer=false")
    assert compared.judgement.status == Status.PASS
    found = finding(compared.judgement, "answers_match")
    assert found.says == "3 of 4 answers are those of the baseline"


def test_a_regression_can_be_told_only() -> None:
    compared = _compared({"summary": {"latency_ms": 90_000.0}}, "fail_on_regression=false")
    assert compared.judgement.status == Status.PASS
    assert "1 slower" in finding(compared.judgement, "no_case_slower").says


def test_few_cases_are_too_little() -> None:
    header = _header(cases=IDS[:2])
    pack = read_results(_bytes(header, *map(_case, IDS[:2])))
    found = finding(compare(pack, pack, _policy()).judgement, "no_case_slower")
    assert (found.status, found.samples, found.minimum) == (Status.INSUFFICIENT, 2, 3)


def test_without_a_measurement_of_a_phase_nothing_is_said_of_it() -> None:
    empty: dict[str, Fields | None] = {name: {"decode_cycles": 0} for name in IDS}
    compared = compare(_pack(empty), _pack(empty), _policy())
    found = finding(compared.judgement, "no_case_slower")
    assert found.status == Status.INSUFFICIENT
    assert "decode" in found.says


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"seed": 43}, "seed: 42 and 43"),
        ({"corpus_sha256": "e" * 64}, "corpus_sha256: cccc"),
        ({"model": "eeeeeeee/98362432"}, "model: dddd"),
        ({"emulator": "QEMU 9"}, "and QEMU 9"),
        ({"cases": (*IDS, "one_more")}, "cases: 4 cases and 5 cases"),
    ],
)
def test_unlike_packs_are_refused_with_what_differs(change: Fields, says: str) -> None:
    with pytest.raises(BenchmarkError, match="not alike") as caught:
        compare(_pack(), _pack(None, **change), _policy())
    assert says in str(caught.value)


def test_a_boot_that_never_said_its_model_is_a_regression_not_unlike() -> None:
    dead = _pack(dict.fromkeys(IDS), model="none")
    judgement = compare(_pack(), dead, _policy()).judgement
    assert judgement.status == Status.FAIL
    assert finding(judgement, "cases_answered").places == IDS


def test_all_that_differs_is_named() -> None:
    with pytest.raises(BenchmarkError, match="seed: 42 and 43; emulator: QEMU"):
        compare(_pack(), _pack(None, seed=43, emulator="QEMU 9"), _policy())


MATRIX = """\
# Benchmark: bbbbbbbbbbbb with changes against aaaaaaaaaaaa

Seed 42, corpus cccccccccccc, model dddddddd/98362432, QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3).
Slower and faster count from 15% on.

| case | outcome | latency | prefill | decode |
| --- | --- | --- | --- | --- |
| tiny_story | regressed | **+20.0%** | +0.0% | +0.0% |
| summary | improved | +0.0% | +0.0% | **-50.0%** |
| translation | missing | - | - | - |
| question | same | +0.0% | +0.0% | +0.0% |

1 same, 1 improved, 1 regressed, 1 missing.
"""


def test_the_matrix() -> None:
    changes: dict[str, Fields | None] = {
        "tiny_story": {"latency_ms": 24_000.0},
        "summary": {"decode_cycles": 10_000_000},
        "translation": None,
    }
    compared = compare(_pack(), _pack(changes, commit="b" * 40, dirty=True), _policy())
    assert matrix_md(compared.matrix) == MATRIX
    state = json.loads(state_json(compared.judgement))["state"]
    assert [each["outcome"] for each in state["cases"]] == [
        "regressed",
        "improved",
        "missing",
        "same",
    ]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([_case("summary"), _case("summary")], "3: summary has a line already$"),
        ([_case("other")], "2: other is no case of the header"),
        ([_case("summary", latency_ms=-1.0)], "2: ok.latency_ms"),
        ([_case("summary", latency_ms=0)], "2: ok.latency_ms"),
        ([_case("summary", decode_cycles=2**64)], "2: ok.decode_cycles"),
        ([_case("summary", decode_cycles="12")], "2: ok.decode_cycles"),
        ([_case("summary", ids="xyz")], "2: ok.ids"),
        ([_case("summary", status="skipped")], "2: "),
        ([_case("summary", more=1)], "2: ok.more"),
        ([{"kind": "case"}, {"kind": "case"}, _case("summary")], "2: .*and 1 more bad lines"),
    ],
)
def test_bad_lines_are_an_error_not_passed_over(rows: list[Fields], says: str) -> None:
    with pytest.raises(BenchmarkError, match=says):
        read_results(_bytes(_header(), *rows))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"{}\n",
        _bytes(_header())[:-1],
        _bytes(_header(), _case("summary"))[:-9],
        _bytes(_case("summary")),
        _bytes(_header(schema=2)),
        _bytes(_header(commit="HEAD")),
        _bytes(_header(cases=[])),
        _bytes(_header(cases=["twice", "twice"])),
        _bytes(_header(emulator="<script>")),
        _bytes(_header()) + b"\xff\xfe\n",
        _bytes(_header()) + b"\n",
        _bytes(_header()) + b'{"kind":"case","latency_ms":NaN}\n',
        b"[" * 100_000 + b"\n",
    ],
)
def test_what_is_no_pack_is_refused(content: bytes) -> None:
    with pytest.raises(BenchmarkError):
        read_results(content)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_keys = st.sampled_from([*_header(), *_case("summary"), "why"])
_rows = st.builds(
    lambda plain, changes: {**plain, **changes},
    st.sampled_from([_header(), _case("summary"), _failed("question")]),
    st.dictionaries(_keys, _json, max_size=2),
)


@given(st.binary() | st.lists(_rows, max_size=4).map(lambda rows: _bytes(*rows)))
def test_reading_raises_guardrail_errors_only(content: bytes) -> None:
    try:
        results = read_results(content)
    except GuardrailError:
        return
    compared = compare(results, results, _policy())
    assert matrix_md(compared.matrix)
    assert json.loads(state_json(compared.judgement))


@given(st.binary(max_size=8), st.integers(0, 10_000))
def test_a_damaged_pack_is_read_or_refused(noise: bytes, at: int) -> None:
    whole = _bytes(_header(), *map(_case, IDS))
    start = at % len(whole)
    damaged = whole[:start] + noise + whole[start + len(noise) :]
    try:
        read_results(damaged)
    except GuardrailError as error:
        assert str(error).startswith("results.jsonl:")
