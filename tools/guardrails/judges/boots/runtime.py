"""M8, runtime: every boot ended as its scenario expects, and said on its way what a healthy boot says, in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tools.guardrails.captures import Boot, Capture
from tools.guardrails.evidence import Evidence
from tools.guardrails.judges.boots import bad_patterns
from tools.guardrails.judges.boots.endings import endings, last_lines
from tools.guardrails.judges.given import Booted, is_power_cut
from tools.guardrails.policy import Policy
from tools.guardrails.verdict import Finding, Judgement, Status, checked

Problem = tuple[str, str]

PROMPTS = ("repl_ready", "repl_ready_no_model")
WITH_MODEL = ("version", "model_loaded", "obs_startup", "repl_ready")
WITHOUT_MODEL = ("version", "repl_ready_no_model")
NEVER_WITHOUT_MODEL = ("model_loaded", "obs_startup", "repl_ready", "gen_end")


def judge(evidence: Evidence) -> Judgement:
    """Judges captures whose power nobody cuts: what a cut leaves is judged by itself (tests/organism)."""
    policy = evidence.policies["m8"]
    if not policy.switch("run_qemu"):
        says = "run_qemu is off: expected boots to judge, and none may be judged"
        return Judgement(
            "m8_runtime", (Finding("boots_are_judged", Status.INSUFFICIENT, 0, 1, says),)
        )
    captures = [each for each in evidence.captures.values() if not is_power_cut(each)]
    boots = [Booted(capture, boot) for capture in captures for boot in capture.boots]
    return Judgement("m8_runtime", tuple(_findings(captures, boots, policy)))


def _findings(captures: list[Capture], boots: list[Booted], policy: Policy) -> Iterator[Finding]:
    yield endings(boots)
    yield _no_bad_pattern(boots)
    yield _sequence(boots)
    yield _with_model([each for each in boots if each.has_model], policy)
    yield _without_model([each for each in boots if not each.has_model], policy)
    yield _prompt_in_time(boots, policy)
    yield last_lines(boots)
    yield _counted(captures, policy)
    yield _memory(boots, policy)
    if not policy.switch("skip_preflight"):
        yield _one_machine(captures)
    if policy.word("accel") == "whpx":
        says = "expected captures made with whpx, found captures made with tcg"
        yield Finding("accelerator", Status.INSUFFICIENT, 0, 1, says)


# ---- what boots say ----


def _no_bad_pattern(boots: list[Booted]) -> Finding:
    problems = [
        (
            f"{each.boot.place}:{found.line}",
            f"{found.bad.name}: {found.bad.meaning}: {found.text[:160]!r}",
        )
        for each in boots
        for found in bad_patterns.find(each.boot.serial)
    ]
    fine = f"none of {len(bad_patterns.BAD_PATTERNS)} in any log"
    return checked("no_bad_pattern", len(boots), problems, fine=fine)


def _sequence(boots: list[Booted]) -> Finding:
    problems = [problem for each in boots for problem in _gaps(each.boot)]
    lines = sum(len(each.boot.log.records) for each in boots)
    return checked("no_line_is_missing", lines, problems, fine=f"{lines} lines, without a gap")


def _gaps(boot: Boot) -> Iterator[Problem]:
    """A boot is one run of the program: its lines count from 1 without a gap, and its clock only goes on."""
    seq, time = 0, 0
    for record in boot.log.records:
        if record.seq != seq + 1:
            yield boot.at(record), f"{record.id}: expected seq={seq + 1}, found {record.seq}"
        if record.t_us < time:
            yield boot.at(
                record
            ), f"{record.id}: expected t_us of {time} or more, found {record.t_us}"
        seq, time = record.seq, record.t_us


def _with_model(boots: list[Booted], policy: Policy) -> Finding:
    problems = [(b.boot.place, says) for b in boots if (says := _wrong_order(b.boot, WITH_MODEL))]
    minimum = policy.integer("min_boots_with_model")
    fine = f"{', '.join(WITH_MODEL)}, in this order"
    return checked("boot_with_model", len(boots), problems, minimum=minimum, fine=fine)


def _without_model(boots: list[Booted], policy: Policy) -> Finding:
    problems = [(b.boot.place, says) for b in boots if (says := _wrong_without_model(b.boot))]
    minimum = policy.integer("min_boots_without_model")
    fine = f"{', '.join(WITHOUT_MODEL)}, and none of {', '.join(NEVER_WITHOUT_MODEL)}"
    return checked("boot_without_model", len(boots), problems, minimum=minimum, fine=fine)


def _wrong_without_model(boot: Boot) -> str | None:
    said = [record.id for record in boot.of(*NEVER_WITHOUT_MODEL)]
    if said:
        return f"{boot.place}: expected no {said[0]} without a model"
    return _wrong_order(boot, WITHOUT_MODEL)


def _wrong_order(boot: Boot, expected: tuple[str, ...]) -> str | None:
    """Each of the markers once, the first of them as the first line of all; no other prompt."""
    found = tuple(record.id for record in boot.of(*expected, *PROMPTS))
    if found != expected:
        said = ", ".join(found) or "none of them"
        return f"{boot.place}: expected {', '.join(expected)}, each once, found {said}"
    if boot.log.records[0].id != expected[0]:
        return f"{boot.place}: expected {expected[0]} first, found {boot.log.records[0].id}"
    return None


def _prompt_in_time(boots: list[Booted], policy: Policy) -> Finding:
    limit = policy.integer("timeout_sec")
    prompts = [(each.boot, record) for each in boots for record in each.boot.of(*PROMPTS)]
    late = [
        (
            boot.at(record),
            f"{boot.place}: expected a prompt within {limit} s, found {record.t_us} us",
        )
        for boot, record in prompts
        if record.t_us > limit * 1_000_000
    ]
    most = max((record.t_us for _, record in prompts), default=0)
    return checked("prompt_in_time", len(prompts), late, fine=f"at most {most} us of {limit} s")


# ---- boots of one volume ----


def _counted(captures: list[Capture], policy: Policy) -> Finding:
    """Boots of a volume count themselves, when the organism is on."""
    again = [each for each in captures if len(each.boots) > 1 and _counts(each) != {None}]
    problems = [problem for capture in again for problem in _wrong_counts(capture)]
    boots = sum(len(each.boots) for each in again)
    minimum = policy.integer("min_boots_of_a_volume")
    fine = f"{boots} boots of {len(again)} volumes, each counted once"
    return checked("boots_are_counted", boots, problems, minimum=minimum, fine=fine)


def _count(boot: Boot) -> int | None:
    said = boot.of("oo_boot")
    return int(str(said[0]["boot_count"])) if len(said) == 1 else None


def _counts(capture: Capture) -> set[int | None]:
    return {_count(boot) for boot in capture.boots}


def _wrong_counts(capture: Capture) -> Iterator[Problem]:
    for boot in capture.boots:
        if (count := _count(boot)) != boot.number:
            found = "none" if count is None else count
            yield boot.place, f"{boot.place}: expected boot_count={boot.number}, found {found}"


# ---- the machines ----


def _memory(boots: list[Booted], policy: Policy) -> Finding:
    limit = policy.integer("mem_mb")
    had = [(b.boot.place, b.setting("memory_mib")) for b in boots]
    above = [
        (place, f"{place}: expected at most {limit} MiB of memory, found {mib}")
        for place, mib in had
        if mib > limit
    ]
    most = max((mib for _, mib in had), default=0)
    return checked("within_memory", len(had), above, fine=f"at most {most} MiB of {limit}")


def _machine(capture: Capture) -> tuple[str, str, str]:
    run = capture.run
    return run.qemu_version, run.ovmf_code_sha256, run.ovmf_vars_sha256


def _one_machine(captures: Iterable[Capture]) -> Finding:
    machines = [(capture.name, _machine(capture)) for capture in captures]
    others = [
        (name, f"{name}: expected {machines[0][1]}, as of {machines[0][0]}, found {machine}")
        for name, machine in machines
        if machine != machines[0][1]
    ]
    return checked("one_machine", len(machines), others, fine="one emulator and machine firmware")
