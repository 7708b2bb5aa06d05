"""What a workflow must keep; each rule yields where it does not, and what to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from typer.testing import CliRunner

from tests.workflows.workflow import Step, Workflow
from tools.guardrails.__main__ import app
from tools.guardrails.catalogue import GUARDRAILS

Rule = Callable[[Workflow], Iterator[str]]

_COMMIT = re.compile(r"[\w./-]+@[0-9a-f]{40}")
_GIVEN = re.compile(r"\$\{\{")
_GOALS = frozenset({"check", "fmt", "lint", "package", "run", "test"})
_PROGRAM = "tools/guardrails:reliability"
_LONGEST_MINUTES = 360
_MADE_BY = MappingProxyType({"package firmware/scenarios::": "dist/firmware.scenarios"})
"""Folders that a step makes without naming them."""


def rights(workflow: Workflow) -> Iterator[str]:
    """Nothing in it may write to the repository."""
    if workflow.content.get("permissions") != {"contents": "read"}:
        yield "expected `permissions: contents: read` at the top"
    for job, content in workflow.jobs.items():
        if "permissions" in content:
            yield f"{job}: expected the permissions of the workflow, found its own"


def triggers(workflow: Workflow) -> Iterator[str]:
    """A change from a fork never meets a token that may write, or a secret."""
    if "pull_request_target" in workflow.triggers:
        yield "expected pull_request, found pull_request_target"


def scripts(workflow: Workflow) -> Iterator[str]:
    """What somebody else wrote is data: it reaches a script through its environment."""
    for step in workflow.steps:
        if _GIVEN.search(step.run):
            yield f"{step.place}: an expression inside `run`: hand it over in `env`"


def settings(workflow: Workflow) -> Iterator[str]:
    """Who reads an input checks it with the script that does."""
    for step in workflow.steps:
        given = any("inputs." in str(value) for value in step.content.get("env", {}).values())
        if given and ".github/settings" not in step.run:
            yield f"{step.place}: an input that .github/settings does not look at"


def pins(workflow: Workflow) -> Iterator[str]:
    for step in workflow.steps:
        if step.uses and not _COMMIT.fullmatch(step.uses):
            yield f"{step.place}: expected an action by its commit, found {step.uses}"
        if (
            step.uses.startswith("actions/checkout@")
            and _with(step, "persist-credentials") is not False
        ):
            yield f"{step.place}: expected persist-credentials: false"


def limits(workflow: Workflow) -> Iterator[str]:
    for job, content in workflow.jobs.items():
        minutes = content.get("timeout-minutes")
        if not isinstance(minutes, int) or not 0 < minutes < _LONGEST_MINUTES:
            yield f"{job}: expected timeout-minutes below {_LONGEST_MINUTES}, found {minutes}"


def targets(workflow: Workflow) -> Iterator[str]:
    """Each goal and target of a ./pants is there."""
    for step in workflow.steps:
        for words in step.calls("./pants"):
            goals, specs = _split(words)
            yield from (f"{step.place}: no goal {goal}" for goal in goals if goal not in _GOALS)
            yield from (f"{step.place}: no target {spec}" for spec in specs if not _is_there(spec))
            if not goals or not specs:
                yield f"{step.place}: expected ./pants GOAL TARGET"


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    ours = words[: words.index("--")] if "--" in words else words
    plain = [word for word in ours if not word.startswith("-")]
    return [w for w in plain if not _is_spec(w)], [w for w in plain if _is_spec(w)]


def _is_spec(word: str) -> bool:
    return ":" in word or "/" in word


def _is_there(spec: str) -> bool:
    folder, _, name = spec.partition(":")
    if name == ":":
        return any(Path(folder).glob("**/BUILD"))
    build = Path(folder, "BUILD")
    is_named = build.is_file() and f'name="{name}"' in build.read_text(encoding="utf-8")
    return is_named or (folder == "tools/guardrails" and name in GUARDRAILS)


def commands(workflow: Workflow) -> Iterator[str]:
    """Each `reliability` command is one, with options that it has."""
    for step in workflow.steps:
        for words in step.calls("./pants"):
            if _PROGRAM in words and "run" in words:
                command = words[words.index("--") + 1 :] if "--" in words else []
                said = _refused([word for word in command if not word.startswith("${")])
                yield from (f"{step.place}: {problem}" for problem in said)


def _refused(command: list[str]) -> Iterator[str]:
    """What the program says of a command line that asks for help, too: it reads all of it before it helps."""
    if not command:
        yield "expected a command"
        return
    done = CliRunner().invoke(app, [*command, "--help"])
    if done.exit_code != 0:
        boxed = [line.strip("│ ") for line in done.stderr.splitlines() if line.startswith("│")]
        yield f"reliability {' '.join(command)}: {' '.join(boxed)}"


def artefacts(workflow: Workflow) -> Iterator[str]:
    """A folder that is uploaded is made in the same job before, and kept for a time that is said."""
    for step in workflow.steps:
        if not step.uses.startswith("actions/upload-artifact@"):
            continue
        path = str(_with(step, "path"))
        before = [s for s in workflow.steps if s.job == step.job and s.number < step.number]
        if not any(_makes(each, path) for each in before):
            yield f"{step.place}: no step before it makes {path}"
        if _with(step, "if-no-files-found") != "error":
            yield f"{step.place}: expected if-no-files-found: error, so that nothing is no success"
        if not _with(step, "retention-days"):
            yield f"{step.place}: expected retention-days"


def _makes(step: Step, path: str) -> bool:
    script = step.run
    for program in re.findall(r"\.github/[\w-]+", script):
        script += Path(program).read_text(encoding="utf-8")
    made = re.findall(r"(?:mkdir -p|--output) (\S+)", script)
    made += [folder for call, folder in _MADE_BY.items() if call in script]
    return any(folder == path or folder.startswith(f"{path}/") for folder in made)


def waits(workflow: Workflow) -> Iterator[str]:
    """A newer push to a branch under review ends the run before it; a run of main is never ended."""
    concurrency = workflow.content.get("concurrency", {})
    if "github.ref" not in concurrency.get("group", ""):
        yield "expected a concurrency group for each branch"
    if concurrency.get("cancel-in-progress") != "${{ github.event_name == 'pull_request' }}":
        yield "expected cancel-in-progress for pull requests only"


def _with(step: Step, key: str) -> object:
    return step.content.get("with", {}).get(key)


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        rule.__name__: rule
        for rule in (
            rights,
            triggers,
            scripts,
            settings,
            pins,
            limits,
            targets,
            commands,
            artefacts,
            waits,
        )
    }
)


def problems(workflow: Workflow) -> list[tuple[str, str]]:
    """The rules that the workflow breaks, and where."""
    return [(name, problem) for name, rule in RULES.items() for problem in rule(workflow)]
