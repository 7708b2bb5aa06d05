"""Soaks: one volume booted again and again, each time until power fails at a write drawn from a seed.

Nothing comes between a cut and the next boot but a judge, which looks at the volume and at what the boots have said.
A chain of boots ends early with its first problem, so that its medium, OUTPUT/chain-N/disk.img, is as the judge saw it.
"""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import random
import signal
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Protocol

from tools.boot.bench import Booted, Inputs, Workbench, boot_once, set_up
from tools.boot.disk import DiskReport
from tools.boot.plan import Plan, plans
from tools.boot.scenario import Scenario, load
from tools.boot.volume import VolumeError, VolumeReader


class SoakError(Exception):
    """The soak cannot be made as asked."""


class Judge(Protocol):
    """Says what is wrong after a boot. An exception it raises is a problem too."""

    def __call__(self, volume: VolumeReader, logs: Sequence[str], boot: int, /) -> Sequence[str]:
        """`logs` is the serial line of each boot of this chain, the last that of `boot`, counted from 1."""


def no_judge(_volume: VolumeReader, _logs: Sequence[str], _boot: int) -> Sequence[str]:
    """Content with everything; how a boot ended is judged in any case."""
    return ()


@dataclass(frozen=True)
class Soak:
    """What to do: `boots` boots, divided among `jobs` chains, each on a volume of its own."""

    inputs: Inputs
    boots: int
    seed: int
    jobs: int
    output: Path
    """The folder for chain-N/disk.img and chain-N/boot-M/serial.log."""
    judge: Judge = no_judge


@dataclass(frozen=True)
class BootReport:
    """One boot. `cut_seed` in the scenario's row makes the same cut."""

    chain: int
    boot: int
    outcome: str
    exit_code: int | None
    wall_seconds: float
    cut_seed: int | None
    disk: DiskReport | None
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Summary:
    """A whole soak."""

    boots: int = 0
    cuts: int = 0
    cuts_with_losses: int = 0
    """Cuts that took at least a sector; the others left all that was written."""
    sectors_lost: int = 0
    problems: tuple[str, ...] = ()

    def and_boot(self, report: BootReport) -> Summary:
        """The summary with one more boot."""
        place = f"chain {report.chain}, boot {report.boot}"
        problems = (*self.problems, *(f"{place}: {problem}" for problem in report.problems))
        summary = replace(self, boots=self.boots + 1, problems=problems)
        return summary if report.disk is None else summary._and_disk(report.disk)

    def _and_disk(self, disk: DiskReport) -> Summary:
        return replace(
            self,
            cuts=self.cuts + disk.cut_came,
            cuts_with_losses=self.cuts_with_losses + (disk.sectors_lost > 0),
            sectors_lost=self.sectors_lost + disk.sectors_lost,
        )

    def and_problem(self, problem: str) -> Summary:
        """The summary with a problem that is no boot's."""
        return replace(self, problems=(*self.problems, problem))


def find_judge(name: str) -> Judge:
    """The judge at MODULE:NAME. Raises SoakError."""
    module, _, attribute = name.partition(":")
    try:
        judge: Judge = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise SoakError(f"no judge at {name!r} (MODULE:NAME): {error}") from error
    return judge


def soak(job: Soak, tell: Callable[[BootReport], None]) -> Summary:
    """Makes all boots, and tells of each when it is done. Raises SoakError, ScenarioError.

    The chains are processes: whatever ends this one with an exception ends them and their QEMU.
    """
    scenario = load(job.inputs.scenario)
    if not any(row.power_cut for row in scenario.rows):
        raise SoakError(f"{job.inputs.scenario}: no [[boot]] has a power_cut to draw from the seed")
    job.output.mkdir(parents=True)
    summary = Summary()
    with contextlib.closing(_reports(job, scenario)) as reports:
        for item in reports:
            if isinstance(item, BootReport):
                tell(item)
                summary = summary.and_boot(item)
            else:
                summary = summary.and_problem(item)
    if summary.boots and not summary.cuts:
        summary = summary.and_problem("no power cut came: boots write less than after_writes says")
    return summary


