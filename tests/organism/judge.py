"""Judges a chain of boots whose power fails: what they said they had kept against what is on the volume.

Written from the formats (firmware/store/*.h), the marker table and docs/power-cuts.md, not from the code. `judge` is
for `python -m tools.boot soak --judge tests.organism.judge:judge`; `judge_chain` for captures.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path

from tests.captures import MARKERS
from tests.organism.chain import Boot, Chain, Shown, read_chain
from tools.boot.scenario import AUTORUN_PATH, CONFIG_PATH, Scenario, load
from tools.boot.volume import VolumeReader
from tools.image.verify import verify
from tools.markers.table import LogFiles
from tools.oo.errors import Contradiction, MissingLog, NoRecord, NoReport
from tools.oo.records import Line, RecordLog, read_log
from tools.oo.reports import read_report
from tools.oo.slots import newest

SCENARIO = Path("firmware/scenarios/power_cuts.toml")
STATE_FILES = ("OOSTATE.BIN", "OORECOV.BIN")
REPORT_FILES = ("LLMK_METRICS.LOG", "LLMK_METRICS2.LOG")
RECORD_LINE_MAX = 1100
KEY_OF = {"reduce_ctx": "ctx_len", "increase_ctx": "ctx_len", "reduce_seq": "seq_len"}
STAGES = {"healthy": ("healthy", "lost"), "unhealthy": ("lost",)}
"""What the state may say of a boot that said this of its health."""

Read = Callable[[str], bytes | None]
"""A file of the volume; None when it is not there."""


def judge(volume: VolumeReader, logs: Sequence[str], boot: int) -> Sequence[str]:
    """What is wrong after boot number `boot` of a soak of SCENARIO: the volume itself, or what `judge_chain` sees."""
    assert boot == len(logs)
    unsound = [f"the volume: {finding.check}: {finding.fault}" for finding in verify(volume.image)]
    return unsound or judge_chain(_scenario(), volume.read, logs)


@cache
def _scenario() -> Scenario:
    return load(SCENARIO)


def judge_chain(scenario: Scenario, read: Read, logs: Sequence[str]) -> list[str]:
    """What is wrong with a volume after boots of `scenario` that said `logs`, wherever their power failed."""
    case = Case(scenario, read_chain(logs), read)
    return [problem for check in CHECKS for problem in check(case)]


@dataclass(frozen=True)
class Case:
    """What is judged."""

    scenario: Scenario
    chain: Chain
    read: Read

    @property
    def boots(self) -> tuple[Boot, ...]:
        return self.chain.boots

    def log(self, files: LogFiles) -> RecordLog:
        """A log of the volume. Raises MissingLog, Contradiction."""
        first, second = files.files
        return read_log(self.read(first), self.read(second))

    @cached_property
    def journal(self) -> tuple[Line, ...]:
        """Lines of the journal; none when it cannot be read, which is told elsewhere."""
        try:
            return self.log(MARKERS.logs["journal"]).lines
        except (MissingLog, Contradiction):
            return ()


# ---- what the boots said ----


def _lines(case: Case) -> Iterator[str]:
    """Every marker line is well formed, and none tells of an error: power comes and goes, nothing else is wrong."""
    for boot in case.boots:
        for problem in boot.log.problems:
            yield f"boot {boot.place}, line {problem.line}: {problem.reason}: {problem.text!r}"
        for record in boot.log.records:
            if record.level == "error":
                yield f"boot {boot.place} said {record.id}: {dict(record.fields)}"


def _prompts(case: Case) -> Iterator[str]:
    """A boot reaches the prompt, unless its row can cut it before; and its end, unless its row can cut it at all.

    What a row counts its writes from is only said behind the prompt.
    """
    rows = case.scenario.rows
    for boot in case.boots:
        cut = rows[(boot.place - 1) % len(rows)].power_cut
        must_reach = boot.is_whole or cut is None or cut.after is not None
        if must_reach and not boot.has_prompt:
            yield f"boot {boot.place} did not reach the prompt"
        if cut is None and not boot.is_whole:
            yield f"boot {boot.place} did not come to its end"


def _counts(case: Case) -> Iterator[str]:
    """Each boot counts itself once: it is the next one, or the same when the one before was cut before it was kept."""
    for before, boot in pairwise(boot for boot in case.boots if boot.count is not None):
        assert before.count is not None
        allowed = {before.count + 1} if before.start_is_kept else {before.count, before.count + 1}
        if boot.count not in allowed:
            yield f"boot {boot.place} calls itself {boot.count}, the one before {before.count}"
        elif boot.count == before.count:
            yield from _same_start(before, boot)
        else:
            yield from _remembers(before, boot)


def _same_start(before: Boot, boot: Boot) -> Iterator[str]:
    """What was said before it was kept is decided alike again."""
    first, second = (dict(each.log.of("oo_boot")[0].fields) for each in (before, boot))
    if first != second:
        yield f"boot {boot.place} starts with {second}, the one cut short before it with {first}"


def _remembers(before: Boot, boot: Boot) -> Iterator[str]:
    """The health that the boot before said it had. Of one that was cut before it was kept, there may be no memory:
    the first record of all was being written, and the journal alone tells that there was a boot."""
    previous = boot.log.of("oo_boot")[0]["previous"]
    had_memory = before.start_is_kept or before.log.of("oo_boot")[0]["previous"] != "none"
    is_forgotten = previous == "none" and had_memory
    if is_forgotten or (before.health is not None and previous != before.health):
        yield f"boot {boot.place} takes the one before for {previous}; it said {before.health}"


def _recoveries(case: Case) -> Iterator[str]:
    """Only a cut spoils a state file, and only one."""
    for before, boot in pairwise(case.boots):
        spoilt = boot.log.of("oo_recovery")
        if len(spoilt) > (0 if before.is_whole else 1):
            yield f"boot {boot.place} found {len(spoilt)} state files that are not whole"


# ---- events ----


def _numbers(case: Case) -> Iterator[str]:
    """Events are numbered one by one; a cut may keep one that was not shown any more."""
    last: Shown | None = None
    place = 0
    for boot in case.boots:
        for shown in boot.shown:
            most = shown.number if last is None else last.number + 1 + boot.place - place
            if last is not None and not last.number < shown.number <= most:
                yield f"boot {boot.place} shows event {shown.number} after {last.number}"
            last, place = shown, boot.place
    newest_shown, unshown = (last.number if last else 0), len(case.boots) + 1 - place
    if case.journal and last and case.journal[-1].number > newest_shown + unshown:
        yield f"the journal ends with event {case.journal[-1].number}, {newest_shown} was shown"


def _events(case: Case) -> Iterator[str]:
    """Every event that was shown is in each of its logs, with its text and its boot."""
    logs_of = {marker.id: marker.logs for marker in MARKERS.marker}
    for name, files in MARKERS.logs.items():
        shown = [each for each in case.chain.shown if name in logs_of[each.record.id]]
        try:
            log = case.log(files)
        except (MissingLog, Contradiction) as error:
            if shown or isinstance(error, Contradiction):
                yield f"the log {name}: {error}"
            continue
        yield from _kept(name, files, log, shown)


def _kept(name: str, files: LogFiles, log: RecordLog, shown: Sequence[Shown]) -> Iterator[str]:
    lines = {line.number: line for line in log.lines}
    oldest_sure = _oldest_sure(files, log)
    for event in shown:
        line = lines.get(event.number)
        expected = f"boot={event.boot_count} {event.text}"
        if line is None and event.number >= oldest_sure:
            yield f"the log {name} has lost event {event.number} ({expected!r})"
        if line is not None and line.text != expected:
            yield f"the log {name} has {line.text!r} as event {event.number}, which was {expected!r}"


def _oldest_sure(files: LogFiles, log: RecordLog) -> int:
    """Number from which on nothing may be gone: when a file is full, the one with older lines is blanked."""
    newer = sum(len(torn.data) + 1 for torn in log.torn)
    for line in reversed(log.lines):
        newer += len(line.to_bytes())
        if newer > files.bytes - RECORD_LINE_MAX:
            return line.number
    return 0


def _journal_boots(case: Case) -> Iterator[str]:
    """The boots of the journal never go back."""
    boots = [int(line.text.removeprefix("boot=").partition(" ")[0]) for line in case.journal]
    for line, (before, boot) in zip(case.journal[1:], pairwise(boots)):
        if boot < before:
            yield f"event {line.number} is of boot {boot}, the one before it of {before}"


# ---- state ----


def _state(case: Case) -> Iterator[str]:
    """The newest whole record is no older than what boots said they had kept."""
    try:
        slot = newest(*map(case.read, STATE_FILES))
    except NoRecord as error:
        if any(boot.start_is_kept for boot in case.boots):
            yield f"the state is lost: {error}"
        return
    lines = slot.payload.decode("ascii").splitlines()
    state = dict(line.split("=", 1) for line in lines)
    yield from _state_count(case, int(state["boot_count"]))
    yield from _state_health(case, state)
    yield from _state_values(case, state)
    checkpoints = [each.record for each in case.chain.shown if each.record.id == "oo_checkpoint"]
    if checkpoints and slot.generation < int(str(checkpoints[-1]["generation"])):
        yield f"the state is of generation {slot.generation}: {dict(checkpoints[-1].fields)}"


def _state_count(case: Case, count: int) -> Iterator[str]:
    kept = [boot.count or 0 for boot in case.boots if boot.start_is_kept]
    said = [boot.count or 0 for boot in case.boots]
    if not max(kept, default=0) <= count <= max(said):
        yield f"the state is of boot {count}; boots {max(kept, default=0)} to {max(said)} were kept"


def _state_health(case: Case, state: Mapping[str, str]) -> Iterator[str]:
    for boot in case.boots:
        if boot.health is None or boot.count != int(state["boot_count"]):
            continue
        if state["stage"] not in STAGES[boot.health]:
            yield f"the state has boot {boot.count} as {state['stage']}, it said {boot.health}"


def _state_values(case: Case, state: Mapping[str, str]) -> Iterator[str]:
    """Changes that were said to be applied are on trial, those said to be confirmed are so, those undone are not."""
    promised = _promises(case, int(state["boot_count"]))
    for name, value in promised.items():
        if int(state[name]) not in (value, *_untold(state, name)):
            yield f"the state has {name}={state[name]}, boots said {value}"


def _promises(case: Case, count: int) -> dict[str, int]:
    """What is to be in a state of boot `count`, by what was said up to it. What is not known is not in it."""
    values = {
        "trial.ctx_len": 0,
        "trial.seq_len": 0,
        "confirmed.ctx_len": 0,
        "confirmed.seq_len": 0,
    }
    for shown in case.chain.shown:
        record = shown.record
        if shown.boot_count > count:
            break
        if record.id == "oo_applied":
            values[f"trial.{KEY_OF[str(record['action'])]}"] = int(str(record["new"]))
        elif record.id == "oo_rollback":
            values[f"trial.{record['key']}"] = int(str(record["to"]))
        elif record.id == "oo_trial":
            values[f"confirmed.{record['key']}"] = int(str(record["value"]))
        elif record.id == "oo_outcome" and record["applied_event"] == 0:
            values.pop(f"trial.{KEY_OF[str(record['action'])]}", None)  # it was applied untold
    return values


def _untold(state: Mapping[str, str], name: str) -> Iterator[int]:
    """Values of actions that were applied, and whose event power did not let be shown."""
    for index in range(4):
        action = state.get(f"pending{index}.action")
        if action and f"trial.{KEY_OF[action]}" == name and state[f"pending{index}.event"] == "0":
            yield int(state[f"pending{index}.new"])


# ---- files ----


def _operator_files(case: Case) -> Iterator[str]:
    """What the operator put there is as it was."""
    given = {CONFIG_PATH: case.scenario.config or (), AUTORUN_PATH: case.scenario.autorun}
    for path, lines in given.items():
        if case.read(path) != "".join(f"{line}\n" for line in lines).encode():
            yield f"{path} is not what was put there"


def _report(case: Case) -> Iterator[str]:
    """The metrics are those last said to be exported, or newer."""
    told = [(boot, record) for boot in case.boots for record in boot.log.of("metrics_written")]
    try:
        report = json.loads(read_report(*map(case.read, REPORT_FILES)))
    except (NoReport, json.JSONDecodeError) as error:
        if told:
            yield f"the metrics are lost: {error}"
        return
    if not told:
        return
    boot, record = told[-1]
    before = boot.log.records[record.seq - 2]
    if (report["boot_count"], report["uptime_us"]) < (boot.count, before.t_us):
        found = f"boot {report['boot_count']}, {report['uptime_us']} us"
        yield f"the metrics are of {found}; boot {boot.count} told of later ones"


CHECKS: tuple[Callable[[Case], Iterator[str]], ...] = (
    _lines,
    _prompts,
    _counts,
    _recoveries,
    _numbers,
    _events,
    _journal_boots,
    _state,
    _operator_files,
    _report,
)
"""A check says what is wrong, one line for each."""
