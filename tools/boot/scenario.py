"""Scenarios: what a boot is given and what is wanted back, as a TOML file."""

from __future__ import annotations

import tomllib
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

Disk = Literal["virtio", "nvme", "ahci"]
Fault = Literal["read_only_volume", "full_volume"]

CONFIG_PATH = "repl.cfg"
AUTORUN_PATH = "llmk-autorun.txt"


class ScenarioError(Exception):
    """A scenario file that cannot be used; the message names the file, the place and the remedy."""


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _volume_path(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path:
        raise ValueError(f"{path!r} is no path on the volume: use 'folder/NAME.EXT'")
    return path


class ExtraFile(_Row):
    """A text file put on the volume before the first boot: `text`, `repeat` times.

    Rows with the same path are one file, in order.
    """

    path: str
    text: str
    repeat: Annotated[int, Field(ge=1, le=1 << 24)] = 1

    _check_path = field_validator("path")(_volume_path)

    @property
    def content(self) -> bytes:
        """What the file holds."""
        return self.text.encode() * self.repeat


class Damage(_Row):
    """A file of the image that is spoilt before the first boot: cut, or overwritten in one place, or both."""

    path: str
    truncate: Annotated[int, Field(ge=0)] | None = None
    """The size in bytes it is cut to."""
    offset: Annotated[int, Field(ge=0)] = 0
    hex: str = ""
    """Bytes written at `offset`, as hexadecimal digits."""

    _check_path = field_validator("path")(_volume_path)

    @field_validator("hex")
    @classmethod
    def _is_hex(cls, value: str) -> str:
        bytes.fromhex(value)
        return value


class Typed(_Row):
    """Text sent to the serial line once `after` has appeared on it (each row after the row before it)."""

    after: str
    text: Annotated[str, Field(max_length=1024)]


class Scenario(_Row):
    """One scenario. Everything but the description has a default, so that a file says only what is special."""

    description: str
    config: tuple[str, ...] | None = None
    """Lines of repl.cfg, replacing the image's own; absent keeps the image's."""
    autorun: tuple[str, ...] = ()
    """Lines of the autorun file; the configuration must turn it on."""
    files: tuple[ExtraFile, ...] = ()
    damage: tuple[Damage, ...] = ()
    typed: tuple[Typed, ...] = ()
    read_back: tuple[str, ...] = ()
    """Files copied from the volume after each boot, where they exist."""
    boots: Annotated[int, Field(ge=1, le=32)] = 1
    memory_mib: Annotated[int, Field(ge=128, le=65536)] = 1024
    time_limit_s: Annotated[int, Field(ge=1, le=3600)] = 300
    """Wall-clock seconds a boot may take before it counts as hanging."""
    cpu: str = "max"
    """A QEMU processor model, with optional ",+feature,-feature"."""
    disk: Disk = "virtio"
    screen: bool = False
    """A graphics card: the last picture is kept as screen.ppm. Slower, as text is drawn pixel by pixel."""
    faults: tuple[Fault, ...] = ()
    expected_exit: int = 0
    """The code a boot should leave through the debug exit with; for whoever judges the capture."""

    _check_paths = field_validator("read_back")(
        lambda paths: tuple(_volume_path(path) for path in paths)
    )


def _explain(error: ValidationError) -> str:
    rows = (f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors())
    return "; ".join(rows)


def load(path: Path) -> Scenario:
    """Read a scenario; raises ScenarioError with the place of every mistake."""
    try:
        return Scenario.model_validate(_tuples(tomllib.loads(path.read_text(encoding="utf-8"))))
    except OSError as error:
        raise ScenarioError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: not TOML: {error}") from error
    except ValidationError as error:
        raise ScenarioError(f"{path}: {_explain(error)}") from error


def _tuples(value: object) -> object:
    """TOML arrays as tuples: strict frozen models take no lists."""
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
