"""`bench`: the benchmark pack."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tools.guardrails import policy as policies
from tools.guardrails import recording, report, session
from tools.guardrails.benchmark.compare import compare, matrix_md
from tools.guardrails.benchmark.corpus import SCENARIO, load_corpus, scenario_toml
from tools.guardrails.benchmark.pack import results_jsonl
from tools.guardrails.benchmark.results import read_results
from tools.guardrails.captures import read_capture
from tools.guardrails.commands.common import Captures, Settings, told
from tools.guardrails.errors import GuardrailError
from tools.guardrails.facts import capture_facts
from tools.guardrails.files import replace_file

app = typer.Typer(help="The benchmark pack: run it, compare commits.", no_args_is_help=True)


@app.command("scenario")
def bench_scenario() -> None:
    """firmware/scenarios/benchmark.toml, made from the corpus, on standard output."""
    with told():
        typer.echo(scenario_toml(load_corpus()), nl=False)


@app.command("run")
def bench_run(
    output: Annotated[Path, typer.Option(help="Where results.jsonl goes.")],
    captures: Captures = session.CAPTURES,
) -> None:
    """results.jsonl of the benchmark's capture (./pants package firmware/scenarios:benchmark boots it)."""
    with told():
        table = session.marker_table()
        capture = read_capture(captures / SCENARIO, table)
        text = results_jsonl(capture, capture_facts(capture), load_corpus(), recording.checkout())
    replace_file(output, text)


@app.command("compare")
def bench_compare(
    baseline: Annotated[Path, typer.Argument(help="results.jsonl of the commit before.")],
    current: Annotated[Path, typer.Argument(help="results.jsonl of this one.")],
    output: Annotated[Path, typer.Option(help="Folder for benchmark-compare.md and .json.")],
    settings: Settings = None,
) -> None:
    """The matrix of two commits: each case slower, faster, failed, missing or the same."""
    with told():
        policy = policies.load_all(settings=settings or ())["m19"]
        before, now = (read_results(_bytes(path), str(path)) for path in (baseline, current))
        compared = compare(before, now, policy)
    replace_file(output / "benchmark-compare.md", matrix_md(compared.matrix))
    replace_file(output / "benchmark-compare.json", report.state_json(compared.judgement))
    typer.echo(matrix_md(compared.matrix), nl=False)
    typer.echo(compared.judgement.line())
    raise typer.Exit(session.exit_code(compared.judgement, policy))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise GuardrailError(f"{path}: {error.strerror}") from error
