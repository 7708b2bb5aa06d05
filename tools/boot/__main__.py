"""`python -m tools.boot`: boot an image in QEMU, unattended or on this terminal."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from tools.boot import capture as capturing
from tools.boot import installed, interactive
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
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # unwinds, and so takes QEMU along
    try:
        inputs = capturing.Inputs(
            image, scenario, installed.find(installed.QEMU, qemu), _firmware(ovmf_code, ovmf_vars)
        )
        final = capturing.capture(inputs, output)
    except (installed.NotInstalled, ScenarioError, VolumeError, OSError) as error:
        raise _fail(error) from error
    if not final:
        raise typer.Exit(TIME_LIMIT_STATUS)


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
