"""Facts: what the ledger keeps of a capture, and what trends and baselines are made of."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tools.guardrails.captures import Boot, Capture
from tools.guardrails.errors import CaptureError
from tools.markers.parse import Record, Value

NO_MODEL = "none"
DEFAULT_MEMORY_MIB = 1024
"""Of a scenario that does not say (tools/boot/scenario.py)."""

Label = Literal["helpful", "neutral", "harmful"]


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Stratum(_Facts):
    """What two runs must share to be compared: scenario (memory, configuration, prompts), model, machine."""

    scenario: str
    scenario_sha256: str
    model: str
    """CRC-32C and bytes of the weights; `none` without a model."""
    kernels: str
    emulator: str


class Generation(_Facts):
    """One answer, of the metrics: counts, and cycles of the time-stamp counter."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    prompt_tokens: int = Field(ge=0)
    tokens: int = Field(ge=0)
    decode_calls: int = Field(ge=0)
    prefill_cycles: int = Field(ge=0)
    decode_cycles: int = Field(ge=0)
    loop_cycles: int = Field(ge=0)
    first_token_cycles: int = Field(ge=0)
    overruns: int = Field(ge=0)
    reason: str


class BootFacts(_Facts):
    """One boot."""

    ended_as_expected: bool
    memory_mib: int
    boot_count: int | None = None
    """Of the volume, as the guest counts; None when the organism is off."""
    mode: str | None = None
    parameters: int | None = None
    """Of the model; None when there is none."""
    select_us: int | None = None
    prepare_us: int | None = None
    """Of a boot with a model."""
    reasons: dict[str, int] = {}
    """How often each reason id was given."""
    actions: dict[str, int] = {}
    """How often each action was decided about: applied, refused or simulated."""
    applies: tuple[bool, ...] = ()
    """Of each action that was written, in order: whether it was read back as written."""
    outcomes: tuple[Label, ...] = ()
    """Measured effects of actions, judged in this boot, in order."""
    estimates: tuple[Label, ...] = ()
    """Effects that simulated actions would have had, as the guest estimates them."""
    generations: tuple[Generation, ...] = ()


class CaptureFacts(_Facts):
    """A capture."""

    identity: str
    """Of the whole evidence: two captures that share it are the same run, made twice."""
    image_sha256: str
    stratum: Stratum
    boots: tuple[BootFacts, ...]


class _Metrics(BaseModel):
    """The part of LLMK_METRICS.LOG that facts are made of."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: Literal[1] = Field(alias="schema")
    model_bytes: int
    model_crc32c: str
    kernels: str
    generations: tuple[Generation, ...]


def _metrics(boot: Boot) -> _Metrics | None:
    text = boot.report()
    if text is None:
        return None
    try:
        return _Metrics.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise CaptureError(
            f"{boot.place}: LLMK_METRICS.LOG: {place or 'content'}: {first['msg']}"
        ) from error


def _microseconds(record: Record, field: str) -> int:
    return int(record[field].scaleb(3))  # type: ignore[union-attr] # the table says ms: a Decimal of 3 digits


_SHOWS_AGAIN = frozenset({"m18_status"})
"""Markers with the reason of a decision that another marker has said."""


def reason_ids(boot: Boot) -> tuple[str, ...]:
    """The reason id of each decision of a boot, in order."""
    return tuple(
        str(record["reason_id"])
        for record in boot.log.records
        if "reason_id" in record.fields and record.id not in _SHOWS_AGAIN
    )


_LABELS: Mapping[Value, Label] = {"helpful": "helpful", "neutral": "neutral", "harmful": "harmful"}


def _labels(boot: Boot, marker: str, field: str) -> tuple[Label, ...]:
    """Those that say something: an effect may also be pending."""
    found = (_LABELS.get(record[field]) for record in boot.of(marker))
    return tuple(label for label in found if label is not None)


def _first(boot: Boot, marker: str, field: str) -> Value | None:
    found = boot.of(marker)
    return found[0][field] if found else None


def _memory_mib(boot: Boot, capture: Capture) -> int:
    given = {**capture.run.scenario.given, **boot.row.given}
    return int(str(given.get("memory_mib", DEFAULT_MEMORY_MIB)))


def boot_facts(boot: Boot, capture: Capture) -> BootFacts:
    """What is kept of a boot. Raises CaptureError."""
    startup = boot.of("obs_startup")
    metrics = _metrics(boot)
    decided = boot.of("oo_applied", "oo_apply_failed", "oo_blocked", "oo_simulated")
    return BootFacts(
        ended_as_expected=boot.ended_as_expected,
        memory_mib=_memory_mib(boot, capture),
        boot_count=_first(boot, "oo_boot", "boot_count"),  # type: ignore[arg-type] # u64
        mode=_first(boot, "oo_boot", "mode"),  # type: ignore[arg-type] # a word
        parameters=_first(boot, "model_loaded", "parameters"),  # type: ignore[arg-type] # u64
        select_us=_microseconds(startup[0], "model_select") if startup else None,
        prepare_us=_microseconds(startup[0], "model_prepare") if startup else None,
        reasons=_counts(reason_ids(boot)),
        actions=_counts(str(record["action"]) for record in decided),
        applies=tuple(
            record.id == "oo_applied" for record in boot.of("oo_applied", "oo_apply_failed")
        ),
        outcomes=_labels(boot, "oo_outcome", "label"),
        estimates=_labels(boot, "oo_simulated", "estimate"),
        generations=metrics.generations if metrics else (),
    )


def _counts(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))


def _stratum(capture: Capture) -> Stratum:
    metrics = [found for boot in capture.boots if (found := _metrics(boot))]
    with_model = [found for found in metrics if found.model_bytes]
    model = f"{with_model[0].model_crc32c}/{with_model[0].model_bytes}" if with_model else NO_MODEL
    run = capture.run
    return Stratum(
        scenario=capture.name,
        scenario_sha256=run.scenario.sha256,
        model=model,
        kernels=metrics[0].kernels if metrics else "",
        emulator=f"{run.qemu_version}; {run.ovmf_code_sha256[:16]}; {run.ovmf_vars_sha256[:16]}",
    )


def _identity(capture: Capture) -> str:
    """Over what went in and what came out; not over how long it took, and not over where it was made."""
    run = capture.run
    parts = [run.image_sha256, run.scenario.sha256, run.qemu_version, run.ovmf_code_sha256]
    parts += [hashlib.sha256(boot.serial.encode()).hexdigest() for boot in capture.boots]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def capture_facts(capture: Capture) -> CaptureFacts:
    """What is kept of a capture. Raises CaptureError."""
    return CaptureFacts(
        identity=_identity(capture),
        image_sha256=capture.run.image_sha256,
        stratum=_stratum(capture),
        boots=tuple(boot_facts(boot, capture) for boot in capture.boots),
    )
