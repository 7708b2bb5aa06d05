"""`flash`: an image onto a stick."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn
from rich.progress import Progress as Bars
from rich.progress import TextColumn, TimeRemainingColumn
from rich.text import Text

from tools.release.errors import Exit, ReleaseError
from tools.release.flash.flash import Plan, planned
from tools.release.flash.source import Progress
from tools.release.flash.writing import Stage, write
from tools.release.told import told


def flash(
    image: Annotated[Path, typer.Argument(help="A disk image, raw or .xz.", show_default=False)],
    device: Annotated[
        Path,
        typer.Argument(help="The whole stick, as /dev/sdX; or a file.", show_default=False),
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask. For regular files only.")] = False,
) -> None:
    """Write an image to a stick, and read all of it back. Everything on the stick is lost."""
    console = Console(stderr=True)
    with told():
        with _bars(console) as checking:
            progress = _bar(checking, "checking", None)
            with planned(image, device, progress) as plan:
                checking.stop()
                agree(console, plan, yes)
                with _bars(console) as writing:
                    write(plan.source, plan.target, _stages(writing, plan.source.size))
    typer.echo(f"{plan.target.path} holds the image; all of it was read back and compared")


def agree(console: Console, plan: Plan, yes: bool) -> None:
    """Returns when whoever runs this has seen what will happen, and wants it. Raises ReleaseError."""
    for what, of_which in plan.says:
        console.print(Text(f"{what:>8}  {of_which}"))
    if plan.target.device is None:
        if yes or _answer(f"Overwrite {plan.target.path}? [y/N] ") == "y":
            return
    elif yes:
        raise _Disagreed("--yes is for regular files: what is on a disk is lost only by hand")
    elif _answer(f"Everything on it will be lost. Type {plan.target.name} to go on: ") == (
        plan.target.name
    ):
        return
    raise _Disagreed("not confirmed")


class _Disagreed(ReleaseError):
    """Nobody agreed to what would have been written."""

    exit = Exit.USAGE

    def __init__(self, text: str) -> None:
        super().__init__(f"{text}; nothing was written")


def _answer(question: str) -> str:
    typer.echo(question, nl=False, err=True)
    try:
        return input().strip()
    except EOFError:
        raise _Disagreed("there is nobody to ask") from None
    except KeyboardInterrupt:
        raise _Disagreed("interrupted") from None


@contextmanager
def _bars(console: Console) -> Iterator[Bars]:
    columns = (TextColumn("{task.description:>12}"), BarColumn(), DownloadColumn())
    with Bars(*columns, TimeRemainingColumn(), console=console, transient=True) as bars:
        yield bars


def _bar(bars: Bars, name: str, size: int | None) -> Progress:
    task = bars.add_task(name, total=size)
    return lambda count: bars.advance(task, count)


def _stages(bars: Bars, size: int) -> Callable[[Stage], Progress]:
    return lambda stage: _bar(bars, stage, size)
