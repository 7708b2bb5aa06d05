"""A small organism for tests: two boots of one volume, in which an action is applied, confirmed and measured."""

from __future__ import annotations

from collections.abc import Iterator

from tools.guardrails.judges.testing import Lines, Said, Scene, boot, kept, said, scene, table

CONFIG = ("oo_enable=1", "oo_plan_enable=1", "oo_conf_gate=1", "oo_conf_threshold=50")
READ_BACK = tuple(file for log in table().logs.values() for file in log.files)

FIRST: Lines = (
    said("version"),
    said("oo_boot", event=1, boot_count=1, mode="SAFE", reason_id="OO_MODE_INIT"),
    "You (autorun): Once upon a time",
    said("oo_health", event=2, health="healthy", reason_id="OO_HEALTH_ANSWERED"),
    said("oo_suggested", suggestion="reduce ctx and increase ctx", source="mock"),
    said(
        "oo_confidence",
        event=3,
        score=68,
        base=50,
        ram=8,
        ctx=5,
        seq=5,
        threshold=50,
        gate="enforced",
        **{"pass": True},
        reason_id="OO_CONF_GATE_PASS",
    ),
    said("oo_plan", event=4, enabled=True, max=2, remain=2, reason_id="OO_PLAN_ACTIVE"),
    said("oo_checkpoint", event=5, generation=3, reason_id="OO_PLAN_CHECKPOINT"),
    said("oo_applied", event=6, action="reduce_ctx", old=256, new=128, reason_id="OO_APPLY_OK"),
    said(
        "oo_blocked",
        event=7,
        action="increase_ctx",
        old=128,
        new=256,
        score=68,
        threshold=50,
        reason_id="OO_BLOCK_SAFE_NO_INCREASE",
    ),
    said(
        "oo_consulted",
        event=8,
        source="mock",
        suggestion="reduce ctx and increase ctx",
        applied=1,
        blocked=1,
        score=68,
        threshold=50,
        gate="enforced",
        reason_id="OO_CONSULT_DONE",
    ),
    said("power"),
)

SECOND: Lines = (
    said("version"),
    said(
        "oo_boot",
        event=9,
        boot_count=2,
        mode="SAFE",
        previous="healthy",
        reason_id="OO_MODE_HEALTHY_ONCE",
    ),
    said("oo_health", event=10, health="healthy", reason_id="OO_HEALTH_ANSWERED"),
    said("oo_trial", event=11, key="ctx_len", value=128, reason_id="OO_TRIAL_CONFIRMED"),
    said(
        "oo_outcome",
        event=12,
        action="reduce_ctx",
        applied_event=6,
        applied_boot=1,
        label="helpful",
        improved=1,
        reason_id="OO_OUTCOME_BETTER",
    ),
    said("power"),
)


def story(first: Lines = FIRST, second: Lines = SECOND, **given: object) -> Scene:
    """Both boots; `given` is what the scenario says beside its configuration."""
    return scene("organism", boot(*first), boot(*second), given={"config": CONFIG, **given})


def volume(*boots: Lines) -> dict[str, bytes]:
    """The logs as so many boots leave them, counted from 1."""
    return {
        name: content
        for log in table().logs
        for name, content in zip(table().logs[log].files, (_log(log, boots), b"\n" * 65536))
    }


def _log(log: str, boots: tuple[Lines, ...]) -> bytes:
    lines = (kept(_of(log, each), number, 0) for number, each in enumerate(boots, start=1))
    return b"".join(lines).ljust(table().logs[log].bytes, b"\n")


def _of(log: str, lines: Lines) -> Iterator[Said]:
    keeps = {marker.id for marker in table().marker if log in marker.logs}
    return (each for each in lines if isinstance(each, Said) and each.marker in keeps)


def story_with_logs(first: Lines = FIRST, second: Lines = SECOND) -> Scene:
    """Both boots, with the logs of the volume read back after each."""
    return logged(first, second, volume(first), volume(first, second))


def logged(first: Lines, second: Lines, *volumes: dict[str, bytes]) -> Scene:
    """Both boots, with these files read back."""
    boots = (boot(*lines, files=files) for lines, files in zip((first, second), volumes))
    return scene("organism", *boots, given={"config": CONFIG, "read_back": READ_BACK})
