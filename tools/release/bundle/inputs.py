"""What a bundle is made from: one row an input, from which the command line, its help and docs/release.md are made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from tools.release.bundle.names import is_plain
from tools.release.errors import Exit, ReleaseError


class WrongInput(ReleaseError):
    """The inputs named are not those that a bundle needs."""

    exit = Exit.USAGE


@dataclass(frozen=True)
class Row:
    """A kind of input."""

    name: str
    meaning: str
    labelled: bool = False
    """There are several, each with a label: NAME.LABEL=PATH."""


_ROWS = (
    Row("image", "the boot image with a model"),
    Row("image-without-model", "the boot image without"),
    Row("program", "the EFI program, as it is in both images"),
    Row("changelog", "CHANGELOG.md, which has a section for the version"),
    Row("source", "a top-level file or folder of the sources", labelled=True),
    Row("toolchain-lock", "the pinned compiler"),
    Row("model-lock", "the pinned model"),
    Row("python-lock", "the pinned Python packages of a resolve", labelled=True),
    Row("license", "the licence text of a part that is shipped", labelled=True),
    Row("policy", "the thresholds of a guardrail", labelled=True),
    Row("capture", "run.json of a capture that was judged", labelled=True),
    Row("verdict", "state.json of a guardrail", labelled=True),
)

INPUTS: Mapping[str, Row] = MappingProxyType({row.name: row for row in _ROWS})


def inputs_md() -> str:
    """The rows as a table, for docs/release.md."""
    rows = [f"| `{row.name}{'.LABEL' if row.labelled else ''}` | {row.meaning} |" for row in _ROWS]
    return "\n".join(["| input | what it is |", "| --- | --- |", *rows, ""])


@dataclass(frozen=True)
class Inputs:
    """Every input by its full name, as `image` or `license.llm-baremetal`. Made by `parse`."""

    paths: Mapping[str, Path]

    def one(self, name: str) -> Path:
        return self.paths[name]

    def labelled(self, name: str) -> Mapping[str, Path]:
        """The inputs of a kind by their labels, sorted."""
        prefix = f"{name}."
        return {
            key.removeprefix(prefix): path
            for key, path in sorted(self.paths.items())
            if key.startswith(prefix)
        }


def parse(arguments: Iterable[str]) -> Inputs:
    """Inputs from NAME=PATH and NAME.LABEL=PATH, whatever their order. Raises WrongInput."""
    paths: dict[str, Path] = {}
    for argument in arguments:
        name, equals, path = argument.partition("=")
        kind, dot, label = name.partition(".")
        row = INPUTS.get(kind)
        if not equals or not path or row is None:
            raise WrongInput(
                f"expected NAME=PATH with a NAME of {', '.join(INPUTS)}, found {argument!r}"
            )
        if row.labelled != bool(dot) or (dot and not is_plain(label)):
            wanted = f"{kind}.LABEL" if row.labelled else kind
            raise WrongInput(f"expected {wanted}=PATH, found {argument!r}")
        if name in paths:
            raise WrongInput(f"the input {name} is given twice: {paths[name]} and {path}")
        paths[name] = Path(path)
    given = {name.partition(".")[0] for name in paths}
    missing = [row for row in _ROWS if row.name not in given]
    if missing:
        raise WrongInput(f"the input {missing[0].name} is missing: {missing[0].meaning}")
    return Inputs(MappingProxyType(paths))


def read(path: Path) -> bytes:
    """A small input. Raises ReleaseError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ReleaseError(f"cannot read the input {path}: {error.strerror}") from error
