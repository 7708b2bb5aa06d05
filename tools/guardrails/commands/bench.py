"""`bench`: the benchmark pack."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import structlog
import typer
from rich.console import Console

from tools.guardrails import policy as policies
from tools.guardrails import report, session
from tools.guardrails.benchmark.commits import Work, build, measure, resolve
from tools.guardrails.benchmark.compare import Compared, compare, matrix_md
from tools.guardrails.benchmark.corpus import SCENARIO, load_corpus, scenario_toml
from tools.guardrails.benchmark.pack import results_jsonl
from tools.guardrails.benchmark.results import read_results
from tools.guardrails.captures import read_capture
from tools.guardrails.checkout import checkout
from tools.guardrails.commands.common import AsJson, Captures, Settings, told
from tools.guardrails.errors import GuardrailError
from tools.guardrails.facts import capture_facts
from tools.guardrails.files import replace_file
from tools.guardrails.session import Exit
from tools.guardrails.verdict import Status

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
        text = results_jsonl(capture, capture_facts(capture), load_corpus(), checkout())
    replace_file(output, text)
    typer.echo(f"{output}: {len(text.splitlines()) - 1} cases")


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
    raise typer.Exit(_report(compared, output, as_json=False))


def _report(compared: Compared, output: Path, *, as_json: bool) -> Exit:
    state = report.state_json(compared.judgement)
    replace_file(output / "benchmark-compare.md", matrix_md(compared.matrix))
    replace_file(output / "benchmark-compare.json", state)
    if as_json:
        typer.echo(state, nl=False)
    else:
        typer.echo(matrix_md(compared.matrix), nl=False)
        typer.echo(compared.judgement.line())
    return _ENDS[compared.judgement.status]


_ENDS = {
    Status.PASS: Exit.PASS,
    Status.FAIL: Exit.FAIL,
    Status.INSUFFICIENT: Exit.INSUFFICIENT,  # somebody asked: an answer that is none must be seen
}


@app.command("commits")
def bench_commits(
    before: Annotated[str, typer.Argument(help="A commit, as git names it.")],
    now: Annotated[str, typer.Argument(help="The commit that is compared with it.")] = "HEAD",
    repository: Annotated[Path, typer.Option(help="Where both commits are.")] = Path("."),
    output: Annotated[
        Path, typer.Option(help="New folder for clones, captures, results and the matrix.")
    ] = Path("dist/bench"),
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Build two commits from clean clones, boot each with the benchmark's prompts, and compare."""
    console = Console(stderr=True)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))  # of the boots
    with told():
        policy = policies.load_all(settings=settings or ())["m19"]
        if output.exists():
            raise GuardrailError(f"{output} is there already: name a new folder with --output")
        names = {"before": before, "now": now}
        works = {
            side: Work(repository, resolve(repository, name), output / side)
            for side, name in names.items()
        }
        with console.status("building") as status, ThreadPoolExecutor(len(works)) as pool:
            images = {side: _build(console, work) for side, work in works.items()}
            status.update("booting both: minutes, for every token is counted")
            table = session.marker_table()
            measured = {
                side: pool.submit(measure, work, images[side], table)
                for side, work in works.items()
            }
            texts = {side: future.result() for side, future in measured.items()}
        for side, text in texts.items():
            replace_file(output / side / "results.jsonl", text)
        packs = {side: read_results(text.encode(), side) for side, text in texts.items()}
        compared = compare(packs["before"], packs["now"], policy)
    raise typer.Exit(_report(compared, output, as_json=as_json))


def _build(console: Console, work: Work) -> Path:
    image = build(work)
    console.print(f"built {work.commit[:12]}")
    return image


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise GuardrailError(f"{path}: {error.strerror}") from error
