"""`reliability`: judge boots of the firmware by every milestone, and keep the history of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tools.guardrails import console as consoles
from tools.guardrails import policy as policies
from tools.guardrails import recording, report, session
from tools.guardrails.benchmark.compare import compare, matrix_md
from tools.guardrails.benchmark.corpus import SCENARIO, load_corpus, scenario_toml
from tools.guardrails.benchmark.pack import results_jsonl
from tools.guardrails.benchmark.results import read_results
from tools.guardrails.captures import by_scenario, find_captures, read_capture
from tools.guardrails.catalogue import COMPARED, GUARDRAILS
from tools.guardrails.errors import GuardrailError, LedgerError
from tools.guardrails.evidence import Evidence
from tools.guardrails.facts import capture_facts
from tools.guardrails.files import replace_file
from tools.guardrails.judges.reasons.explanation import explain, pack
from tools.guardrails.ledger import store
from tools.guardrails.policy_file import policy_file
from tools.guardrails.policy_table import policies_md
from tools.guardrails.session import Exit
from tools.guardrails.verdict import Judgement

app = typer.Typer(
    add_completion=False, help=__doc__, no_args_is_help=True, pretty_exceptions_enable=False
)
ledger_app = typer.Typer(help="The history of recorded runs.", no_args_is_help=True)
policy_app = typer.Typer(help="Every threshold.", no_args_is_help=True)
app.add_typer(ledger_app, name="ledger")
bench_app = typer.Typer(help="The benchmark pack: run it, compare commits.", no_args_is_help=True)
app.add_typer(policy_app, name="policy")
app.add_typer(bench_app, name="bench")

LedgerFolder = Annotated[Path, typer.Option("--ledger", help="Folder of the ledger.")]
Captures = Annotated[
    Path,
    typer.Option(
        "--captures", help="Folder of captures, as ./pants package firmware/scenarios:: leaves it."
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="MILESTONE.KEY=VALUE over the policy's value; repeatable."),
]
Names = Annotated[
    list[str] | None, typer.Argument(help="Guardrails, as m9; all when none is named.")
]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]


@contextmanager
def _told() -> Iterator[None]:
    """An error is one line, and exit status 4."""
    try:
        yield
    except GuardrailError as error:
        typer.echo(f"could not run: {error}", err=True)
        raise typer.Exit(Exit.COULD_NOT_RUN) from error


@app.command()
def judge(
    name: Annotated[str, typer.Argument(help="A guardrail, as m9.")],
    output: Annotated[Path, typer.Option(help="Folder for state.json, report.md and junit.xml.")],
    capture: Annotated[list[Path], typer.Option(help="Folder of a capture; one a scenario.")],
    ledger: LedgerFolder,
) -> None:
    """One verdict, on one line, and its files: what the `guardrail` targets run."""
    with _told():
        guardrail, table = session.find(name), session.marker_table()
        captures = by_scenario(read_capture(folder, table) for folder in capture)
        evidence = session.gather(table, captures, ledger)
        judgement = session.judge(guardrail, evidence)
    policy = session.policy_of(guardrail, evidence)
    report.write(judgement, policy.title, output)
    typer.echo(judgement.line())
    raise typer.Exit(session.exit_code(judgement, policy))


def _gather(captures: Path, ledger: Path, settings: list[str] | None) -> Evidence:
    table = session.marker_table()
    return session.gather(table, find_captures(captures, table), ledger, settings or ())


def _judge_all(evidence: Evidence, names: list[str] | None) -> Mapping[str, Judgement]:
    guardrails = [session.find(name) for name in names or GUARDRAILS]
    return {guardrail.name: session.judge(guardrail, evidence) for guardrail in guardrails}


def _worst(evidence: Evidence, judgements: Mapping[str, Judgement]) -> Exit:
    return session.worst(
        session.exit_code(judgement, session.policy_of(GUARDRAILS[name], evidence))
        for name, judgement in judgements.items()
    )


def _show(judgements: Mapping[str, Judgement], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([each.as_json() for each in judgements.values()], indent=2))
    else:
        consoles.show_judgements(Console(), judgements)


@app.command()
def check(
    names: Names = None,
    captures: Captures = session.CAPTURES,
    ledger: LedgerFolder = session.LEDGER,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Judge the captures there are. Boots nothing, writes nothing."""
    with _told():
        evidence = _gather(captures, ledger, settings)
        judgements = _judge_all(evidence, names)
    _show(judgements, as_json)
    raise typer.Exit(_worst(evidence, judgements))


@app.command("explain")
def explain_decision(
    scenario: Annotated[str, typer.Argument(help="A captured scenario, as organism.")],
    event: Annotated[
        int | None, typer.Argument(help="Event id of a decision; the last one when it is left out.")
    ] = None,
    captures: Captures = session.CAPTURES,
) -> None:
    """One decision in words: its reason, where each number comes from, and what came of it."""
    with _told():
        capture = read_capture(captures / scenario, session.marker_table())
        text = explain(pack(capture), event)
    typer.echo(text)