def _reports(job: Soak, scenario: Scenario) -> Generator[BootReport | str, None, None]:
    """What the chains say, as they say it."""
    chains: dict[Connection, BaseProcess] = {}
    try:
        for chain, boots in enumerate(share_out(job.boots, job.jobs), start=1):
            ours, theirs = multiprocessing.Pipe(duplex=False)
            process = multiprocessing.Process(
                name=f"chain {chain}",
                target=_chain_process,
                args=(job, scenario, chain, boots, theirs),
            )
            process.start()
            theirs.close()  # the chain's end is then the last, and its closing is seen
            chains[ours] = process
        yield from _listen(chains)
    finally:
        for started in chains.values():
            started.terminate()
            started.join()


def _listen(chains: dict[Connection, BaseProcess]) -> Iterator[BootReport | str]:
    talking = list(chains)
    while talking:
        for connection in wait(talking):
            assert isinstance(connection, Connection)
            try:
                message = connection.recv()
            except EOFError:
                message = f"{chains[connection].name} was ended from outside"
            if isinstance(message, BootReport | str):
                yield message
            if not isinstance(message, BootReport):
                talking.remove(connection)


def share_out(boots: int, jobs: int) -> list[int]:
    """How many boots each chain makes."""
    return [len(range(job, boots, jobs)) for job in range(min(jobs, boots))]


def _chain_process(
    job: Soak, scenario: Scenario, chain: int, boots: int, connection: Connection
) -> None:
    """A chain as a process of its own: its reports, then None, or the reason why it could not go on."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # unwinds, and so takes QEMU along
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's affair, which then ends this
    try:
        for report in _chain(job, scenario, chain, boots):
            connection.send(report)
        connection.send(None)
    except Exception as error:  # whatever it is, the soak has to hear of it
        connection.send(f"chain {chain}: {type(error).__name__}: {error}")


def _chain(job: Soak, scenario: Scenario, chain: int, boots: int) -> Iterator[BootReport]:
    folder = job.output / f"chain-{chain}"
    folder.mkdir()
    logs: list[str] = []
    with tempfile.TemporaryDirectory(prefix="llmb-") as temporary:
        bench = set_up(Path(temporary), job.inputs, folder / "disk.img")
        for plan in islice(plans(scenario), boots):
            drawn = _draw(plan, job.seed, chain)
            boot_folder = folder / f"boot-{plan.number}"
            booted = boot_once(bench, scenario, drawn, boot_folder)
            logs.append((boot_folder / "serial.log").read_text("utf-8", errors="replace"))
            report = _report(booted, chain, _problems(job, bench, booted, logs))
            yield report
            if report.problems:
                return


def _draw(plan: Plan, seed: int, chain: int) -> Plan:
    """The plan with a power cut of its own."""
    cut = plan.given.power_cut
    if cut is None:
        return plan
    drawn = random.Random(f"{seed}/{chain}/{plan.number}").getrandbits(32)
    row = plan.given.model_copy(update={"power_cut": cut.model_copy(update={"seed": drawn})})
    return replace(plan, given=row)


def _report(booted: Booted, chain: int, problems: tuple[str, ...]) -> BootReport:
    cut = booted.plan.given.power_cut
    return BootReport(
        chain=chain,
        boot=booted.plan.number,
        outcome=booted.ending.outcome,
        exit_code=booted.ending.exit_code,
        wall_seconds=booted.ending.wall_seconds,
        cut_seed=cut.seed if cut is not None else None,
        disk=booted.disk,
        problems=problems,
    )


def _problems(job: Soak, bench: Workbench, booted: Booted, logs: Sequence[str]) -> tuple[str, ...]:
    return (*_problems_of_end(booted), *_judged(job.judge, bench, logs, booted.plan.number))


def _problems_of_end(booted: Booted) -> Iterator[str]:
    """A boot ends by a power cut, or as it should."""
    ending, expected = booted.ending, booted.plan.settings.expected_exit
    if ending.outcome == "debug_exit" and ending.exit_code != expected:
        yield f"exit code {ending.exit_code}, expected {expected}"
    elif ending.outcome not in ("debug_exit", "power_cut"):
        yield f"the boot ended by {ending.outcome}"
    if booted.volume_problem is not None:
        yield booted.volume_problem


def _judged(judge: Judge, bench: Workbench, logs: Sequence[str], boot: int) -> Sequence[str]:
    try:
        return judge(VolumeReader(bench.image), tuple(logs), boot)
    except VolumeError as error:
        return (str(error),)
    except Exception as error:  # a judge that fails has not acquitted
        return (f"the judge failed: {type(error).__name__}: {error}",)
