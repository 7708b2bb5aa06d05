"""The organism beside a model of it in Python: random histories of boots, each command of them compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.captures import MARKERS
from tests.organism import history as to
from tests.organism.history import Command, draw_history
from tests.organism.play import DisagreementError, Play, play_history
from tests.organism.simulation import Reply, Simulation, Status

HISTORIES = 10_000
BYTES = 400
"""Of a history; most need fewer."""
SAID_BY_THE_PROMPT = {"OO_CONSULT_NO_MODEL", "OO_CONSULT_NO_MEMORY"}
"""Before the organism is consulted (firmware/repl)."""
REASONS = {
    word.name for word in MARKERS.words["reason_id"].values if word.name.startswith("OO_")
} - SAID_BY_THE_PROMPT


@pytest.fixture(scope="module")
def simulation() -> Iterator[Simulation]:
    with Simulation() as running:
        yield running


def test_ten_thousand_histories_are_those_of_the_model(simulation: Simulation) -> None:
    """Where the medium does not fail there is one world at a time: everything is equal to the model's. Where it fails
    in the middle of a write, the machine is in one of the worlds that the contract allows."""
    counts: Counter[str] = Counter()

    @settings(
        max_examples=HISTORIES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.binary(min_size=BYTES, max_size=BYTES))
    def check(data: bytes) -> None:
        play = play_history(simulation, draw_history(data))
        assert play.is_uncertain or play.most_worlds == 1
        counts.update(play.reasons)
        counts.update(histories=1, certain=not play.is_uncertain, commands=len(play.commands))

    check()
    assert counts["histories"] >= HISTORIES
    assert counts["certain"] >= HISTORIES / 3
    assert {reason for reason in REASONS if counts[reason] < 5} == set()


def boot(ctx: int, seq: int) -> tuple[Command, Command]:
    """Up to the prompt, with a context that a policy may have decided."""
    return (
        to.Boot(700, 1024, 8192, False, True, True, 2, True, 3, False, 60, True, 0),
        to.Ready(to.Model.LOADED, 500_000, 10_000, ctx, seq, 4096, 1, 0),
    )


TURN = (to.Asked(), to.Answered(10, 9000))
REDUCE_SEQ = to.Consult(("lower the sequence",))


def outcomes(replies: list[Reply]) -> list[tuple[object, object]]:
    records = [record for reply in replies for record in reply.records]
    return [(r["action"], r["reason_id"]) for r in records if r.id == "oo_outcome"]


# What random histories seldom come to.


def test_what_would_make_room_is_judged_when_the_change_fails(simulation: Simulation) -> None:
    """Four actions wait: the oldest has its evidence in this boot, and a fifth would take its place."""
    play = Play(simulation)
    first = (to.New(), *boot(256, 8192), *TURN, REDUCE_SEQ)
    second = (*boot(256, 4096), to.Consult(("reduce ctx",)))
    third = (*boot(2048, 4096), *TURN, to.Consult(("reduce ctx", "lower the sequence")))
    assert outcomes(play.run(*first, *second, *third, to.Protect(True), REDUCE_SEQ)) == []
    assert outcomes(play.run(to.Protect(False), *boot(256, 1024))) == [
        ("reduce_seq", "OO_OUTCOME_SAME"),
        ("reduce_ctx", "OO_OUTCOME_NO_EVIDENCE"),
    ]


def test_an_outcome_waits_for_eight_boots(simulation: Simulation) -> None:
    play = Play(simulation)
    play.run(to.New(), *boot(256, 8192), *TURN, REDUCE_SEQ)
    for _ in range(8):
        assert outcomes(play.run(*boot(256, 4096))) == []
    assert outcomes(play.run(*boot(256, 4096))) == [("reduce_seq", "OO_OUTCOME_NO_EVIDENCE")]


class Liar(Simulation):
    """Leaves a field out of every status, or a kind of line out of every answer."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self._what = what

    def run(self, *commands: Command) -> list[Reply]:
        return [self._altered(reply) for reply in super().run(*commands)]

    def _altered(self, reply: Reply) -> Reply:
        changes: dict[str, Any] = {self._what: None}
        is_field = hasattr(reply.status, self._what)
        return Reply(
            tuple(record for record in reply.records if record.id != self._what),
            replace(reply.status, **changes) if is_field else reply.status,
        )


@pytest.mark.parametrize(
    "what", [*(field.name for field in fields(Status)), "oo_boot", "oo_clamp", "oo_health"]
)
def test_what_differs_from_the_model_is_noticed(what: str) -> None:
    with Liar(what) as simulation, pytest.raises(DisagreementError, match="The model:"):
        play_history(simulation, draw_history(bytes(BYTES)))
