"""The corpus: what can be run is refused or written as it is, and the scenario is what the corpus says."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.guardrails.benchmark.corpus import (
    CORPUS,
    Corpus,
    CorpusCase,
    Sampling,
    load_corpus,
    scenario_toml,
)
from tools.guardrails.benchmark.results import BenchmarkError


def test_the_scenario_is_made_from_the_corpus() -> None:
    """Mended by `reliability bench scenario > firmware/scenarios/benchmark.toml`."""
    written = Path("firmware/scenarios/benchmark.toml").read_text(encoding="utf-8")
    assert written == scenario_toml(load_corpus())


_case = st.builds(
    CorpusCase,
    id=st.from_regex(r"[a-z0-9_]{1,12}", fullmatch=True),
    category=st.just("any"),
    prompt=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60).filter(
        lambda text: not text.startswith("/")
    ),
    max_new_tokens=st.integers(1, 4096),
)
_sampling = Sampling(seed=42, temperature="0.8", top_p="0.95", top_k=40)  # type: ignore[arg-type] # parsed


@given(cases=st.lists(_case, min_size=1, max_size=4).map(tuple))
def test_every_prompt_is_typed_as_it_stands(cases: tuple[CorpusCase, ...]) -> None:
    scenario = tomllib.loads(scenario_toml(Corpus("0" * 64, _sampling, cases)))
    assert scenario["autorun"][-1] == "/poweroff"
    assert scenario["autorun"][3:-1:4] == [case.prompt for case in cases]
    assert scenario["autorun"][1:-1:4] == ["/seed 42"] * len(cases)
    assert scenario["autorun"][2:-1:4] == [f"/max_tokens {c.max_new_tokens}" for c in cases]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('id = "qa_reasoning_simple"', 'id = "tiny_story_seed"', "a case is named twice"),
        ("max_new_tokens = 64", "max_new_tokens = 0", "case.0.max_new_tokens"),
        ('prompt = "Write', 'prompt = "/poweroff', "case.0.prompt"),
        ("seed = 42", "seed = -1", "sampling.seed"),
        ("top_k = 40", "top_q = 40", "sampling.top_k"),
        ("[sampling]", "[sampling", "corpus.toml"),
    ],
)
def test_a_corpus_that_cannot_be_run_is_said(tmp_path: Path, old: str, new: str, says: str) -> None:
    text = CORPUS.read_text(encoding="utf-8")
    assert text.count(old) == 1
    (tmp_path / "corpus.toml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(BenchmarkError) as caught:
        load_corpus(tmp_path / "corpus.toml")
    assert says in str(caught.value)


def test_any_change_of_the_file_is_another_corpus(tmp_path: Path) -> None:
    (tmp_path / "corpus.toml").write_bytes(CORPUS.read_bytes() + b"\n")
    assert load_corpus(tmp_path / "corpus.toml").sha256 != load_corpus().sha256
