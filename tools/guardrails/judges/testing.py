"""Small captures for tests: a folder as tools/boot makes it, from markers and their fields.

chat = scene("chat", boot("version", said("gen_end", tokens=3, reason="eos"), "AI: Paris."))
judgement = judge(evidence(tmp_path, chat))
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType

from tools.guardrails import policy
from tools.guardrails.captures import SCHEMA, Capture, read_capture
from tools.guardrails.evidence import Evidence
from tools.guardrails.facts import CaptureFacts
from tools.guardrails.ledger.chain import Head
from tools.guardrails.ledger.record import RunRecord
from tools.guardrails.ledger.store import NONE, Ledger, append, read
from tools.guardrails.verdict import Finding, Judgement, Status
from tools.markers.parse import Value
from tools.markers.table import FieldRow, Marker, Table, load
from tools.oo.records import Line

STEP_US = 1000
"""From one marker to the next, where a test does not say."""
SHA256 = "0" * 64

GivenValue = Value | float


@cache
def table() -> Table:
    """The marker table of the firmware."""
    return load(Path("firmware/events/markers.toml"))


@dataclass(frozen=True)
class Said:
    """One marker line. Fields that a test does not care about get the least value of their type."""

    marker: str
    fields: Mapping[str, GivenValue] = field(default_factory=dict)
    event: int | None = None
    at_us: int | None = None


def said(
    marker: str, *, event: int | None = None, at_us: int | None = None, **fields: GivenValue
) -> Said:
    """One marker line. Milliseconds and f64 are given as they are to be read: `time=12.5`."""
    return Said(marker, MappingProxyType(fields), event, at_us)


@dataclass(frozen=True)
class Booted:
    """One boot of a capture that is to be made."""

    lines: tuple[Said | str, ...]
    """Markers, and lines that stand in the log as they are."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    given: Mapping[str, object] = field(default_factory=dict)
    outcome: str = "debug_exit"
    exit_code: int | None = 0
    expected_exit: int = 0
    serial: bytes | None = None
    """The whole log, in place of `lines`."""
    artefacts: Mapping[str, bytes] = field(default_factory=dict)
    """Files beside serial.log, as registers.txt."""


def boot(
    *lines: Said | str,
    files: Mapping[str, bytes] | None = None,
    given: Mapping[str, object] | None = None,
    outcome: str = "debug_exit",
    exit_code: int | None = 0,
    expected_exit: int = 0,
    serial: bytes | None = None,
    artefacts: Mapping[str, bytes] | None = None,
) -> Booted:
    """One boot. A line that is the id of a marker is that marker with its least values."""
    made = tuple(_line(each) for each in lines)
    ending = (outcome, exit_code, expected_exit)
    return Booted(made, files or {}, given or {}, *ending, serial, artefacts or {})


def _line(given: Said | str) -> Said | str:
    ids = {marker.id for marker in table().marker}
    return Said(given) if isinstance(given, str) and given in ids else given


@dataclass(frozen=True)
class Scene:
    """A capture that is to be made."""

    name: str
    boots: tuple[Booted, ...]
    given: Mapping[str, object]
    sha256: str = SHA256
    image_sha256: str = SHA256


def scene(
    name: str,
    *boots: Booted,
    given: Mapping[str, object] | None = None,
    sha256: str = SHA256,
    image_sha256: str = SHA256,
) -> Scene:
    """A capture of a scenario. `given` is what its file says: memory_mib, config, ..."""
    return Scene(name, boots, given or {}, sha256, image_sha256)


Lines = tuple[Said | str, ...]


def changed(lines: Lines, marker: str, nth: int = 0, **fields: GivenValue) -> Lines:
    """The lines, with some fields of the nth line of a marker replaced."""
    place = _places(lines, marker)[nth]
    spoken = lines[place]
    assert isinstance(spoken, Said)
    edited = replace(spoken, fields={**spoken.fields, **fields})
    return (*lines[:place], edited, *lines[place + 1 :])


def without(lines: Lines, marker: str, nth: int = 0) -> Lines:
    """The lines but the nth of a marker."""
    place = _places(lines, marker)[nth]
    return (*lines[:place], *lines[place + 1 :])


def behind(lines: Lines, marker: str, *more: Said | str, nth: int = 0) -> Lines:
    """The lines, with more of them behind the nth of a marker."""
    place = _places(lines, marker)[nth] + 1
    return (*lines[:place], *more, *lines[place:])


def _places(lines: Lines, marker: str) -> list[int]:
    return [n for n, each in enumerate(lines) if isinstance(each, Said) and each.marker == marker]


def _text(marker: Marker, row: FieldRow, value: GivenValue | None) -> str:
    if row.type == "bool":
        return "yes" if value else "no"
    if row.type == "hex32":
        return f"{int(value or 0):08x}"
    if row.type == "ms" or row.digits is not None:
        return f"{Decimal(str(value or 0)):.{3 if row.type == 'ms' else row.digits}f}"
    if row.word_set is not None:
        words = [word.name for word in table().words[row.word_set].values]
        assert (
            value is None or value in words
        ), f"{marker.id}.{row.name}: {value} is none of {words}"
        return words[0] if value is None else str(value)
    return _bare(str(value if value is not None else 0))


