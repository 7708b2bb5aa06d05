"""Tests against mutants: a plugin of pytest, which runs in place of its loop over the tests.

Tests are collected once. Then a process is forked for each mutant, and runs those that reach it.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from tests.mutations.comparisons import Mutant
from tests.mutations.patch import loaded, put_in_place

CPU_SECONDS = 60
"""Of a trial; a mutant that makes a loop endless is ended then, and counts as noticed."""
MEMORY_BYTES = 2 << 30
"""That a process may take beside what it has when it is forked, mutant or not: no list grows for ever."""


class TrialError(Exception):
    """Nothing can be said about mutants: the tests fail without one, or a trial ended in a way that is no verdict."""


class Outcome(IntEnum):
    """What came of a trial: how its process ends."""

    SURVIVED = 0
    KILLED = 1
    BROKEN = 2


@dataclass(frozen=True)
class Reach:
    """What one test ran, when nothing was mutated."""

    test: int
    """Its place in the order of collection."""
    calls: int
    """How many functions were called: what it costs, whatever the machine."""
    functions: frozenset[tuple[str, int]]
    """Those of the mutated modules: file and first line."""


class Trials:
    """The plugin. `outcomes` has each mutant's once pytest has ended; `warm_up` is done once before all of them."""

    def __init__(
        self, mutants: Sequence[Mutant], workers: int, warm_up: Callable[[], None]
    ) -> None:
        self.outcomes: dict[Mutant, Outcome] = {}
        self.error: TrialError | None = None
        """Why there are no outcomes."""
        self._mutants = mutants
        self._workers = workers
        self._warm_up = warm_up
        self._problems: list[str] = []

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._problems.append(f"{report.nodeid}: {report.longreprtext}")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        try:
            self._try_all(session.items)
        except TrialError as error:
            self.error = error
        return True

    def _try_all(self, items: Sequence[pytest.Item]) -> None:
        if self._problems:
            raise TrialError("\n".join(self._problems))
        if not items:
            raise TrialError("expected tests to run against mutants, found none")
        self._warm_up()
        functions = loaded({mutant.place.path for mutant in self._mutants})
        files = {each[0].__code__.co_filename: path for path, each in functions.items() if each}
        reached = _reaches(items, files)
        tasks = (
            (each, _trial(each, functions[each.place.path], _tests(each, reached, items)))
            for each in self._mutants
        )
        self.outcomes.update(_forked(tasks, self._workers))


def _tests(
    mutant: Mutant, reached: Sequence[Reach], items: Sequence[pytest.Item]
) -> tuple[pytest.Item, ...]:
    """Those that run the function, the cheapest first."""
    key = mutant.place.path, mutant.place.first_line
    reaching = [each for each in reached if key in each.functions]
    return tuple(items[each.test] for each in sorted(reaching, key=lambda each: each.calls))


# ---- without a mutant ----


def _reaches(items: Sequence[pytest.Item], files: Mapping[str, str]) -> tuple[Reach, ...]:
    """What each test runs. Raises TrialError when one fails."""
    answer = json.loads(_answered(lambda: _traced(items, files)))
    if "failed" in answer:
        raise TrialError(f"without a mutant, {answer['failed']}")
    return tuple(
        Reach(test, calls, frozenset((path, line) for path, line in functions))
        for test, (calls, functions) in enumerate(answer["reached"])
    )


def _traced(items: Sequence[pytest.Item], files: Mapping[str, str]) -> object:
    reached: list[tuple[int, list[tuple[str, int]]]] = []
    for item, following in _with_next(items):
        calls, codes = 0, set[CodeType]()

        def note(frame: FrameType, event: str, _: Any) -> None:
            nonlocal calls
            if event == "call":
                calls += 1
                codes.add(frame.f_code)

        sys.setprofile(note)
        problem = _problem(item, following)
        sys.setprofile(None)
        if problem:
            return {"failed": f"{item.nodeid} fails:\n{problem}"}
        functions = {
            (files[code.co_filename], code.co_firstlineno)
            for code in codes
            if code.co_filename in files
        }
        reached.append((calls, sorted(functions)))
    return {"reached": reached}


def _with_next(
    items: Sequence[pytest.Item],
) -> Iterator[tuple[pytest.Item, pytest.Item | None]]:
    return zip(items, [*items[1:], None])


def _problem(item: pytest.Item, following: pytest.Item | None) -> str:
    """What pytest says of a test that fails; nothing of one that passes."""
    reports = runtestprotocol(item, log=False, nextitem=following)
    return "\n".join(report.longreprtext for report in reports if report.failed)


# ---- with one ----


def _trial(
    mutant: Mutant, functions: Sequence[FunctionType], tests: Sequence[pytest.Item]
) -> Callable[[], Outcome]:
    def run() -> Outcome:
        put_in_place(mutant, functions)
        killed = any(_problem(item, following) for item, following in _with_next(tests))
        return Outcome.KILLED if killed else Outcome.SURVIVED

    return run


# ---- processes ----


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _fork(work: Callable[[], int], scratch: str) -> int:
    """Do something in a process of its own, whose status is the answer; temporary files go below `scratch`."""
    sys.stdout.flush()
    sys.stderr.flush()
    if pid := os.fork():
        return pid
    code = int(Outcome.BROKEN)
    try:
        os.environ["PYTEST_DEBUG_TEMPROOT"] = scratch
        _limit_memory()
        code = work()
    except BaseException:  # whatever it is, this copy of the process ends here
        traceback.print_exc(file=sys.__stderr__)
    finally:
        os._exit(code)


def _answered(work: Callable[[], object]) -> bytes:
    """What the work gives, as JSON, done in a process of its own. Raises TrialError."""
    reader, writer = os.pipe()

    def write() -> int:
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(json.dumps(work()).encode())
        return 0

    with tempfile.TemporaryDirectory() as scratch:
        pid = _fork(write, scratch)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            answer = pipe.read()
        _, status = os.waitpid(pid, 0)
    if status:
        raise TrialError(f"the tests without a mutant: the process ended with status {status}")
    return answer


def _forked(
    tasks: Iterator[tuple[Mutant, Callable[[], Outcome]]], workers: int
) -> Iterator[tuple[Mutant, Outcome]]:
    """Each trial in a process of its own, some at a time. Raises TrialError."""
    running: dict[int, tuple[Mutant, str]] = {}
    for mutant, trial in tasks:
        if len(running) == workers:
            yield _ended(running)
        scratch = tempfile.mkdtemp()
        running[_fork(lambda: _limited(trial), scratch)] = mutant, scratch
    while running:
        yield _ended(running)


def _limited(trial: Callable[[], Outcome]) -> int:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    return trial()


def _ended(running: dict[int, tuple[Mutant, str]]) -> tuple[Mutant, Outcome]:
    pid, status = os.wait()
    mutant, scratch = running.pop(pid)
    shutil.rmtree(scratch, ignore_errors=True)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU:
        return mutant, Outcome.KILLED
    if not os.WIFEXITED(status) or os.WEXITSTATUS(status) >= Outcome.BROKEN:
        raise TrialError(
            f"{mutant.name}: the trial ended with status {status}, which is no verdict"
        )
    return mutant, Outcome(os.WEXITSTATUS(status))
