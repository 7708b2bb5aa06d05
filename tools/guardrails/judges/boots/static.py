"""M8, static: what the marker table promises is what boots say. Read from boots, never from source text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tools.guardrails.captures import Boot
from tools.guardrails.evidence import Evidence
from tools.guardrails.judges.given import is_power_cut
from tools.guardrails.verdict import Finding, Judgement, Status, checked
from tools.markers.parse import Record


@dataclass(frozen=True)
class Promise:
    """A marker by which boots show that they have something of the mission."""

    row: str
    """Of the mission."""
    marker: str
    shows: str
    field: str = ""
    value: str = ""
    """Where one value of a field is what shows it."""

    @property
    def what(self) -> str:
        value = f"_{self.value}" if self.value else ""
        return f"{self.row.lower().replace('.', '_')}_{self.marker}{value}"

    @property
    def line(self) -> str:
        return f"{self.marker} with {self.field}={self.value}" if self.field else self.marker

    def is_kept_by(self, record: Record) -> bool:
        return record.id == self.marker and (
            not self.field or record.fields.get(self.field) == self.value
        )


PROMISES = (
    Promise("A1", "obs_startup", "how long a start took"),
    Promise("A1", "obs_phase", "what a start spent its time on"),
    Promise("A2", "cfg_loaded", "which settings are in force"),
    Promise("A2", "autorun_loaded", "which script runs"),
    Promise("A2", "autorun_done", "that a script has ended"),
    Promise("A2", "gen_end", "how a turn went and why it ended"),
    Promise("A2", "chat_cleared", "that a conversation no longer fitted"),
    Promise("A2", "stats", "how fast a turn was"),
    Promise("A2", "metrics_written", "the figures of a session"),
    Promise("A3", "models_summary", "which models are there"),
    Promise("A3", "model_failed", "why a model could not be loaded"),
    Promise("A3", "model_chosen", "which of several models was chosen"),
    Promise("A3", "model_diagnosis", "why model= was not used as written"),
    Promise("A3", "model_fallback", "which model was loaded instead"),
    Promise("A3", "repl_ready_no_model", "a session without a model"),
    Promise("B1", "oo_consult_start", "what a consult is told"),
    Promise("B1", "oo_choice", "how likely the model holds each action"),
    Promise("B1", "oo_confidence", "a score that only is logged", "gate", "log_only"),
    Promise("B1", "oo_confidence", "a score that decides", "gate", "enforced"),
    Promise("B2", "oo_outcome", "what came of an action"),
    Promise("B2", "oo_feedback", "that outcomes go into the score"),
    Promise("B3", "oo_plan", "how many actions a boot may still apply"),
    Promise("B3", "oo_checkpoint", "the state that is returned to"),
    Promise("M18", "m18_status", "the settings and the last decision of autotune"),
    Promise("M18", "knob", "each sampling knob, and who decides it"),
    Promise("M18.1", "m181_status", "the settings and the state of the guard"),
)


def judge(evidence: Evidence) -> Judgement:
    """Judges captures whose power nobody cuts: a cut leaves half a line, which is no fault of the program."""
    policy = evidence.policies["m8"]
    boots = _boots(evidence)
    minimum = policy.integer("min_lines")
    findings = [_kept(promise, boots, minimum) for promise in PROMISES]
    findings += [_nothing_looks_like_a_marker(boots), _as_in_the_table(evidence, boots)]
    if not policy.switch("skip_build"):
        findings.append(_one_build(boots))
    return Judgement("m8_static", tuple(findings), {"lines": _counts(evidence, boots)})


def _boots(evidence: Evidence) -> tuple[Boot, ...]:
    uncut = {name for name, each in evidence.captures.items() if not is_power_cut(each)}
    return tuple(boot for boot in evidence.boots if boot.scenario in uncut)


def _counts(evidence: Evidence, boots: Iterable[Boot]) -> dict[str, int]:
    """How often each marker of the table is said: those that no boot shows are to be seen."""
    counts = dict.fromkeys((marker.id for marker in evidence.table.marker), 0)
    for boot in boots:
        for record in boot.log.records:
            counts[record.id] += 1
    return counts


def _kept(promise: Promise, boots: tuple[Boot, ...], minimum: int) -> Finding:
    lines = sum(promise.is_kept_by(record) for boot in boots for record in boot.log.records)
    status = Status.PASS if lines >= minimum else Status.FAIL if boots else Status.INSUFFICIENT
    says = (
        f"{promise.row}: {promise.line} shows {promise.shows}: "
        f"expected {minimum} lines or more, found {lines} in {len(boots)} boots"
    )
    return Finding(promise.what, status, lines, minimum, says)


def _nothing_looks_like_a_marker(boots: Iterable[Boot]) -> Finding:
    problems = [
        (f"{boot.place}:{problem.line}", f"{problem.reason}: {problem.text[:120]!r}")
        for boot in boots
        for problem in boot.log.problems
    ]
    lines = sum(len(boot.log.records) for boot in boots)
    return checked("every_marker_is_read", lines, problems, fine=f"{lines} lines, all of the table")


def _as_in_the_table(evidence: Evidence, boots: Iterable[Boot]) -> Finding:
    records = [(boot, record) for boot in boots for record in boot.log.records]
    problems = [
        (boot.at(record), says)
        for boot, record in records
        for says in _differences(evidence, record)
    ]
    fine = "each line has the level of its row, and an event only where a log keeps it"
    return checked("levels_and_events", len(records), problems, fine=fine)


def _differences(evidence: Evidence, record: Record) -> Iterator[str]:
    marker = next(each for each in evidence.table.marker if each.id == record.id)
    if record.level != marker.level:
        yield f"{record.id}: expected level {marker.level}, found {record.level}"
    if record.event is not None and not marker.logs:
        yield f"{record.id}: expected no event, as no log keeps it, found {record.event}"


def _one_build(boots: Iterable[Boot]) -> Finding:
    versions = [(boot.at(r), f"{r['build']:08x}") for boot in boots for r in boot.of("version")]
    first = versions[0][1] if versions else ""
    others = [
        (
            place,
            f"expected build {first}, as of {versions[0][0]}, found {build}: capture them again",
        )
        for place, build in versions
        if build != first
    ]
    return checked("one_build", len(versions), others, fine=f"all of build {first}")
