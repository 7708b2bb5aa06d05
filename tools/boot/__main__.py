"""`python -m tools.boot`: boot an image in QEMU, unattended or on this terminal."""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Optional

import typer

from tools.boot import capture as capturing
from tools.boot import installed, interactive
from tools.boot import soak as soaking
from tools.boot.qemu import Firmware
from tools.boot.scenario import ScenarioError
from tools.boot.volume import VolumeError

TIME_LIMIT_STATUS = 3

app = typer.Typer(add_completion=False, help=__doc__)

Image = Annotated[
    Path, typer.Option(help="Disk image; it is not changed.", exists=True, dir_okay=False)
]
Qemu = Annotated[
    Optional[Path], typer.Option(help="qemu-system-x86_64; default: the installed one.")
]
OvmfCode = Annotated[
    Optional[Path], typer.Option(help="UEFI firmware; default: the installed one.")
]
OvmfVars = Annotated[
    Optional[Path], typer.Option(help="Its variables; default: the installed ones.")
]


def _firmware(code: Path | None, variables: Path | None) -> Firmware:
    return Firmware(
        installed.find(installed.OVMF_CODE, code),
        installed.find(installed.OVMF_VARIABLES, variables),
    )


def _inputs(
    image: Path, scenario: Path, qemu: Path | None, code: Path | None, variables: Path | None
) -> capturing.Inputs:
    emulator = installed.find(installed.QEMU, qemu)
    return capturing.Inputs(image, scenario, emulator, _firmware(code, variables))


def _unwind_when_stopped() -> None:
    """A polite request to stop takes QEMU along."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def _fail(error: Exception) -> typer.Exit:
    typer.echo(f"tools.boot: {error}", err=True)
    return typer.Exit(1)


@app.command()
def capture(
    image: Image,
    scenario: Annotated[Path, typer.Option(help="What to boot it with (TOML).", exists=True)],
    output: Annotated[Path, typer.Option(help="New folder for the capture.")],
    qemu: Qemu = None,
    ovmf_code: OvmfCode = None,
    ovmf_vars: OvmfVars = None,
) -> None:
    """Run a scenario under an instruction-counted clock and keep what happened.

    Ends with 0 however the guest behaved; with 3 when a boot reached its time limit (the capture is made, and another
    try might show more); with 1 when no capture could be made.
    """
    _unwind_when_stopped()
    try:
        final = capturing.capture(_inputs(image, scenario, qemu, ovmf_code, ovmf_vars), output)
    except (installed.NotInstalled, ScenarioError, VolumeError, OSError) as error:
        raise _fail(error) from error
    if not final:
        raise typer.Exit(TIME_LIMIT_STATUS)


@app.command()
def soak(
    image: Image,
    scenario: Annotated[
        Path, typer.Option(help="Its [[boot]] rows are taken in turn.", exists=True)
    ],
    output: Annotated[Path, typer.Option(help="New folder for the logs and the media.")],
    boots: Annotated[int, typer.Option(help="How many boots in all.", min=1)] = 200,
    seed: Annotated[int, typer.Option(help="Draws each boot's power cut.")] = 1,
    jobs: Annotated[int, typer.Option(help="Chains at a time, a volume each.", min=1)] = 1,
    judge: Annotated[
        Optional[str], typer.Option(help="MODULE:NAME, called after each boot.")
    ] = None,
    qemu: Qemu = None,
    ovmf_code: OvmfCode = None,
    ovmf_vars: OvmfVars = None,
) -> None:
    """Boot one volume again and again, each time until power fails during a write.

    Prints a line of JSON a boot and one for all. Ends with 1 when there was any problem.
    """
    _unwind_when_stopped()
    try:
        job = soaking.Soak(
            inputs=_inputs(image, scenario, qemu, ovmf_code, ovmf_vars),
            boots=boots,
            seed=seed,
            jobs=jobs,
            output=output,
            judge=soaking.find_judge(judge) if judge is not None else soaking.no_judge,
        )
        summary = _soak_visibly(job)
    except (installed.NotInstalled, ScenarioError, soaking.SoakError, OSError) as error:
        raise _fail(error) from error
    _print_json(summary)
    if summary.problems:
        raise typer.Exit(1)


def _soak_visibly(job: soaking.Soak) -> soaking.Summary:
    """Soaks, with a progress bar on a terminal's standard error."""
    from rich.console import Console  # here: captures need no progress bar
    from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (*Progress.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("boots", total=job.boots)

        def tell(report: soaking.BootReport) -> None:
            _print_json(report)
            progress.advance(task)

        return soaking.soak(job, tell)


def _print_json(record: soaking.BootReport | soaking.Summary) -> None:
    print(json.dumps(asdict(record)), flush=True)


@app.command()
def run(
    image: Image,
    qemu: Qemu = None,
    ovmf_code: OvmfCode = None,
    ovmf_vars: OvmfVars = None,
    memory_mib: Annotated[int, typer.Option(help="Memory of the machine in MiB.")] = 2048,
) -> None:
    """Boot on this terminal, to chat with; nothing the guest writes is kept."""
    try:
        emulator = installed.find(installed.QEMU, qemu)
        interactive.run(emulator, _firmware(ovmf_code, ovmf_vars), image, memory_mib)
    except (installed.NotInstalled, OSError) as error:
        raise _fail(error) from error


if __name__ == "__main__":
    app()
