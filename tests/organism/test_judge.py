"""The judge of power cuts acquits a chain of boots that keeps what it says, and notices each way not to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.captures import MARKERS
from tests.organism.judge import judge, judge_chain
from tools.boot.scenario import Boot, PowerCut, Scenario
from tools.boot.volume import VolumeReader
from tools.image.build import build
from tools.image.layout import File, Layout
from tools.image.volume import open_volume
from tools.oo.records import Line
from tools.oo.slots import SLOT_BYTES, Slot

EARLY = Boot(power_cut=PowerCut(after_writes=1))
LATE = Boot(power_cut=PowerCut(after_writes=1, after="REPL ready"))
SCENARIO = Scenario(
    description="x",
    config=("oo_enable=1",),
    autorun=("/metrics", "/poweroff"),
    boot=(LATE, EARLY, LATE, EARLY, Boot()),
)
INIT = "mode=SAFE previous=none healthy_boots=0 reason_id=OO_MODE_INIT"
ONCE = "mode=SAFE previous=healthy healthy_boots=1 reason_id=OO_MODE_HEALTHY_ONCE"
LIFTED = "mode=DEGRADED previous=healthy healthy_boots=0 reason_id=OO_MODE_LIFTED"
LOWERED = "mode=SAFE previous=unhealthy healthy_boots=0 reason_id=OO_MODE_LOWERED"
HEALTHY = "OK: OO health=healthy reason_id=OO_HEALTH_NO_MODEL"
APPLIED = "OK: OO auto-apply: reduce_ctx (old=256 new=128 check=pass reason_id=OO_APPLY_OK)"
UNDONE = "OK: OO rollback ctx_len: 128 -> 0 reason_id=OO_ROLLBACK_UNHEALTHY"
EXPORTED = "OK: Metrics exported to LLMK_METRICS.LOG (9 bytes)"
CONSULTED = (
    "OK: OO consult: mode=SAFE ram=853 ctx=256 seq=256 source=mock suggestion=x applied=1 simulated=0 "
    "blocked=0 score=73 threshold=60 gate=log_only reason_id=OO_CONSULT_DONE"
)
PROMPT = "OK: REPL ready (no model). Type /help"


@dataclass
class Machine:
    """A machine that does what it should, and its volume."""

    logs: list[list[str]] = field(default_factory=list)
    journal: list[Line] = field(default_factory=list)
    consult: list[Line] = field(default_factory=list)
    slots: list[Slot | None] = field(default_factory=lambda: [None, None])
    state: dict[str, str] = field(
        default_factory=lambda: {
            "stage": "none",
            "trial.ctx_len": "0",
            "trial.seq_len": "0",
            "confirmed.ctx_len": "0",
            "confirmed.seq_len": "0",
        }
    )
    files: dict[str, bytes] = field(
        default_factory=lambda: {
            "repl.cfg": b"oo_enable=1\n",
            "llmk-autorun.txt": b"/metrics\n/poweroff\n",
        }
    )

    def say(self, text: str, suffix: str = "", level: str = "info") -> None:
        seq = len(self.logs[-1]) + 1
        self.logs[-1].append(f"{text}{suffix} level={level} seq={seq} t_us={seq * 1000}\n")

    def event(self, text: str, level: str = "info") -> None:
        line = Line(len(self.journal) + 1, f"boot={self.state['boot_count']} {text}")
        self.journal.append(line)
        if text == CONSULTED:
            self.consult.append(line)
        self.say(text, f" event={line.number}", level)

    def save(self, **changes: str) -> None:
        self.state |= {key.replace("__", "."): value for key, value in changes.items()}
        payload = "".join(f"{key}={value}\n" for key, value in self.state.items()).encode()
        generation = max((slot.generation for slot in self.slots if slot), default=0) + 1
        self.slots[generation % 2] = Slot(generation, payload)

    def start(self, count: int, how: str) -> None:
        """Up to the first event, which comes before the state is kept."""
        self.logs.append([])
        self.say("OK: Version: 00c0ffee platform=uefi")
        self.state["boot_count"] = str(count)
        self.event(f"OK: OO boot_count={count} {how}")

    def keep_start(self) -> None:
        self.save(stage="started")
        self.say("[obs][phase] configure ms=1.000")

    def reach_prompt(self) -> None:
        self.save(stage="healthy")
        self.event(HEALTHY)
        self.say(PROMPT)

    def apply(self) -> None:
        self.save()
        generation = max(slot.generation for slot in self.slots if slot)
        tail = f"generation={generation} reason_id=OO_PLAN_CHECKPOINT"
        self.event(f"OK: OO plan checkpoint tag=pre_auto_apply {tail}")
        self.save(trial__ctx_len="128")
        self.event(APPLIED)
        self.event(CONSULTED)

    def export(self, boot: int) -> None:
        text = f'{{"boot_count":{boot},\n"uptime_us":{len(self.logs[-1]) * 1000}\n}}\n'.encode()
        self.files["LLMK_METRICS.LOG"] = self.files["LLMK_METRICS2.LOG"] = text.ljust(2048, b"\n")
        self.say(EXPORTED)

    def problems(self) -> list[str]:
        files = dict(self.files)
        for name, lines in (("journal", self.journal), ("consult", self.consult)):
            first, second = MARKERS.logs[name].files
            content = b"".join(line.to_bytes() for line in lines)
            files[first] = content.ljust(MARKERS.logs[name].bytes, b"\n")
            files[second] = b"\n" * MARKERS.logs[name].bytes
        for name, slot in zip(("OOSTATE.BIN", "OORECOV.BIN"), self.slots):
            files[name] = slot.to_bytes() if slot is not None else b"\n" * SLOT_BYTES
        return judge_chain(SCENARIO, files.get, ["".join(lines) for lines in self.logs])


@pytest.fixture
def machine() -> Machine:
    """Five boots, three of them cut: 2 before its start was kept, 3 behind the prompt, 4 before it."""
    made = Machine()
    made.start(1, INIT)
    made.keep_start()
    made.reach_prompt()
    made.apply()
    made.export(1)
    made.say("[power] off")
    made.start(2, ONCE)
    made.start(2, ONCE)
    made.keep_start()
    made.reach_prompt()
    made.start(3, LIFTED)
    made.keep_start()
    made.start(4, LOWERED)
    made.event(UNDONE, "warn")
    made.state["trial.ctx_len"] = "0"
    made.keep_start()
    made.reach_prompt()
    made.export(4)
    made.say("[power] off")
    return made


def test_a_chain_that_keeps_what_it_says_is_acquitted(machine: Machine) -> None:
    assert machine.problems() == []


def test_what_a_cut_leaves_is_no_problem(machine: Machine) -> None:
    del machine.logs[4:]
    del machine.journal[9:]
    machine.state["trial.ctx_len"] = "128"
    machine.journal.append(Line(10, "boot=3 OK: OO kept, and not shown any more"))
    machine.logs[3].append("OK: REPL rea")
    machine.save(boot_count="3", stage="healthy")
    machine.files["LLMK_METRICS.LOG"] = b"\n" + machine.files["LLMK_METRICS.LOG"][1:]
    assert machine.problems() == []


@pytest.mark.parametrize(("how", "is_loss"), [(INIT, False), (ONCE, True)])
def test_only_a_cut_in_the_first_save_of_all_leaves_nothing_to_remember(
    how: str, is_loss: bool
) -> None:
    """The next boot then counts on from the journal."""
    machine = Machine()
    machine.start(1, how)
    machine.start(2, "mode=SAFE previous=none healthy_boots=0 reason_id=OO_MODE_RECOVERED")
    machine.keep_start()
    machine.reach_prompt()
    expected = ["boot 1 did not reach the prompt"]  # which its row says it must
    if is_loss:
        expected.append("boot 2 takes the one before for none; it said None")
    assert machine.problems() == expected


def test_an_action_that_was_applied_untold_is_no_problem(machine: Machine) -> None:
    """Power failed between the state and the event that speaks of it."""
    untold = {"pending0.action": "reduce_seq", "pending0.event": "0", "pending0.new": "64"}
    machine.state |= untold
    machine.save(trial__seq_len="64")
    assert machine.problems() == []
    machine.state |= untold | {"pending0.event": "5"}
    machine.save()
    assert machine.problems() == ["the state has trial.seq_len=64, boots said 0"]


def test_a_change_that_was_confirmed_stays(machine: Machine) -> None:
    machine.event("OK: OO change seq_len=64 confirmed reason_id=OO_TRIAL_CONFIRMED")
    machine.save(confirmed__seq_len="64")
    assert machine.problems() == []
    machine.save(confirmed__seq_len="0")
    assert machine.problems() == ["the state has confirmed.seq_len=0, boots said 64"]


def _replaced(machine: Machine, number: int, line: Line | None) -> None:
    machine.journal[number - 1 : number] = [line] if line is not None else []


def _lose_event(machine: Machine) -> None:
    _replaced(machine, 5, None)


def _lose_newest_event(machine: Machine) -> None:
    machine.journal.pop()


def _lose_consult(machine: Machine) -> None:
    machine.consult.clear()


def _change_event(machine: Machine) -> None:
    _replaced(machine, 2, Line(2, "boot=1 OK: OO health=idle"))


def _give_event_to_another_boot(machine: Machine) -> None:
    _replaced(machine, 2, Line(2, f"boot=2 {HEALTHY}"))


def _renumber_in_the_journal(machine: Machine) -> None:
    machine.journal[1:] = [Line(line.number + 1, line.text) for line in machine.journal[1:]]


def _renumber_on_the_console(machine: Machine) -> None:
    line = machine.logs[4][1]
    assert " event=10 " in line
    machine.logs[4][1] = line.replace(" event=10 ", " event=9 ")


def _leave_numbers_out(machine: Machine) -> None:
    machine.logs[4][-4] = machine.logs[4][-4].replace(" event=12 ", " event=14 ")


def _add_events_nobody_was_shown(machine: Machine) -> None:
    machine.journal += [Line(number, "boot=4 OK: OO x") for number in (13, 14)]


def _two_boots_of_one_event(machine: Machine) -> None:
    machine.journal.append(Line(13, "boot=3 OK: OO x"))


def _state_of_an_earlier_boot(machine: Machine) -> None:
    payload = machine.slots[0].payload if machine.slots[0] else b""
    old = payload.replace(b"boot_count=4", b"boot_count=3").replace(
        b"trial.ctx_len=0", b"trial.ctx_len=128"
    )
    machine.slots = [Slot(3, old), None]


def _lose_state(machine: Machine) -> None:
    machine.slots = [None, None]


def _older_record(machine: Machine) -> None:
    newest = max(filter(None, machine.slots), key=lambda slot: slot.generation)
    machine.slots = [Slot(2, newest.payload), None]


def _forget_the_undoing(machine: Machine) -> None:
    machine.save(trial__ctx_len="128")


def _forget_health(machine: Machine) -> None:
    machine.save(stage="ready")


def _change_configuration(machine: Machine) -> None:
    machine.files["repl.cfg"] = b"oo_enable=0\n"


def _lose_autorun(machine: Machine) -> None:
    del machine.files["llmk-autorun.txt"]


def _never_reach_the_prompt(machine: Machine) -> None:
    machine.logs[2] = machine.logs[2][:-1]


def _never_reach_the_end(machine: Machine) -> None:
    machine.logs[4].pop()


def _count_twice(machine: Machine) -> None:
    machine.logs[3][1] = machine.logs[3][1].replace("boot_count=3", "boot_count=4")


def _go_back(machine: Machine) -> None:
    machine.logs[3][1] = machine.logs[3][1].replace("boot_count=3", "boot_count=2")


def _start_otherwise(machine: Machine) -> None:
    machine.logs[2][1] = machine.logs[2][1].replace("mode=SAFE", "mode=NORMAL")


def _forget_the_boot_before(machine: Machine) -> None:
    machine.logs[3][1] = machine.logs[3][1].replace("previous=healthy", "previous=none")


def _take_it_for_unhealthy(machine: Machine) -> None:
    machine.logs[3][1] = machine.logs[3][1].replace("previous=healthy", "previous=unhealthy")


def _spoil_a_line(machine: Machine) -> None:
    machine.logs[1][0] = machine.logs[1][0].replace("platform=", "platf")


def _fail_to_write(machine: Machine) -> None:
    machine.logs[2] += ["[oo] WARN: log write failed: x level=error seq=6 t_us=9000\n"]


def _recovery(after_whole_boot: bool) -> Callable[[Machine], None]:
    def spoil(machine: Machine) -> None:
        log = machine.logs[1 if after_whole_boot else 3]
        for seq in range(len(log) + 1, len(log) + (2 if after_whole_boot else 3)):
            log.append(f"[oo] RECOVERY: x problem=y level=warn seq={seq} t_us=9000\n")

    return spoil


def _lose_metrics(machine: Machine) -> None:
    for name in ("LLMK_METRICS.LOG", "LLMK_METRICS2.LOG"):
        machine.files[name] = b"\n" * 2048


def _tear_metrics(machine: Machine) -> None:
    machine.files["LLMK_METRICS.LOG"] = machine.files["LLMK_METRICS.LOG"][:10]


def _older_metrics(machine: Machine) -> None:
    content = machine.files["LLMK_METRICS.LOG"]
    machine.files["LLMK_METRICS.LOG"] = content.replace(b'"boot_count":4', b'"boot_count":3')


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (_lose_event, "the log journal has lost event 5"),
        (_lose_newest_event, "the log journal has lost event 12"),
        (_lose_consult, "the log consult has lost event 5"),
        (_change_event, "the log journal has 'boot=1 OK: OO health=idle' as event 2"),
        (_give_event_to_another_boot, "the log journal has 'boot=2"),
        (_renumber_in_the_journal, "the log journal has lost event 2"),
        (_renumber_on_the_console, "boot 5 shows event 9 after 9"),
        (_leave_numbers_out, "boot 5 shows event 14 after 11"),
        (_add_events_nobody_was_shown, "the journal ends with event 14, 12 was shown"),
        (_two_boots_of_one_event, "event 13 is of boot 3, the one before it of 4"),
        (_state_of_an_earlier_boot, "the state is of boot 3; boots 4 to 4 were kept"),
        (_lose_state, "the state is lost"),
        (_older_record, "the state is of generation 2"),
        (_forget_the_undoing, "the state has trial.ctx_len=128, boots said 0"),
        (_forget_health, "the state has boot 4 as ready, it said healthy"),
        (_change_configuration, "repl.cfg is not what was put there"),
        (_lose_autorun, "llmk-autorun.txt is not what was put there"),
        (_never_reach_the_prompt, "boot 3 did not reach the prompt"),
        (_never_reach_the_end, "boot 5 did not come to its end"),
        (_count_twice, "boot 4 calls itself 4, the one before 2"),
        (_go_back, "boot 4 calls itself 2, the one before 2"),
        (_start_otherwise, "boot 3 starts with"),
        (_forget_the_boot_before, "boot 4 takes the one before for none; it said healthy"),
        (_take_it_for_unhealthy, "boot 4 takes the one before for unhealthy; it said healthy"),
        (_spoil_a_line, "boot 2, line 1: malformed version line"),
        (_fail_to_write, "boot 3 said oo_log_failed"),
        (_recovery(after_whole_boot=True), "boot 2 found 1 state files that are not whole"),
        (_recovery(after_whole_boot=False), "boot 4 found 2 state files that are not whole"),
        (_lose_metrics, "the metrics are lost"),
        (_tear_metrics, "the metrics are lost"),
        (_older_metrics, "the metrics are of boot 3"),
    ],
)
def test_what_is_lost_is_noticed(
    machine: Machine, spoil: Callable[[Machine], None], expected: str
) -> None:
    spoil(machine)
    found = machine.problems()
    assert any(problem.startswith(expected) for problem in found), found


def test_events_may_go_once_a_file_of_newer_ones_is_full(machine: Machine) -> None:
    text = "OK: OO policy decided: system_stable reason_id=OO_STABLE_OK"
    while sum(len(line.to_bytes()) for line in machine.journal[2:]) <= 65536 - 1100:
        machine.event(text)
    del machine.journal[:2]
    assert machine.problems() == []
    del machine.journal[0]
    lost = [problem.partition(" (")[0] for problem in machine.problems()]
    assert lost == [f"the log journal has lost event {number}" for number in (1, 2, 3)]


def test_a_volume_that_makes_no_sense_is_noticed(tmp_path: Path) -> None:
    """`judge` looks at the volume's own structures, too."""
    source = tmp_path / "source"
    source.write_bytes(b"\n" * 65536)
    image = tmp_path / "disk.img"
    names = [*MARKERS.logs["journal"].files, "x.txt"]
    build(Layout(label="L", files=tuple(File(path=n, source=source) for n in names)), image)
    found = judge(VolumeReader(image), [""], 1)
    assert found == [
        "repl.cfg is not what was put there",
        "llmk-autorun.txt is not what was put there",
    ]
    with image.open("r+b") as file:
        with open_volume(image) as volume:
            file.seek(volume.offset + volume.geometry.fat_offsets[1])
        file.write(bytes(1024))
    assert judge(VolumeReader(image), [""], 1) == ["the volume: fat: the two FATs differ"]