def _bare(text: str) -> str:
    needs_quotes = not text or any(c in ' "\\' or not c.isprintable() for c in text)
    return json.dumps(text, ensure_ascii=False) if needs_quotes else text


def _content(spoken: Said) -> str:
    marker = next(each for each in table().marker if each.id == spoken.marker)
    unknown = set(spoken.fields) - {row.name for row in marker.fields}
    assert not unknown, f"{marker.id} has no field {unknown}"
    texts = {row.name: _text(marker, row, spoken.fields.get(row.name)) for row in marker.fields}
    return marker.template.format_map(texts)


def line(spoken: Said, seq: int, t_us: int) -> str:
    """A marker line as the firmware writes it, without its LF."""
    level = next(each.level for each in table().marker if each.id == spoken.marker)
    event = "" if spoken.event is None else f" event={spoken.event}"
    return f"{_content(spoken)}{event} level={level} seq={seq} t_us={t_us}"


def serial(lines: Iterable[Said | str]) -> str:
    """A log: markers numbered from 1, `STEP_US` apart where they do not say."""
    made: list[str] = []
    seq = now = 0
    for each in lines:
        if isinstance(each, str):
            made.append(each)
            continue
        seq, now = seq + 1, now + STEP_US if each.at_us is None else each.at_us
        made.append(line(each, seq, now))
    return "".join(f"{each}\n" for each in made)


def kept(lines: Iterable[Said], boot_count: int = 1, size: int = 65536) -> bytes:
    """A log of the volume: the lines that have an event, of one boot, filled up with LFs."""
    sealed = (
        Line(each.event, f"boot={boot_count} {_content(each)}").to_bytes()
        for each in lines
        if each.event is not None
    )
    return b"".join(sealed).ljust(size, b"\n")


def metrics(generations: Iterable[Mapping[str, object]] = (), **values: object) -> bytes:
    """LLMK_METRICS.LOG with the values that facts are made of; a generation's others are 0."""
    counts = ("prompt_tokens", "tokens", "decode_calls", "overruns")
    cycles = ("prefill_cycles", "decode_cycles", "loop_cycles", "first_token_cycles")
    least: dict[str, object] = {**dict.fromkeys((*counts, *cycles), 0), "reason": "eos"}
    whole = {"schema": 1, "model_bytes": 1, "model_crc32c": "00000000", "kernels": "avx2"}
    content = {**whole, "generations": [{**least, **each} for each in generations], **values}
    return json.dumps(content, indent=0).encode() + b"\n"


def _row(made: Booted) -> dict[str, object]:
    return {
        "given": dict(made.given),
        "expected_exit": made.expected_exit,
        "outcome": made.outcome,
        "exit_code": made.exit_code,
        "virtual_us": 1,
        "wall_seconds": 1.0,
        "files": list(made.files),
        "volume_problem": None,
    }


def _run(made: Scene) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "scenario": {"name": made.name, "sha256": made.sha256, "given": dict(made.given)},
        "image_sha256": made.image_sha256,
        "qemu_version": "QEMU",
        "ovmf_code_sha256": SHA256,
        "ovmf_vars_sha256": SHA256,
        "boots": [_row(each) for each in made.boots],
    }


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def write_scene(made: Scene, folder: Path) -> Path:
    """The capture as a folder, at `folder`/NAME."""
    place = folder / made.name
    _write(place / "run.json", json.dumps(_run(made)).encode())
    for number, each in enumerate(made.boots, start=1):
        at = place / f"boot-{number}"
        log = serial(each.lines).encode() if each.serial is None else each.serial
        _write(at / "serial.log", log)
        for name, content in each.artefacts.items():
            _write(at / name, content)
        for name, content in each.files.items():
            _write(at / "files" / name, content)
    return place


def capture(made: Scene, folder: Path) -> Capture:
    """The capture, written below `folder` and read again."""
    return read_capture(write_scene(made, folder), table())


def evidence(
    folder: Path, *scenes: Scene, settings: Iterable[str] = (), ledger: Ledger = NONE
) -> Evidence:
    """Evidence of these captures. Settings are as of `--set`: `m9.min_boots=2`."""
    captures = {made.name: capture(made, folder) for made in scenes}
    policies = policy.load_all(settings=settings)
    return Evidence(table(), MappingProxyType(captures), policies, ledger)


def ledger_of(folder: Path, *runs: Iterable[CaptureFacts], said: Status = Status.PASS) -> Ledger:
    """A ledger of more runs, oldest first; `said` is the one verdict of each."""

    def record(head: Head, captures: Iterable[CaptureFacts]) -> RunRecord:
        return RunRecord(
            previous=head.sha256,
            schema_version=1,
            sequence=head.lines + 1,
            recorded_at=datetime(2025, 1, 1, tzinfo=timezone.utc),
            commit="0" * 40,
            dirty=False,
            captures=tuple(captures),
            verdicts={"m8": said},
        )

    for run in runs:
        append(folder, partial(record, captures=run))
    return read(folder)


def finding(judgement: Judgement, what: str) -> Finding:
    """A finding by its name; fails with the names that there are."""
    found = {each.what: each for each in judgement.findings}
    assert what in found, f"no finding {what}; there are {', '.join(found)}"
    return found[what]