@app.command()
def replay(
    folder: Annotated[Path, typer.Argument(help="Folder of captures, stored at any time.")],
    output: Annotated[Path, typer.Option(help="Folder for a folder of files a guardrail.")],
    ledger: LedgerFolder = session.LEDGER,
    settings: Settings = None,
) -> None:
    """Judge stored captures again and write every verdict's files: the same bytes on any day and machine."""
    with _told():
        evidence = _gather(folder, ledger, settings)
        judgements = _judge_all(evidence, None)
    for name, judgement in judgements.items():
        title = session.policy_of(GUARDRAILS[name], evidence).title
        report.write(judgement, title, output / name)
        typer.echo(judgement.line())
    raise typer.Exit(_worst(evidence, judgements))


@app.command()
def record(
    captures: Captures = session.CAPTURES,
    ledger: LedgerFolder = session.LEDGER,
    checkout: Annotated[
        Path, typer.Option(help="The git checkout that the image was built from.")
    ] = Path("."),
    dirty: Annotated[
        bool, typer.Option("--dirty", help="Also when files differ from the commit.")
    ] = False,
) -> None:
    """Judge the captures, and append the run to the ledger with its verdicts, whatever they are."""
    with _told():
        built = recording.checkout(checkout)
        if built.dirty and not dirty:
            raise LedgerError(
                "files differ from the commit: commit them, or record the run as dirty with --dirty"
            )
        evidence = _gather(captures, ledger, None)
        judgements = _judge_all(evidence, None)
        run = recording.record(ledger, evidence.only(sorted(COMPARED)), judgements, built)
    _show(judgements, as_json=False)
    typer.echo(f"recorded as run {run.sequence}, {run.commit[:12]}")
    raise typer.Exit(_worst(evidence, judgements))


@ledger_app.command()
def verify(ledger: LedgerFolder = session.LEDGER) -> None:
    """Check every line: the chain of hashes, HEAD, and that each can be read."""
    with _told():
        runs = sum(1 for _ in store.read(ledger).newest_first())
    if runs == 0:
        typer.echo(f"{ledger}: no run is recorded there", err=True)
        raise typer.Exit(Exit.INSUFFICIENT)
    typer.echo(f"{runs} runs, none edited")


@ledger_app.command("show")
def show_ledger(
    ledger: LedgerFolder = session.LEDGER,
    last: Annotated[int, typer.Option(min=1, help="How many runs, newest first.")] = 20,
) -> None:
    """The newest runs and their verdicts."""
    with _told():
        runs = [run for run, _ in zip(store.read(ledger).newest_first(), range(last))]
    consoles.show_runs(Console(), runs)


def _policies(
    show: Callable[[Mapping[str, policies.Policy]], None], settings: list[str] | None
) -> None:
    with _told():
        loaded = policies.load_all(settings=settings or ())
    show(loaded)


@policy_app.command("show")
def show_policy(settings: Settings = None, as_json: AsJson = False) -> None:
    """Every value in force, with its origin, default and bounds."""
    if as_json:
        _policies(lambda loaded: typer.echo(consoles.policies_json(loaded)), settings)
    else:
        _policies(
            lambda loaded: consoles.show_policies(Console(), loaded, changed_only=False), settings
        )


@policy_app.command()
def diff(settings: Settings = None) -> None:
    """Only the values that are not the default, and why."""
    _policies(lambda loaded: consoles.show_policies(Console(), loaded, changed_only=True), settings)


@policy_app.command("file")
def write_policy_file(
    output: Annotated[Path, typer.Option(help="Where policy.cfg goes.")],
    ledger: LedgerFolder = session.LEDGER,
) -> None:
    """policy.cfg: what quarantine, canary and curriculum ask of the guest since the newest run."""
    with _told():
        newest = next(store.read(ledger).newest_first(), None)
        if newest is None:
            raise LedgerError(
                f"{ledger}: no run is recorded there, so nothing is asked of the guest"
            )
        text = policy_file(newest.states).decode("ascii")
    replace_file(output, text)
    typer.echo(text, nl=False)


@policy_app.command()
def docs() -> None:
    """docs/policies.md, on standard output."""
    _policies(lambda loaded: typer.echo(policies_md(loaded), nl=False), None)


@bench_app.command("scenario")
def bench_scenario() -> None:
    """firmware/scenarios/benchmark.toml, made from the corpus, on standard output."""
    with _told():
        typer.echo(scenario_toml(load_corpus()), nl=False)


@bench_app.command("run")
def bench_run(
    output: Annotated[Path, typer.Option(help="Where results.jsonl goes.")],
    captures: Captures = session.CAPTURES,
) -> None:
    """results.jsonl of the benchmark's capture (./pants package firmware/scenarios:benchmark boots it)."""
    with _told():
        table = session.marker_table()
        capture = read_capture(captures / SCENARIO, table)
        text = results_jsonl(capture, capture_facts(capture), load_corpus(), recording.checkout())
    replace_file(output, text)


@bench_app.command("compare")
def bench_compare(
    baseline: Annotated[Path, typer.Argument(help="results.jsonl of the commit before.")],
    current: Annotated[Path, typer.Argument(help="results.jsonl of this one.")],
    output: Annotated[Path, typer.Option(help="Folder for benchmark-compare.md and .json.")],
    settings: Settings = None,
) -> None:
    """The matrix of two commits: each case slower, faster, failed, missing or the same."""
    with _told():
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


if __name__ == "__main__":
    sys.exit(app())
