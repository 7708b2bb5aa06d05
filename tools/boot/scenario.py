"""Scenarios: what boots are given and what is wanted back, as a TOML file (docs/scenarios.md)."""

from __future__ import annotations

import random
import tomllib
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

Disk = Literal["virtio", "nvme", "ahci"]
Fault = Literal["read_only_volume", "full_volume"]

CONFIG_PATH = "repl.cfg"
AUTORUN_PATH = "llmk-autorun.txt"
MAX_BOOTS = 32


class ScenarioError(Exception):
    """A scenario file that cannot be used; the message names the file, the place and the remedy."""


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _volume_path(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path:
        raise ValueError(f"{path!r} is no path on the volume: use 'folder/NAME.EXT'")
    return path


def _volume_paths(paths: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(_volume_path, paths))


class ExtraFile(_Row):
    """A text file put on the volume: `text`, `repeat` times.

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
    """A file of the volume that is spoilt: cut, or overwritten in one place, or both."""

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
    """Text sent to the serial line once `after` has appeared on it (each row after the row before it).

    Only ASCII: QEMU's serial port takes one byte at a time, and a guest on a counted clock may wait longer for the next
    than a character may come apart. Joining such bytes is tested in firmware/platform/uefi.
    """

    after: str
    text: Annotated[str, Field(max_length=1024, pattern=r"^[\x00-\x7f]*$")]


class Between(_Row):
    """A number drawn evenly from `min` to `max`, both included."""

    min: Annotated[int, Field(ge=1)]
    max: Annotated[int, Field(ge=1)]


class PowerCut(_Row):
    """Power fails while a write is under way. The same row fails at the same write and loses the same sectors."""

    after_writes: Annotated[int, Field(ge=1)] | Between
    """The write request that is still under way then, counted from 1: of those that left something not flushed."""
    after: Annotated[str, Field(min_length=1)] | None = None
    """Writes count once this text is on the serial line; absent, from the start of the boot."""
    seed: Annotated[int, Field(ge=0)] = 0
    """What is drawn depends on this alone: the write, and the sectors that are lost."""

    @field_validator("after_writes")
    @classmethod
    def _is_a_range(cls, value: int | Between) -> int | Between:
        if isinstance(value, Between) and value.max < value.min:
            raise ValueError(f"max ({value.max}) is below min ({value.min})")
        return value

    @property
    def at_write(self) -> int:
        """`after_writes`, drawn when it is a range."""
        if isinstance(self.after_writes, int):
            return self.after_writes
        return random.Random(self.seed).randint(self.after_writes.min, self.after_writes.max)


class BootSettings(_Row):
    """What can be said for one boot, and for all. What is about files is done to the volume before the boot."""

    remove: tuple[str, ...] = ()
    """Files taken off the volume."""
    config: tuple[str, ...] | None = None
    """Lines of repl.cfg, replacing the volume's own; absent keeps that."""
    autorun: tuple[str, ...] = ()
    """Lines of the autorun file, replacing it; the configuration must turn it on."""
    files: tuple[ExtraFile, ...] = ()
    damage: tuple[Damage, ...] = ()
    typed: tuple[Typed, ...] = ()
    memory_mib: Annotated[int, Field(ge=128, le=65536)] = 1024
    cpu: str = "max"
    """A QEMU processor model, with optional ",+feature,-feature"."""
    icount_shift: Annotated[int, Field(ge=0, le=10)] = 5
    """How slow the machine is: an instruction takes 2^icount_shift ns of the guest's time."""
    faults: tuple[Fault, ...] = ()
    time_limit_s: Annotated[int, Field(ge=1, le=3600)] = 300
    """Wall-clock seconds a boot may take before it counts as hanging."""
    expected_exit: int = 0
    """The code a boot should leave through the debug exit with; for whoever judges the capture."""

    _check_remove = field_validator("remove")(_volume_paths)


class Boot(BootSettings):
    """One boot: only what is written in its row differs from what the scenario says."""

    power_cut: PowerCut | None = None


class Scenario(BootSettings):
    """One scenario. Everything but the description has a default, so that a file says only what is special.

    What it says of files is done once, before the first boot; the volume is the same one from boot to boot.
    """

    description: str
    read_back: tuple[str, ...] = ()
    """Files copied from the volume after each boot, where they exist."""
    boots: Annotated[int, Field(ge=1, le=MAX_BOOTS)] = 1
    """How many boots there are when all are alike."""
    boot: Annotated[tuple[Boot, ...], Field(max_length=MAX_BOOTS)] = ()
    """The boots when they differ, a row each."""
    disk: Disk = "virtio"
    screen: bool = False
    """A graphics card: the last picture is kept as screen.ppm. Slower, as text is drawn pixel by pixel."""

    _check_read_back = field_validator("read_back")(_volume_paths)

    @model_validator(mode="after")
    def _counts_boots_once(self) -> Self:
        if self.boot and "boots" in self.model_fields_set:
            raise ValueError(
                f"boots = {self.boots} and {len(self.boot)} rows of [[boot]]: "
                "keep `boots` when all are alike, the rows when they differ"
            )
        return self

    @property
    def rows(self) -> tuple[Boot, ...]:
        """A row a boot."""
        return self.boot or (Boot(),) * self.boots


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
